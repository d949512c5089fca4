//! With real processes of this machine.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command as Process};

use oneex_sdk::Command;
use oneex_testkit::processes;

use super::{end_session, settle};

fn sleeping(seconds: &str) -> Child {
    Process::new("sleep").arg(seconds).process_group(0).spawn().expect("it starts")
}

fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("it is there").trim().to_owned()
}

/// When a process began, proc(5), field 22.
fn start(process: u32) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it lives");
    let fields = stat.rsplit_once(") ").expect("a name in brackets").1;
    fields.split(' ').nth(19).expect("field 22").to_owned()
}

fn run(command: &Command) {
    let status = Process::new("sh").args(["-c", &command.line()]).status().expect("it runs");
    assert!(status.success(), "{}", command.line());
}

#[test]
fn only_the_very_process_is_ended() {
    let mut child = sleeping("81.70351");
    let (id, began, boot) = (child.id().to_string(), start(child.id()), boot());
    for hello in ["", "x", "x 1", " 1 2", "x 1 y", "x -1 2", "x 1 "] {
        assert!(end_session(hello).is_none(), "{hello}");
    }
    let others =
        [format!("other {id} {began}"), format!("{boot} {id} 1"), format!("{boot} 999999999 {began}")];
    for hello in others {
        run(&end_session(&hello).expect("a command"));
        assert!(processes::alive(child.id()), "{hello}");
    }
    run(&end_session(&format!("{boot} {id} {began}")).expect("a command"));
    child.wait().expect("it ended");
}

#[test]
fn what_still_runs_is_waited_for_and_then_ended() {
    let mut short = sleeping("0.3");
    let command = settle(&boot(), &short.id().to_string(), &start(short.id()), None).expect("a command");
    let reaped = std::thread::spawn(move || short.wait().expect("it ended"));
    run(&command);
    assert!(reaped.join().expect("it is waited for").success(), "it was given the time");

    let mut long = sleeping("82.70351");
    let (id, began) = (long.id().to_string(), start(long.id()));
    for (boot, began) in [("other".to_owned(), began.clone()), (boot(), "1".to_owned())] {
        run(&settle(&boot, &id, &began, None).expect("a command"));
        assert!(processes::alive(long.id()));
    }
    let reaped = std::thread::spawn(move || long.wait().expect("it ended"));
    run(&settle(&boot(), &id, &began, None).expect("a command"));
    assert!(!reaped.join().expect("it is waited for").success());
    assert!(settle("", "1", "2", None).is_none() && settle("boot", "1", "", None).is_none());
    assert_eq!(settle("boot", "1", "2", Some("app")).expect("a command").user.as_deref(), Some("app"));
}
