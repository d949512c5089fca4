//! Any bytes at all: a configuration is read or refused with its place, and nothing else happens.

use std::fs;

use proptest::prelude::*;

use super::openssh::resolved;

/// Bytes, among them pieces that mean something.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "Host ",
        "Match ",
        "final",
        "host",
        " web",
        "User",
        "=",
        "\"",
        "'",
        "\\",
        "#",
        "\n",
        "\r\n",
        "\0",
        "%",
        "%h",
        "${",
        "}",
        "ProxyJump ",
        "[",
        "]:",
        ",",
        "@",
        "ssh://",
        "Include ",
        "*",
        "/nowhere/**[",
        "IdentityFile ",
        "~",
        "Port ",
        "!",
        "HostName",
        "UserKnownHostsFile ",
        "\u{c}",
        "ä",
        "ConnectTimeout ",
        "99999999999",
        "Ciphers +",
        "IgnoreUnknown *\n",
    ];
    let piece = prop::sample::select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec());
    let any = prop::collection::vec(any::<u8>(), 0..8);
    prop::collection::vec(prop_oneof![5 => piece, 1 => any], 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused_with_their_place(bytes in bytes(), host in "[a-zA-Z0-9.:%_é-]{1,12}") {
        // What would run a command is not for random bytes.
        prop_assume!(!String::from_utf8_lossy(&bytes).to_lowercase().contains("exec"));
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), &bytes).expect("it is written");
        match resolved(file.path(), &host) {
            Ok(found) => {
                // Expanding may fail, with a message.
                if let Ok(tokens) = found.tokens(&host, &super::openssh::MACHINE) {
                    for path in &found.options.user_known_hosts_files {
                        let _ = tokens.file(path, &super::openssh::MACHINE);
                    }
                }
            }
            Err(error) => {
                let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
                prop_assert!(error.place.line as usize <= lines, "{error}");
                prop_assert!(!error.message.is_empty());
                let in_file = *error.place.file == *file.path().display().to_string();
                prop_assert!(in_file || error.place.file.starts_with("host "), "{error}");
                prop_assert_eq!(error.place.line > 0, in_file, "{}", error);
            }
        }
    }
}
