//! `git` with the real git, over the file system, HTTP and SSH.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oneex_sdk::{ErrorKind, Reader as _, Value, json};
use oneex_testkit::api::{FakeApi, Reply};
use oneex_testkit::laws::Done;
use oneex_testkit::{SshFarm, TestHost, laws};

use crate::host::ops::git::Git;

/// A repository that tests commit to.
struct Origin {
    folder: tempfile::TempDir,
}

impl Origin {
    /// The branches `main` with two commits and `dev` with one more, an annotated tag `v1` at the first commit, and the
    /// tag `light` at the second.
    fn new() -> Self {
        let origin = Self { folder: tempfile::tempdir().expect("a folder") };
        origin.git(&["-c", "init.defaultBranch=main", "init", "-q"]);
        origin.commit("file", "one");
        origin.git(&["tag", "-a", "-m", "first", "v1"]);
        origin.commit("file", "two");
        origin.git(&["tag", "light"]);
        origin.git(&["checkout", "-q", "-b", "dev"]);
        origin.commit("more", "three");
        origin.git(&["checkout", "-q", "main"]);
        origin
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Its address; over the file system git takes no part of a history otherwise.
    fn url(&self) -> String {
        format!("file://{}", self.path().display())
    }

    fn git(&self, words: &[&str]) -> String {
        git_in(self.path(), words)
    }

    fn commit(&self, name: &str, content: &str) -> String {
        std::fs::write(self.path().join(name), content).expect("a file");
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", content]);
        self.head("HEAD")
    }

    fn head(&self, version: &str) -> String {
        self.git(&["rev-parse", &format!("{version}^{{commit}}")])
    }
}

/// Runs the machine's git with no configuration but that of the repository.
fn git_in(folder: &Path, words: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .args(["-c", "protocol.file.allow=always"])
        .args(words)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .envs(["AUTHOR", "COMMITTER"].iter().flat_map(|who| {
            [(format!("GIT_{who}_NAME"), "Ada"), (format!("GIT_{who}_EMAIL"), "ada@example.org")]
        }))
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

fn at(host: &TestHost, words: &[&str]) -> String {
    git_in(Path::new(&host.path("co")), words)
}

fn options(host: &TestHost, repo: &str, more: Value) -> Value {
    let mut options = json!({ "repo": repo, "dest": host.path("co") });
    let more = more.as_object().expect("options").clone();
    options.as_object_mut().expect("options").extend(more);
    options
}

async fn ensure(host: &TestHost, repo: &str, more: Value) -> Done {
    laws::ensures(Git, host, options(host, repo, more.clone())).await.unwrap_or_else(|error| {
        panic!("{more}: {error}: {:?}", error.command);
    })
}

async fn refusal(host: &TestHost, repo: &str, more: Value) -> oneex_sdk::OpError {
    laws::run(Git, host, options(host, repo, more)).await.expect_err("a refusal")
}

#[tokio::test]
async fn versions_become_files() {
    let origin = Origin::new();
    let (one, two, three) = (origin.head("v1"), origin.head("main"), origin.head("dev"));
    let host = TestHost::new();
    // One after the other on the same host: from nothing, and from each other.
    for (version, commit, branch, files) in [
        ("HEAD", &two, "main", "file=two"),
        ("v1", &one, "", "file=one"),
        ("dev", &three, "dev", "file=two more=three"),
        ("light", &two, "", "file=two"),
        (&one[..10], &one, "", "file=one"),
        (&three, &three, "", "file=two more=three"),
        ("refs/tags/v1", &one, "", "file=one"),
        ("main", &two, "main", "file=two"),
    ] {
        let done = ensure(&host, &origin.url(), json!({ "version": version })).await;
        assert!(done.changed, "{version}");
        assert_eq!(done.output.fields.get("after"), Some(&json!(commit)), "{version}");
        assert_eq!(at(&host, &["rev-parse", "HEAD"]), *commit, "{version}");
        assert_eq!(at(&host, &["branch", "--show-current"]), branch, "{version}");
        assert_eq!(at(&host, &["status", "--porcelain"]), "", "{version}");
        let there: Vec<String> = ["file", "more"]
            .iter()
            .filter_map(|name| Some((name, host.content(&format!("co/{name}"))?)))
            .map(|(name, content)| format!("{name}={}", String::from_utf8_lossy(&content)))
            .collect();
        assert_eq!(there.join(" "), files, "{version}");
    }
    assert_eq!(at(&host, &["rev-parse", "--abbrev-ref", "main@{upstream}"]), "origin/main");
}

#[tokio::test]
async fn a_plan_says_what_comes() {
    let (origin, host) = (Origin::new(), TestHost::new());
    let (one, two) = (origin.head("v1"), origin.head("main"));
    let plan = async |more| {
        let options = options(&host, &origin.url(), more);
        laws::plan(Git, &host, options).await.expect("a plan").to_text()
    };
    assert_eq!(plan(json!({ "version": "v1" })).await, format!("version: + {} (v1)\n", &one[..10]));
    ensure(&host, &origin.url(), json!({ "version": "v1" })).await;
    assert_eq!(plan(json!({})).await, format!("version: {} → {} (main)\n", &one[..10], &two[..10]));
    assert_eq!(plan(json!({ "update": false })).await, "");
    at(&host, &["remote", "set-url", "origin", "https://ada:hunter2@example.org/x"]);
    assert_eq!(
        plan(json!({ "version": "v1" })).await,
        format!("repository: https://ada:•••@example.org/x → {}\n", origin.url())
    );
}

#[tokio::test]
async fn what_moves_is_followed() {
    let (origin, host) = (Origin::new(), TestHost::new());
    ensure(&host, &origin.url(), json!({})).await;
    let new = origin.commit("file", "four");
    host.write("co/own", "not known to git");
    let done = ensure(&host, &origin.url(), json!({})).await;
    assert_eq!(done.output.fields.get("after"), Some(&json!(new)));
    assert_eq!(host.content("co/own").as_deref(), Some(&b"not known to git"[..]));

    // A tag that moves, a branch that was written anew, and a commit of the host's own.
    ensure(&host, &origin.url(), json!({ "version": "v1" })).await;
    origin.git(&["tag", "-f", "v1", "dev"]);
    assert!(ensure(&host, &origin.url(), json!({ "version": "v1" })).await.changed);
    assert_eq!(at(&host, &["rev-parse", "HEAD"]), origin.head("dev"));
    origin.git(&["reset", "-q", "--hard", "HEAD~2"]);
    let again = origin.commit("other", "five");
    ensure(&host, &origin.url(), json!({ "version": "main" })).await;
    assert_eq!(at(&host, &["rev-parse", "HEAD"]), again);
    host.write("co/file", "six");
    at(&host, &["commit", "-q", "-a", "-m", "own"]);
    assert!(ensure(&host, &origin.url(), json!({})).await.changed);
    assert_eq!(at(&host, &["rev-parse", "HEAD"]), again);

    // Another repository in its place.
    let other = Origin::new();
    let done = ensure(&host, &other.url(), json!({})).await;
    assert!(done.change.has("repository"), "{:?}", done.change);
    assert_eq!(at(&host, &["remote", "get-url", "origin"]), other.url());
}

#[tokio::test]
async fn what_was_changed_on_the_host_is_not_lost() {
    let (origin, host) = (Origin::new(), TestHost::new());
    ensure(&host, &origin.url(), json!({})).await;
    host.write("co/file", "changed here");
    let before = laws::snapshot(host.root());
    for version in ["HEAD", "v1"] {
        let error = refusal(&host, &origin.url(), json!({ "version": version })).await;
        assert_eq!(error.message, format!("1 file was changed in `{}`, such as `file`", host.path("co")));
        assert_eq!(laws::snapshot(host.root()), before);
    }
    let done = ensure(&host, &origin.url(), json!({ "force": true })).await;
    assert_eq!(done.change.to_text(), "files: 1 changed → as in the repository\n");
    assert_eq!(host.content("co/file").as_deref(), Some(&b"two"[..]));

    // `dev` has a file that git does not know here yet.
    host.write("co/more", "own");
    let error = refusal(&host, &origin.url(), json!({ "version": "dev" })).await;
    let message = format!("files in `{}` that the repository does not know are in its way", host.path("co"));
    assert_eq!(error.message, message);
    assert_eq!(host.content("co/more").as_deref(), Some(&b"own"[..]));
    assert_eq!(at(&host, &["rev-parse", "HEAD"]), origin.head("main"));
    assert!(ensure(&host, &origin.url(), json!({ "version": "dev", "force": true })).await.changed);
    assert_eq!(host.content("co/more").as_deref(), Some(&b"three"[..]));
}

#[tokio::test]
async fn neither_a_clone_nor_an_update_where_none_is_wanted() {
    let (origin, host) = (Origin::new(), TestHost::new());
    assert!(!ensure(&host, &origin.url(), json!({ "clone": false })).await.changed);
    assert!(!Path::new(&host.path("co")).exists());
    ensure(&host, &origin.url(), json!({ "update": false, "version": "v1" })).await;
    assert!(!ensure(&host, &origin.url(), json!({ "update": false })).await.changed);
    assert_eq!(at(&host, &["rev-parse", "HEAD"]), origin.head("v1"));
    assert!(ensure(&host, &origin.url(), json!({ "clone": false })).await.changed);
}

#[tokio::test]
async fn a_part_of_the_history() {
    let origin = Origin::new();
    for (version, branches) in [("main", "origin/main"), ("v1", ""), (&origin.head("dev"), "")] {
        let host = TestHost::new();
        ensure(&host, &origin.url(), json!({ "version": version, "depth": 1 })).await;
        assert_eq!(at(&host, &["rev-list", "--count", "HEAD"]), "1", "{version}");
        let there = at(&host, &["for-each-ref", "--format=%(refname:short)", "refs/remotes"]);
        assert_eq!(there, branches, "{version}");
        // What is there stays short, until all of it is asked for.
        ensure(&host, &origin.url(), json!({ "version": "dev", "depth": 1 })).await;
        assert_eq!(at(&host, &["rev-list", "--count", "HEAD"]), "1", "{version}");
        ensure(&host, &origin.url(), json!({ "version": "light" })).await;
        assert_eq!(at(&host, &["rev-list", "--count", "HEAD"]), "2", "{version}");
        // And what is whole is not cut down.
        ensure(&host, &origin.url(), json!({ "version": "dev", "depth": 1 })).await;
        assert_eq!(at(&host, &["rev-list", "--count", "HEAD"]), "3", "{version}");
    }
    let host = TestHost::new();
    ensure(&host, &origin.url(), json!({ "version": "dev", "single_branch": true })).await;
    assert_eq!(at(&host, &["for-each-ref", "--format=%(refname:short)", "refs/remotes"]), "origin/dev");
    assert_eq!(at(&host, &["rev-list", "--count", "HEAD"]), "3");
    let more = json!({ "version": "dev", "refspec": "+refs/tags/v1:refs/kept/v1" });
    origin.commit("file", "four");
    ensure(&host, &origin.url(), json!({ "version": "main", "refspec": more["refspec"] })).await;
    assert_eq!(at(&host, &["rev-parse", "refs/kept/v1^{commit}"]), origin.head("v1"));
}

#[tokio::test]
async fn submodules_come_along() {
    let (library, origin, host) = (Origin::new(), Origin::new(), TestHost::new());
    host.write(".gitconfig", "[protocol \"file\"]\n\tallow = always\n");
    origin.git(&["submodule", "-q", "add", "-b", "main", &library.url(), "lib dir"]);
    origin.git(&["commit", "-q", "-m", "library"]);
    ensure(&host, &origin.url(), json!({ "recursive": false })).await;
    assert_eq!(host.content("co/lib dir/file"), None);
    let done = ensure(&host, &origin.url(), json!({})).await;
    assert_eq!(done.change.to_text(), "submodules: 1 at others → at their commits\n");
    assert_eq!(host.content("co/lib dir/file").as_deref(), Some(&b"two"[..]));

    let new = library.commit("file", "newer");
    git_in(&origin.path().join("lib dir"), &["pull", "-q", "origin", "main"]);
    origin.git(&["commit", "-q", "-a", "-m", "newer library"]);
    ensure(&host, &origin.url(), json!({})).await;
    assert_eq!(git_in(Path::new(&host.path("co/lib dir")), &["rev-parse", "HEAD"]), new);

    let fresh = TestHost::new();
    fresh.write(".gitconfig", "[protocol \"file\"]\n\tallow = always\n");
    ensure(&fresh, &origin.url(), json!({})).await;
    assert_eq!(fresh.content("co/lib dir/file").as_deref(), Some(&b"newer"[..]));
}

#[tokio::test]
async fn a_repository_without_files() {
    let (origin, host) = (Origin::new(), TestHost::new());
    ensure(&host, &origin.url(), json!({ "bare": true })).await;
    assert_eq!(at(&host, &["rev-parse", "--is-bare-repository"]), "true");
    assert_eq!(at(&host, &["symbolic-ref", "HEAD"]), "refs/heads/main");
    let new = origin.commit("file", "four");
    assert!(ensure(&host, &origin.url(), json!({ "bare": true })).await.changed);
    assert_eq!(at(&host, &["rev-parse", "main"]), new);
    ensure(&host, &origin.url(), json!({ "bare": true, "version": "v1" })).await;
    assert_eq!(at(&host, &["rev-parse", "HEAD"]), origin.head("v1"));
}

#[tokio::test]
async fn an_empty_folder_keeps_its_attributes() {
    let (origin, host) = (Origin::new(), TestHost::new());
    std::fs::create_dir(host.path("co")).expect("a folder");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o750);
    std::fs::set_permissions(host.path("co"), mode).expect("a mode");
    ensure(&host, &origin.url(), json!({ "umask": "0077" })).await;
    assert_eq!((host.mode("co"), host.mode("co/file")), (0o750, 0o600));
    let names = std::fs::read_dir(host.root()).expect("the folder").count();
    assert_eq!(names, 1, "nothing is left beside it");
}

#[tokio::test]
async fn names_arrive_as_they_are() {
    for name in
        ["a b", "it's \"x\"", "new\nline\n", "-n", "$(id)", "`id`", "*", "\\", "größe", "--", "a=b", "%s"]
    {
        let origin = Origin::new();
        let branch: String = name.replace([' ', '*', '\\', '\n'], "_");
        let branch = format!("x{branch}");
        origin.git(&["checkout", "-q", "-b", &branch]);
        origin.commit("file", name);
        let host = TestHost::new();
        let dest = format!("{}/{name}/{name}", host.path("deep"));
        let options = json!({ "repo": origin.url(), "dest": dest, "version": branch });
        let done = laws::ensures(Git, &host, options).await.unwrap_or_else(|error| {
            panic!("{name:?}: {error}: {:?}", error.command);
        });
        assert!(done.changed);
        let content = std::fs::read(PathBuf::from(&dest).join("file")).expect("the file");
        assert_eq!(content, name.as_bytes());
        assert_eq!(std::fs::read_dir(format!("{}/{name}", host.path("deep"))).expect("it").count(), 1);
    }
}

#[tokio::test]
async fn what_cannot_be_is_said() {
    let (origin, empty, host) = (Origin::new(), tempfile::tempdir().expect("a folder"), TestHost::new());
    git_in(empty.path(), &["init", "-q"]);
    host.write("plain", "a file");
    std::fs::create_dir(host.path("full")).expect("a folder");
    host.write("full/x", "content");
    let (url, nowhere) = (origin.url(), format!("file://{}", host.path("nowhere")));
    let none = "0123456789012345678901234567890123456789";
    for (repo, more, message) in [
        (url.as_str(), json!({ "version": "nope" }), format!("`{url}` has no branch, tag or commit `nope`")),
        (&url, json!({ "version": none }), format!("`{url}` has no such commit")),
        (&url, json!({ "version": "abcdef1234" }), format!("`{url}` has no such commit")),
        (&url, json!({ "dest": host.path("plain") }), format!("`{}` is no folder", host.path("plain"))),
        (
            &url,
            json!({ "dest": host.path("full") }),
            format!("`{}` has content, and is no repository", host.path("full")),
        ),
        (&nowhere, json!({}), format!("there is no repository at `{nowhere}`")),
        (
            empty.path().to_str().expect("UTF-8"),
            json!({}),
            format!("`{}` has no commit yet", empty.path().display()),
        ),
        (
            "https://127.0.0.1:1/x",
            json!({}),
            "the host does not reach the server of `https://127.0.0.1:1/x`".to_owned(),
        ),
        (
            &url,
            json!({ "verify_commit": true }),
            format!("the version of `{url}` has no signature that the host trusts"),
        ),
    ] {
        let error = refusal(&host, repo, more.clone()).await;
        assert_eq!(error.message, message, "{more} {:?}", error.command);
        assert!(!Path::new(&host.path("co")).exists(), "{more}");
        let names: Vec<_> =
            std::fs::read_dir(host.root()).expect("the folder").flatten().map(|e| e.file_name()).collect();
        assert_eq!(names.len(), 2, "{more}: {names:?}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::symlink("/bin/sh", folder.path().join("sh")).expect("a link");
    let host = TestHost::new().with_search_path(folder.path().to_str().expect("UTF-8"));
    assert_eq!(refusal(&host, &url, json!({})).await.message, "the host has no `git`");
}

#[tokio::test]
async fn wrong_calls_are_named() {
    let host = TestHost::new();
    for (more, message) in [
        (json!({ "version": "a b" }), "`version`: `a b` cannot be a branch, a tag or a commit"),
        (json!({ "dest": "relative" }), "`relative` is not an absolute path"),
        (json!({ "dest": "/" }), "`dest`: `/` cannot be a checkout"),
        (json!({ "repo": "--upload-pack=x" }), "`repo`: `--upload-pack=x` is no address of a repository"),
        (json!({ "repo": "https://a:b@c/d" }), "`repo`: `https://a:•••@c/d` has a password in it"),
        (json!({ "remote": "a/b" }), "`remote`: `a/b` cannot be its name"),
        (json!({ "depth": 0 }), "`depth` is at least 1"),
        (json!({ "refspec": "a b" }), "`refspec` is no refspec"),
        (json!({ "username": "ada" }), "`username` needs the option `password`"),
        (json!({ "password": "x" }), "`password` needs the option `username`"),
        (
            json!({ "repo": "git@c:d", "username": "ada", "password": "x" }),
            "`username` and `password` are for repositories over HTTP",
        ),
    ] {
        assert_eq!(refusal(&host, "https://example.org/x", more).await.message, message);
    }
    assert_eq!(host.round_trips(), 0);
}

#[tokio::test]
async fn a_password_reaches_one_server_and_no_argument_list() {
    let origin = Origin::new();
    origin.git(&["update-server-info"]);
    let files = origin.path().join(".git");
    let wanted = format!("Basic {}", STANDARD.encode("ada:hunter2 'x'"));
    let server = FakeApi::http(move |request| {
        if request.headers.get("authorization") != Some(&wanted) {
            return Reply::new(401, "").header("www-authenticate", "Basic realm=\"git\"");
        }
        let path = request.target.split('?').next().unwrap_or_default().trim_start_matches("/shop.git/");
        match std::fs::read(files.join(path)) {
            Ok(content) => Reply::new(200, content),
            Err(_) => Reply::new(404, ""),
        }
    });
    let (host, url) = (TestHost::new(), server.url("/shop.git"));
    let login = json!({ "username": "ada", "password": "hunter2 'x'" });
    let options = options(&host, &url, login.clone());
    assert!(!laws::shown(Git, options).to_string().contains("hunter2"));
    ensure(&host, &url, login).await;
    assert_eq!(host.content("co/file").as_deref(), Some(&b"two"[..]));
    assert!(host.secrets().holds_secret(b"hunter2 'x'"));
    let configuration = String::from_utf8(host.content("co/.git/config").expect("a file")).expect("text");
    assert!(!configuration.contains("hunter2"), "{configuration}");
    for more in [json!({}), json!({ "username": "ada", "password": "wrong" })] {
        let other = TestHost::new();
        let error = refusal(&other, &url, more).await;
        assert_eq!(error.kind, ErrorKind::Denied);
        assert_eq!(error.message, format!("the server of `{url}` refuses"));
    }
}

#[tokio::test]
async fn a_key_opens_a_server_that_is_taken_as_new() {
    let origin = Arc::new(Origin::new());
    let farm = SshFarm::start(1);
    let server = farm.host(0);
    let url = format!("ssh://{}@{}:{}{}", farm.user(), server.address, server.port, origin.path().display());
    // The machine's own keys and known hosts stay out of it.
    let host = TestHost::new().with_private(&["/root"]);
    let key = farm.client_key();
    let error = refusal(&host, &url, json!({ "key_file": key })).await;
    assert_eq!(error.message, format!("the host does not know the key of the server of `{url}`"));
    let error = refusal(&host, &url, json!({ "accept_newhostkey": true })).await;
    assert_eq!(error.message, format!("the server of `{url}` refuses"));
    let known = "root/.ssh/known_hosts";
    assert_eq!(host.content(known), None, "a look writes nothing");
    let more = json!({ "key_file": key, "accept_newhostkey": true });
    assert!(ensure(&host, &url, more.clone()).await.changed);
    let text = String::from_utf8(host.content(known).expect("a file")).expect("text");
    assert!(text.contains(&server.host_key), "{text}");

    // A key that has changed is refused whatever is accepted.
    host.write(known, text.replace(&server.host_key, crate::host::system::test_key(9).as_str()));
    let error = refusal(&host, &url, more).await;
    assert_eq!(error.message, format!("the host does not know the key of the server of `{url}`"));
}

#[tokio::test]
async fn a_signature_that_the_host_trusts() {
    let (origin, host) = (Origin::new(), TestHost::new());
    let key = host.path("key");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &key]).status();
    assert!(made.expect("ssh-keygen runs").success());
    let public = std::fs::read_to_string(format!("{key}.pub")).expect("the key");
    let signers = host.write("signers", format!("ada@example.org {public}"));
    host.write(".gitconfig", format!("[gpg \"ssh\"]\n\tallowedSignersFile = {signers}\n"));
    let sign = ["-c", "gpg.format=ssh", "-c", &format!("user.signingkey={key}")];
    origin.git(&[&sign[..], &["tag", "-s", "-m", "signed", "v2"]].concat());
    for (version, is_signed) in [("v1", false), ("main", false), ("v2", true)] {
        let outcome = laws::run(
            Git,
            &host,
            options(&host, &origin.url(), json!({ "version": version, "verify_commit": true })),
        )
        .await;
        assert_eq!(outcome.is_ok(), is_signed, "{version}: {outcome:?}");
    }
    std::fs::write(origin.path().join("file"), "signed").expect("a file");
    origin.git(&[&sign[..], &["commit", "-q", "-S", "-a", "-m", "signed"]].concat());
    assert!(ensure(&host, &origin.url(), json!({ "verify_commit": true })).await.changed);
}

#[tokio::test]
async fn a_cut_leaves_the_old_or_the_new() {
    let origin = Origin::new();
    let head =
        |host: &TestHost| Path::new(&host.path("co/.git")).exists().then(|| at(host, &["rev-parse", "HEAD"]));
    let new = |host: &TestHost| options(host, &origin.url(), json!({ "version": "dev" }));
    assert!(laws::survives_cuts(Git, new, head).await > 5);
    let moved = |host: &TestHost| {
        git_in(host.root(), &["clone", "-q", "-b", "main", &origin.url(), "co"]);
        new(host)
    };
    assert!(laws::survives_cuts(Git, moved, head).await > 3);
}

#[tokio::test]
async fn a_checkout_that_was_ended_in_the_middle_is_finished() {
    let (origin, host) = (Origin::new(), TestHost::new());
    ensure(&host, &origin.url(), json!({})).await;
    // As git and the script leave it when they are killed while files are written.
    host.write("co/.git/oneex-checkout", "x\n");
    host.write("co/.git/index.lock", "");
    host.write("co/file", "tw");
    let done = ensure(&host, &origin.url(), json!({})).await;
    assert_eq!(done.change.to_text(), "checkout: cut short → whole\n");
    assert_eq!(host.content("co/file").as_deref(), Some(&b"two"[..]));
    assert!(host.content("co/.git/oneex-checkout").is_none() && host.content("co/.git/index.lock").is_none());
}

#[tokio::test]
async fn a_checkout_that_broke_is_finished_and_one_that_was_refused_is_not_forced() {
    let (origin, host) = (Origin::new(), TestHost::new());
    ensure(&host, &origin.url(), json!({})).await;
    std::fs::write(origin.path().join(".gitattributes"), "broken filter=oneex\n").expect("a file");
    std::fs::write(origin.path().join("file"), "newer").expect("a file");
    let new = origin.commit("broken", "x");
    // The first files are written when the last cannot be.
    host.write(".gitconfig", "[filter \"oneex\"]\n\tsmudge = false\n\tclean = cat\n\trequired = true\n");
    let call = || options(&host, &origin.url(), json!({}));
    laws::run(Git, &host, call()).await.expect_err("a file cannot be written");
    assert_ne!(at(&host, &["rev-parse", "HEAD"]), new);
    host.write(".gitconfig", "");
    ensure(&host, &origin.url(), json!({})).await;
    assert_eq!(at(&host, &["rev-parse", "HEAD"]), new);
    assert_eq!(host.content("co/broken").as_deref(), Some(&b"x"[..]));
    assert_eq!(host.content("co/file").as_deref(), Some(&b"newer"[..]));

    // What git refuses leaves no word that would let the next run throw away what is changed then.
    host.write("co/more", "own");
    refusal(&host, &origin.url(), json!({ "version": "dev" })).await;
    host.write("co/file", "changed here");
    let error = refusal(&host, &origin.url(), json!({ "version": "dev" })).await;
    assert!(error.message.starts_with("1 file was changed"), "{}", error.message);
}
