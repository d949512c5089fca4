//! Which lines name a host, against `ssh-keygen -F`; and garbage.

use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{KnownHost, Marker, Verdict, names, parse_file};

/// The lines that `ssh-keygen` finds for a name, with what it says of their markers.
fn openssh(file: &Path, name: &str) -> Vec<(usize, Marker)> {
    let output =
        Command::new("ssh-keygen").arg("-F").arg(name).arg("-f").arg(file).output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let found = text.lines().filter_map(|line| line.strip_prefix("# Host ")?.split_once(" found: line "));
    let line = |(_, place): (&str, &str)| {
        let (number, marker) = place.split_once(' ').unwrap_or((place, ""));
        let marker = match marker.trim() {
            "REVOKED" => Marker::Revoked,
            "CA" => Marker::Authority,
            _ => Marker::Key,
        };
        (number.parse().expect("a number"), marker)
    };
    found.map(line).collect()
}

fn ours(text: &str, name: &str) -> Vec<(usize, Marker)> {
    let line = |place: &str| place.rsplit(':').next().and_then(|line| line.parse().ok()).expect("a line");
    let keys = parse_file(text, Path::new("known_hosts"), &[name.to_owned()]);
    keys.iter().map(|key| (line(&key.place), key.marker)).collect()
}

/// An Ed25519 key whose 32 bytes are all `byte`, as it travels.
fn blob(byte: u8) -> Vec<u8> {
    [b"\0\0\0\x0bssh-ed25519\0\0\0\x20".as_slice(), &[byte; 32]].concat()
}

/// Few names, so that lines and questions meet.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["(web|db)[12](\\.example)?", "10\\.0\\.0\\.[12]", "\\[(web|db)1\\]:22[0-2]2", "fe80::[12]"]
}

fn pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => name(),
        1 => name().prop_map(|name| name.to_uppercase()),
        2 => "(web|db)(\\*|\\?|1\\*)(\\.example)?",
        1 => "\\*(1|\\.example|\\.0\\.?)",
        1 => "\\[\\*\\]:2222|\\[web\\?\\]:\\*|\\*",
        1 => Just(String::new()),
    ]
}

/// A line that may name hosts. With a tab after its marker OpenSSH passes over the line, and ours honours it.
fn line() -> impl Strategy<Value = String> {
    let hosts = vec((prop::bool::weighted(0.2), pattern()), 1..4).prop_map(|patterns| {
        let signed =
            patterns.iter().map(|(not, pattern)| format!("{}{pattern}", if *not { "!" } else { "" }));
        signed.collect::<Vec<_>>().join(",")
    });
    let marker = prop::sample::select(vec!["", "", "", "@revoked ", "@cert-authority ", "@unknown "]);
    let blank = prop::sample::select(vec![" ", "\t", "  "]);
    let end = prop::sample::select(vec!["", " comment", " a b # c", "\t", "\r"]);
    (prop::sample::select(vec!["", " ", "\t"]), marker, hosts, blank, any::<u8>(), end)
        .prop_filter("a line has a host", |(_, _, hosts, ..)| !hosts.is_empty())
        .prop_map(|(indent, marker, hosts, blank, byte, end)| {
            format!("{indent}{marker}{hosts}{blank}ssh-ed25519 {}{end}", STANDARD.encode(blob(byte)))
        })
}

fn written(lines: &[String]) -> (tempfile::TempDir, std::path::PathBuf, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("known_hosts");
    let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    std::fs::write(&file, &text).expect("it is written");
    (folder, file, text)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_lines_of_a_host_are_those_that_openssh_finds(
        lines in vec(prop_oneof![6 => line(), 1 => Just("# web1".to_owned()), 1 => Just(String::new())], 1..12),
        asked in vec(name(), 3)
    ) {
        let (_folder, file, text) = written(&lines);
        for name in asked {
            prop_assert_eq!(ours(&text, &name), openssh(&file, &name), "{} in\n{}", name, text);
        }
    }

    #[test]
    fn names_that_openssh_hashed_are_found(hosts in vec(name(), 1..8), asked in vec(name(), 3)) {
        let line = |(index, host): (usize, &String)| format!("{host} ssh-ed25519 {}", STANDARD.encode(blob(index as u8)));
        let lines: Vec<String> = hosts.iter().enumerate().map(line).collect();
        let (_folder, file, text) = written(&lines);
        let output = Command::new("ssh-keygen").arg("-H").arg("-f").arg(&file).output().expect("it runs");
        prop_assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let hashed = std::fs::read_to_string(&file).expect("it is read");
        prop_assert!(hashed.lines().all(|line| line.starts_with("|1|")), "{}", hashed);
        for name in asked.iter().chain(&hosts) {
            prop_assert_eq!(ours(&hashed, name), ours(&text, name));
            prop_assert_eq!(ours(&hashed, name), openssh(&file, name));
        }
    }
}

proptest! {
    /// Whatever the lines say: a revoked key is never known, and only a key of a line is.
    #[test]
    fn a_verdict_follows_from_the_lines(lines in vec(line(), 0..10), asked in name(), port in 22..24_u16, byte in any::<u8>()) {
        let (_folder, file, text) = written(&lines);
        let keys = parse_file(&text, &file, &names(&asked, port));
        let byte = keys.get(usize::from(byte) % (keys.len() + 1)).map_or(byte, |key| key.blob[key.blob.len() - 1]);
        let shown = blob(byte);
        let has = |marker: Marker, same: bool| keys.iter().any(|key| key.marker == marker && (!same || key.blob == shown));
        let wanted = match () {
            () if has(Marker::Revoked, true) => "revoked",
            () if has(Marker::Key, true) => "known",
            () if has(Marker::Key, false) => "changed",
            () if has(Marker::Authority, false) => "authority",
            () => "unknown",
        };
        let verdict = match KnownHost::load(&[file], &[], &asked, port).judge(&shown) {
            Verdict::Known => "known",
            Verdict::Unknown => "unknown",
            Verdict::Changed(_) => "changed",
            Verdict::Revoked(_) => "revoked",
            Verdict::AuthorityOnly(_) => "authority",
        };
        prop_assert_eq!(verdict, wanted, "{}", text);
    }

    #[test]
    fn garbage_names_nobody(bytes in vec(any::<u8>(), 0..400), shown in vec(any::<u8>(), 0..8)) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("known_hosts");
        std::fs::write(&file, &bytes).expect("it is written");
        let known = KnownHost::load(&[file], &[String::from_utf8_lossy(&bytes).into_owned()], "web1", 22);
        prop_assert!(!matches!(known.judge(&shown), Verdict::Revoked(_) | Verdict::AuthorityOnly(_)));
    }

    #[test]
    fn what_looks_like_a_line_never_panics(text in "(@revoked |@cert-authority )?(\\|1\\|)?[|=a-zA-Z0-9+/!*?,\\[\\]:. \\n-]{0,80}") {
        let _ = parse_file(&text, Path::new("f"), &["web1".to_owned()]);
    }
}
