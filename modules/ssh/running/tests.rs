use std::time::Duration;

use oneex_sdk::{ErrorKind, Exit};
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::sync::{mpsc, oneshot};

use super::{Body, Job, Running, Stop};
use crate::ssh::job::Purpose;

fn running(keep: usize, sink: Option<mpsc::Sender<Vec<u8>>>) -> Running {
    let (answer, _) = oneshot::channel();
    let job = Job {
        id: 1,
        user: None,
        folder: None,
        token: "T".into(),
        request: String::new(),
        body: Body::Inline,
        sink,
        keep,
        timeout: Some(Duration::from_secs(1)),
        purpose: Purpose::Answer(answer),
    };
    Running::new(job, String::new())
}

/// What may come over the channel.
#[derive(Debug, Clone)]
enum Event {
    Data(usize, Vec<u8>),
    Frame(String, String),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0..2_usize, vec(any::<u8>(), 0..20)).prop_map(|(stream, bytes)| Event::Data(stream, bytes)),
        ("[a-z]", "([0-9]{1,12}|-[0-9]| |.{0,4})( [A-Z-]{0,5})?( [g-])?")
            .prop_map(|(kind, rest)| Event::Frame(kind, rest)),
    ]
}

proptest! {
    /// A host that says anything in any order gets no more than its own wrong answer, and never too much kept.
    #[test]
    fn whatever_a_host_says_ends_in_a_result_or_an_error(events in vec(event(), 0..40), keep in 0_usize..64) {
        let mut running = running(keep, None);
        let mut ended = false;
        for event in events {
            match event {
                Event::Data(stream, bytes) => drop(running.data(stream, bytes)),
                Event::Frame(kind, rest) => {
                    if kind == "e" {
                        ended = rest.split(' ').next().is_some_and(|status| status.parse::<i32>().is_ok());
                    }
                    running.frame(&kind, &rest);
                }
            }
            prop_assert!(running.stdout.len() <= keep && running.stderr.len() <= keep);
        }
        let no_folder = running.no_folder;
        match running.result() {
            Ok(output) => {
                prop_assert!(ended && !no_folder);
                prop_assert!(matches!(output.exit, Exit::Code(_) | Exit::Signal(_)));
            }
            Err(error) => {
                prop_assert!(!ended || no_folder);
                prop_assert_eq!(error.kind, ErrorKind::Failed);
            }
        }
    }

    /// What comes between the frames is the output, up to what is kept; the sink gets all of it.
    #[test]
    fn output_between_the_frames_is_kept(chunks in vec(vec(any::<u8>(), 0..20), 0..20), keep in 0_usize..200, stream in 0..2_usize) {
        let whole = chunks.concat();
        let mut kept = running(keep, None);
        prop_assert!(!kept.data(stream, b"before".to_vec()), "what comes before the command is not its output");
        kept.frame("p", "12");
        kept.frame("s", "");
        let (sender, mut receiver) = mpsc::channel(64);
        let mut sunk = running(0, Some(sender));
        sunk.frame("p", "12");
        for chunk in chunks {
            prop_assert!(kept.data(stream, chunk.clone()));
            prop_assert!(sunk.data(0, chunk));
        }
        kept.frame("e", "3 - -");
        kept.frame("z", "");
        prop_assert!(kept.complete() && !kept.is_left());
        prop_assert!(!kept.data(stream, b"after".to_vec()), "what comes after the command's end is not its output");
        let output = kept.result().expect("a result");
        let stdout = if stream == 0 { &output.stdout } else { &output.stderr };
        prop_assert_eq!(stdout.as_slice(), &whole[..whole.len().min(keep)]);
        prop_assert_eq!((output.exit, output.truncated), (Exit::Code(3), whole.len() > keep));
        let mut arrived = Vec::new();
        while let Ok(chunk) = receiver.try_recv() {
            arrived.extend(chunk);
        }
        prop_assert_eq!(arrived, whole);
    }
}

#[test]
fn a_slow_reader_holds_the_output_back_and_loses_nothing() {
    let (sender, mut receiver) = mpsc::channel(1);
    let mut running = running(0, Some(sender));
    running.frame("p", "12");
    for chunk in [b"one ".as_slice(), b"two ", b"three"] {
        assert!(running.data(0, chunk.to_vec()));
    }
    running.frame("e", "0 - -");
    running.frame("z", "");
    assert!(!running.complete() && !running.drained());
    let mut arrived = receiver.try_recv().expect("the first chunk");
    assert!(running.pass_on());
    arrived.extend(receiver.try_recv().expect("the rest"));
    assert_eq!(arrived, b"one two three");
    assert!(running.complete());
}

#[test]
fn a_command_that_was_stopped_says_so_whatever_it_ended_with() {
    for (stop, ending) in
        [(Stop::TimedOut, "0 - -"), (Stop::TimedOut, "nonsense"), (Stop::Cancelled, "0 - -")]
    {
        let mut running = running(10, None);
        running.stop = Some(stop);
        running.frame("e", ending);
        match running.result() {
            Ok(output) => assert_eq!((stop, output.exit), (Stop::TimedOut, Exit::TimedOut)),
            Err(error) => assert_eq!((stop, error.kind), (Stop::Cancelled, ErrorKind::Cancelled)),
        }
    }
}
