//! What a command writes arrives as it was written, through every shell that a host may have.

use std::io::Write;
use std::process::{Command as Process, Stdio};

use oneex_sdk::Command;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Ending, Input, hello, plain, request};
use crate::shell::{printf_format, words};
use crate::ssh::frames::{Frames, Piece, new_token};
use crate::ssh::functions::Calls;

const SHELLS: [&[&str]; 4] = [&["dash"], &["bash"], &["bash", "--posix"], &["busybox", "sh"]];

/// Gives the text to a shell, as the host does, and returns both streams.
fn shell(sh: &[&str], text: &str) -> (Vec<u8>, Vec<u8>) {
    let mut process = Process::new(sh[0]);
    process.args(&sh[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = process.spawn().expect("the shell starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let text = text.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("it writes").expect("it is read");
    (output.stdout, output.stderr)
}

/// What arrives of one command.
#[derive(Debug, Default, PartialEq)]
struct Arrived {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    status: Option<i32>,
}

/// Takes a stream apart in chunks of these sizes, one command after the other.
fn pieces(stream: &[u8], tokens: &[String], last: &str, sizes: &[usize]) -> Vec<Vec<Piece>> {
    let mut frames = Frames::default();
    let mut sizes = sizes.iter().cycle();
    let mut rest = stream;
    let mut all = Vec::new();
    for token in tokens {
        frames.expect(token);
        let mut found: Vec<Piece> = Vec::new();
        // As a shell does, which gets its next command when the last one has ended.
        let end = memchr::memmem::find(rest, format!("{token}{last}").as_bytes()).expect("an end");
        let end = end + rest[end..].iter().position(|byte| *byte == b';').expect("its `;`") + 1;
        let (mut own, after) = rest.split_at(end);
        while !own.is_empty() {
            let (chunk, more) = own.split_at((*sizes.next().expect("a size")).min(own.len()));
            found.extend(frames.feed(chunk));
            own = more;
        }
        rest = after;
        all.push(found);
    }
    all
}

/// Nasty texts, and any.
fn argument() -> impl Strategy<Value = String> {
    let nasty = prop::sample::select(vec![
        "",
        "-n",
        "--",
        "'",
        "\"",
        "\\",
        "`id`",
        "$(id)",
        "${IFS}",
        "$'\\n'",
        "a\nb",
        "\r\n",
        "~",
        "*",
        "?",
        "[a-z]",
        "{a,b}",
        "!!",
        "!",
        "#",
        "a=b",
        ";",
        "&",
        "|",
        "<",
        ">",
        "(",
        "\t",
        "%s",
        "\\0",
        "\u{7f}",
        "ü",
        "\u{2028}",
        "'\\''",
        "'\"'\"'",
        "\\'",
        "$",
        "a b ",
        " ",
        "^a",
        "\u{1b}[31m",
        "EOF",
    ]);
    prop_oneof![nasty.prop_map(str::to_owned), any::<String>(), "[\u{1}-\u{7f}]{0,12}"]
        .prop_map(|text| text.replace('\0', ""))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn streams_and_statuses_arrive(
        commands in vec((vec(any::<u8>(), 0..600), vec(any::<u8>(), 0..200), 0..=128_i32), 1..5),
        is_plain in any::<bool>(),
        sizes in vec(1_usize..40, 1..12)
    ) {
        let tokens: Vec<String> = commands.iter().map(|_| new_token()).collect();
        let mut text = hello("HELLO", false);
        for ((stdout, stderr, status), token) in commands.iter().zip(&tokens) {
            let command = Command::script(
                // The first `$1` bytes are for standard output; `head` might read more than it writes.
                "dd bs=1 count=\"$1\" 2>/dev/null; cat >&2; exit \"$2\"",
                [stdout.len().to_string(), status.to_string()],
            );
            let input = [stdout.as_slice(), stderr].concat();
            let input = Input::Inline(&input);
            let calls = Calls::of(&command).expect("it is valid");
            text += &if is_plain {
                calls.definitions() + &plain(&command, token, input, calls).expect("it is valid").text
            } else {
                request(&command, token, input, None).expect("it is valid")
            };
        }
        let wanted: Vec<Arrived> = commands
            .iter()
            .map(|(stdout, stderr, status)| Arrived { stdout: stdout.clone(), stderr: stderr.clone(), status: Some(*status) })
            .collect();
        for sh in SHELLS {
            let (stdout, stderr) = shell(sh, &text);
            let hello = stdout.iter().position(|byte| *byte == b';').expect("it says hello") + 1;
            let stdout = &stdout[hello..];
            let mut arrived = Vec::new();
            let streams = pieces(stdout, &tokens, "e", &sizes).into_iter().zip(pieces(&stderr, &tokens, "z", &sizes));
            for (out, err) in streams {
                let mut one = Arrived::default();
                for piece in out {
                    match piece {
                        Piece::Data(bytes) => one.stdout.extend(bytes),
                        Piece::Frame(text) => {
                            if let Some(ending) = text.strip_prefix('e') {
                                one.status = Ending::parse(ending).map(|ending| ending.status);
                            }
                        }
                    }
                }
                for piece in err {
                    if let Piece::Data(bytes) = piece {
                        one.stderr.extend(bytes);
                    }
                }
                arrived.push(one);
            }
            prop_assert_eq!(&arrived, &wanted, "{:?}", sh);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn arguments_arrive_through_the_quoting(vectors in vec(vec(argument(), 0..8), 1..12)) {
        let mut text = String::new();
        let mut wanted = String::new();
        for vector in &vectors {
            let argv = ["printf", "%s\\0"].map(str::to_owned).into_iter().chain(vector.iter().cloned());
            text += &format!("{}\n", words(&Command::argv(argv), "sh").expect("it is valid"));
            // Without an argument, `printf` writes its format once.
            wanted += &if vector.is_empty() { "\0".to_owned() } else { vector.join("\0") + "\0" };
        }
        for sh in SHELLS {
            let (stdout, stderr) = shell(sh, &text);
            prop_assert_eq!(String::from_utf8_lossy(&stdout), wanted.as_str(), "{:?}: {:?}", sh, stderr);
        }
    }

    #[test]
    fn any_bytes_arrive_through_printf(inputs in vec(vec(any::<u8>(), 0..300), 1..8)) {
        let text: String = inputs.iter().map(|input| format!("printf {}\n", printf_format(input))).collect();
        for sh in SHELLS {
            prop_assert_eq!(shell(sh, &text).0, inputs.concat(), "{:?}", sh);
        }
    }

    /// What is read says the same again; there is one spelling of everything but leading zeros.
    #[test]
    fn an_ending_of_anything_is_read_or_refused(text in "([0-9+-]{0,6}|.{0,6})( [A-Z0-9+-]{0,6})?( [gl-])?( )?") {
        if let Some(Ending { status, signal, is_left, is_late }) = Ending::parse(&text) {
            let left = match (is_left, is_late) {
                (false, _) => "-",
                (true, false) => "g",
                (true, true) => "l",
            };
            let again = format!("{status} {} {left}", signal.as_deref().unwrap_or("-"));
            let zeros = text.len() - text.trim_start_matches('0').len();
            prop_assert!((0..=zeros).any(|zeros| text[zeros..] == again), "{:?} is {:?}", text, again);
        }
    }
}
