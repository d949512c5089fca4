//! Two folders with the same in them, one for each side.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use oneex_sdk::{Op, Value};
use oneex_testkit::{Ansible, TestHost, laws};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use tempfile::TempDir;

/// What stands for the folder in paths and contents.
pub(super) const HERE: &str = "@here";

/// Something that is there before.
#[derive(Debug, Clone)]
pub(super) enum Seed {
    File {
        name: String,
        content: String,
        mode: u32,
    },
    Folder {
        name: String,
        mode: u32,
    },
    Link {
        name: String,
        target: String,
    },
    /// Entries of the access control list of what is there, as setfacl(1) takes them.
    Access {
        name: String,
        entries: String,
    },
    /// An extended attribute of what is there.
    Attribute {
        name: String,
        key: String,
        value: String,
    },
}

/// One call in the words of both; `@here` stands for the folder.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) ours: Value,
    pub(super) module: &'static str,
    pub(super) theirs: Value,
}

/// What is in a folder: by name, its type, mode, owner, group, links, extended attributes, and content or target.
pub(super) type Tree = BTreeMap<String, String>;

/// How one side did.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Did {
    /// Whether a plan says that something would change; nothing where it failed.
    pub(super) plan: Option<bool>,
    /// Whether the first and the second run changed something; nothing where one failed.
    pub(super) runs: [Option<bool>; 2],
    /// What is there after the first and the second.
    pub(super) trees: [Tree; 2],
    /// Why it failed.
    pub(super) failure: Option<String>,
    /// It broke down with a stack trace.
    pub(super) crashed: bool,
    /// What the first run said.
    pub(super) said: Value,
}

impl std::fmt::Display for Did {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "plan {:?}, runs {:?}, failure {:?}", self.plan, self.runs, self.failure)
    }
}

/// Both sides: a host of ours, and the process that runs their modules.
pub(super) struct Twins {
    ansible: Ansible,
    runtime: tokio::runtime::Runtime,
    /// Folders of the system that each side has of its own, and where theirs are.
    private: Option<(TempDir, &'static [&'static str])>,
}

impl Twins {
    /// Where `private` names folders of the system, such as `/etc`, these are each side's own, below its folder.
    fn new(private: &'static [&'static str]) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        if private.is_empty() {
            return Self { ansible: Ansible::start(), runtime, private: None };
        }
        let root = TempDir::with_prefix("oneex-twin-").expect("a temporary folder");
        for folder in private {
            std::fs::create_dir_all(below(root.path(), folder)).expect("a folder");
        }
        Self {
            ansible: Ansible::start_in_place(root.path(), private),
            runtime,
            private: Some((root, private)),
        }
    }

    /// What both sides do with the same call.
    pub(super) fn both<O: Op>(&mut self, op: fn() -> O, seeds: &[Seed], call: &Call) -> (Did, Did) {
        (self.ours(op, seeds, call), self.theirs(seeds, call))
    }

    fn ours<O: Op>(&self, op: fn() -> O, seeds: &[Seed], call: &Call) -> Did {
        let private = self.private.as_ref().map_or(&[][..], |(_, folders)| folders);
        let host = if private.is_empty() { TestHost::new() } else { TestHost::new().with_private(private) };
        plant(host.root(), seeds);
        let options = placed(&call.ours, host.root());
        let (mut failure, mut plan) = (None, None);
        let mut keep = |error: oneex_sdk::OpError| failure = Some(error.to_string());
        let mut said = Value::Null;
        let mut run = || {
            let done = self.runtime.block_on(laws::run(op(), &host, options.clone()));
            // A plan is the same look and comparison, which the law of a read that changes nothing holds for.
            plan = plan.or(done.as_ref().ok().map(|done| !done.change.is_empty()));
            if let (Ok(done), true) = (&done, said.is_null()) {
                said = lifted(&Value::Object(done.output.fields.clone()), host.root());
            }
            (done.map(|done| done.changed).map_err(&mut keep).ok(), tree(host.root()))
        };
        let (first, second) = (run(), run());
        Did { plan, runs: [first.0, second.0], trees: [first.1, second.1], failure, crashed: false, said }
    }

    fn theirs(&mut self, seeds: &[Seed], call: &Call) -> Did {
        let own;
        let folder = match &self.private {
            Some((root, folders)) => {
                for folder in *folders {
                    empty(&below(root.path(), folder));
                }
                root.path()
            }
            None => {
                own = TempDir::with_prefix("oneex-twin-").expect("a temporary folder");
                own.path()
            }
        };
        plant(folder, seeds);
        let args = placed(&call.theirs, folder);
        let (mut failure, mut crashed, mut said) = (None, false, Value::Null);
        let mut run = |check| {
            let answer = self.ansible.call(call.module, &args, check);
            crashed |= answer.crashed();
            if !check && said.is_null() {
                said = lifted(&answer.0, folder);
            }
            let failed = answer.failure().map(str::to_owned);
            let changed = failed.is_none().then(|| answer.changed());
            failure = failed.or(failure.take());
            (changed, tree(folder))
        };
        let (plan, first, second) = (run(true), run(false), run(false));
        Did { plan: plan.0, runs: [first.0, second.0], trees: [first.1, second.1], failure, crashed, said }
    }
}

/// Runs a property over as many cases as asked for; `ONEEX_CASES` is a factor. The seed stays, so that a run in CI is
/// the run that was seen.
pub(super) fn compare<S: proptest::strategy::Strategy>(
    cases: u32,
    strategy: &S,
    test: impl FnMut(&mut Twins, S::Value) -> Result<(), TestCaseError>,
) {
    compare_in_place(&[], cases, strategy, test);
}

/// The same where these folders of the system are each side's own.
pub(super) fn compare_in_place<S: proptest::strategy::Strategy>(
    private: &'static [&'static str],
    cases: u32,
    strategy: &S,
    mut test: impl FnMut(&mut Twins, S::Value) -> Result<(), TestCaseError>,
) {
    let twins = std::cell::RefCell::new(Twins::new(private));
    random(cases, strategy, |value| test(&mut twins.borrow_mut(), value));
}

/// Runs a property over as many cases as asked for, as [`compare`] does.
pub(super) fn random<S: proptest::strategy::Strategy>(
    cases: u32,
    strategy: &S,
    test: impl FnMut(S::Value) -> Result<(), TestCaseError>,
) {
    let factor = std::env::var("ONEEX_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let config = Config { cases: cases * factor, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let test = std::cell::RefCell::new(test);
    let result = runner.run(strategy, |value| (test.borrow_mut())(value));
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// Both did the same.
pub(super) fn same(call: &Call, ours: &Did, theirs: &Did) -> Result<(), TestCaseError> {
    if theirs.crashed {
        return Ok(());
    }
    let both_failed = ours.failure.is_some() && theirs.failure.is_some();
    if both_failed && ours.trees[0] == theirs.trees[0] {
        return Ok(());
    }
    let agrees = ours.failure.is_none() == theirs.failure.is_none()
        && (ours.plan, &ours.runs, &ours.trees) == (theirs.plan, &theirs.runs, &theirs.trees);
    if agrees { Ok(()) } else { Err(differ(call, ours, theirs)) }
}

/// What both did, to be read: of the trees what differs.
pub(super) fn differ(call: &Call, ours: &Did, theirs: &Did) -> TestCaseError {
    let mut text = format!(
        "they differ\nours: {}\n  {ours}\ntheirs: {} {}\n  {theirs}\n",
        call.ours, call.module, call.theirs
    );
    for (run, (ours, theirs)) in ["first", "second"].iter().zip(ours.trees.iter().zip(&theirs.trees)) {
        let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        for name in names.into_iter().filter(|name| ours.get(*name) != theirs.get(*name)) {
            let of = |tree: &Tree| tree.get(name).map_or("nothing", String::as_str).to_owned();
            text += &format!("  {run} run, {name:?}\n    ours:   {}\n    theirs: {}\n", of(ours), of(theirs));
        }
    }
    TestCaseError::fail(text)
}

/// Options without those that are nothing, or false.
pub(super) fn without_nothing(mut options: Value) -> Value {
    if let Value::Object(map) = &mut options {
        map.retain(|_, value| !value.is_null() && *value != Value::Bool(false));
    }
    options
}

fn below(root: &Path, folder: &str) -> PathBuf {
    root.join(folder.trim_start_matches('/'))
}

fn empty(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let is_folder = entry.file_type().expect("a type").is_dir();
        let removed = if is_folder {
            std::fs::remove_dir_all(entry.path())
        } else {
            std::fs::remove_file(entry.path())
        };
        removed.expect("it is removed");
    }
}

fn plant(root: &Path, seeds: &[Seed]) {
    for seed in seeds {
        let (name, mode) = match seed {
            Seed::File { name, content, mode } => {
                std::fs::write(root.join(name), placed_text(content, root)).expect("a file");
                (name, *mode)
            }
            Seed::Folder { name, mode } => {
                std::fs::create_dir(root.join(name)).expect("a folder");
                (name, *mode)
            }
            Seed::Link { name, target } => {
                std::os::unix::fs::symlink(placed_text(target, root), root.join(name)).expect("a link");
                continue;
            }
            Seed::Access { name, entries } => {
                let mut command = std::process::Command::new("setfacl");
                let status = command.args(["-m", entries, "--"]).arg(root.join(name)).status();
                assert!(status.expect("setfacl runs").success(), "{entries}");
                continue;
            }
            Seed::Attribute { name, key, value } => {
                let flags = rustix::fs::XattrFlags::empty();
                rustix::fs::setxattr(root.join(name), key, value.as_bytes(), flags).expect("an attribute");
                continue;
            }
        };
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(root.join(name), mode).expect("a mode");
    }
}

fn placed_text(text: &str, root: &Path) -> String {
    text.replace(HERE, root.to_str().expect("a UTF-8 path"))
}

/// With the folder where `@here` stands for it.
fn placed(value: &Value, root: &Path) -> Value {
    mapped(value, &|text| placed_text(text, root))
}

/// With `@here` in place of the folder.
fn lifted(value: &Value, root: &Path) -> Value {
    mapped(value, &|text| text.replace(root.to_str().expect("a UTF-8 path"), HERE))
}

fn mapped(value: &Value, map: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => map(text).into(),
        Value::Array(items) => items.iter().map(|item| mapped(item, map)).collect(),
        Value::Object(all) => all.iter().map(|(key, value)| (key.clone(), mapped(value, map))).collect(),
        other => other.clone(),
    }
}

fn tree(root: &Path) -> Tree {
    let mut found = Tree::new();
    let mut left = vec![root.to_owned()];
    let here = root.to_str().expect("a UTF-8 path");
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            let metadata = path.symlink_metadata().expect("metadata");
            let (kind, content) = if metadata.is_symlink() {
                let target = std::fs::read_link(&path).expect("a target");
                ("link", target.to_string_lossy().replace(here, HERE))
            } else if metadata.is_dir() {
                left.push(path.clone());
                ("folder", String::new())
            } else {
                let content = std::fs::read(&path).expect("a content");
                ("file", String::from_utf8_lossy(&content).replace(here, HERE))
            };
            let name = path.strip_prefix(root).expect("below").to_string_lossy().into_owned();
            let mode = if metadata.is_symlink() { 0 } else { metadata.mode() & 0o7777 };
            let owner = (metadata.uid(), metadata.gid());
            let links = if metadata.is_file() { metadata.nlink() } else { 1 };
            let extended = if metadata.is_symlink() { String::new() } else { extended(&path) };
            found.insert(name, format!("{kind} {mode:04o} {owner:?} {links} {extended}{content:?}"));
        }
    }
    found
}

/// The extended attributes, among them the access control lists.
fn extended(path: &Path) -> String {
    let mut names = vec![0; 65536];
    let length = rustix::fs::listxattr(path, names.as_mut_slice()).unwrap_or(0);
    let mut all = BTreeMap::new();
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0; 65536];
        let length = rustix::fs::getxattr(path, name, value.as_mut_slice()).expect("an attribute");
        let name = String::from_utf8_lossy(name).into_owned();
        let value = match name.as_str() {
            "system.posix_acl_access" | "system.posix_acl_default" => entries(&value[..length]),
            _ => value[..length].escape_ascii().to_string(),
        };
        all.insert(name, value);
    }
    if all.is_empty() { String::new() } else { format!("{all:?} ") }
}

/// An access control list as the kernel keeps it, after four bytes for the version: tag, permissions, number.
fn entries(bytes: &[u8]) -> String {
    let half = |bytes: &[u8]| u16::from_le_bytes([bytes[0], bytes[1]]);
    let entry = |bytes: &[u8]| match half(bytes) {
        0x10 => format!("mask:{}", half(&bytes[2..])),
        tag => format!("{tag}:{}:{}", half(&bytes[4..]), half(&bytes[2..])),
    };
    bytes[4..].chunks_exact(8).map(entry).collect::<Vec<_>>().join(",")
}
