//! Output on its way while the command runs, over SSH and on the controller itself.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oneex_sdk::{
    BoxFuture, CancellationToken, Command, CutStream, Exit, Heard, OutputSink, Stream, Transport,
};
use oneex_testkit::SshFarm;
use tokio::sync::Semaphore;

use super::{connected, run};
use crate::elevation::Elevation;
use crate::local::{LocalSettings, LocalTransport};

/// What was heard of the two streams, and what a file of each would hold.
#[derive(Debug, Default)]
struct Streams {
    heard: [Vec<u8>; 2],
    whole: [Option<Vec<u8>>; 2],
}

/// Notes what it hears; takes a chunk for each permit.
struct Sink {
    follows: bool,
    streams: Mutex<Streams>,
    permits: Semaphore,
    /// Is made when this text was heard.
    made: Option<(&'static str, PathBuf)>,
}

impl Sink {
    fn new(follows: bool) -> Self {
        let permits = Semaphore::new(Semaphore::MAX_PERMITS);
        Self { follows, streams: Mutex::default(), permits, made: None }
    }

    fn heard(&self, stream: Stream) -> String {
        String::from_utf8_lossy(&self.streams.lock().expect("no panic").heard[stream as usize]).into_owned()
    }
}

impl OutputSink for Sink {
    fn follows(&self) -> bool {
        self.follows
    }

    fn take(&self, heard: Heard) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.permits.acquire().await.expect("it is open").forget();
            let mut streams = self.streams.lock().expect("no panic");
            match heard {
                Heard::Beginning(stream, bytes) => streams.whole[stream as usize] = Some(bytes),
                Heard::Next(stream, bytes) => {
                    streams.heard[stream as usize].extend_from_slice(&bytes);
                    streams.whole[stream as usize]
                        .iter_mut()
                        .for_each(|whole| whole.extend_from_slice(&bytes));
                }
            }
            if let Some((text, path)) = &self.made
                && String::from_utf8_lossy(&streams.heard[0]).contains(text)
            {
                std::fs::write(path, "").expect("it is made");
            }
        })
    }
}

async fn both() -> (SshFarm, [(&'static str, Arc<dyn Transport>); 2]) {
    let farm = SshFarm::start(1);
    let remote = connected(&farm).await;
    (
        farm,
        [
            ("ssh", remote),
            ("local", Arc::new(LocalTransport::new(LocalSettings::default(), Elevation::default()))),
        ],
    )
}

#[tokio::test]
async fn a_line_is_heard_while_the_command_runs() {
    let (_farm, hosts) = both().await;
    for (name, host) in hosts {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("heard");
        let text = "echo ready; echo also >&2; until [ -e \"$1\" ]; do sleep 0.01; done; echo over";
        let mut command = Command::script(text, [path.display().to_string()]);
        command.timeout = Some(Duration::from_secs(60));
        let sink = Sink { made: Some(("ready\n", path)), ..Sink::new(true) };
        let output = host.run_heard(&command, &sink, &CancellationToken::new()).await.expect("it runs");
        assert_eq!(
            (output.exit, sink.heard(Stream::Stdout).as_str()),
            (Exit::Code(0), "ready\nover\n"),
            "{name}"
        );
        assert_eq!((sink.heard(Stream::Stderr).as_str(), output.stdout.len()), ("also\n", 11), "{name}");
    }
}

#[tokio::test]
async fn what_is_longer_than_what_is_kept_arrives_whole() {
    let (_farm, hosts) = both().await;
    for (name, host) in hosts {
        for follows in [true, false] {
            let mut command = Command::shell("seq 99; seq 300000 >&2; echo x >&2; exit 3");
            command.keep = 1000;
            let expected: String =
                (1..=300_000).map(|number| format!("{number}\n")).collect::<String>() + "x\n";
            let sink = Sink::new(follows);
            let output = host.run_heard(&command, &sink, &CancellationToken::new()).await.expect("it runs");
            let streams = sink.streams.into_inner().expect("no panic");
            assert_eq!((output.exit, output.cut.stdout), (Exit::Code(3), None), "{name}");
            assert_eq!(streams.whole[0], None, "all of it is kept");
            assert_eq!(streams.heard[0].len(), if follows { output.stdout.len() } else { 0 }, "{name}");
            let whole = streams.whole[1].as_deref().expect("the stream is long");
            assert!(whole == expected.as_bytes(), "{name}: {} bytes", whole.len());
            assert_eq!(output.stderr, &expected.as_bytes()[..1000], "{name}");
            let total = expected.len() as u64;
            assert_eq!(output.cut.stderr, Some(CutStream { total, file: None }), "{name}");
        }
    }
}

#[tokio::test]
async fn a_slow_sink_holds_back_its_command_and_no_other() {
    let (_farm, hosts) = both().await;
    for (name, host) in hosts {
        let sink = Arc::new(Sink { permits: Semaphore::new(0), ..Sink::new(true) });
        let (slow, other) = (Arc::clone(&sink), Arc::clone(&host));
        let task = tokio::spawn(async move {
            let command = Command::shell("head -c 30000000 /dev/zero; echo end >&2");
            other.run_heard(&command, &*slow, &CancellationToken::new()).await.expect("it runs")
        });
        for _ in 0..3 {
            let output = run(&host, Command::argv(["echo", "beside"])).await.expect("it runs");
            assert_eq!(output.stdout, b"beside\n", "{name}");
        }
        assert!(!task.is_finished(), "{name}: what nobody takes is not dropped");
        sink.permits.add_permits(1 << 20);
        let output = task.await.expect("no panic");
        let heard = sink.streams.lock().expect("no panic").heard[0].len();
        assert_eq!((heard, sink.heard(Stream::Stderr).as_str()), (30_000_000, "end\n"), "{name}");
        assert_eq!((output.stdout.len(), output.truncated()), (Command::KEEP, true), "{name}");
    }
}

#[tokio::test]
async fn what_was_said_before_the_limit_is_kept_and_heard() {
    let (_farm, hosts) = both().await;
    for (name, host) in hosts {
        let mut command = Command::shell("seq 2000; echo error >&2; sleep 71.70377; echo late");
        (command.keep, command.timeout) = (100, Some(Duration::from_secs(2)));
        let sink = Sink::new(false);
        let output = host.run_heard(&command, &sink, &CancellationToken::new()).await.expect("a result");
        let expected: String = (1..=2000).map(|number| format!("{number}\n")).collect();
        assert_eq!(
            (output.exit, output.stderr.as_slice()),
            (Exit::TimedOut, b"error\n".as_slice()),
            "{name}"
        );
        assert_eq!(output.stdout, &expected.as_bytes()[..100], "{name}");
        let streams = sink.streams.into_inner().expect("no panic");
        assert_eq!(streams.whole[0].as_deref(), Some(expected.as_bytes()), "{name}");
    }
}
