//! Files that a system is set up by, under names that a shell would read, with values that it would read too.

use oneex_sdk::{Op, Value, json};
use oneex_testkit::{TestHost, laws};

use crate::host::ops::authorized_keys::AuthorizedKeys;
use crate::host::ops::cron::Cron;
use crate::host::ops::known_host::KnownHost;
use crate::host::ops::limits::Limits;
use crate::host::ops::mount::Mount;
use crate::host::ops::sysctl::Sysctl;
use crate::host::system::test_key as key;

const NAMES: &[&str] = &["a b", "it's \"x\"", "new\nline\n", "-n", "$(id)", "`id`", "*", "\\", "größe", "--"];

/// Brings `options`, with each of the names as its file, and sees that this file alone is there with `content`.
async fn brings<O: Op>(op: impl Fn() -> O, option: &str, options: &Value, content: &str) {
    for name in NAMES {
        let host = TestHost::new();
        let mut options = options.clone();
        options[option] = json!(host.path(name));
        let done = laws::ensures(op(), &host, options).await.unwrap_or_else(|error| {
            panic!("{name:?}: {error}: {:?}", error.command);
        });
        assert!(done.changed);
        assert_eq!(host.content(name).as_deref(), Some(content.as_bytes()), "{name:?}");
        assert_eq!(std::fs::read_dir(host.root()).expect("the folder").count(), 1, "{name:?}");
    }
}

#[tokio::test]
async fn keys_arrive_as_they_are() {
    let comment = "$(id) `id` 'q' \"d\" \\ * größe";
    let options = json!({ "user": "root", "key": key(1), "comment": comment });
    brings(|| AuthorizedKeys, "path", &options, &format!("{} {comment}\n", key(1))).await;
    let options = json!({ "name": "[fe80::1]:22", "key": key(2) });
    brings(|| KnownHost, "path", &options, &format!("[fe80::1]:22 {}\n", key(2))).await;
}

#[tokio::test]
async fn jobs_limits_and_settings_arrive_as_they_are() {
    let job = "printf '%s\\n' \"$(id)\" `id` * \\% größe #";
    let options = json!({ "name": "-n $(id) 'x'", "job": job, "user": "root" });
    brings(|| Cron, "cron_file", &options, &format!("#Ansible: -n $(id) 'x'\n* * * * * root {job}\n")).await;
    let options = json!({ "domain": "$(id)", "limit_item": "core", "value": 0, "comment": "`id` *" });
    brings(|| Limits, "dest", &options, "$(id)\t-\tcore\t0\t# `id` *\n").await;
    let value = "|/bin/x %p 'q' $(id) *";
    let options = json!({ "name": "kernel.core_pattern", "value": value, "sysctl_set": false });
    brings(|| Sysctl, "sysctl_file", &options, &format!("kernel.core_pattern={value}\n")).await;
}

#[tokio::test]
async fn places_and_sources_of_mounts_arrive_as_they_are() {
    let options = json!({
        "path": "/srv/$(id) 'q' *#\\", "src": "//nas/a b$(id)", "fstype": "cifs", "opts": "comment=\"a,b\"",
        "state": "present",
    });
    let line = "//nas/a\\040b$(id) /srv/$(id)\\040'q'\\040*\\043\\134 cifs comment=\"a,b\" 0 0\n";
    brings(|| Mount, "fstab", &options, line).await;
}
