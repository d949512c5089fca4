//! `git` beside `git`: the same calls, one after the other, on two checkouts of one repository.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use oneex_sdk::{Value, json};
use oneex_testkit::{Ansible, TestHost, laws};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use tempfile::TempDir;

use super::twins::random;
use crate::host::ops::Git;

/// What happens between two calls, and the options of the next.
#[derive(Debug, Clone)]
enum Step {
    /// A file of the checkout gets this content on the host.
    Edit(&'static str, &'static str),
    /// The other repository gets a commit on this branch.
    Commit(&'static str),
    /// The tag `v1` moves to this branch.
    Tag(&'static str),
    /// Both are called.
    Call(Value),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let version = prop::sample::select(vec!["HEAD", "main", "dev", "v1", "light"]);
    let depth = prop::option::weighted(0.3, Just(1));
    let call = (version, prop::bool::weighted(0.3), depth, prop::bool::weighted(0.2)).prop_map(
        |(version, force, depth, single)| {
            let mut options = json!({ "version": version, "force": force });
            if let Some(depth) = depth {
                options["depth"] = json!(depth);
            }
            if single {
                options["single_branch"] = json!(true);
            }
            Step::Call(options)
        },
    );
    let branch = || prop::sample::select(vec!["main", "dev"]);
    let step = prop_oneof![
        4 => call.clone(),
        1 => (prop::sample::select(vec!["file", "own", "more"]), prop::sample::select(vec!["x", "two"]))
            .prop_map(|(name, content)| Step::Edit(name, content)),
        2 => branch().prop_map(Step::Commit),
        1 => branch().prop_map(Step::Tag),
    ];
    (call, prop::collection::vec(step, 1..6)).prop_map(|(first, rest)| [vec![first], rest].concat())
}

/// The machine's git, with nobody's configuration.
fn git(folder: &Path, words: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .current_dir(folder)
        .args(words)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .envs(["AUTHOR", "COMMITTER"].iter().flat_map(|who| {
            [(format!("GIT_{who}_NAME"), "Ada"), (format!("GIT_{who}_EMAIL"), "ada@example.org")]
        }))
        .output()
        .expect("git runs");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn origin() -> TempDir {
    let folder = TempDir::with_prefix("oneex-origin-").expect("a folder");
    git(folder.path(), &["-c", "init.defaultBranch=main", "init", "-q"]).expect("a repository");
    commit(folder.path(), "file", "one");
    git(folder.path(), &["tag", "-a", "-m", "first", "v1"]).expect("a tag");
    commit(folder.path(), "file", "two");
    git(folder.path(), &["tag", "light"]).expect("a tag");
    git(folder.path(), &["checkout", "-q", "-b", "dev"]).expect("a branch");
    commit(folder.path(), "more", "three");
    git(folder.path(), &["checkout", "-q", "main"]).expect("the branch");
    folder
}

fn commit(folder: &Path, name: &str, content: &str) {
    std::fs::write(folder.join(name), content).expect("a file");
    git(folder, &["add", "-A"]).expect("added");
    git(folder, &["commit", "-q", "-m", content]).expect("a commit");
}

/// The files of a checkout, and what is checked out.
fn state(folder: &Path) -> BTreeMap<String, Option<String>> {
    let mut state = BTreeMap::new();
    for entry in
        std::fs::read_dir(folder).into_iter().flatten().flatten().filter(|entry| entry.path().is_file())
    {
        let content = String::from_utf8_lossy(&std::fs::read(entry.path()).expect("a content")).into_owned();
        state.insert(entry.file_name().to_string_lossy().into_owned(), Some(content));
    }
    if folder.exists() {
        state.insert("HEAD".into(), git(folder, &["rev-parse", "HEAD"]));
        state.insert("status".into(), git(folder, &["status", "--porcelain"]));
    }
    state
}

#[test]
fn checkouts_are_those_that_ansible_makes() {
    let (mut ansible, mut calls) = (Ansible::start(), 0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    random(20, &steps(), |steps| {
        let (origin, host, theirs) = (origin(), TestHost::new(), TempDir::new().expect("a folder"));
        let folders = [host.root().join("co"), theirs.path().join("co")];
        let url = format!("file://{}", origin.path().display());
        for (number, step) in steps.iter().enumerate() {
            let options = match step {
                Step::Edit(name, content) => {
                    for folder in folders.iter().filter(|folder| folder.exists()) {
                        std::fs::write(folder.join(name), content).expect("a file");
                    }
                    continue;
                }
                Step::Commit(branch) => {
                    git(origin.path(), &["checkout", "-q", branch]).expect("the branch");
                    commit(origin.path(), "file", &format!("step {number}"));
                    git(origin.path(), &["checkout", "-q", "main"]).expect("the branch");
                    continue;
                }
                Step::Tag(branch) => {
                    git(origin.path(), &["tag", "-f", "v1", branch]).expect("a tag");
                    continue;
                }
                Step::Call(options) => options,
            };
            let mut call = options.clone();
            call["repo"] = json!(url);
            call["dest"] = json!(folders[0]);
            let done = runtime.block_on(laws::run(Git, &host, call.clone()));
            call["dest"] = json!(folders[1]);
            let answer = ansible.call("git", &call, false);
            calls += 1;
            let ours = done.as_ref().map(|done| done.changed).map_err(ToString::to_string);
            let told = match answer.failure() {
                Some(failure) => Err(failure.to_owned()),
                None => Ok(answer.changed()),
            };
            // A tag that has moved is followed here, and there only by force; and a checkout with a part of the history
            // cannot leave its branch there.
            let theirs_alone = ["would clobber existing tag", "Failed to checkout"];
            if told.as_ref().is_err_and(|failure| theirs_alone.iter().any(|text| failure.contains(text))) {
                return Ok(());
            }
            let agrees = ours.clone().ok() == told.clone().ok() && state(&folders[0]) == state(&folders[1]);
            if !agrees {
                return Err(TestCaseError::fail(format!(
                    "they differ at step {number} of {steps:?}\nours: {ours:?} {:?}\ntheirs: {told:?} {:?}",
                    state(&folders[0]),
                    state(&folders[1])
                )));
            }
        }
        Ok(())
    });
    assert!(calls > 40, "{calls} calls");
}
