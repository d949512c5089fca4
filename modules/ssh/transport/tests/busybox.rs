//! A host that has BusyBox alone: its `ash` as login shell and as `sh`, its applets for everything else.

use oneex_testkit::FarmOptions;

use super::*;

fn farm() -> SshFarm {
    SshFarm::start_with(1, &FarmOptions { busybox: true, ..FarmOptions::default() })
}

/// Bytes that nothing repeats in.
fn bytes(count: u32) -> Vec<u8> {
    (0..count).map(|number| (number.wrapping_mul(2_654_435_761) >> 11) as u8).collect()
}

#[tokio::test]
async fn streams_and_ends_are_those_of_any_host() {
    let farm = farm();
    let host = connected(&farm).await;
    let who = "for path in /proc/$PPID/exe /proc/$$/exe $(command -v cat); do readlink -f $path; done";
    let who = text(&host, who).await;
    assert_eq!(who, "/usr/bin/busybox\n".repeat(3), "nothing but BusyBox is there");
    for (command, exit, stdout, stderr) in [
        ("echo out; echo err >&2; exit 3", Exit::Code(3), "out\n", "err\n"),
        ("printf '\\000\\377'; printf '\\001' >&2", Exit::Code(0), "\0\u{fffd}", "\u{1}"),
        ("cat", Exit::Code(0), "in\0put", ""),
        ("exec false", Exit::Code(1), "", ""),
        ("set -e; false; echo no", Exit::Code(1), "", ""),
        ("exec 1>&- 2>&- 0<&-", Exit::Code(0), "", ""),
        ("kill -9 $$", Exit::Signal("KILL".into()), "", ""),
        ("kill -TERM $$", Exit::Signal("TERM".into()), "", ""),
        ("kill -9 0", Exit::Signal("KILL".into()), "", ""),
        ("exit 137", Exit::Code(137), "", ""),
        ("trap '' HUP INT TERM; true", Exit::Code(0), "", ""),
        ("cd /; umask 777; export PATH=; readonly x=1", Exit::Code(0), "", ""),
    ] {
        let output = run(&host, Command::shell(command).stdin(b"in\0put".to_vec())).await.expect(command);
        let streams = (output.stdout_text(), output.stderr_text());
        assert_eq!(
            (output.exit, streams.0.as_str(), streams.1.as_str()),
            (exit, stdout, stderr),
            "{command}"
        );
        assert_eq!(text(&host, "echo next; umask").await, "next\n0022\n", "after {command}");
    }
    let large = bytes(3 << 20);
    let output = run(&host, Command::argv(["cat"]).stdin(large.clone())).await.expect("it runs");
    assert!(output.stdout == large, "every byte comes back");
    let unread = run(&host, Command::argv(["true"]).stdin(large)).await.expect("it need not read");
    assert!(unread.ok() && text(&host, "echo next").await == "next\n");
}

#[tokio::test]
async fn what_takes_too_long_or_is_not_wanted_any_more_is_ended_with_its_children() {
    let farm = farm();
    let host = connected(&farm).await;
    let mut command = Command::shell("sleep 3171.70331 & trap '' TERM; sleep 3171.70331; sleep 3171.70331");
    command.timeout = Some(Duration::from_millis(300));
    assert_eq!(run(&host, command).await.expect("a result").exit, Exit::TimedOut);
    let cancel = CancellationToken::new();
    let command = Command::shell("sleep 3172.70331 & sleep 3172.70331");
    let stop = async {
        let appears = tokio::task::spawn_blocking(|| processes::appeared("3172.70331"));
        assert!(appears.await.expect("it looks"));
        cancel.cancel();
    };
    let (result, ()) = tokio::join!(host.run(&command, &cancel), stop);
    assert_eq!(result.expect_err("it is cancelled").kind, ErrorKind::Cancelled);
    for marker in ["3171.70331", "3172.70331"] {
        let gone = tokio::task::spawn_blocking(move || processes::gone(marker));
        assert!(gone.await.expect("it looks"), "{marker}");
    }
    assert_eq!(text(&host, "echo next").await, "next\n");
}

#[tokio::test]
async fn files_arrive_whole_or_not_at_all() {
    let farm = farm();
    let host = connected(&farm).await;
    let cancel = CancellationToken::new();
    let path = |name: &str| farm.host(0).folder.join(name).display().to_string();
    for size in [0, 1, 5_000, 3 << 20] {
        let (content, to) = (bytes(size), path(&format!("-a $b {size}\n")));
        host.upload(&mut &content[..], u64::from(size), &to, None, &cancel).await.expect("it is new");
        assert!(std::fs::read(&to).expect("it is there") == content, "{size} bytes");
        let mut back = Vec::new();
        let length = host.download(&to, &mut back, None, &cancel).await.expect("it is read");
        assert!(length == u64::from(size) && back == content, "{size} bytes");
        let again = host.upload(&mut &b"other"[..], 5, &to, None, &cancel).await.expect_err("it exists");
        assert!(again.message.ends_with("cannot be written: it exists"), "{again}");
    }
    let short = path("short");
    let error = host.upload(&mut &b"abc"[..], 5, &short, None, &cancel).await.expect_err("too short");
    assert!(error.message.contains("got 3 of 5 bytes"), "{error}");
    assert!(!std::path::Path::new(&short).exists());
    assert_eq!(text(&host, "echo next").await, "next\n");
}
