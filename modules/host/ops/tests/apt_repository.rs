//! `apt_repository` with the real `apt`.

use oneex_sdk::{Value, json};
use oneex_testkit::{TestHost, laws};

use super::repository::{apt, sign};
use crate::host::ops::apt_key::AptKey;
use crate::host::ops::apt_repository::AptRepository;
use crate::host::ops::packages::Packages;

const FILE: &str = "etc/apt/sources.list.d/shop.sources";

/// A host whose apt knows no repository, with one that it could know.
fn fresh() -> TestHost {
    let host = apt();
    host.write("etc/apt/sources.list", "");
    std::fs::create_dir(host.path("etc/apt/sources.list.d")).expect("a folder");
    host
}

fn options(host: &TestHost, more: &Value) -> Value {
    let mut options =
        json!({ "name": "shop", "uris": format!("copy:{}", host.path("repository")), "suites": "./" });
    if more.get("repo").is_some() || more.get("state").is_some() {
        options = json!({ "name": "shop" });
    }
    options.as_object_mut().expect("options").extend(more.as_object().expect("options").clone());
    options
}

async fn ensure(host: &TestHost, more: Value) -> laws::Done {
    laws::ensures(AptRepository, host, options(host, &more)).await.unwrap_or_else(|error| {
        panic!("{more}: {error}: {:?}", error.command.as_ref().map(|command| command.output.stderr_text()));
    })
}

fn text(host: &TestHost) -> Option<String> {
    host.content(FILE).map(|content| String::from_utf8(content).expect("text"))
}

/// Whether apt would install a package of the repository.
async fn is_known(host: &TestHost) -> bool {
    let plan = laws::plan(Packages, host, json!({ "names": "oneex-hello" })).await.expect("a plan");
    plan.to_text() == "package oneex-hello: + 2.0\n"
}

#[tokio::test]
async fn packages_are_found_where_it_says() {
    let host = fresh();
    assert!(!is_known(&host).await);
    assert!(ensure(&host, json!({ "trusted": true })).await.changed);
    let uri = format!("copy:{}", host.path("repository"));
    assert_eq!(text(&host), Some(format!("Types: deb\nURIs: {uri}\nSuites: ./\nTrusted: yes\n")));
    assert!(is_known(&host).await);
    let done = laws::ensures(Packages, &host, json!({ "names": "oneex-hello" })).await.expect("installed");
    assert!(done.changed);

    assert!(ensure(&host, json!({ "trusted": true, "enabled": false })).await.changed);
    assert!(text(&host).expect("a file").contains("Enabled: no\n"));
    assert!(ensure(&host, json!({ "state": "absent" })).await.changed);
    assert_eq!(text(&host), None);
    assert!(!ensure(&host, json!({ "state": "absent" })).await.changed);
    let line = format!("deb [trusted=yes] {uri} ./");
    assert!(ensure(&host, json!({ "repo": line })).await.changed);
    assert_eq!(text(&host), Some(format!("Types: deb\nURIs: {uri}\nSuites: ./\nTrusted: yes\n")));
}

#[tokio::test]
async fn a_key_vouches_for_it() {
    let host = fresh();
    let key = sign(&host);
    let refused = laws::run(AptRepository, &host, options(&host, &json!({}))).await.expect_err("no key");
    assert_eq!(refused.message, "apt cannot use the repository `shop`");
    let hint = "nothing that the host has vouches for it: see `signed_by` and `apt_key`";
    assert_eq!(
        refused.hint.as_deref(),
        Some(hint),
        "{:?}",
        refused.command.map(|it| it.output.stderr_text())
    );
    assert_eq!(text(&host), None);

    // As a part of the file, and in a file of its own.
    assert!(ensure(&host, json!({ "signed_by": key })).await.changed);
    assert!(is_known(&host).await);
    let brought = laws::ensures(AptKey, &host, json!({ "name": "shop", "key": key })).await.expect("a key");
    let path = brought.output.fields.get("path").cloned().expect("a path");
    assert!(ensure(&host, json!({ "signed_by": path })).await.changed);
    assert!(text(&host).expect("a file").ends_with("Signed-By: /etc/apt/keyrings/shop.asc\n"));

    // Another's key does not.
    let other = fresh();
    let another = sign(&other);
    let error = laws::run(AptRepository, &host, options(&host, &json!({ "signed_by": another }))).await;
    assert_eq!(error.expect_err("another's key").hint.as_deref(), Some(hint));
    assert!(text(&host).expect("a file").ends_with("Signed-By: /etc/apt/keyrings/shop.asc\n"));
}

#[tokio::test]
async fn what_apt_cannot_use_changes_nothing() {
    let host = fresh();
    ensure(&host, json!({ "trusted": true })).await;
    let before = text(&host);
    let nothing = "nothing is at this address: check `uris`, `suites` and `components`";
    for (more, hint) in [
        (json!({ "uris": "copy:/nowhere", "trusted": true }), "the output says why"),
        (json!({ "suites": "none", "components": "main" }), nothing),
        (json!({ "date_max_future": 10, "uris": "nonsense:x" , "update_cache": true}), "the output says why"),
    ] {
        let error = laws::run(AptRepository, &host, options(&host, &more)).await.expect_err("a refusal");
        assert_eq!(error.message, "apt cannot use the repository `shop`", "{more}");
        let said = error.command.map(|it| it.output.stderr_text()).unwrap_or_default();
        assert_eq!(error.hint.as_deref(), Some(hint), "{more}: {said}");
        assert!(!said.is_empty());
        assert_eq!(text(&host), before, "{more}");
    }
    // Nothing is fetched where that is not wanted.
    let later = json!({ "uris": "copy:/nowhere", "trusted": true, "update_cache": false });
    assert!(ensure(&host, later).await.changed);
}

#[tokio::test]
async fn all_options_are_fields() {
    let host = fresh();
    let more = json!({
        "types": ["deb", "deb-src"], "uris": ["https://a.example.org/x", "https://b.example.org/x"],
        "suites": ["stable", "testing"], "components": ["main", "contrib"], "architectures": ["amd64", "arm64"],
        "signed_by": ["/etc/apt/keyrings/a.asc", "0123456789ABCDEF0123456789ABCDEF01234567"],
        "enabled": true, "trusted": false, "allow_insecure": false, "allow_weak": false,
        "allow_downgrade_to_insecure": false, "by_hash": true, "check_date": true, "check_valid_until": false,
        "date_max_future": 60, "inrelease_path": "x/InRelease", "languages": "none", "pdiffs": false,
        "targets": ["Packages"], "update_cache": false, "mode": "0640",
    });
    ensure(&host, more).await;
    let expected = "Types: deb deb-src\nURIs: https://a.example.org/x https://b.example.org/x\nSuites: stable testing\n\
                    Components: main contrib\nArchitectures: amd64 arm64\n\
                    Signed-By: /etc/apt/keyrings/a.asc 0123456789ABCDEF0123456789ABCDEF01234567\nEnabled: yes\n\
                    Trusted: no\nAllow-Insecure: no\nAllow-Weak: no\nAllow-Downgrade-To-Insecure: no\nBy-Hash: yes\n\
                    Check-Date: yes\nCheck-Valid-Until: no\nPDiffs: no\nDate-Max-Future: 60\n\
                    InRelease-Path: x/InRelease\nLanguages: none\nTargets: Packages\n";
    assert_eq!(text(&host).as_deref(), Some(expected));
    assert_eq!(host.mode(FILE), 0o640);
}

#[tokio::test]
async fn wrong_calls_are_named() {
    let host = TestHost::new();
    let full = json!({ "name": "a", "uris": "https://x.org", "suites": "stable", "components": "main" });
    for (more, message) in [
        (json!({ "name": "a/b" }), "`name`: `a/b` cannot be the name of a file of sources"),
        (json!({ "uris": [] }), "`apt_repository` needs the option `uris`"),
        (json!({ "suites": [] }), "`apt_repository` needs the option `suites`"),
        (json!({ "types": "rpm" }), "`types`: `rpm` is neither `deb` nor `deb-src`"),
        (json!({ "uris": "x.org" }), "`uris`: `x.org` has no scheme such as `https://`"),
        (
            json!({ "uris": "https://x.org\nTrusted: yes" }),
            "`uris`: `https://x.org\\nTrusted: yes` is not one word",
        ),
        (
            json!({ "components": [] }),
            "`components` are needed where a suite does not end with `/`, and only there",
        ),
        (
            json!({ "suites": "./" }),
            "`components` are needed where a suite does not end with `/`, and only there",
        ),
        (
            json!({ "signed_by": "ABCD" }),
            "`signed_by`: `ABCD` is no absolute path, no fingerprint and no key",
        ),
        (json!({ "inrelease_path": "a b" }), "`inrelease_path`: `a b` is not one word"),
        (
            json!({ "repo": "deb https://x.org a b" }),
            "`repo` excludes `uris`, `suites`, `components`, `architectures` and `signed_by`",
        ),
    ] {
        let mut options = full.clone();
        options.as_object_mut().expect("options").extend(more.as_object().expect("options").clone());
        let error = laws::run(AptRepository, &host, options).await.expect_err(message);
        assert_eq!(error.message, message);
    }
    assert_eq!(host.round_trips(), 0);
}
