//! What shells say before they take commands, spoiled: the password goes to who asked for it, once, and nothing is
//! taken for a shell that did not say so.

use oneex_sdk::{BecomeMethod, Secret, Target};
use oneex_testkit::mutate::{Chance, mutate_bytes};

use super::{Entry, KEPT, Reply};
use crate::elevation::{Access, Elevation};
use crate::ssh::frames::{Frames, Piece};

/// How often each conversation is spoiled.
const COUNT: u64 = 600;
const HELLO: &str = "oneexaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const PROMPT: &str = "oneexbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const PASSWORD: &str = "hunter2 it's";

/// What comes on standard error, then on standard output; `P` and `H` are the marks.
const SAID: [(BecomeMethod, &str, &str); 5] = [
    (BecomeMethod::Sudo, "We trust you have received the usual lecture.\n\nPq;\nPr;", "Hhboot 42 4711;"),
    (BecomeMethod::Sudo, "Pq;Sorry, try again.\nPq;sudo: 1 incorrect password attempt\n", ""),
    (BecomeMethod::Su, "Password: \nPr;", "Hhboot 42 4711;"),
    (BecomeMethod::Su, "Password: \nsu: Authentication failure\n", ""),
    (BecomeMethod::Doas, "doas (ops@host) password: \r\nPr;", "motd\nHhboot 42 4711;"),
];

/// What slips in.
const PIECES: [&[u8]; 14] = [
    b";",
    b"\n",
    b"\r",
    b": ",
    b"?",
    b"Password:",
    b"su: ",
    b"q;",
    b"r;",
    b"h;",
    b"oneexbbbbbbbb",
    b"oneexaaaaaaaa",
    b"\0",
    b"\xff",
];

fn has(bytes: &[u8], mark: &str, kind: &str) -> bool {
    let mark = format!("{mark}{kind}").into_bytes();
    bytes.windows(mark.len()).any(|window| window == mark)
}

#[test]
fn the_password_goes_to_who_asked_and_no_shell_is_there_that_did_not_say_so() {
    let (mut entered, mut gone_in) = (0, 0);
    for (number, (method, stderr, stdout)) in SAID.into_iter().enumerate() {
        let marked = |said: &str| said.replace('P', "\u{1}").replace('H', HELLO).replace('\u{1}', PROMPT);
        // Only marks are capital letters of their own.
        let stderr = marked(&stderr.replace("Password", "\u{2}")).replace('\u{2}', "Password").into_bytes();
        let stdout = marked(stdout).into_bytes();
        for seed in 0..COUNT {
            let password = Some(Secret::new(PASSWORD.to_owned()));
            let target = Target { sudo_method: method, sudo_password: password, ..Target::default() };
            let elevation = Elevation::of(&target, None).expect("it is valid");
            let mut entry = Entry::by(&elevation, Access { asks: true, terminal: false });
            entry.hello = HELLO.to_owned();
            entry.prompt = PROMPT.to_owned();
            let mut chance = Chance::new(seed);
            let streams =
                [(1, mutate_bytes(&stderr, &PIECES, seed)), (0, mutate_bytes(&stdout, &PIECES, !seed))];
            let (mut passwords, mut ready) = (0, false);
            for (stream, bytes) in &streams {
                let mut frames = Frames::default();
                frames.expect(if *stream == 0 { HELLO } else { PROMPT });
                let mut rest = bytes.as_slice();
                while !rest.is_empty() {
                    let (chunk, after) = rest.split_at(1 + chance.below(rest.len().min(40)));
                    rest = after;
                    for piece in frames.feed(chunk) {
                        let reply = match piece {
                            Piece::Data(bytes) => entry.data(*stream, &bytes),
                            Piece::Frame(text) => entry.frame(&text),
                        };
                        match reply {
                            Reply::Write(text) if text.contains(PASSWORD) => passwords += 1,
                            Reply::Ready => ready = true,
                            Reply::Write(_) | Reply::Wait | Reply::Over => {}
                        }
                    }
                }
            }
            let shown = || {
                format!(
                    "{number}, seed {seed}: {:?}",
                    streams.each_ref().map(|(_, said)| String::from_utf8_lossy(said))
                )
            };
            assert!(passwords <= 1, "it was told twice: {}", shown());
            let asked = method != BecomeMethod::Sudo
                || has(&streams[0].1, PROMPT, "q")
                || has(&streams[1].1, HELLO, "q");
            assert!(passwords == 0 || asked, "nobody asked: {}", shown());
            let said = has(&streams[0].1, PROMPT, "h") || has(&streams[1].1, HELLO, "h");
            assert!(!ready || said, "it was not said: {}", shown());
            assert!(entry.said.len() <= KEPT);
            entered += passwords;
            gone_in += u32::from(ready);
        }
    }
    assert!(entered > 500 && gone_in > 100, "{entered}, {gone_in}: the rest shows little");
}

#[test]
fn what_is_kept_of_endless_talk_has_an_end() {
    let mut entry = Entry::plain();
    for _ in 0..100 {
        assert_eq!(entry.data(0, &[b'x'; 4096]), Reply::Wait);
    }
    assert_eq!(entry.said.len(), KEPT);
}
