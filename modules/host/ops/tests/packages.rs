//! `packages` with the real `apt` and `dpkg`.

use oneex_sdk::{ErrorKind, Value, json};
use oneex_testkit::{TestHost, laws};

use super::repository::apt;
use crate::host::ops::packages::Packages;

/// Plans, which must change nothing; runs, which must do what the plan said; runs again, which must do nothing.
async fn ensure(host: &TestHost, options: Value) -> String {
    let before = laws::snapshot(host.root());
    let planned = laws::plan(Packages, host, options.clone()).await.expect("a plan").to_text();
    assert_eq!(before, laws::snapshot(host.root()), "a plan changed something: {options}");
    let done = laws::ensures(Packages, host, options.clone()).await.unwrap_or_else(|error| {
        panic!("{options}: {error}: {:?}", error.command);
    });
    assert_eq!(done.change.to_text(), planned, "{options}");
    assert_eq!(done.changed, !planned.is_empty(), "{options}");
    planned
}

/// The version of the package whose files are there.
fn there(host: &TestHost, package: &str) -> Option<String> {
    let content = host.content(&format!("opt/{package}/version"))?;
    Some(String::from_utf8(content).expect("text"))
}

/// A host whose lists were fetched.
async fn fetched() -> TestHost {
    let host = apt();
    let options = json!({ "names": "oneex-more", "update_cache": true });
    assert_eq!(ensure(&host, options).await, "package oneex-more: + installed\n");
    host
}

#[tokio::test]
async fn a_package_that_no_list_names_is_an_error_that_says_what_to_do() {
    let host = apt();
    for (names, update) in [("oneex-hello", false), ("oneex-nowhere", true)] {
        let options = json!({ "names": names, "update_cache": update });
        let planned = laws::plan(Packages, &host, options.clone()).await.expect("a plan");
        assert_eq!(planned.to_text(), format!("package {names}: + installed\n"));
        let error = laws::run(Packages, &host, options).await.expect_err(names);
        assert_eq!(error.kind, ErrorKind::Failed);
        assert_eq!(error.message, format!("`apt-get` failed for {names}"));
        assert_eq!(
            error.hint.as_deref(),
            Some("check the name, or fetch the lists with `update_cache: true`")
        );
        let said = error.command.expect("the command").output.stderr_text();
        assert!(said.contains(&format!("Unable to locate package {names}")), "{said}");
    }
}

#[tokio::test]
async fn versions_are_brought_as_they_are_named() {
    let host = fetched().await;
    for (options, text, version) in [
        (json!({ "names": "oneex-hello=1.0" }), "package oneex-hello: + 1.0\n", "1.0"),
        (json!({ "names": ["oneex-hello", "oneex-more"] }), "", "1.0"),
        (json!({ "names": "oneex-hello=2.0~rc1" }), "package oneex-hello: 1.0 → 2.0~rc1\n", "2.0~rc1"),
        (
            json!({ "names": ["oneex-hello", "oneex-more"], "state": "latest" }),
            "package oneex-hello: 2.0~rc1 → 2.0\n",
            "2.0",
        ),
        (
            json!({ "names": "oneex-hello=1.0", "allow_downgrade": true }),
            "package oneex-hello: 2.0 → 1.0\n",
            "1.0",
        ),
    ] {
        assert_eq!(ensure(&host, options.clone()).await, text, "{options}");
        assert_eq!(there(&host, "oneex-hello").as_deref(), Some(version), "{options}");
    }
    assert_eq!(there(&host, "oneex-more").as_deref(), Some("1:3.1-2"));
}

#[tokio::test]
async fn an_older_version_needs_a_permission() {
    let host = fetched().await;
    assert_eq!(ensure(&host, json!({ "names": "oneex-hello" })).await, "package oneex-hello: + 2.0\n");
    let error =
        laws::run(Packages, &host, json!({ "names": "oneex-hello=1.0" })).await.expect_err("a refusal");
    assert_eq!(error.message, "`apt-get` failed for oneex-hello");
    assert_eq!(there(&host, "oneex-hello").as_deref(), Some("2.0"));
}

#[tokio::test]
async fn recommended_packages_come_when_they_are_asked_for() {
    for (recommends, expected) in [(true, Some("1:3.1-2")), (false, None)] {
        let host = apt();
        let options = json!({ "names": "oneex-hello", "update_cache": true, "recommends": recommends });
        ensure(&host, options).await;
        assert_eq!(there(&host, "oneex-more").as_deref(), expected);
    }
}

#[tokio::test]
async fn a_package_that_stands_in_for_a_name_is_enough() {
    let host = fetched().await;
    assert_eq!(ensure(&host, json!({ "names": ["oneex-thing"] })).await, "");
    assert_eq!(ensure(&host, json!({ "names": "oneex-more:all" })).await, "");
}

#[tokio::test]
async fn a_removal_keeps_configuration_until_it_is_purged() {
    let host = apt();
    let configuration = || host.content("etc/oneex-server.conf");
    for (options, text, kept) in [
        (json!({ "names": "oneex-server", "state": "absent" }), "", false),
        (
            json!({ "names": "oneex-server", "update_cache": true }),
            "package oneex-server: + installed\n",
            true,
        ),
        (json!({ "names": "oneex-server", "state": "absent" }), "package oneex-server: - 1.0\n", true),
        (json!({ "names": "oneex-server", "state": "absent" }), "", true),
        (
            json!({ "names": "oneex-server", "state": "absent", "purge": true }),
            "package oneex-server: - configuration\n",
            false,
        ),
        (json!({ "names": "oneex-server", "state": "absent", "purge": true }), "", false),
        (json!({ "names": "oneex-server" }), "package oneex-server: + 1.0\n", true),
        (
            json!({ "names": "oneex-server", "state": "absent", "purge": true, "autoremove": true }),
            "package oneex-server: - 1.0\n",
            false,
        ),
    ] {
        assert_eq!(ensure(&host, options.clone()).await, text, "{options}");
        assert_eq!(configuration().is_some(), kept, "{options}");
    }
    assert_eq!(there(&host, "oneex-more"), None, "`autoremove` took what only the server needed");
}

#[tokio::test]
async fn a_configuration_that_was_changed_is_kept() {
    let host = apt();
    ensure(&host, json!({ "names": "oneex-server", "update_cache": true })).await;
    host.write("etc/oneex-server.conf", "changed here\n");
    ensure(&host, json!({ "names": "oneex-server", "state": "absent" })).await;
    ensure(&host, json!({ "names": "oneex-server" })).await;
    assert_eq!(host.content("etc/oneex-server.conf").as_deref(), Some(&b"changed here\n"[..]));
}

#[tokio::test]
async fn lists_that_are_young_enough_are_not_fetched_again() {
    let host = fetched().await;
    // What the repository has now can only be known from new lists.
    host.write("repository/Packages", "");
    let young = json!({ "names": "oneex-hello=1.0", "update_cache": true, "cache_valid_time": "1d" });
    assert_eq!(ensure(&host, young).await, "package oneex-hello: + 1.0\n");
    let now = json!({ "names": "oneex-server", "update_cache": true, "cache_valid_time": "0s" });
    assert!(laws::run(Packages, &host, now).await.is_err(), "the lists were fetched and are empty");
}
