//! `packages` with the real dnf, zypper and pacman over repositories that are made here; with a stand-in for apk, which
//! Debian does not have.

use std::path::Path;
use std::process::Command;

use oneex_sdk::{ErrorKind, OpError, Value, json};
use oneex_testkit::{TestHost, laws};

use crate::host::ops::packages::Packages;

/// A package manager, and what its distribution calls itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Distribution {
    Fedora,
    Suse,
    Arch,
}

use Distribution::{Arch, Fedora, Suse};

/// Name, epoch, version, release, what it stands in for, what it needs.
const PACKAGES: &[(&str, &str, &str, &str, &str, &str)] = &[
    ("oneex-hello", "", "1.0", "1", "", ""),
    ("oneex-hello", "", "2.0", "1", "", ""),
    ("oneex-more", "1", "3.1", "2", "oneex-thing", ""),
    ("oneex-server", "", "1.0", "1", "", "oneex-more"),
];

/// A host, and where rpm keeps what is installed: it writes beside its database even when it only reads.
struct Machine {
    host: TestHost,
    _database: tempfile::TempDir,
}

impl std::ops::Deref for Machine {
    type Target = TestHost;

    fn deref(&self) -> &TestHost {
        &self.host
    }
}

/// A machine of a distribution, whose lists were not fetched yet. Something else is installed: zypper cannot live with
/// nothing at all.
fn machine(distribution: Distribution) -> Machine {
    let database = tempfile::Builder::new().prefix("oneex-rpm-").tempdir().expect("a folder");
    let host = TestHost::new().with_private(&["/etc", "/var", "/opt", "/run"]);
    for folder in [
        "etc/yum.repos.d",
        "etc/dnf",
        "etc/zypp/repos.d",
        "var/log",
        "var/tmp",
        "var/lib",
        "var/cache",
        "repository",
    ] {
        std::fs::create_dir_all(host.path(folder)).expect(folder);
    }
    // Debian's rpm has its database at home.
    std::os::unix::fs::symlink(database.path(), host.path(".rpmdb")).expect("a link");
    let repository = host.path("repository");
    let release = match distribution {
        Fedora => "ID=fedora\nVERSION_ID=40\n",
        Suse => "ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n",
        Arch => "ID=arch\n",
    };
    host.write("etc/os-release", release);
    if distribution == Arch {
        for folder in ["var/lib/pacman/sync", "var/lib/pacman/local", "var/cache/pacman/pkg"] {
            std::fs::create_dir_all(host.path(folder)).expect(folder);
        }
        let config = format!(
            "[options]\nArchitecture = auto\nSigLevel = Never\n[shop]\nServer = file://{repository}\n"
        );
        host.write("etc/pacman.conf", config);
        PACKAGES.iter().skip(1).for_each(|package| pacman_package(&host, package));
        run(&host, &["sh", "-c", "cd db && bsdtar -czf ../repository/shop.db *"]);
    } else {
        host.write("etc/dnf/dnf.conf", "[main]\ngpgcheck=0\n");
        let config = format!("[shop]\nname=shop\nbaseurl=file://{repository}\nenabled=1\ngpgcheck=0\n");
        host.write("etc/yum.repos.d/shop.repo", &config);
        host.write("etc/zypp/repos.d/shop.repo", &config);
        PACKAGES.iter().for_each(|package| rpm_package(&host, package, "repository"));
        rpm_package(&host, &("oneex-other", "", "1", "1", "", ""), "others");
        run(&host, &["createrepo_c", "-q", "repository"]);
        run(&host, &["sh", "-c", "rpm -i --quiet --nodeps others/*/*.rpm"]);
    }
    Machine { host, _database: database }
}

/// Runs a program of this machine in the host's folder, as on the host.
fn run(host: &TestHost, words: &[&str]) {
    let output = Command::new(words[0])
        .args(&words[1..])
        .current_dir(host.root())
        .env("HOME", host.root())
        .output()
        .expect(words[0]);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

type Package = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

fn rpm_package(host: &TestHost, &(name, epoch, version, release, provides, needs): &Package, folder: &str) {
    let line =
        |tag: &str, value: &str| if value.is_empty() { String::new() } else { format!("{tag}: {value}\n") };
    let spec = format!(
        "Name: {name}\n{}Version: {version}\nRelease: {release}\nSummary: made by a test\nLicense: MIT\nBuildArch: noarch\n\
         {}{}%description\nmade by a test\n%install\nmkdir -p %{{buildroot}}/opt/{name}\n\
         echo {version} >%{{buildroot}}/opt/{name}/version\n%files\n/opt/{name}\n",
        line("Epoch", epoch),
        line("Provides", provides),
        line("Requires", needs),
    );
    host.write("spec", spec);
    let (top, out) = (format!("_topdir {}", host.path("build")), format!("_rpmdir {}", host.path(folder)));
    run(host, &["rpmbuild", "-bb", "--quiet", "--define", &top, "--define", &out, "spec"]);
}

fn pacman_package(host: &TestHost, &(name, epoch, version, release, provides, needs): &Package) {
    let version_line = version;
    let version =
        format!("{}{version}-{release}", if epoch.is_empty() { String::new() } else { format!("{epoch}:") });
    let file = format!("{name}-{}-any.pkg.tar.gz", version.replace(':', "_"));
    let tree = host.path("tree");
    let _ = std::fs::remove_dir_all(&tree);
    std::fs::create_dir_all(format!("{tree}/opt/{name}")).expect("a folder");
    std::fs::write(format!("{tree}/opt/{name}/version"), format!("{version_line}\n")).expect("a file");
    let line =
        |tag: &str, value: &str| if value.is_empty() { String::new() } else { format!("{tag} = {value}\n") };
    let info = format!(
        "pkgname = {name}\npkgbase = {name}\npkgver = {version}\npkgdesc = x\nbuilddate = 1\nsize = 1\narch = any\n{}{}",
        line("provides", provides),
        line("depend", needs)
    );
    std::fs::write(format!("{tree}/.PKGINFO"), info).expect("a file");
    run(host, &["bsdtar", "-czf", &format!("repository/{file}"), "-C", "tree", ".PKGINFO", "opt"]);
    let entry = format!("db/{name}-{version}");
    std::fs::create_dir_all(host.path(&entry)).expect("a folder");
    let field = |tag: &str, value: &str| {
        if value.is_empty() { String::new() } else { format!("%{tag}%\n{value}\n\n") }
    };
    let fields = [
        ("FILENAME", file.as_str()),
        ("NAME", name),
        ("VERSION", &version),
        ("ARCH", "any"),
        ("PROVIDES", provides),
        ("DEPENDS", needs),
    ];
    let desc: String = fields.iter().map(|(tag, value)| field(tag, value)).collect();
    host.write(&format!("{entry}/desc"), desc);
}

fn there(host: &TestHost, package: &str) -> Option<String> {
    let content = host.content(&format!("opt/{package}/version"))?;
    Some(String::from_utf8(content).expect("text").trim().to_owned())
}

async fn ensure(host: &TestHost, options: Value) -> String {
    let done = laws::ensures(Packages, host, options.clone()).await.unwrap_or_else(|error| {
        let said =
            error.command.as_ref().map(|failed| (failed.output.stdout_text(), failed.output.stderr_text()));
        panic!("{options}: {error}: {said:?}");
    });
    assert_eq!(done.changed, !done.change.is_empty(), "{options}");
    done.change.to_text()
}

async fn refusal(host: &TestHost, options: Value) -> OpError {
    laws::run(Packages, host, options).await.expect_err("a refusal")
}

#[tokio::test]
async fn packages_come_and_go() {
    for distribution in [Fedora, Suse, Arch] {
        let host = machine(distribution);
        let version = |version: &'static str| Some(version.to_owned());
        for (options, text, hello, more) in [
            (json!({ "names": "oneex-hello", "state": "absent" }), "", None, None),
            (
                json!({ "names": "oneex-hello", "update_cache": true, "cache_valid_time": "1d" }),
                "package oneex-hello: + installed\n",
                version("2.0"),
                None,
            ),
            (json!({ "names": "oneex-hello", "update_cache": true }), "", version("2.0"), None),
            (
                json!({ "names": ["oneex-hello", "oneex-more"] }),
                "package oneex-more: + 1:3.1-2\n",
                version("2.0"),
                version("3.1"),
            ),
            (
                json!({ "names": ["oneex-thing", "oneex-hello=2.0", "oneex-more=3.1-2"] }),
                "",
                version("2.0"),
                version("3.1"),
            ),
            (
                json!({ "names": ["oneex-hello", "oneex-more"], "state": "latest" }),
                "",
                version("2.0"),
                version("3.1"),
            ),
            (
                json!({ "names": ["oneex-hello", "oneex-more"], "state": "absent" }),
                "package oneex-hello: - 2.0-1\npackage oneex-more: - 1:3.1-2\n",
                None,
                None,
            ),
            (json!({ "names": "oneex-server" }), "package oneex-server: + 1.0-1\n", None, version("3.1")),
            (
                json!({ "names": "oneex-server", "state": "absent" }),
                "package oneex-server: - 1.0-1\n",
                None,
                version("3.1"),
            ),
        ] {
            assert_eq!(ensure(&host, options.clone()).await, text, "{distribution:?} {options}");
            assert_eq!(
                (there(&host, "oneex-hello"), there(&host, "oneex-more")),
                (hello, more),
                "{distribution:?} {options}"
            );
        }
    }
}

#[tokio::test]
async fn what_only_the_removed_needed_goes_when_asked() {
    for distribution in [Fedora, Suse, Arch] {
        let host = machine(distribution);
        ensure(&host, json!({ "names": "oneex-server", "update_cache": true })).await;
        assert_eq!(there(&host, "oneex-more").as_deref(), Some("3.1"));
        ensure(&host, json!({ "names": "oneex-server", "state": "absent", "autoremove": true })).await;
        assert_eq!(there(&host, "oneex-more"), None, "{distribution:?}");
    }
}

#[tokio::test]
async fn versions_go_up_and_with_a_permission_down() {
    for distribution in [Fedora, Suse] {
        let host = machine(distribution);
        ensure(&host, json!({ "names": "oneex-more", "update_cache": true })).await;
        for (options, text, version) in [
            (json!({ "names": "oneex-hello=1.0" }), "package oneex-hello: + 1.0\n", "1.0"),
            (json!({ "names": "oneex-hello" }), "", "1.0"),
            (
                json!({ "names": "oneex-hello", "state": "latest" }),
                "package oneex-hello: 1.0-1 → 2.0-1\n",
                "2.0",
            ),
            (
                json!({ "names": "oneex-hello=1.0-1", "allow_downgrade": true }),
                "package oneex-hello: 2.0-1 → 1.0-1\n",
                "1.0",
            ),
            (json!({ "names": "oneex-hello=2.0" }), "package oneex-hello: 1.0-1 → 2.0\n", "2.0"),
        ] {
            assert_eq!(ensure(&host, options.clone()).await, text, "{distribution:?} {options}");
            assert_eq!(there(&host, "oneex-hello").as_deref(), Some(version), "{distribution:?} {options}");
        }
        let error = refusal(&host, json!({ "names": "oneex-hello=1.0" })).await;
        let hint = "`allow_downgrade: true` lets an older version take its place";
        assert_eq!(error.hint.as_deref(), Some(hint), "{distribution:?}");
        assert_eq!(there(&host, "oneex-hello").as_deref(), Some("2.0"));
    }
}

#[tokio::test]
async fn a_list_that_pacman_has_says_what_is_newest() {
    let host = machine(Arch);
    ensure(&host, json!({ "names": "oneex-hello", "update_cache": true })).await;
    let newer = ("oneex-hello", "", "2.1", "1", "", "");
    std::fs::remove_dir_all(host.path("db/oneex-hello-2.0-1")).expect("the old entry");
    pacman_package(&host, &newer);
    // Times count in whole seconds.
    run(
        &host,
        &[
            "sh",
            "-c",
            "cd db && bsdtar -czf ../repository/shop.db * && touch -d tomorrow ../repository/shop.db",
        ],
    );
    assert_eq!(
        ensure(&host, json!({ "names": "oneex-hello", "state": "latest" })).await,
        "",
        "the old lists"
    );
    // What is missing is a reason to fetch them.
    let both = json!({ "names": ["oneex-hello=2.1", "oneex-more"], "update_cache": true });
    let text = "package oneex-hello: 2.0-1 → 2.1\npackage oneex-more: + 1:3.1-2\n";
    assert_eq!(ensure(&host, both).await, text);
    assert_eq!(there(&host, "oneex-hello").as_deref(), Some("2.1"));
    let error = refusal(&host, json!({ "names": "oneex-hello=9.9" })).await;
    assert_eq!(error.hint.as_deref(), Some("check the name, or fetch the lists with `update_cache: true`"));
    // What the configuration holds back is left alone.
    let entries = ["db/oneex-hello-2.1-1"];
    entries.iter().for_each(|entry| std::fs::remove_dir_all(host.path(entry)).expect("the old entry"));
    pacman_package(&host, &("oneex-hello", "", "2.2", "1", "", ""));
    run(
        &host,
        &[
            "sh",
            "-c",
            "cd db && bsdtar -czf ../repository/shop.db * && touch -d '2 days' ../repository/shop.db",
        ],
    );
    let config = String::from_utf8(host.content("etc/pacman.conf").expect("a file")).expect("text");
    host.write("etc/pacman.conf", config.replace("[options]\n", "[options]\nIgnorePkg = oneex-hello\n"));
    std::fs::copy(host.path("repository/shop.db"), host.path("var/lib/pacman/sync/shop.db"))
        .expect("the lists");
    assert_eq!(ensure(&host, json!({ "names": "oneex-hello", "state": "latest" })).await, "");
    host.write("etc/pacman.conf", config);
    let latest = json!({ "names": "oneex-hello", "state": "latest" });
    assert_eq!(ensure(&host, latest).await, "package oneex-hello: 2.1-1 → 2.2-1\n");
    // Older lists have an older version, which needs a permission.
    std::fs::remove_dir_all(host.path("db/oneex-hello-2.2-1")).expect("the old entry");
    pacman_package(&host, &("oneex-hello", "", "2.0", "1", "", ""));
    run(&host, &["sh", "-c", "cd db && bsdtar -czf ../repository/shop.db *"]);
    std::fs::copy(host.path("repository/shop.db"), host.path("var/lib/pacman/sync/shop.db"))
        .expect("the lists");
    let error = refusal(&host, json!({ "names": "oneex-hello=2.0" })).await;
    assert_eq!(error.hint.as_deref(), Some("`allow_downgrade: true` lets an older version take its place"));
    let older = json!({ "names": "oneex-hello=2.0", "allow_downgrade": true });
    assert_eq!(ensure(&host, older).await, "package oneex-hello: 2.2-1 → 2.0\n");
}

#[tokio::test]
async fn a_held_package_keeps_its_version() {
    let host = machine(Suse);
    ensure(&host, json!({ "names": "oneex-hello=1.0", "update_cache": true, "hold": true })).await;
    assert_eq!(ensure(&host, json!({ "names": "oneex-hello", "state": "latest" })).await, "");
    assert_eq!(there(&host, "oneex-hello").as_deref(), Some("1.0"));
    let free = json!({ "names": "oneex-hello", "hold": false });
    assert_eq!(ensure(&host, free).await, "version of oneex-hello: held → free\n");
    let latest = json!({ "names": "oneex-hello", "state": "latest" });
    assert_eq!(ensure(&host, latest).await, "package oneex-hello: 1.0-1 → 2.0-1\n");

    let debian = super::repository::apt();
    ensure(&debian, json!({ "names": "oneex-hello=1.0", "update_cache": true, "hold": true })).await;
    assert_eq!(ensure(&debian, json!({ "names": "oneex-hello", "state": "latest" })).await, "");
    let free = json!({ "names": "oneex-hello", "hold": false, "state": "latest" });
    let text = "package oneex-hello: 1.0 → 2.0\nversion of oneex-hello: held → free\n";
    assert_eq!(ensure(&debian, free).await, text);
}

#[tokio::test]
async fn what_cannot_be_is_said() {
    for (distribution, program) in [(Fedora, "dnf"), (Suse, "zypper"), (Arch, "pacman")] {
        let host = machine(distribution);
        let error = refusal(&host, json!({ "names": "oneex-nowhere", "update_cache": true })).await;
        assert_eq!(error.message, format!("`{program}` failed for oneex-nowhere"));
        let hint = "check the name, or fetch the lists with `update_cache: true`";
        let said = error.command.as_ref().map(|failed| failed.output.stderr_text());
        assert_eq!(error.hint.as_deref(), Some(hint), "{said:?}");
        for (option, value) in [("purge", json!(true)), ("hold", json!(true)), ("recommends", json!(true))] {
            let is_refused = match option {
                "purge" => distribution != Arch,
                _ => distribution == Arch,
            };
            if is_refused {
                let error = refusal(&host, json!({ "names": "oneex-hello", option: value })).await;
                assert_eq!(error.kind, ErrorKind::Invalid);
                assert!(error.message.starts_with(&format!("`{option}`: `")), "{}", error.message);
            }
        }
    }
}

#[tokio::test]
async fn another_package_manager_is_waited_for() {
    let host = machine(Arch);
    host.write("var/lib/pacman/db.lck", "");
    let error =
        refusal(&host, json!({ "names": "oneex-hello", "update_cache": true, "lock_timeout": "1s" })).await;
    assert_eq!(error.kind, ErrorKind::Timeout);
    assert!(error.message.starts_with("another package manager, or is left of one"), "{}", error.message);
    let host = machine(Fedora);
    std::fs::create_dir_all(host.path("var/cache/dnf")).expect("a folder");
    host.write("var/cache/dnf/metadata_lock.pid", std::process::id().to_string());
    let error =
        refusal(&host, json!({ "names": "oneex-hello", "update_cache": true, "lock_timeout": "1s" })).await;
    let holder = format!("process {} holds the lock of `dnf`", std::process::id());
    assert!(error.message.starts_with(&holder), "{}", error.message);

    let host = machine(Suse);
    ensure(&host, json!({ "names": "oneex-hello=1.0", "update_cache": true })).await;
    host.write("run/zypp.pid", std::process::id().to_string());
    let latest = json!({ "names": "oneex-hello", "state": "latest", "lock_timeout": "1s" });
    let error = refusal(&host, latest.clone()).await;
    let holder = format!("process {} ", std::process::id());
    assert!(error.message.starts_with(&holder), "what is newest is known all the same: {}", error.message);
    host.write("run/zypp.pid", "");
    assert_eq!(ensure(&host, latest).await, "package oneex-hello: 1.0-1 → 2.0-1\n");
}

#[tokio::test]
async fn what_is_newest_is_not_guessed() {
    let host = machine(Fedora);
    ensure(&host, json!({ "names": "oneex-hello=1.0", "update_cache": true })).await;
    let latest = json!({ "names": "oneex-hello", "state": "latest" });
    std::fs::rename(host.path("var/cache/dnf"), host.path("fetched")).expect("no lists");
    let error = refusal(&host, latest.clone()).await;
    assert!(
        error.message.starts_with("`dnf` could not say which versions are the newest: "),
        "{}",
        error.message
    );
    ensure(&host, json!({ "names": "oneex-hello" })).await;
    let _ = std::fs::remove_dir_all(host.path("var/cache/dnf"));
    std::fs::rename(host.path("fetched"), host.path("var/cache/dnf")).expect("the lists");
    assert_eq!(ensure(&host, latest).await, "package oneex-hello: 1.0-1 → 2.0-1\n");
}

/// Keeps what is installed in a file, and prints as apk 2.14 does, after its manual pages.
const APK: &str = r#"#!/bin/sh
db=$STATE/installed world=$STATE/available
[ -e "$db" ] || : >"$db"
while [ "$1" = --wait ]; do shift 2; done
verb=$1; shift
line() { echo "$1-$2 noarch {$1} (MIT)$3"; }
case $verb in
list)
    mode=$1; shift 2
    for name; do
        have=$(sed -n "s/^$name //p" "$db") new=$(sed -n "s/^$name //p" "$world" | tail -n 1)
        case $mode in
        --installed) [ -z "$have" ] || line "$name" "$have" ' [installed]' ;;
        --available) [ -z "$new" ] || line "$name" "$new" '' ;;
        --upgradable) [ -z "$have" ] || [ "$have" = "$new" ] || line "$name" "$new" " [upgradable from: $name-$have]" ;;
        esac
    done ;;
info) grep -q "^$3 " "$db" || [ "$3" = cmd:hello ] && grep -q '^hello ' "$db" ;;
version) [ "$2" = "$3" ] && echo = || { [ "$(printf '%s\n' "$2" "$3" | sort | head -n 1)" = "$2" ] && echo '<' || echo '>'; } ;;
update) : >"$STATE/updated" ;;
add)
    shift
    for word; do
        name=${word%%=*} wanted=
        case $word in *=*) wanted=${word#*=} ;; esac
        found=$(sed -n "s/^$name //p" "$world" | grep "^$wanted" | tail -n 1)
        [ -n "$found" ] || { echo "ERROR: unable to select packages:
  $name (no such package):
    required by: world[$name]" >&2; exit 1; }
        grep -v "^$name " "$db" >"$db.new"; echo "$name $found" >>"$db.new"; mv "$db.new" "$db"
    done ;;
del) for name; do [ "$name" = --purge ] && continue; grep -v "^$name " "$db" >"$db.new"; mv "$db.new" "$db"; done ;;
esac
"#;

#[tokio::test]
async fn apk_is_asked_and_told() {
    let tools = tempfile::tempdir().expect("a folder");
    let host = TestHost::new().with_private(&["/etc"]);
    host.write("etc/os-release", "ID=alpine\n");
    host.write("available", "hello 1.0-r0\nhello 1.0-r2\nmore 3.1-r1\n");
    let script = APK.replace("$STATE", &host.path(""));
    std::fs::write(tools.path().join("apk"), script).expect("a program");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(tools.path().join("apk"), mode).expect("a mode");
    let host = host.with_search_path(format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", tools.path().display()));
    for (options, text, installed) in [
        (json!({ "names": "hello=1.0-r0" }), "package hello: + 1.0-r0\n", "hello 1.0-r0\n"),
        (json!({ "names": ["hello", "cmd:hello", "hello=1.0"] }), "", "hello 1.0-r0\n"),
        (
            json!({ "names": "hello", "state": "latest" }),
            "package hello: 1.0-r0 → 1.0-r2\n",
            "hello 1.0-r2\n",
        ),
        (
            json!({ "names": "more", "update_cache": true }),
            "package more: + 3.1-r1\n",
            "hello 1.0-r2\nmore 3.1-r1\n",
        ),
        (
            json!({ "names": "hello=1.0-r0", "allow_downgrade": true }),
            "package hello: 1.0-r2 → 1.0-r0\n",
            "more 3.1-r1\nhello 1.0-r0\n",
        ),
        (
            json!({ "names": "hello", "state": "absent", "purge": true }),
            "package hello: - 1.0-r0\n",
            "more 3.1-r1\n",
        ),
    ] {
        assert_eq!(ensure(&host, options.clone()).await, text, "{options}");
        assert_eq!(host.content("installed"), Some(installed.as_bytes().to_vec()), "{options}");
    }
    assert!(Path::new(&host.path("updated")).exists());
    let error = refusal(&host, json!({ "names": "nowhere" })).await;
    assert_eq!(error.message, "`apk` failed for nowhere");
    assert_eq!(error.hint.as_deref(), Some("check the name, or fetch the lists with `update_cache: true`"));
    ensure(&host, json!({ "names": "hello" })).await;
    let error = refusal(&host, json!({ "names": "hello=1.0-r0" })).await;
    assert_eq!(error.hint.as_deref(), Some("`allow_downgrade: true` lets an older version take its place"));
}
