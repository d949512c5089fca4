//! Good configurations, spoiled: they still mean what `ssh` says, or are refused as it refuses them.

use std::fs;
use std::path::Path;

use oneex_testkit::mutate::mutate_bytes;

use super::openssh::{ours, resolved, theirs};
use crate::ssh::config::{jump, line};

/// How often each is spoiled and asked of `ssh`.
const COUNT: u64 = 40;
/// How often each is spoiled and read here alone.
const ALONE: u64 = 600;

/// Configurations as people have them. None runs anything or asks for names, spoiled or not.
const GOOD: [&str; 5] = [
    "# of the team\nHost web* !web9 \"db 1\"\n    HostName %h.example.com\n    Port 2222\n    User ops\n\
     \tIdentityFile ~/.ssh/id_%r\n\tIdentityFile=/k/b\n    IdentitiesOnly yes\nHost *\n  User=root\n",
    "Match host web*,!web9 originalhost web1 user ops\nPort 1\nMatch !final user=root\nPort 2\nMatch final all\nPort 3\n\
     Match all\nServerAliveInterval 1m30s\nServerAliveCountMax 7\nConnectTimeout 15\n",
    "ProxyJump me@gate:2222,[fe80::1]:22,ssh://a%40b@inner:1\nHost web\nProxyCommand nc -x 'a b' %h %p # %n\n\
     Ciphers +aes256-cbc\nMACs -umac-*,*-etm@openssh.com\nKexAlgorithms ^ecdh-sha2-nistp384\nHostKeyAlgorithms ssh-ed25519\n",
    "UserKnownHostsFile ~/h /h/%n.%p \"/h/a b\"\nGlobalKnownHostsFile none\nHostKeyAlias Alias\nHashKnownHosts yes\n\
     StrictHostKeyChecking accept-new\nCheckHostIP no\nCertificateFile ${PLACE}/k\nIdentityAgent $PLACE\n\
     Include /nowhere/at/all\nIgnoreUnknown Foo*,bar\nFoobar x y z\n",
    "AddressFamily inet6\r\nBindAddress 10.0.0.1\r\nCompression yes\r\n\r\n  # a comment\r\n\"Port\" = 22\r\n\
     PreferredAuthentications publickey,password\r\nNumberOfPasswordPrompts 2\r\nPasswordAuthentication no\r\n\
     KbdInteractiveAuthentication yes\r\nPubkeyAuthentication host-bound\r\nUser a\\ b\\\"c\r\n",
];

/// What slips in.
const PIECES: [&[u8]; 34] = [
    b"\n",
    b" ",
    b"=",
    b"\"",
    b"'",
    b"\\",
    b"#",
    b"\r",
    b"\t",
    b"\0",
    b"\x0c",
    b"\xff",
    b"%",
    b"%h",
    b"%%",
    b"${",
    b"}",
    b"$",
    b",",
    b"!",
    b"*",
    b"?",
    b"~",
    b"@",
    b":",
    b"[",
    b"]",
    b"/",
    b"-1",
    b"0",
    b"99999999999",
    b"none",
    b"Host ",
    b"Match ",
];

/// Says whether a text can be asked for without harm: it runs nothing, and asks for no names.
fn is_harmless(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    !text.contains("exec") && !text.contains("canonical")
}

/// What versions of ssh see differently: values of conditions after `=`, tokens in `Include` and `User`.
fn depends_on_version(text: &str) -> bool {
    text.to_ascii_lowercase().lines().any(|line| match line.trim_start() {
        line if line.starts_with("match") => line.contains(['=', '\r']),
        line if line.starts_with("include") || line.starts_with("user") => line.contains('%'),
        _ => false,
    })
}

/// Hosts on the way as they are shown here: ssh keeps all but the last as they were written.
fn same_jumps(theirs: &[String], ours: &[String]) -> bool {
    matches!((theirs, ours), ([theirs], [ours]) if jump::parse(theirs) == jump::parse(ours))
}

/// Says where the two differ, other than in names of algorithms, of which each knows its own.
fn difference(config: &Path, host: &str) -> Option<String> {
    match (theirs(config, host), ours(config, host)) {
        (Ok(theirs), Ok(ours)) => ours.iter().find_map(|(key, ours)| {
            let theirs = theirs.get(key).cloned().unwrap_or_default();
            let same = theirs == *ours || key == "proxyjump" && same_jumps(&theirs, ours);
            (!same).then(|| format!("`{key}` is {theirs:?}, and here {ours:?}"))
        }),
        (Err(_), Err(_)) => None,
        (Ok(_), Err(error)) => Some(format!("ssh takes it, and here: {error}")),
        (Err(error), Ok(_)) if ["Bad SSH2", "Bad key types"].iter().any(|bad| error.contains(bad)) => None,
        (Err(error), Ok(_)) => Some(format!("it is taken here, and ssh says: {error}")),
    }
}

#[test]
fn spoiled_configurations_mean_what_ssh_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config");
    let (mut wrong, mut taken) = (Vec::new(), 0);
    for (number, good) in GOOD.into_iter().enumerate() {
        for seed in 0..COUNT {
            let bytes = mutate_bytes(good.as_bytes(), &PIECES, seed);
            let text = String::from_utf8_lossy(&bytes);
            if !is_harmless(&text) || depends_on_version(&text) {
                continue;
            }
            fs::write(&config, &bytes).expect("it is written");
            taken += u32::from(ours(&config, "web1").is_ok());
            if let Some(difference) = difference(&config, "web1") {
                wrong.push(format!("{number}, seed {seed}: {difference}\n{text:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{} differ", wrong.join("\n\n"), wrong.len());
    assert!(taken > 20, "{taken} were taken: the rest shows little");
}

#[test]
fn spoiled_configurations_are_read_or_refused_with_their_place() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let whole = file.path().display().to_string();
    let (mut taken, mut refused) = (0, 0);
    for (number, good) in GOOD.into_iter().enumerate() {
        for seed in 0..ALONE {
            let bytes = mutate_bytes(good.as_bytes(), &PIECES, !seed);
            let text = String::from_utf8_lossy(&bytes);
            if !is_harmless(&text) {
                continue;
            }
            fs::write(file.path(), &bytes).expect("it is written");
            let found = resolved(file.path(), "web1");
            assert_eq!(
                found,
                resolved(file.path(), "web1"),
                "{number}, seed {seed}: it is read the same again"
            );
            match found {
                Ok(_) => taken += 1,
                Err(error) => {
                    refused += 1;
                    let lines = bytes.split(|byte| *byte == b'\n').count();
                    let line = error.place.line as usize;
                    let true_place = match line {
                        0 => *error.place.file == *"host web1",
                        _ => line <= lines && *error.place.file == *whole,
                    };
                    assert!(
                        true_place && !error.message.is_empty(),
                        "{number}, seed {seed}: {error}\n{text:?}"
                    );
                }
            }
        }
    }
    assert!(taken > 300 && refused > 300, "{taken} taken, {refused} refused: the rest shows little");
}

#[test]
fn a_line_that_is_taken_apart_and_written_again_says_the_same() {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let mut count = 0;
    for good in GOOD {
        for seed in 0..ALONE {
            let bytes = mutate_bytes(good.as_bytes(), &PIECES, seed);
            let text = String::from_utf8_lossy(&bytes);
            for line in text.split('\n').filter_map(|written| line::parse(written).ok().flatten()) {
                if line.arguments.is_empty() {
                    continue;
                }
                let arguments: Vec<String> = line.arguments.iter().map(|argument| quoted(argument)).collect();
                let written = format!("\"{}\" {}", line.keyword, arguments.join(" "));
                let again =
                    line::parse(&written).unwrap_or_else(|error| panic!("seed {seed}: {error}: {written}"));
                let again = again.map(|again| (again.keyword, again.arguments));
                assert_eq!(again, Some((line.keyword, line.arguments)), "seed {seed}: {written}");
                count += 1;
            }
        }
    }
    assert!(count > 10_000, "{count} lines");
}
