use oneex_sdk::{BecomeMethod, ErrorKind, Secret, Target};
use oneex_testkit::mutate::mutate_bytes;

use super::{Access, Elevation, Inner, is_question};

const METHODS: [BecomeMethod; 3] = [BecomeMethod::Sudo, BecomeMethod::Su, BecomeMethod::Doas];
const FREE: Access = Access { asks: false, terminal: false };
const ASKS: Access = Access { asks: true, terminal: false };

fn target(method: BecomeMethod, password: Option<&str>) -> Target {
    let sudo_password = password.map(|password| Secret::new(password.to_owned()));
    Target { sudo_method: method, sudo_password, ..Target::default() }
}

fn elevation(method: BecomeMethod, password: Option<&str>) -> Elevation {
    Elevation::of(&target(method, password), None).expect("it is valid")
}

#[test]
fn every_method_has_words_of_its_own() {
    let inner = Inner::Text("exit 0");
    for (method, exe, flags, access, expected) in [
        (BecomeMethod::Sudo, None, None, FREE, "sudo -n -H -u db -- /bin/sh -c exit 0"),
        (BecomeMethod::Sudo, None, None, ASKS, "sudo -k -S -p P -H -u db -- /bin/sh -c exit 0"),
        (
            BecomeMethod::Sudo,
            Some("/opt/sudo"),
            Some("-H -S -n -E"),
            FREE,
            "/opt/sudo -n -H -E -u db -- /bin/sh -c exit 0",
        ),
        (BecomeMethod::Sudo, None, Some(""), FREE, "sudo -n -u db -- /bin/sh -c exit 0"),
        (BecomeMethod::Su, None, None, ASKS, "su -s /bin/sh -c exit 0 db"),
        (BecomeMethod::Su, None, Some("-l"), FREE, "su -l -c exit 0 db"),
        (BecomeMethod::Doas, None, None, FREE, "doas -n -u db -- /bin/sh -c exit 0"),
        (
            BecomeMethod::Doas,
            None,
            Some("-C /etc/other"),
            ASKS,
            "doas -C /etc/other -u db -- /bin/sh -c exit 0",
        ),
    ] {
        let target = Target {
            sudo_exe: exe.map(str::to_owned),
            sudo_flags: flags.map(str::to_owned),
            ..target(method, Some("pw"))
        };
        let elevation = Elevation::of(&target, None).expect("it is valid");
        assert_eq!(elevation.words("db", access, "P", inner).join(" "), expected);
    }
}

#[test]
fn no_word_holds_the_password_or_a_character_that_a_login_shell_would_take() {
    for method in METHODS {
        let elevation = elevation(method, Some("s3sam"));
        for (asks, terminal) in [(false, false), (true, false), (false, true), (true, true)] {
            let command = elevation.command("db", Access { asks, terminal }, "Tq;", "Tr;");
            assert!(!command.contains("s3sam"), "{command}");
            // Quotes are single ones in pairs, so that what is between them is the same for every shell.
            assert_eq!(command.matches('\'').count() % 2, 0, "{command}");
            assert!(!command.contains(['!', '`']) && !command.contains('\u{a}'), "{command}");
        }
    }
    for (exe, flags) in [("sudo;id", ""), ("sudo", "-H 'x y'"), ("sudo", "$(id)"), ("", ""), ("su do", "-H")]
    {
        let (sudo_exe, sudo_flags) = (Some(exe.to_owned()), Some(flags.to_owned()));
        let target = Target { sudo_exe, sudo_flags, ..Target::default() };
        assert_eq!(Elevation::of(&target, None).expect_err(exe).kind, ErrorKind::Invalid, "{exe} {flags}");
    }
}

#[test]
fn the_inventorys_password_wins_over_that_of_the_run() {
    let of_run = Secret::new("run".to_owned());
    for (own, expected) in [(Some("own"), "own"), (None, "run")] {
        let elevation = Elevation::of(&target(BecomeMethod::Sudo, own), Some(&of_run)).expect("it is valid");
        assert_eq!(elevation.password().map(|secret| secret.expose().as_str()), Some(expected));
    }
}

#[test]
fn what_is_tried_next_depends_on_the_refusal() {
    let access = |asks, terminal| Access { asks, terminal };
    let (asked, tty) = ("sudo: a password is required", "sudo: sorry, you must have a tty to run sudo");
    for (method, password, tried, said, expected) in [
        (BecomeMethod::Sudo, None, FREE, asked, None),
        (BecomeMethod::Sudo, Some("p"), FREE, asked, Some(ASKS)),
        (BecomeMethod::Sudo, Some("p"), ASKS, "Sorry, try again.", None),
        (BecomeMethod::Sudo, None, FREE, tty, Some(access(false, true))),
        (BecomeMethod::Sudo, Some("p"), access(false, true), asked, Some(access(true, true))),
        (BecomeMethod::Sudo, Some("p"), access(true, true), tty, None),
        (BecomeMethod::Su, Some("p"), ASKS, "su: Authentication failure", None),
        (BecomeMethod::Doas, None, FREE, "doas: Authentication required", None),
        (BecomeMethod::Doas, Some("p"), FREE, "doas: Authentication required", Some(access(true, true))),
        (BecomeMethod::Doas, Some("p"), FREE, "doas: Operation not permitted", None),
        (BecomeMethod::Doas, Some("p"), access(true, true), "doas: Authentication failed", None),
    ] {
        assert_eq!(elevation(method, password).next(tried, said), expected, "{method:?} {tried:?}: {said}");
    }
    assert!(
        elevation(BecomeMethod::Su, None).first().asks && !elevation(BecomeMethod::Doas, None).first().asks
    );
}

#[test]
fn why_it_is_refused_is_told_without_what_plugins_add() {
    let wrong = "the password is wrong";
    for (method, access, said, told, hint) in [
        (
            BecomeMethod::Sudo,
            FREE,
            "sudo: unknown user nobody2\nsudo: error initializing audit plugin sudoers_audit\n",
            "sudo: unknown user nobody2",
            "must be there",
        ),
        (
            BecomeMethod::Sudo,
            FREE,
            "\nsudo: a password is required\n\n",
            "sudo: a password is required",
            "sudoers(5)",
        ),
        (
            BecomeMethod::Sudo,
            ASKS,
            "Sorry, try again.\nsudo: 1 incorrect password attempt",
            "sudo: 1 incorrect password attempt",
            wrong,
        ),
        (BecomeMethod::Sudo, FREE, "\n", "it gave no reason", "sudoers(5)"),
        (
            BecomeMethod::Su,
            ASKS,
            "Password: \nsu: Authentication failure",
            "su: Authentication failure",
            wrong,
        ),
        (BecomeMethod::Su, ASKS, "su: user x does not exist", "su: user x does not exist", "must be there"),
        (
            BecomeMethod::Doas,
            ASKS,
            "\r\ndoas: Authentication failed\r\n",
            "doas: Authentication failed",
            wrong,
        ),
        (
            BecomeMethod::Doas,
            FREE,
            "doas: Authentication required",
            "doas: Authentication required",
            "doas.conf(5)",
        ),
        (
            BecomeMethod::Doas,
            ASKS,
            "sh: 1: script: not found",
            "sh: 1: script: not found",
            "`script` of util-linux",
        ),
        (
            BecomeMethod::Doas,
            FREE,
            "sh: 1: exec: doas: not found",
            "sh: 1: exec: doas: not found",
            "install it",
        ),
    ] {
        let error = elevation(method, Some("pw")).refused("ops", access, said);
        let name = method.name();
        assert_eq!(error.message, format!("`{name}` does not let this user act as `ops`: {told}"));
        assert_eq!(error.kind, ErrorKind::Denied);
        assert!(error.hint.as_ref().is_some_and(|said| said.contains(hint)), "{error:?}");
    }
}

/// Whatever a host says of a refusal, spoiled or not, ends in a refusal that can be read, after a few tries.
#[test]
fn whatever_is_said_of_a_refusal_ends_in_one_that_can_be_read() {
    const SAID: [&str; 7] = [
        "sudo: a password is required\nsudo: error initializing audit plugin sudoers_audit\n",
        "sudo: sorry, you must have a tty to run sudo\n",
        "Sorry, try again.\nsudo: 1 incorrect password attempt\n",
        "Password: \nsu: Authentication failure\n",
        "doas: Authentication required\n",
        "\r\ndoas: Authentication failed\r\n",
        "sh: 1: script: not found\n",
    ];
    const PIECES: [&[u8]; 8] = [
        b"\n",
        b"\r",
        b"\x1b[2J",
        b"\0",
        b"\xff",
        b"\xe2\x80\xae",
        b"must have a tty",
        b"Authentication required",
    ];
    for method in METHODS {
        let elevation = elevation(method, Some("s3sam"));
        for seed in 0..200 {
            let said = SAID.map(|said| mutate_bytes(said.as_bytes(), &PIECES, seed));
            let mut access = elevation.first();
            let mut tries = 0;
            for said in said.iter().cycle() {
                let said = String::from_utf8_lossy(said);
                let error = elevation.refused("ops", access, &said);
                assert!(
                    !error.message.contains(|c: char| c.is_control() && c != '\t'),
                    "{method:?}, seed {seed}: {error}"
                );
                assert!(error.hint.is_some_and(|hint| !hint.is_empty()));
                tries += 1;
                match elevation.next(access, &said) {
                    Some(next) => access = next,
                    None if tries >= SAID.len() => break,
                    None => {}
                }
                assert!(tries < 100, "{method:?}, seed {seed}: it is tried for ever");
            }
        }
    }
}

#[test]
fn questions_are_known_by_their_end() {
    for (said, expected) in [
        ("Password: ", true),
        ("Kennwort:", true),
        ("\u{30d1}\u{30b9}\u{30ef}\u{30fc}\u{30c9}\u{ff1a}", true),
        ("\rdoas (ops@host) password: ", true),
        ("Notice: be good\nPassword: ", true),
        ("Notice: be good\n", false),
        ("Password: \r\n", false),
        ("su: Authentication failure", false),
        ("\nsu: ", false),
        ("su:", false),
        ("surely: ", true),
        ("", false),
    ] {
        assert_eq!(is_question(said.as_bytes(), "su"), expected, "{said:?}");
    }
}
