//! Hosts that are restarted: the server stops and starts, and the kernel's boot id is another one, or is not.

use std::path::Path;

use oneex_testkit::project::Finished;
use oneex_testkit::{FarmOptions, FarmUser, SshFarm, processes};

use super::fleet::{Fleet, Stream};

/// What becomes of a host that is asked to restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It goes down and comes back.
    Restarts,
    /// Its server goes down and comes back, and the kernel does not.
    ServerRestarts,
    /// It goes down.
    StaysAway,
    /// Nothing.
    StaysUp,
}

/// One restart.
#[derive(Debug)]
struct Case {
    what: &'static str,
    fate: Fate,
    /// The host gets to say that it restarts.
    answers: bool,
    /// The user that logs in, and becomes root.
    user: Option<&'static str>,
    /// What `test` runs.
    test: &'static str,
    /// What the error says; nothing where there is none.
    error: &'static str,
}

const ORDINARY: Case =
    Case { what: "it restarts", fate: Fate::Restarts, answers: true, user: None, test: "true", error: "" };

const CASES: &[Case] = &[
    ORDINARY,
    Case { what: "it restarts before it answers", answers: false, ..ORDINARY },
    Case { what: "it restarts by sudo", user: Some("oneex-ops"), ..ORDINARY },
    Case {
        what: "it restarts by sudo before it answers",
        answers: false,
        user: Some("oneex-ops"),
        ..ORDINARY
    },
    Case {
        what: "the server alone restarts",
        fate: Fate::ServerRestarts,
        error: "the host did not restart within 8s: its boot id is still the same",
        ..ORDINARY
    },
    Case {
        what: "the server alone restarts before it answers",
        fate: Fate::ServerRestarts,
        answers: false,
        error: "the host did not restart within 8s: its boot id is still the same",
        ..ORDINARY
    },
    Case {
        what: "nothing restarts",
        fate: Fate::StaysUp,
        error: "the host did not restart within 8s: its boot id is still the same",
        ..ORDINARY
    },
    Case {
        what: "it stays away",
        fate: Fate::StaysAway,
        error: "the host was not back after 8s",
        ..ORDINARY
    },
    Case {
        what: "it stays away before it answers",
        fate: Fate::StaysAway,
        answers: false,
        error: "the host was not back after 8s",
        ..ORDINARY
    },
    Case {
        what: "it restarts and is never ready",
        test: "false",
        error: "the host has restarted, and `false` did not succeed within 8s",
        ..ORDINARY
    },
];

#[test]
fn a_restart_is_waited_for_whatever_becomes_of_it() {
    std::thread::scope(|scope| {
        let run = |case: &'static Case| scope.spawn(move || (case, restart(case)));
        for case in CASES.iter().map(run).collect::<Vec<_>>() {
            let (case, (events, asked)) = case.join().unwrap();
            assert_eq!(asked, "root -r now it's time\n", "{}: it is asked once, by root", case.what);
            let failures = events.named("operation").into_iter().filter(|event| event["status"] == "failed");
            let failed: Vec<_> = failures.map(|event| &event["failure"]).collect();
            if case.error.is_empty() {
                assert!(failed.is_empty(), "{}: {failed:?}", case.what);
                assert_eq!(events.messages(), ["rebooted: true"], "{}", case.what);
            } else {
                let message = failed[0]["message"].as_str().unwrap_or_default();
                assert!(message.starts_with(case.error), "{}: {message}", case.what);
                assert_eq!(failed[0]["kind"], "timeout", "{}", case.what);
            }
        }
    });
}

/// Runs a book that restarts the host of a farm; gives its events, and how often the host was asked.
fn restart(case: &Case) -> (Stream, String) {
    let marks = tempfile::tempdir().unwrap();
    let (asked, answer) = (marks.path().join("asked"), marks.path().join("answer"));
    if case.answers {
        std::fs::write(&answer, "").unwrap();
    }
    let mut fleet = fleet(case, &asked, &answer);
    fleet.book(&format!(
        r#"task("restart").on(hosts("web")).run(|h| {{
               let result = h.reboot(#{{ timeout: "{}", message: "it's time", test: ["{}"] }});
               info(`rebooted: ${{result.rebooted}}`);
           }});"#,
        if case.error.is_empty() { "40s" } else { "8s" },
        case.test,
    ));
    let running = fleet.call(&["run", "book.rhai", "--output", "json"]).start();
    let is_asked = || std::fs::read_to_string(&asked).is_ok_and(|text| text.ends_with('\n'));
    if !processes::until(is_asked) {
        panic!("{}: nobody asks the host to restart: {}", case.what, running.finish().stdout);
    }
    if case.fate != Fate::StaysUp {
        fleet.farm.stop(0);
        std::fs::write(&answer, "").unwrap();
    }
    if case.fate == Fate::Restarts {
        fleet.farm.boot_anew();
        // As a host does that keeps `/tmp` in memory.
        forget_commands(marks.path());
    }
    if !matches!(case.fate, Fate::StaysAway | Fate::StaysUp) {
        fleet.farm.restart(0);
    }
    let finished: Finished = running.finish();
    let events = Stream::of(&finished.expect_code(i32::from(!case.error.is_empty())));
    forget_commands(marks.path());
    (events, std::fs::read_to_string(asked).unwrap())
}

/// Removes what the host keeps of the run's commands, where it is still there.
fn forget_commands(marks: &Path) {
    let place = std::fs::read_to_string(marks.join("answer.place")).unwrap();
    assert!(place.starts_with("/tmp/oneex-"), "{place}");
    let _ = std::fs::remove_dir_all(place);
}

/// A host whose `shutdown` only writes down that it is asked to, and whose answers wait until there is `answer`: what
/// a command writes goes through tee(1).
fn fleet(case: &Case, asked: &Path, answer: &Path) -> Fleet {
    let shutdown = format!("#!/bin/sh\nprintf '%s %s\\n' \"$(id -un)\" \"$*\" >>'{}'\n", asked.display());
    let tee = TEE.replace("ANSWER", &answer.display().to_string());
    let programs =
        [("sbin/shutdown", &*shutdown), ("sbin/reboot", "#!/bin/sh\nexit 1\n"), ("bin/tee", &*tee)];
    let options = FarmOptions {
        separate: true,
        programs: programs.map(|(path, text)| (path.to_owned(), text.to_owned())).to_vec(),
        users: case.user.map(|user| FarmUser::new(user, "none")).into_iter().collect(),
        sudoers: case.user.map(|user| format!("{user} ALL=(ALL) NOPASSWD: ALL\n")).unwrap_or_default(),
        ..FarmOptions::default()
    };
    let fleet = Fleet::over(SshFarm::start_with(1, &options));
    if let Some(user) = case.user {
        let login = format!("ansible_user: {}", fleet.farm.user());
        let becomes = format!("ansible_user: {user}\n    ansible_become: true");
        let inventory = fleet.farm.inventory_yaml().replace(&login, &becomes);
        fleet.project.write("inventory.yaml", &inventory);
    }
    fleet
}

/// As `tee -a FILE /dev/null` does it, once there is the file `ANSWER`; it notes the folder of the file beside that.
const TEE: &str = "#!/usr/bin/perl
use IO::Handle;
open my $place, '>', 'ANSWER.place' or die;
print $place $ARGV[1] =~ m{(.*)/};
close $place;
until (-e 'ANSWER') { select undef, undef, undef, 0.02 }
open my $kept, '>>', $ARGV[1] or die;
$kept->autoflush;
STDOUT->autoflush;
while (sysread STDIN, my $bytes, 65536) { print $kept $bytes; print $bytes }
";
