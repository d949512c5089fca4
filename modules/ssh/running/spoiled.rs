//! What hosts say of commands, spoiled: whatever came of it was said.

use std::fmt::Debug;

use oneex_sdk::{CommandOutput, Exit, OpResult};
use oneex_testkit::mutate::{Chance, mutate_bytes};

use super::Standing;
use super::tests::running;
use crate::ssh::frames::{Frames, Piece};

/// How often each conversation is spoiled.
const COUNT: u64 = 600;
const TOKEN: &str = "oneex0123456789abcdef0123456789abcdef";

/// What comes on both streams; `T` is the token.
const SAID: [(&str, &str); 10] = [
    ("Tp4242 8812345;out\nput;Te3 - -;", "Ts;errors\nTz;"),
    ("Tp4242 8812345;Te0 - -;", "Ts;Tz;"),
    ("Tp4242 8812345;Te0 - g;left", "Ts;Tz;"),
    ("Tp4242 8812345;oneex0123456789abcdef0123456789abcdeTe137 KILL g;", "Ts;Killed\nTz;"),
    ("Tp4242 ;Td;Te126 - -;", "Ts;Tz;"),
    ("Tl;Tp4242 8812345;read\nTe1 - -;", "Ts;Tz;"),
    // Of a command that was sent before, with what was kept of it; then one that was ended there.
    ("Tj;Tp4242 88;Tp4242 88;kept\nTe3 - -;Tr3 - -;", "Ts;Ts;kept too\nTz;Ty;"),
    ("Tj;Tp4242 88;Tp4242 88;cutTr124 - l;", "Ts;Ts;cutTy;"),
    ("Tu;Tp4242 8812345;out\nTe3 - -;", "Ts;Tz;"),
    ("Tp4242 8812345;what goes on", "Ts;"),
];

/// What slips in: ends, and tokens that are none.
const PIECES: [&[u8]; 12] = [
    b";",
    b" ",
    b"0",
    b"e0 - -;",
    b"r0 - -;",
    b"z;",
    b"- -;",
    b"oneex0123456789abcdef",
    b"oneexffffffffffffffffffffffffffffffffe0 - -;",
    b"oneex0123456789abcdef0123456789abcdeee0 - -;",
    b"\0",
    b"\xff",
];

/// Everything that a stream holds, in these chunks.
fn pieces(bytes: &[u8], chance: Option<&mut Chance>) -> (Vec<Piece>, usize) {
    let mut frames = Frames::default();
    frames.expect(TOKEN);
    let (mut pieces, mut rest) = (Vec::new(), bytes);
    let mut chance = chance;
    while !rest.is_empty() {
        let size = chance.as_mut().map_or(rest.len(), |chance| 1 + chance.below(rest.len().min(30)));
        let (chunk, after) = rest.split_at(size);
        pieces.extend(frames.feed(chunk));
        rest = after;
    }
    let mut joined: Vec<Piece> = Vec::new();
    for piece in pieces {
        match (joined.last_mut(), piece) {
            (Some(Piece::Data(before)), Piece::Data(bytes)) => before.extend(bytes),
            (_, piece) => joined.push(piece),
        }
    }
    let given = joined.iter().map(|piece| match piece {
        Piece::Data(bytes) => bytes.len(),
        // What is no text is counted by who looks for what is missing.
        Piece::Frame(text) => TOKEN.len() + text.len() + 1,
    });
    let given = given.sum();
    (joined, given)
}

/// What comes of a command of which a host says this.
fn heard(streams: [&[u8]; 2], chance: &mut Chance) -> (bool, OpResult<CommandOutput>) {
    let mut running = running(64, None);
    for (stream, bytes) in streams.into_iter().enumerate() {
        for piece in pieces(bytes, Some(chance)).0 {
            match piece {
                Piece::Data(bytes) => drop(running.data(stream, bytes)),
                Piece::Frame(text) => match text.split_at_checked(1) {
                    Some(("u", _)) => running.claim = Standing::Unkept,
                    Some((kind, rest)) => running.frame(kind, rest),
                    None => {}
                },
            }
        }
    }
    (running.complete(), running.result())
}

/// Looks for a frame in what was sent, byte by byte, without the parser.
fn was_said(streams: [&[u8]; 2], kind: &str, text: &str) -> bool {
    let frame = format!("{TOKEN}{kind}{text};").into_bytes();
    streams.iter().any(|bytes| bytes.windows(frame.len()).any(|window| window == frame))
}

fn ended(streams: [&[u8]; 2], exit: &Exit) -> bool {
    let said = |text: &str| was_said(streams, "e", text) || was_said(streams, "r", text);
    let any = |signal: &str, left: &str| (0..1000).any(|status| said(&format!("{status} {signal} {left}")));
    match exit {
        Exit::Code(status) => {
            // Leading zeros say nothing.
            let spelled = [format!("{status}"), format!("{status:02}"), format!("{status:03}")];
            spelled.iter().any(|status| ["-", "g"].iter().any(|left| said(&format!("{status} - {left}"))))
        }
        Exit::Signal(name) => any(name, "-") || any(name, "g"),
        Exit::TimedOut => streams.iter().any(|bytes| bytes.windows(3).any(|window| window == b" l;")),
    }
}

fn spoiled(check: impl Fn(&mut Chance, [&[u8]; 2]) -> Result<(), Box<dyn Debug>>) {
    for (number, (stdout, stderr)) in SAID.into_iter().enumerate() {
        let [stdout, stderr] = [stdout, stderr].map(|said| said.replace('T', TOKEN).into_bytes());
        for seed in 0..COUNT {
            let mut chance = Chance::new(seed ^ 0x5eed);
            let stdout = mutate_bytes(&stdout, &PIECES, seed);
            let stderr = if seed % 3 == 0 { mutate_bytes(&stderr, &PIECES, !seed) } else { stderr.clone() };
            if let Err(complaint) = check(&mut chance, [&stdout, &stderr]) {
                let [stdout, stderr] = [&stdout, &stderr].map(|bytes| String::from_utf8_lossy(bytes));
                panic!("{number}, seed {seed}: {complaint:?}\n{stdout}\n{stderr}");
            }
        }
    }
}

#[test]
fn no_command_ends_as_its_host_did_not_say() {
    let successes = std::cell::Cell::new(0);
    spoiled(|chance, streams| {
        let (complete, result) = heard(streams, chance);
        match result {
            Ok(output) if !ended(streams, &output.exit) => return Err(Box::new(output)),
            Ok(output) => successes.set(successes.get() + u32::from(complete && output.ok())),
            Err(error) if error.message.is_empty() => return Err(Box::new(error)),
            Err(_) => {}
        }
        Ok(())
    });
    assert!(successes.get() > 100, "{} were let pass: the rest shows nothing", successes.get());
}

#[test]
fn a_stream_holds_the_same_in_whatever_chunks_it_comes() {
    spoiled(|chance, streams| {
        for bytes in streams {
            let ((whole, given), (chunked, _)) = (pieces(bytes, None), pieces(bytes, Some(chance)));
            if whole != chunked {
                return Err(Box::new((whole, chunked)));
            }
            // Only what may become a frame is held back; a byte that is no text becomes three.
            let is_text = std::str::from_utf8(bytes).is_ok();
            if is_text && (given > bytes.len() || bytes.len() - given > TOKEN.len() + 1024) {
                return Err(Box::new((given, bytes.len())));
            }
        }
        Ok(())
    });
}
