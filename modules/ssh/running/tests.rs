use std::time::Duration;

use oneex_sdk::{CutStream, ErrorKind, Exit, Heard, Passing, Stream};
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::sync::{mpsc, oneshot};

use super::{Body, Job, Running, Standing, Stop};
use crate::ssh::job::{Purpose, Sink};

pub(super) fn running(keep: usize, sink: Option<Sink>) -> Running {
    let (answer, _) = oneshot::channel();
    let job = Job {
        id: 1,
        user: None,
        folder: None,
        token: "T".into(),
        request: String::new(),
        plain: None,
        claimed: None,
        body: Body::Inline,
        sink,
        keep: [keep, keep],
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
        ("[a-z]", "([0-9]{1,4}|-[0-9]| |.{0,4})( [A-Z-]{1,5})?( [gl-])?")
            .prop_map(|(kind, rest)| Event::Frame(kind, rest)),
    ]
}

proptest! {
    /// A host that says anything in any order gets no more than its own wrong answer, and never too much kept.
    #[test]
    fn whatever_a_host_says_ends_in_a_result_or_an_error(events in vec(event(), 0..40), keep in 0_usize..64) {
        let mut running = running(keep, None);
        let ending = regex::Regex::new("^[0-9]{1,3} (-|[A-Za-z0-9+-]+) [gl-]$").expect("a pattern");
        let mut ended = false;
        for event in events {
            match event {
                Event::Data(stream, bytes) => drop(running.data(stream, bytes)),
                Event::Frame(kind, rest) => {
                    // What is kept of a command says how it ended where the command itself did not.
                    if kind == "e" || (kind == "r" && !ended) {
                        ended = ending.is_match(&rest);
                    }
                    running.frame(&kind, &rest);
                }
            }
            prop_assert!(running.collected.iter().all(|collected| collected.kept().len() <= keep));
        }
        let is_lost = matches!(running.claim, Standing::Unknown | Standing::NoRoom);
        let no_folder = running.no_folder || is_lost;
        match running.result() {
            Ok(output) => {
                prop_assert!(ended && !no_folder);
                prop_assert!(!matches!(output.exit, Exit::Code(code) if code < 0));
            }
            Err(error) => {
                prop_assert!(!ended || no_folder);
                prop_assert_eq!(error.kind, ErrorKind::Failed);
            }
        }
    }

    /// What comes between the frames is the output, up to what is kept; a sink gets what it wants of it.
    #[test]
    fn output_between_the_frames_is_kept(chunks in vec(vec(any::<u8>(), 0..20), 0..20), keep in 0_usize..200, stream in 0..2_usize, follows: bool) {
        let whole = chunks.concat();
        let mut kept = running(keep, None);
        prop_assert!(!kept.data(stream, b"before".to_vec()), "what comes before the command is not its output");
        kept.frame("p", "12");
        kept.frame("s", "");
        let (sender, mut receiver) = mpsc::channel(64);
        let passing = if follows { Passing::All } else { Passing::Longer };
        let mut heard = running(keep, Some(Sink { heard: sender, passing }));
        heard.frame("p", "12");
        heard.frame("s", "");
        for chunk in chunks {
            prop_assert!(kept.data(stream, chunk.clone()));
            prop_assert!(heard.data(stream, chunk));
        }
        kept.frame("e", "3 - -");
        kept.frame("z", "");
        prop_assert!(kept.complete() && !kept.is_left());
        prop_assert!(!kept.data(stream, b"after".to_vec()), "what comes after the command's end is not its output");
        let output = kept.result().expect("a result");
        let stdout = if stream == 0 { &output.stdout } else { &output.stderr };
        prop_assert_eq!(stdout.as_slice(), &whole[..whole.len().min(keep)]);
        let cut = if stream == 0 { output.cut.stdout } else { output.cut.stderr };
        let long = (whole.len() > keep).then_some(CutStream { total: whole.len() as u64, file: None });
        prop_assert_eq!((output.exit, &cut), (Exit::Code(3), &long));
        let (mut all, mut file) = (Vec::new(), None);
        while let Ok(heard) = receiver.try_recv() {
            match heard {
                Heard::Beginning(from, bytes) => {
                    prop_assert_eq!(from as usize, stream);
                    prop_assert!(!follows || bytes == all, "what it has heard so far");
                    file = Some(bytes);
                }
                Heard::Next(_, bytes) => {
                    all.extend_from_slice(&bytes);
                    file.iter_mut().for_each(|file| file.extend_from_slice(&bytes));
                }
            }
        }
        prop_assert!(!follows || all == whole);
        prop_assert_eq!(file, cut.is_some().then_some(whole));
    }
}

#[test]
fn a_slow_reader_holds_the_output_back_and_loses_nothing() {
    let (sender, mut receiver) = mpsc::channel(1);
    let mut running = running(99, Some(Sink { heard: sender, passing: Passing::All }));
    running.frame("p", "12");
    running.frame("s", "");
    for (stream, chunk) in [(0, b"one ".as_slice()), (1, b"two "), (0, b"three")] {
        assert!(running.data(stream, chunk.to_vec()));
    }
    running.frame("e", "0 - -");
    running.frame("z", "");
    assert!(!running.complete() && !running.drained());
    for (stream, chunk, all) in
        [(Stream::Stdout, "one ", false), (Stream::Stderr, "two ", true), (Stream::Stdout, "three", true)]
    {
        assert_eq!(receiver.try_recv(), Ok(Heard::Next(stream, chunk.into())));
        assert_eq!((running.pass_on(), running.complete()), (all, all), "{chunk}");
    }
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
