//! Good files, spoiled: a line says what it says whatever stands in the others.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use oneex_testkit::mutate::mutate_bytes;
use sha1::Sha1;

use super::{KnownHost, Marker, Verdict, line, parse_file};

/// How often the file is spoiled.
const COUNT: u64 = 2500;

/// What slips in.
const PIECES: [&[u8]; 18] = [
    b"\n",
    b" ",
    b"\t",
    b"\r",
    b",",
    b"!",
    b"*",
    b"?",
    b"|1|",
    b"|",
    b"=",
    b"#",
    b"@revoked ",
    b"@cert-authority ",
    b"web1",
    b"[web1]:22",
    b"\xff",
    b"\0",
];

/// An Ed25519 key whose 32 bytes are all `byte`, as it travels.
fn key(byte: u8) -> Vec<u8> {
    [b"\0\0\0\x0bssh-ed25519\0\0\0\x20".as_slice(), &[byte; 32]].concat()
}

fn encoded(byte: u8) -> String {
    format!("ssh-ed25519 {}", STANDARD.encode(key(byte)))
}

/// The line that revokes key 1.
fn revokes() -> String {
    format!("@revoked * {}", encoded(1))
}

/// A file that knows `web1` by key 2, and by key 4 under a hashed name.
fn good() -> String {
    let salt = [7; 20];
    let hash =
        Hmac::<Sha1>::new_from_slice(&salt).expect("any length").chain_update("web1").finalize().into_bytes();
    let hashed = format!("|1|{}|{}", STANDARD.encode(salt), STANDARD.encode(hash));
    let lines = [
        "# of the team".to_owned(),
        revokes(),
        format!("web1,10.0.0.1 {} me@here", encoded(2)),
        format!("[web1]:2222,db* {}", encoded(3)),
        format!("{hashed} {}", encoded(4)),
        String::new(),
        format!("*.example,!web2.example {}", encoded(5)),
        format!("@cert-authority web?,*.lab {} ca", encoded(6)),
    ];
    lines.map(|line| line + "\n").concat()
}

#[test]
fn the_good_file_says_what_it_says() {
    let keys = parse_file(&good(), Path::new("f"), &["web1".to_owned()]);
    let found: Vec<_> = keys.iter().map(|key| (key.marker, key.blob[key.blob.len() - 1])).collect();
    assert_eq!(found, [(Marker::Revoked, 1), (Marker::Key, 2), (Marker::Key, 4), (Marker::Authority, 6)]);
}

#[test]
fn what_is_known_stands_in_the_line_that_is_named_for_it() {
    let (good, names) = (good(), ["web1".to_owned()]);
    for seed in 0..COUNT {
        let bytes = mutate_bytes(good.as_bytes(), &PIECES, seed);
        let text = String::from_utf8_lossy(&bytes);
        let keys = parse_file(&text, Path::new("f"), &names);
        // Each line is read once, and alone: what all say is what each says.
        let mut alone = Vec::new();
        for (index, line) in text.lines().enumerate() {
            for mut key in parse_file(line, Path::new("f"), &names) {
                assert_eq!(key.place, "f:1", "seed {seed}");
                key.place = format!("f:{}", index + 1);
                let words = format!("{} {}", key.kind, STANDARD.encode(&key.blob));
                let spaced = line.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(spaced.contains(&words), "seed {seed}: {words}\n{line}");
                assert_eq!(line.trim().starts_with('@'), key.marker != Marker::Key, "seed {seed}: {line}");
                alone.push(key);
            }
        }
        assert_eq!(keys, alone, "seed {seed}\n{text}");
        for key in &keys {
            // What would be written for it means it.
            let written = line("web1", 22, &key.kind, &key.blob);
            let again = parse_file(&written, Path::new("f"), &names);
            let again: Vec<_> = again.iter().map(|key| (key.marker, &key.kind, &key.blob)).collect();
            assert_eq!(again, [(Marker::Key, &key.kind, &key.blob)], "seed {seed}: {written}");
        }
    }
}

#[test]
fn a_line_that_was_not_spoiled_still_counts() {
    let good = good();
    let knows = good.lines().nth(2).expect("the line of `web1`").to_owned();
    let mut whole = [0, 0];
    for seed in 0..COUNT {
        let bytes = mutate_bytes(good.as_bytes(), &PIECES, seed);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let known = KnownHost { keys: parse_file(&text, Path::new("f"), &["web1".to_owned()]) };
        if text.lines().any(|line| line == revokes()) {
            whole[0] += 1;
            assert!(matches!(known.judge(&key(1)), Verdict::Revoked(_)), "seed {seed}\n{text}");
        }
        if text.lines().any(|line| line == knows) {
            whole[1] += 1;
            assert!(
                matches!(known.judge(&key(2)), Verdict::Known | Verdict::Revoked(_)),
                "seed {seed}\n{text}"
            );
            assert!(matches!(known.judge(&key(9)), Verdict::Changed(_)), "seed {seed}\n{text}");
        }
        assert_ne!(known.judge(&key(9)), Verdict::Known, "seed {seed}: no line has this key\n{text}");
    }
    assert!(whole.iter().all(|count| *count > 500), "{whole:?}: the rest shows little");
}
