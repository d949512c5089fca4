//! Configurations that nobody would write: `ssh -G` and the code here agree on each.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use super::openssh::{difference, theirs};

/// A line, or files that are included by one.
#[derive(Debug, Clone)]
enum Entry {
    Line(String),
    Include(Vec<Vec<Entry>>),
}

/// Files in their folder, the first of which is asked.
struct Written {
    folder: tempfile::TempDir,
    files: usize,
}

impl Written {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), files: 0 }
    }

    fn text(&mut self, entries: &[Entry]) -> String {
        let mut text = String::new();
        for entry in entries {
            match entry {
                Entry::Line(line) => text.push_str(line),
                Entry::Include(files) => {
                    self.files += 1;
                    let group = format!("group-{}", self.files);
                    for (number, entries) in files.iter().enumerate() {
                        let inner = self.text(entries);
                        self.write(&format!("{group}-{number}"), &inner);
                    }
                    let pattern = self.folder.path().join(format!("{group}-*"));
                    text.push_str(&format!("Include {}", pattern.display()));
                }
            }
            text.push('\n');
        }
        text
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).expect("it is written");
        path
    }
}

/// Writes `keyword value` in one of the ways that mean the same.
fn spelled(keyword: &'static str, value: String) -> impl Strategy<Value = String> {
    let raw = keyword.starts_with("Proxy");
    (0..8_u8).prop_map(move |style| match style {
        0 => format!("{keyword}={value}"),
        1 => format!("\t{} = {value}", keyword.to_uppercase()),
        2 => format!("  {}\t{value}  \r", keyword.to_lowercase()),
        3 if !raw => format!("{keyword} {value} # {value}"),
        4 if !raw && !value.contains([' ', '"']) => format!("{keyword} \"{value}\""),
        5 if !raw && !value.contains([' ', '"']) => format!("\"{keyword}\" '{value}'"),
        _ => format!("{keyword} {value}"),
    })
}

fn of(keyword: &'static str, values: &'static [&'static str]) -> BoxedStrategy<String> {
    prop::sample::select(values).prop_flat_map(move |value| spelled(keyword, value.to_owned())).boxed()
}

const FLAG: &[&str] = &["yes", "no", "TRUE", "false"];
const NUMBER: &[&str] = &["0", "1", "5", "007"];
const TIME: &[&str] = &["0", "15", "1m", "1h30s", "none"];
const FILE: &[&str] = &["~/.ssh/a", "/k/b", "c", "/k/%h", "/k/%r-%p", "${PLACE}/k", "none", "~root/k"];

/// A keyword with a value; `jumps` keeps apart what versions of ssh see differently.
fn setting(jumps: bool) -> BoxedStrategy<String> {
    let files: &[&str] = if jumps {
        &["/h/%h", "~/h /h/%n.%p", "none", "/h/${PLACE}/%u%%", "/h/%k", "a b c"]
    } else {
        &["/h/%h", "~/h /h/%C", "none", "/h/${PLACE}/%i", "/h/%l/%L/%d", "/h/%r"]
    };
    let way = if jumps {
        prop_oneof![
            of(
                "ProxyJump",
                &[
                    "gate",
                    "me@gate:2222",
                    "a,b",
                    "u@a:1,b,c@10.0.0.1",
                    "web",
                    "ssh://me@gate:24",
                    "gate,[::1]:22"
                ]
            ),
            of("ProxyCommand", &["nc %h %p", "none", "sh -c 'x' # y"]),
        ]
        .boxed()
    } else {
        of("ProxyCommand", &["nc %h %p", "none", "NONE", "ssh -W %h:%p gate # why"])
    };
    let first = prop_oneof![
        4 => of("HostName", &["10.0.0.7", "%h.example.com", "Web1", "db", "127.1", "::0001", "a%%b", "web"]),
        3 => of("Port", &["22", "2222", "65535"]),
        3 => of("User", &["root", "ops", "deploy"]),
        4 => of("IdentityFile", FILE),
        2 => of("CertificateFile", FILE),
        2 => of("HostKeyAlias", &["Alias", "other"]),
        3 => of("UserKnownHostsFile", files),
        1 => of("GlobalKnownHostsFile", &["/g", "/g /h", "none", "~/g"]),
        2 => way,
        1 => of("IdentityAgent", &["none", "SSH_AUTH_SOCK", "$PLACE", "${PLACE}/%h", "~/agent", "/a/%r"]),
        1 => of("CanonicalizeHostname", &["yes", "no", "always", "true"]),
        1 => of("CanonicalDomains", &["none"]),
    ];
    let second = prop_oneof![
        of("CanonicalizeMaxDots", NUMBER),
        of("CanonicalizeFallbackLocal", &["yes", "yes", "true", "no"]),
        of("IdentitiesOnly", FLAG),
        of("StrictHostKeyChecking", &["yes", "no", "off", "accept-new", "TRUE", "ask"]),
        of("ConnectTimeout", TIME),
        of("ServerAliveInterval", TIME),
        of("ServerAliveCountMax", NUMBER),
        of(
            "Ciphers",
            &["aes256-ctr,aes128-ctr", "+aes256-cbc", "-chacha20*", "^aes256-gcm@openssh.com", "aes128-ctr"]
        ),
        of("MACs", &["hmac-sha2-512", "+hmac-sha1-96", "-umac-*,*-etm@openssh.com", "^hmac-sha2-256"]),
        of(
            "KexAlgorithms",
            &["curve25519-sha256", "-sntrup*", "+diffie-hellman-group1-sha1", "^ecdh-sha2-nistp384"]
        ),
        of("HostKeyAlgorithms", &["ssh-ed25519", "+ssh-rsa", "-ecdsa*", "^rsa-sha2-256"]),
        of("Compression", &["yes", "no"]),
    ];
    let third = prop_oneof![
        of("AddressFamily", &["any", "inet", "INET6"]),
        of("BindAddress", &["127.0.0.1", "::1", "*"]),
        of("PreferredAuthentications", &["publickey", "password,publickey"]),
        of("PubkeyAuthentication", &["yes", "no", "unbound", "host-bound"]),
        of("PasswordAuthentication", FLAG),
        of("KbdInteractiveAuthentication", FLAG),
        of("ChallengeResponseAuthentication", FLAG),
        of("NumberOfPasswordPrompts", NUMBER),
        of("HashKnownHosts", FLAG),
        of("CheckHostIP", FLAG),
        of("IgnoreUnknown", &["Keychain*,UseKeychain"]),
        of("LogLevel", &["ERROR"]),
    ];
    // Some of what both must refuse.
    let wrong = prop_oneof![
        of("Port", &["0", "70000", "x"]),
        of("ProxyJump", &["a,,b", "a:0"]),
        of("Compression", &["maybe", "true"]),
        of("User", &["\"a", "a b"]),
        of("NoSuchKeyword", &["x"]),
        of("UserKnownHostsFile", &["none /x", "/h/%z"]),
        of("ConnectTimeout", &["1y", "-1"]),
    ];
    prop_oneof![60 => first, 20 => second, 20 => third, 1 => wrong].boxed()
}

fn host_line() -> BoxedStrategy<String> {
    let patterns =
        ["*", "web*", "web", "web1", "!web1", "*.example.com", "10.0.0.?", "db", "!db*", "W*", "127.0.0.1"];
    prop::collection::vec(prop::sample::select(patterns.to_vec()), 1..4)
        .prop_flat_map(|patterns| spelled("Host", patterns.join(" ")))
        .boxed()
}

fn match_line() -> BoxedStrategy<String> {
    let conditions = [
        "host web*",
        "!host web1",
        "host db,*.example.com,!web1",
        "originalhost web",
        "!originalhost web,db*",
        "user ops",
        "!user root",
        "user root,deploy",
        "localuser *",
        "!localuser nobody",
        "final",
        "canonical",
        "!canonical",
        "!final",
        "exec true",
        "exec false",
        "!exec \"exit 3\"",
        "exec \"test %n = web\"",
        "exec \"test %h = web1 -o %p = 2222\"",
        "exec \"test %r = ops\"",
        "host 10.0.0.7",
        "host WEB*",
        "exec \"test -n '%C%d%i%k%l%L%u'\"",
    ];
    let several = prop::collection::vec(prop::sample::select(conditions.to_vec()), 1..4)
        .prop_map(|conditions| format!("Match {}", conditions.join(" ")));
    prop_oneof![8 => several, 1 => Just("Match all".to_owned()), 1 => Just("match = !all".to_owned())].boxed()
}

fn entries(jumps: bool, depth: u32) -> BoxedStrategy<Vec<Entry>> {
    let line = prop_oneof![
        12 => setting(jumps),
        3 => host_line(),
        3 => match_line(),
        1 => prop::sample::select(vec!["", "# a comment", "   ", "Include /nowhere/at/all"]).prop_map(str::to_owned),
    ];
    let line = line.prop_map(Entry::Line);
    let entry = if depth == 0 {
        line.boxed()
    } else {
        let files = prop::collection::vec(entries(jumps, depth - 1), 1..3).prop_map(Entry::Include);
        prop_oneof![12 => line, 1 => files].boxed()
    };
    prop::collection::vec(entry, 1..14).boxed()
}

#[test]
fn generated_configurations_mean_what_ssh_says() {
    let hosts = ["web", "web1", "Web", "db.example.com", "10.0.0.1", "127.1", "web1.example.com"];
    let case = (any::<bool>().prop_flat_map(|jumps| entries(jumps, 2)), prop::sample::select(hosts.to_vec()));
    // A seed that stays, so that a run in CI is the run that was seen.
    let mut runner = TestRunner::new_with_rng(
        Config { cases: 300, failure_persistence: None, ..Config::default() },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let count = std::cell::Cell::new(0_u32);
    let result = runner.run(&case, |(entries, host)| {
        let mut written = Written::new();
        let mut text = written.text(&entries);
        if text.contains("!final") {
            // Whether a negated `final` alone asks for a second pass depends on ssh's version.
            text.push_str("Match final\n");
        }
        let config = written.write("config", &text);
        count.set(count.get() + u32::from(theirs(&config, host).is_ok()));
        match difference(&config, host) {
            None => Ok(()),
            Some(difference) => Err(TestCaseError::fail(format!("{difference}\n{text}"))),
        }
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(count.get() > 150, "ssh took {} of them only", count.get());
}
