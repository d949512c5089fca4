use std::time::Duration;

use oneex_sdk::{CancellationToken, Command, CommandOutput, ErrorKind, Exit, OpResult, Transport};
use oneex_testkit::processes;

use super::LocalTransport;
use crate::elevation::Elevation;
use crate::local::LocalSettings;

fn local() -> LocalTransport {
    LocalTransport::new(LocalSettings::default(), Elevation::default())
}

async fn run(command: Command) -> OpResult<CommandOutput> {
    local().run(&command, &CancellationToken::new()).await
}

#[tokio::test]
async fn streams_are_apart_and_statuses_exact() {
    let output = run(Command::shell("echo out; echo err >&2; exit 7")).await.expect("it runs");
    assert_eq!((output.stdout_text().as_str(), output.stderr_text().as_str()), ("out\n", "err\n"));
    assert_eq!(output.exit, Exit::Code(7));
    let killed = run(Command::shell("kill -9 $$")).await.expect("it runs");
    assert_eq!(killed.exit, Exit::Signal("KILL".into()));
    let missing = run(Command::argv(["no-such-program"])).await.expect("as a shell has it");
    assert_eq!((missing.exit, missing.stdout), (Exit::Code(127), Vec::new()));
}

#[tokio::test]
async fn input_environment_folder_and_mask_arrive() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command =
        Command::shell("umask; pwd; printf %s \"$V\"; cat").env("V", "a'b\nc").stdin(b"\0in".to_vec());
    command.cwd = Some(folder.path().display().to_string());
    command.umask = Some(0o27);
    let output = run(command).await.expect("it runs");
    assert_eq!(output.stdout_text(), format!("0027\n{}\na'b\nc\0in", folder.path().display()));
    let mut nowhere = Command::argv(["true"]);
    nowhere.cwd = Some("/no/such/folder".into());
    assert_eq!(run(nowhere).await.expect_err("no folder").kind, ErrorKind::Failed);
}

#[tokio::test]
async fn commands_begin_in_the_home_folder_or_at_the_root() {
    let folder = tempfile::tempdir().expect("a folder");
    let there = folder.path().to_path_buf();
    for (home, expected) in [(there.clone(), there.clone()), (there.join("gone"), "/".into())] {
        let local = LocalTransport::new(
            LocalSettings { home: Some(home), ..LocalSettings::default() },
            Elevation::default(),
        );
        let output = local.run(&Command::argv(["pwd"]), &CancellationToken::new()).await.expect("it runs");
        assert_eq!(output.stdout_text(), format!("{}\n", expected.display()));
    }
}

#[tokio::test]
async fn large_input_and_output_pass_and_are_bounded() {
    let input: Vec<u8> = (0..3 << 20).map(|number: u32| number as u8).collect();
    let output =
        run(Command::shell("cat; head -c 2000000 /dev/zero >&2").stdin(input.clone())).await.expect("runs");
    assert!(output.stdout == input && output.stderr.len() == 2_000_000 && !output.truncated());
    let mut bounded = Command::shell("head -c 100000 /dev/zero");
    bounded.keep = 10;
    let output = run(bounded).await.expect("it runs");
    assert_eq!((output.stdout.len(), output.truncated(), output.ok()), (10, true, true));
    let unread = run(Command::argv(["true"]).stdin(input)).await.expect("it need not read");
    assert!(unread.ok());
}

#[tokio::test]
async fn a_child_that_holds_the_output_does_not_hold_the_call() {
    let output = run(Command::shell("sleep 61.70331 & echo done")).await.expect("it returns");
    assert_eq!(output.stdout_text(), "done\n");
    for process in processes::with_argument("61.70331") {
        processes::kill(process);
    }
}

#[tokio::test]
async fn a_time_limit_ends_the_whole_group_even_when_it_ignores_term() {
    let mut command = Command::shell("trap '' TERM; sleep 62.70331 & sleep 62.70331; sleep 62.70331");
    command.timeout = Some(Duration::from_millis(200));
    let output = run(command).await.expect("a time limit is a result");
    assert_eq!(output.exit, Exit::TimedOut);
    assert!(processes::with_argument("62.70331").is_empty());
}

#[tokio::test]
async fn cancelling_ends_the_whole_group_first() {
    let cancel = CancellationToken::new();
    let command = Command::shell("sleep 63.70331 & sleep 63.70331");
    let transport = local();
    let (result, ()) = tokio::join!(transport.run(&command, &cancel), async {
        let _ = tokio::task::spawn_blocking(|| assert!(processes::appeared("63.70331"))).await;
        cancel.cancel();
    });
    assert_eq!(result.expect_err("cancelled").kind, ErrorKind::Cancelled);
    assert!(processes::with_argument("63.70331").is_empty());
}

#[tokio::test]
async fn another_user_runs_it_and_secrets_are_in_no_argument() {
    let mut command =
        Command::script("id -un; printf %s \"$V-$1\"; cat; tr '\\0' ' ' </proc/$PPID/cmdline", ["x y"]);
    command = command.env("V", "hidden-value").stdin(b"|in\0".to_vec());
    command.user = Some("nobody".into());
    let output = run(command).await.expect("sudo lets root do so");
    let text = output.stdout_text();
    assert!(text.starts_with("nobody\nhidden-value-x y|in\0"), "{text}");
    assert!(!text["nobody\nhidden-value".len()..].contains("hidden-value"), "{text}");
    let mut unknown = Command::argv(["true"]);
    unknown.user = Some("no-such-user-here".into());
    assert_eq!(run(unknown).await.expect_err("refused").kind, ErrorKind::Denied);
}

#[tokio::test]
async fn files_go_in_and_out_and_none_is_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a b").display().to_string();
    let (transport, cancel) = (local(), CancellationToken::new());
    transport.upload(&mut &b"content"[..], 7, &path, None, &cancel).await.expect("it is new");
    assert_eq!(std::fs::metadata(&path).expect("it is there").permissions().mode() & 0o7777, 0o600);
    let again = transport.upload(&mut &b"other"[..], 5, &path, None, &cancel).await;
    assert_eq!(again.expect_err("it exists").kind, ErrorKind::Failed);
    let short = folder.path().join("short").display().to_string();
    let error = transport.upload(&mut &b"abc"[..], 5, &short, None, &cancel).await.expect_err("too short");
    assert_eq!(error.message, format!("`{short}` got 3 of 5 bytes"));
    assert!(!std::path::Path::new(&short).exists());
    let mut bytes = Vec::new();
    assert_eq!(transport.download(&path, &mut bytes, None, &cancel).await.expect("it is read"), 7);
    assert_eq!(bytes, b"content");
    assert_eq!(transport.traffic().round_trips, 2);
}

#[tokio::test]
async fn files_of_another_user_belong_to_that_user() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).expect("open to all");
    let path = folder.path().join("-n $x").display().to_string();
    let (transport, cancel) = (local(), CancellationToken::new());
    let content = vec![7; 300_000];
    transport.upload(&mut &content[..], 300_000, &path, Some("nobody"), &cancel).await.expect("it is new");
    let file = std::fs::metadata(&path).expect("it is there");
    assert_eq!((file.uid(), file.mode() & 0o7777, file.len()), (65534, 0o600, 300_000));
    let again = transport.upload(&mut &content[..], 300_000, &path, Some("nobody"), &cancel).await;
    assert_eq!(again.expect_err("it exists").kind, ErrorKind::Failed);
    let mut bytes = Vec::new();
    transport.download(&path, &mut bytes, Some("nobody"), &cancel).await.expect("it is read");
    assert!(bytes == content);
}
