//! `systemd_unit` and `journal` on a machine that systemd runs, over SSH.

use oneex_sdk::{Value, json};
use oneex_testkit::{RemoteMachine, laws};

use crate::host::ops::journal::Journal;
use crate::host::ops::systemd_unit::SystemdUnit;
use crate::ssh::{SshConnector, SshSettings};

async fn machine() -> RemoteMachine {
    RemoteMachine::boot(SshConnector::new(SshSettings::default())).await
}

async fn ensure(host: &RemoteMachine, options: &Value) -> Vec<String> {
    let done = laws::ensures(SystemdUnit, host, options.clone()).await.unwrap_or_else(|error| {
        panic!("{options}: {error}: {:?}", error.command);
    });
    done.change.items.into_iter().map(|item| item.what).collect()
}

fn service(command: &str) -> String {
    format!(
        "[Unit]\nDescription=it's $(a) %% test\n[Service]\nExecStart={command}\n[Install]\nWantedBy=multi-user.target\n"
    )
}

#[tokio::test]
async fn a_unit_comes_changes_and_goes() {
    let host = machine().await;
    let says = |text: &str| host.machine.says(text);
    let state = || says("systemctl is-active shop; systemctl is-enabled shop 2>/dev/null; true");
    let line = || says("tr '\\0' ' ' </proc/$(systemctl show -P MainPID shop)/cmdline");

    let mut options = json!({ "name": "shop.service", "content": service("/bin/sleep 1001") });
    assert_eq!(ensure(&host, &options).await, ["content"]);
    assert_eq!(state(), "inactive\ndisabled");
    options["enabled"] = json!(true);
    options["state"] = json!("started");
    assert_eq!(ensure(&host, &options).await, ["enabled", "state"]);
    assert_eq!((state(), line()), ("active\nenabled".to_owned(), "/bin/sleep 1001".to_owned()));

    // Without `restart` what runs goes on; systemd knows the new file all the same.
    options["content"] = json!(service("/bin/sleep 1002"));
    assert_eq!(ensure(&host, &options).await, ["content"]);
    assert_eq!(
        (line(), says("systemctl show -P NeedDaemonReload shop")),
        ("/bin/sleep 1001".into(), "no".into())
    );
    options["restart"] = json!(true);
    assert_eq!(ensure(&host, &options).await, Vec::<String>::new());
    options["content"] = json!(service("/bin/sleep 1003").replace("multi-user", "basic"));
    assert_eq!(ensure(&host, &options).await, ["content"]);
    assert_eq!(line(), "/bin/sleep 1003");
    assert_eq!(says("ls /etc/systemd/system/*.wants | grep -c shop"), "1", "it is enabled where it says now");
    assert_eq!(says("ls /etc/systemd/system/basic.target.wants"), "shop.service");

    // A drop-in of it, and of a unit that comes from elsewhere.
    let limits = json!({
        "name": "shop.service", "content": "[Service]\nLimitNOFILE=4711", "drop_in": "limits", "restart": true,
    });
    assert_eq!(ensure(&host, &limits).await, ["content"]);
    assert_eq!(says("grep -c 4711 /proc/$(systemctl show -P MainPID shop)/limits"), "1");
    let gone =
        json!({ "name": "shop.service", "drop_in": "limits.conf", "state": "absent", "restart": true });
    assert_eq!(ensure(&host, &gone).await, ["file"]);
    assert_eq!(says("grep -c 4711 /proc/$(systemctl show -P MainPID shop)/limits || true"), "0");
    assert_eq!(says("ls -d /etc/systemd/system/shop.service.d 2>/dev/null || true"), "");

    // Somebody changes the file by hand and tells nobody.
    says("sed -i s/1003/1004/ /etc/systemd/system/shop.service");
    assert_eq!(ensure(&host, &options).await, ["content"]);
    assert_eq!(ensure(&host, &json!({ "name": "shop.service", "state": "absent" })).await, ["file"]);
    assert_eq!(state(), "inactive");
    assert_eq!(says("find /etc/systemd/system -name 'shop*'"), "");
    assert_eq!(
        ensure(&host, &json!({ "name": "shop.service", "state": "absent" })).await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn timers_failures_and_masks() {
    let host = machine().await;
    let says = |text: &str| host.machine.says(text);
    let once = "[Service]\nType=oneshot\nExecStart=/bin/true\n";
    ensure(&host, &json!({ "name": "backup.service", "content": once })).await;
    let timer = "[Timer]\nOnCalendar=2031-01-01\n[Install]\nWantedBy=timers.target\n";
    let mut options =
        json!({ "name": "backup.timer", "content": timer, "enabled": true, "state": "started" });
    assert_eq!(ensure(&host, &options).await, ["content", "enabled", "state"]);
    assert_eq!(
        says("systemctl is-active backup.timer; systemctl is-enabled backup.timer"),
        "active\nenabled"
    );
    let next = || says("systemctl show -P NextElapseUSecRealtime backup.timer");
    assert!(next().contains("2031-01-01"), "{}", next());
    options["content"] = json!(timer.replace("2031", "2032"));
    options["restart"] = json!(true);
    assert_eq!(ensure(&host, &options).await, ["content"]);
    assert!(next().contains("2032-01-01"), "{}", next());

    let broken = json!({
        "name": "broken.service", "content": "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo no port >&2; exit 7'",
        "state": "started",
    });
    let error = laws::run(SystemdUnit, &host, broken.clone()).await.expect_err("it does not start");
    let said = error.command.expect("the command").output.stderr_text();
    assert!(
        error.message.starts_with("`systemctl` failed for the unit `broken.service`: "),
        "{}",
        error.message
    );
    assert!(said.contains("status=7") && said.contains("no port"), "{said}");
    // The next run tries again, and what failed can go.
    let again = laws::plan(SystemdUnit, &host, broken).await.expect("a plan");
    assert_eq!(again.to_text(), "state: stopped → started\n");
    assert_eq!(ensure(&host, &json!({ "name": "broken.service", "state": "absent" })).await, ["file"]);
    assert_eq!(says("systemctl --failed --no-legend --plain | grep -c broken || true"), "0");

    says("systemctl mask backup.service 2>/dev/null || ln -sf /dev/null /etc/systemd/system/masked.service");
    says("ln -sf /dev/null /etc/systemd/system/masked.service; systemctl daemon-reload");
    let masked = json!({ "name": "masked.service", "content": once });
    let error = laws::run(SystemdUnit, &host, masked).await.expect_err("it is masked");
    assert_eq!(error.message, "the unit `masked.service` is masked");
    assert_eq!(says("readlink /etc/systemd/system/masked.service"), "/dev/null");
}

#[tokio::test]
async fn the_journal_is_read_as_data() {
    let host = machine().await;
    host.machine.says(
        "systemd-run --quiet --wait --unit talks.service sh -c 'echo one; echo \"<3>two $(printf \"\\377\") \\\"q\\\"\"; echo three; echo \"<4>four\"'; journalctl --sync",
    );
    let read = |options: Value| {
        let host = &host;
        async move {
            let done = laws::run(Journal, host, options.clone()).await.unwrap_or_else(|error| {
                panic!("{options}: {error}: {:?}", error.command);
            });
            assert!(!done.changed);
            let entries = done.output.fields["entries"].as_array().expect("entries").clone();
            assert_eq!(done.output.fields["count"], json!(entries.len()));
            entries
        }
    };
    let messages = |entries: &[Value]| -> Vec<String> {
        entries.iter().map(|entry| entry["message"].as_str().expect("a text").to_owned()).collect()
    };
    let of_sh = |options: Value| {
        let mut options = options;
        options["unit"] = json!("talks.service");
        options["identifier"] = json!("sh");
        read(options)
    };
    let all = of_sh(json!({})).await;
    assert_eq!(messages(&all), ["one", "two \u{fffd} \"q\"", "three", "four"]);
    for (entry, priority) in all.iter().zip(["info", "err", "info", "warning"]) {
        assert_eq!((&entry["priority"], &entry["unit"]), (&json!(priority), &json!("talks.service")));
        assert!(entry["pid"].as_u64().is_some() && entry["time"].as_i64().is_some_and(|time| time > 1 << 30));
    }
    for (options, expected) in [
        (json!({ "lines": 2 }), vec!["three", "four"]),
        (json!({ "priority": "warning" }), vec!["two \u{fffd} \"q\"", "four"]),
        (json!({ "priority": "err..err" }), vec!["two \u{fffd} \"q\""]),
        (json!({ "grep": "^t.r" }), vec!["three"]),
        (json!({ "grep": "nothing-like-it" }), vec![]),
        (json!({ "since": "1h", "lines": 1 }), vec!["four"]),
        (json!({ "until": "1h" }), vec![]),
        (json!({ "since": "2001-01-01 00:00:00", "until": "2001-01-02" }), vec![]),
    ] {
        assert_eq!(messages(&of_sh(options.clone()).await), expected, "{options}");
    }
    assert!(read(json!({ "unit": ["oneex-none.service"] })).await.is_empty());
    assert_eq!(read(json!({ "lines": 3 })).await.len(), 3);
    let error = laws::run(Journal, &host, json!({ "since": "whenever" })).await.expect_err("no time");
    assert!(error.message.contains("whenever"), "{}", error.message);
}
