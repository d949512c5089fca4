//! Commands that are cut off, take too long, or are cancelled.

use oneex_sdk::{ErrorKind, Reader as _, json};
use oneex_testkit::{TestHost, laws};

use crate::host::ops::{Exec, Script};

#[tokio::test]
async fn a_time_limit_ends_all_that_a_command_started() {
    let host = TestHost::new();
    host.project_write("files/slow.sh", "sleep 600 & sleep 600; touch late\n");
    let text = "sleep 600 & sleep 600; touch late";
    for (is_script, options, message) in [
        (false, json!({ "command": text, "timeout": "100ms" }), "did not end within 100ms"),
        (false, json!({ "command": ["sh", "-c", text], "timeout": "100ms" }), "did not end within 100ms"),
        (true, json!({ "src": "slow.sh", "timeout": "100ms" }), "did not end within 100ms"),
    ] {
        let done = if is_script {
            laws::run(Script, &host, options.clone()).await
        } else {
            laws::run(Exec, &host, options.clone()).await
        };
        let error = done.expect_err("it takes too long");
        assert_eq!(error.kind, ErrorKind::Timeout, "{options}");
        assert!(error.message.ends_with(message), "{}", error.message);
        assert!(error.command.is_some(), "what it wrote until then is kept");
        assert_eq!(host.content("late"), None, "{options}");
    }
}

#[tokio::test]
async fn output_until_the_limit_or_the_signal_is_kept() {
    let host = TestHost::new();
    for (command, kind, message) in [
        ("echo begun; echo told >&2; sleep 600", ErrorKind::Timeout, "did not end within"),
        ("echo begun; echo told >&2; kill -9 $$", ErrorKind::Failed, "was ended by SIGKILL"),
        ("echo begun; echo told >&2; exit 7", ErrorKind::Failed, "ended with status 7"),
    ] {
        let options = json!({ "command": command, "timeout": "2s" });
        let error = laws::run(Exec, &host, options).await.expect_err(command);
        assert_eq!(error.kind, kind, "{command}");
        assert!(error.message.contains(message), "{}", error.message);
        let output = &error.command.expect("the command").output;
        assert_eq!((output.stdout_text(), output.stderr_text()), ("begun\n".into(), "told\n".into()));
    }
}

#[tokio::test]
async fn a_cancelled_command_is_ended() {
    for is_script in [false, true] {
        let host = TestHost::new();
        host.project_write("files/slow.sh", "sleep 600; touch late\n");
        host.cancel().cancel();
        let done = if is_script {
            laws::run(Script, &host, json!({ "src": "slow.sh" })).await
        } else {
            laws::run(Exec, &host, json!({ "command": "sleep 600; touch late" })).await
        };
        assert_eq!(done.expect_err("it is cancelled").kind, ErrorKind::Cancelled);
        assert_eq!(host.content("late"), None);
    }
}

#[tokio::test]
async fn a_cut_command_is_a_failure_and_creates_is_asked_anew() {
    let prepare =
        |host: &TestHost| json!({ "command": "cat /dev/null && touch done", "creates": host.path("done") });
    let places = laws::survives_cuts(Exec, prepare, |host| host.content("done")).await;
    assert_eq!(places, 2, "before each of its two programs");
}

#[tokio::test]
async fn a_script_that_was_cut_leaves_no_file_of_itself() {
    let host = TestHost::new();
    host.project_write("files/x.sh", "cat /dev/null\ncat /dev/null\ntouch done\n");
    for (place, is_cut) in [(0, true), (1, true), (2, true), (3, false)] {
        host.cut_after(place);
        let done = laws::run(Script, &host, json!({ "src": "x.sh" })).await;
        assert_eq!((host.mend(), done.is_err()), (is_cut, is_cut), "{place}");
        let left = std::fs::read_dir(host.root()).expect("the folder").count();
        assert_eq!(left, usize::from(!is_cut), "{place}");
    }
}
