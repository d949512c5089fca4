//! Secrets that a person enters: what is asked, how often, and what is done where nobody is there.

use std::process::Command;

use oneex_testkit::project::TestProject;
use oneex_testkit::{FarmOptions, FarmUser, SshFarm};
use rustix::process::Signal;

const PASSPHRASE: &str = "correct horse";
const PASSWORD: &str = "pw it's";

/// A project whose inventory has the hosts of the farm, with these variables more.
fn project(farm: &SshFarm, more: &str) -> TestProject {
    let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
    let known = farm.known_hosts().display().to_string();
    let mut text = format!(
        "all:\n  vars:\n    ansible_ssh_common_args: -o UserKnownHostsFile={known}\n{more}  hosts:\n"
    );
    for host in farm.hosts() {
        let (name, address, port) = (&host.name, host.address, host.port);
        text += &format!("    {name}: {{ ansible_host: {address}, ansible_port: {port} }}\n");
    }
    project.write("inventory.yaml", &text);
    project.write("oneex.toml", "[defaults]\ninventory = 'inventory.yaml'\n");
    project
}

/// Three hosts that let an encrypted key in, and only that.
fn locked() -> (SshFarm, TestProject) {
    let farm = SshFarm::start(3);
    let key = farm.dir().join("locked");
    let mut make = Command::new("ssh-keygen");
    make.args(["-q", "-t", "ed25519", "-a", "1", "-N", PASSPHRASE, "-f"]).arg(&key);
    assert!(make.status().expect("ssh-keygen runs").success());
    std::fs::copy(key.with_extension("pub"), farm.authorized_keys()).expect("it is copied");
    let (user, key) = (farm.user(), key.display());
    let more = format!("    ansible_user: {user}\n    ansible_ssh_private_key_file: {key}\n");
    let project = project(&farm, &more);
    project.write("secret.txt", PASSPHRASE);
    let file = project.path("secret.txt").display().to_string();
    project.write(
        "book.rhai",
        &format!("task(\"say\").on(hosts(\"all\")).run(|h| info(`it is ${{h.query([\"cat\", \"{file}\"]).stdout}}`));"),
    );
    (farm, project)
}

#[test]
fn a_passphrase_is_asked_once_a_run_and_masked_from_then_on() {
    let (_farm, project) = locked();
    let terminal = project.terminal(24, 160, ["run", "book.rhai"]);
    for (question, answer) in
        [("the passphrase of `", "wrong"), ("that was wrong: the passphrase", PASSPHRASE)]
    {
        terminal.wait_for(question, |screen| screen.contains(question));
        terminal.send(&format!("{answer}\r"));
    }
    let transcript = terminal.finish();
    let shown = transcript.history.join("\n");
    assert_eq!(transcript.code, 0, "{shown}");
    assert_eq!(shown.matches("the passphrase of `").count(), 2, "{shown}");
    assert_eq!(shown.matches("it is •••").count(), 3, "{shown}");
    assert!(!String::from_utf8_lossy(&transcript.raw).contains(PASSPHRASE), "it is shown");
    assert!(transcript.restored, "the terminal is as it was");
}

#[test]
fn three_wrong_passphrases_are_the_end_of_it() {
    let (_farm, project) = locked();
    let terminal = project.terminal(24, 160, ["exec", "all", "--", "true"]);
    for number in 1..=3 {
        terminal.wait_for("question", |screen| screen.matches("the passphrase of `").count() == number);
        terminal.send(&format!("wrong {number}\r"));
    }
    let transcript = terminal.finish();
    let shown = transcript.history.concat();
    assert_ne!(transcript.code, 0, "{shown}");
    assert_eq!(shown.matches("the passphrase of `").count(), 3, "{shown}");
    assert_eq!(shown.matches("the passphrase is wrong").count(), 3, "one a host: {shown}");
}

#[test]
fn a_question_for_a_passphrase_is_left_by_the_key_and_by_signals_and_the_run_with_it() {
    let (_farm, project) = locked();
    for (signal, name) in [(None, "SIGINT"), (Some(Signal::INT), "SIGINT"), (Some(Signal::TERM), "SIGTERM")] {
        for args in [
            &["run", "book.rhai"][..],
            &["plan", "book.rhai"],
            &["exec", "all", "--", "true"],
            &["facts", "all"],
        ] {
            let terminal = project.terminal(24, 160, args);
            terminal.wait_for("question", |screen| screen.contains("the passphrase of `"));
            terminal.send("half");
            match signal {
                Some(signal) => terminal.signal(signal),
                None => terminal.send("\x03"),
            }
            let ended = terminal.finish();
            let shown = ended.history.join("\n");
            assert_eq!(ended.code, 130, "{args:?} {name}\n{shown}");
            assert!(ended.restored, "the terminal is not as it was: {args:?} {name}\n{shown}");
            assert_eq!(shown.matches("the passphrase of `").count(), 1, "{args:?} {name}\n{shown}");
            assert!(!shown.contains("is encrypted") && !shown.contains("half"), "{args:?} {name}\n{shown}");
            let told = format!("{name}: nothing new begins");
            assert_eq!(shown.contains(&told), ["run", "plan"].contains(&args[0]), "{args:?} {name}\n{shown}");
        }
    }
}

#[test]
fn a_question_for_a_password_is_left_before_anything_is_run() {
    let (_farm, project) = locked();
    for args in
        [&["run", "-k", "book.rhai"][..], &["exec", "-K", "all", "--", "true"], &["facts", "-k", "all"]]
    {
        let terminal = project.terminal(24, 160, args);
        terminal.wait_for("question", |screen| screen.contains("the password to "));
        terminal.send("\x03");
        let ended = terminal.finish();
        let shown = ended.history.join("\n");
        assert_eq!(ended.code, 130, "{args:?}\n{shown}");
        assert!(ended.restored && !shown.contains("passphrase"), "{args:?}\n{shown}");
    }
}

#[test]
fn where_nobody_is_there_the_error_names_the_variable() {
    let (_farm, project) = locked();
    for (args, code, said) in [
        (&["exec", "all", "--", "true"][..], 1, "ansible_ssh_private_key_passphrase"),
        (
            &["exec", "-K", "all", "--", "true"],
            2,
            "`--ask-become-pass` asks at a terminal, and there is none",
        ),
        (&["run", "--ask-become-pass", "book.rhai"], 2, "set `ansible_become_password`"),
        (&["plan", "-k", "book.rhai"], 2, "set `ansible_password`"),
        (&["facts", "--ask-pass", "all"], 2, "`--ask-pass` asks at a terminal"),
    ] {
        let finished = project.oneex(args).run().expect_code(code);
        let all = format!("{}{}", finished.stdout, finished.stderr);
        assert!(all.contains(said), "{args:?}: {all}");
    }
}

#[test]
fn passwords_are_asked_before_a_run_and_used_on_every_host() {
    let users = [FarmUser::new("oneex-ops", PASSWORD), FarmUser::new("oneex-deploy", "other")];
    let farm = SshFarm::start_with(
        2,
        &FarmOptions {
            config: vec!["PasswordAuthentication yes".into(), "UsePAM yes".into()],
            users: users.into(),
            sudoers: "oneex-ops ALL=(ALL) ALL\n".into(),
            ..FarmOptions::default()
        },
    );
    let project = project(&farm, "    ansible_user: oneex-ops\n");
    for (become_password, code, said) in
        [(PASSWORD, 0, "oneex-deploy"), ("mistaken", 1, "the password is wrong")]
    {
        let terminal =
            project.terminal(30, 160, ["exec", "-kK", "all", "--sudo=oneex-deploy", "--", "id", "-un"]);
        for (question, answer) in
            [("to log in with:", PASSWORD), ("to become another user with:", become_password)]
        {
            terminal.wait_for(question, |screen| screen.contains(question));
            terminal.send(&format!("{answer}\r"));
        }
        let transcript = terminal.finish();
        let shown = transcript.history.join("\n");
        assert_eq!(transcript.code != 0, code != 0, "{shown}");
        assert_eq!(shown.matches(said).count(), 2, "one a host: {shown}");
        assert_eq!(shown.matches("to become another user with:").count(), 1, "{shown}");
        assert!(!String::from_utf8_lossy(&transcript.raw).contains(PASSWORD), "it is shown");
    }
}
