//! A server that falls silent is noticed in the time that is set, whoever sets it; one that has nothing to say is not
//! taken for one.

use std::time::Duration;

use futures_util::future::join_all;
use oneex_sdk::{CancellationToken, Command, ErrorKind};
use oneex_testkit::processes;

use super::Site;
use crate::ssh::ProjectSettings;

fn project(millis: Option<u64>) -> ProjectSettings {
    ProjectSettings { keepalive: millis.map(Duration::from_millis), ..ProjectSettings::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_sets_how_long_a_server_may_be_silent_is_heard_in_order() {
    let site = Site::start();
    let by_inventory = [("ansible_ssh_common_args", "-o ServerAliveInterval=2")];
    let cases: [(_, &str, &[(&str, &str)], _); 7] = [
        (None, "ServerAliveInterval 2\nServerAliveCountMax 2", &[], 4),
        (None, "ServerAliveInterval 1", &[], 4),
        (None, "ServerAliveInterval 2\nServerAliveCountMax 1", &[], 4),
        // A project comes before the person's file, and the inventory before both.
        (Some(3_000), "ServerAliveInterval 60\nServerAliveCountMax 60", &[], 4),
        (Some(6_000), "ServerAliveInterval 1", &[], 6),
        (Some(60_000), "ServerAliveInterval 60\nServerAliveCountMax 2", &by_inventory, 4),
        (Some(60_000), "", &[("ansible_ssh_args", "-o ServerAliveInterval=1 -o ServerAliveCountMax=5")], 5),
    ];
    let began = site.home.path().join("began");
    let cancel = CancellationToken::new();
    let mut open = Vec::new();
    for (millis, lines, options, _) in cases {
        open.push(site.open(project(millis), lines, options).await.expect(lines));
    }
    let command = Command::script("echo >>\"$1\"; exec sleep 1000", [began.display().to_string()]);
    let runs = join_all(open.iter().map(|transport| transport.run(&command, &cancel)));
    let freeze = async {
        let all = cases.len() as u64;
        let began = || std::fs::metadata(&began).is_ok_and(|file| file.len() == all);
        let waited = tokio::task::block_in_place(|| processes::until(began));
        site.farm.freeze(0);
        waited
    };
    let (ended, all_began) = tokio::join!(runs, freeze);
    assert!(all_began, "not every command began");
    for (ended, (millis, lines, options, seconds)) in ended.into_iter().zip(cases) {
        let error = ended.expect_err(lines);
        let wanted = format!("nothing was heard of it for {seconds} s");
        let said = (error.kind, error.message.contains(&wanted));
        assert_eq!(said, (ErrorKind::Unreachable, true), "{millis:?} {lines} {options:?}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_has_nothing_to_say_is_there() {
    let site = Site::start();
    let cancel = CancellationToken::new();
    let mut open = Vec::new();
    for (millis, lines) in [
        (None, "ServerAliveInterval 1\nServerAliveCountMax 1"),
        (None, "ServerAliveInterval 2\nServerAliveCountMax 1"),
        (None, "ServerAliveInterval 1\nServerAliveCountMax 0"),
        (None, "ServerAliveInterval 0\nServerAliveCountMax 1"),
        (Some(300), ""),
        (Some(2_000), ""),
        (Some(3_000), ""),
    ] {
        let transport = site.open(project(millis), lines, &[]).await.expect(lines);
        open.push((transport, format!("{millis:?} {lines}")));
    }
    // Longer than any of them would bear a server that does not answer.
    let command = Command::shell("sleep 7; echo here");
    let runs = open.iter().map(|(transport, shown)| {
        let ran = transport.run(&command, &cancel);
        async move { (ran.await, shown) }
    });
    for (ran, shown) in join_all(runs).await {
        assert_eq!(ran.expect(shown).stdout_text(), "here\n", "{shown}");
    }
}
