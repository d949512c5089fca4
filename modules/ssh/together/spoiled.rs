//! Replies to several commands, spoiled: each answer was said, in its place.

use oneex_sdk::{Command, CommandOutput, CutOutput, Exit};
use oneex_testkit::mutate::mutate_bytes;

use super::Together;

/// How often the reply is spoiled.
const COUNT: u64 = 2500;
const TOKEN: &str = "oneex0123456789abcdef0123456789abcdef";
/// What slips in.
const PIECES: [&[u8]; 9] = [
    b";",
    b"0",
    b"0;",
    b"-1;",
    b" ",
    b"\n",
    b"oneex0123456789",
    b"oneexffffffffffffffffffffffffffffffff0;",
    b"\xff",
];

#[test]
fn every_answer_was_said_in_its_place() {
    let commands = [Command::shell("a"), Command::shell("b"), Command::shell("c")];
    let mut together = Together::of(&commands).expect("they are valid");
    together.token = TOKEN.to_owned();
    let stdout = "one\nT1;two T127;T3;".replace('T', TOKEN).into_bytes();
    let stderr = "T;not found\nT;T;".replace('T', TOKEN).into_bytes();
    let mut answered = 0;
    for seed in 0..COUNT {
        let stdout = mutate_bytes(&stdout, &PIECES, seed);
        let stderr = if seed % 2 == 0 { mutate_bytes(&stderr, &PIECES, !seed) } else { stderr.clone() };
        let output = CommandOutput {
            exit: Exit::Code(0),
            stdout: stdout.clone(),
            stderr: stderr.clone(),
            cut: CutOutput::default(),
        };
        let answers = together.answers(&output);
        assert_eq!(answers.len(), commands.len(), "seed {seed}");
        // What was not answered ends it, so that no answer is taken for another's.
        let count = answers.iter().take_while(|answer| answer.is_some()).count();
        assert!(answers[count..].iter().all(Option::is_none), "seed {seed}");
        // The answers say again what was said, byte for byte.
        let mut said = [Vec::new(), Vec::new()];
        for answer in answers.iter().flatten() {
            let Exit::Code(status) = answer.exit else { panic!("seed {seed}: {:?}", answer.exit) };
            said[0].extend([&answer.stdout[..], format!("{TOKEN}{status};").as_bytes()].concat());
            said[1].extend([&answer.stderr[..], format!("{TOKEN};").as_bytes()].concat());
        }
        let shown =
            || format!("seed {seed}: {:?}", [&stdout, &stderr].map(|bytes| String::from_utf8_lossy(bytes)));
        assert!(stdout.starts_with(&said[0]) && stderr.starts_with(&said[1]), "{}", shown());
        answered += count;
    }
    assert!(answered > 2000, "{answered} answers: the rest shows little");
}
