//! `cron` with the real crontab(1), whose crontabs are the test's own.

use oneex_sdk::{Reader as _, Value, json};
use oneex_testkit::{TestHost, laws};

use crate::host::ops::cron::Cron;

fn host() -> TestHost {
    assert!(
        std::path::Path::new("/usr/bin/crontab").exists(),
        "`crontab` is missing: `tests/setup.sh` installs it"
    );
    let host = TestHost::new().with_private(&["/var/spool/cron"]);
    std::fs::create_dir(host.path("var/spool/cron/crontabs")).expect("a folder");
    host
}

fn crontab(host: &TestHost) -> String {
    // What cron itself reads, header included.
    let bytes = host.content("var/spool/cron/crontabs/root").unwrap_or_default();
    let text = String::from_utf8(bytes).expect("text");
    let own = text.split_inclusive('\n').filter(|line| {
        !["# DO NOT EDIT", "# (- installed", "# (Cron version"].iter().any(|begin| line.starts_with(begin))
    });
    own.collect()
}

async fn ensure(host: &TestHost, options: &Value) -> bool {
    let before = host.round_trips();
    let done = laws::ensures(Cron, host, options.clone()).await.unwrap_or_else(|error| {
        panic!("{options}: {error}: {:?}", error.command);
    });
    // Four looks, and one apply where something was to be done.
    assert_eq!(host.round_trips() - before, 4 + u64::from(done.changed), "{options}");
    done.changed
}

#[tokio::test]
async fn a_crontab_is_brought_and_keeps_what_is_others() {
    let host = host();
    for (options, after) in [
        (
            json!({ "name": "a b", "job": "echo '$(x)' \\% *", "minute": "*/5", "hour": 3 }),
            "#Ansible: a b\n*/5 3 * * * echo '$(x)' \\% *\n",
        ),
        (
            json!({ "name": "a b", "job": "/bin/true", "special_time": "reboot" }),
            "#Ansible: a b\n@reboot /bin/true\n",
        ),
        (
            json!({ "name": "PATH", "job": "/usr/bin:/bin", "env": true }),
            "PATH=\"/usr/bin:/bin\"\n#Ansible: a b\n@reboot /bin/true\n",
        ),
        (
            json!({ "name": "MAILTO", "job": "", "env": true, "insertafter": "PATH" }),
            "PATH=\"/usr/bin:/bin\"\nMAILTO=\"\"\n#Ansible: a b\n@reboot /bin/true\n",
        ),
        (
            json!({ "name": "c", "job": "/bin/c", "weekday": "mon-fri", "disabled": true, "user": "root" }),
            "PATH=\"/usr/bin:/bin\"\nMAILTO=\"\"\n#Ansible: a b\n@reboot /bin/true\n\
             #Ansible: c\n#* * * * mon-fri /bin/c\n",
        ),
        (
            json!({ "name": "a b", "state": "absent" }),
            "PATH=\"/usr/bin:/bin\"\nMAILTO=\"\"\n#Ansible: c\n#* * * * mon-fri /bin/c\n",
        ),
        (
            json!({ "name": "PATH", "state": "absent", "env": true }),
            "MAILTO=\"\"\n#Ansible: c\n#* * * * mon-fri /bin/c\n",
        ),
    ] {
        assert!(ensure(&host, &options).await, "{options}");
        assert_eq!(crontab(&host), after, "{options}");
        assert!(!ensure(&host, &options).await);
    }
    assert!(!ensure(&host, &json!({ "name": "gone", "state": "absent" })).await);
}

#[tokio::test]
async fn a_crontab_that_cron_refuses_takes_no_place() {
    let host = host();
    ensure(&host, &json!({ "name": "a", "job": "/bin/true" })).await;
    let before = crontab(&host);
    let options = json!({ "name": "b", "job": "/bin/true", "day": "feb" });
    let error = laws::run(Cron, &host, options).await.expect_err("refused");
    assert!(error.message.starts_with("`crontab` failed for the crontab: "), "{}", error.message);
    assert_eq!(crontab(&host), before);
    let options = json!({ "name": "b", "job": "/bin/true", "user": "oneex-nobody" });
    let error = laws::run(Cron, &host, options).await.expect_err("nobody");
    assert!(error.message.contains("the crontab of `oneex-nobody`"), "{}", error.message);
}

#[tokio::test]
async fn files_have_a_user_and_a_mode() {
    let host = TestHost::new();
    let file = |mut options: Value| {
        options["cron_file"] = json!(host.path("jobs"));
        options
    };
    for (options, after) in [
        (json!({ "name": "x", "state": "absent" }), ""),
        (json!({ "name": "x", "job": "/bin/x", "user": "ada" }), "#Ansible: x\n* * * * * ada /bin/x\n"),
        (
            json!({ "name": "y", "job": "/bin/y", "user": "ada", "special_time": "daily" }),
            "#Ansible: x\n* * * * * ada /bin/x\n#Ansible: y\n@daily ada /bin/y\n",
        ),
        (json!({ "name": "x", "state": "absent" }), "#Ansible: y\n@daily ada /bin/y\n"),
    ] {
        laws::ensures(Cron, &host, file(options.clone())).await.expect("it is done");
        assert_eq!(host.content("jobs").unwrap_or_default(), after.as_bytes(), "{options}");
    }
    assert_eq!(host.mode("jobs"), 0o644);
    let prepare = |host: &TestHost| {
        let path = host.write("jobs", "# old\n");
        json!({ "name": "x", "job": "/bin/x", "user": "ada", "cron_file": path })
    };
    laws::survives_cuts(Cron, prepare, |host: &TestHost| host.content("jobs")).await;
}

#[tokio::test]
async fn a_secret_is_not_shown() {
    let host = host();
    host.secrets().register("hunter2");
    for job in ["hunter2", "HUNTER2 hunter2"] {
        let options = json!({ "name": "TOKEN", "job": job, "env": true });
        let text = laws::plan(Cron, &host, options.clone()).await.expect("a plan").to_text();
        assert!(!text.is_empty() && !text.contains("hunter2"), "{text}");
        ensure(&host, &options).await;
        let text = laws::plan(Cron, &host, options).await.expect("a plan").to_text();
        assert_eq!(text, "");
    }
}

#[tokio::test]
async fn wrong_calls_are_named() {
    let host = host();
    for (options, message) in [
        (json!({ "name": "a" }), "`cron` needs the option `job`"),
        (json!({ "name": "", "job": "x" }), "`name` cannot be empty"),
        (json!({ "name": "a\nb", "job": "x" }), "`name` cannot be empty or hold a line break"),
        (json!({ "name": "a", "job": "x\n* * * * * y" }), "`job` holds a line break"),
        (json!({ "name": "a", "job": "x", "minute": 60 }), "`minute`: cron does not understand `60`"),
        (json!({ "name": "a", "job": "x", "hour": "* *" }), "`hour`: cron does not understand `* *`"),
        (json!({ "name": "a", "job": "x", "day": "1\n" }), "`day`: cron does not understand"),
        (
            json!({ "name": "a", "job": "x", "hour": 1, "special_time": "daily" }),
            "`special_time` excludes `minute` to `weekday`",
        ),
        (json!({ "name": "a", "job": "x", "cron_file": "a.b", "user": "a" }), "cron would not read a file"),
        (json!({ "name": "a", "job": "x", "cron_file": "a" }), "`cron_file` needs the option `user`"),
        (json!({ "name": "a b", "job": "x", "env": true }), "`a b` cannot be the name of a variable"),
        (json!({ "name": "a", "job": "x", "insertafter": "B" }), "need `env: true`"),
        (
            json!({ "name": "A", "job": "x", "env": true, "insertafter": "B" }),
            "there is no variable `B` to stand beside",
        ),
    ] {
        let error = laws::run(Cron, &host, options).await.expect_err(message);
        assert!(error.message.contains(message), "{}", error.message);
    }
}
