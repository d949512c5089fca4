//! Other users on the controller itself: the real `sudo`, `su` and `doas`, where the one that runs oneex is not root.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use oneex_testkit::{FarmOptions, FarmUser, SshFarm, processes};

/// The password of the one that runs oneex, and of the one that is become.
const PASSWORDS: [&str; 2] = ["pw it's", "other $pw"];

/// A machine where `oneex-ops` runs oneex, and may become `oneex-deploy` as sudoers(5) and doas.conf(5) say. The real
/// `ssh` leads there, as the users exist nowhere else.
struct Site {
    farm: SshFarm,
    folder: tempfile::TempDir,
}

impl Site {
    fn new(sudoers: &str, doas: &str) -> Self {
        let users = ["oneex-ops", "oneex-deploy"].iter().zip(PASSWORDS);
        let users = users.map(|(name, password)| FarmUser::new(name, password)).collect();
        let (sudoers, doas) = (format!("{sudoers}\n"), format!("{doas}\n"));
        let farm = SshFarm::start_with(1, &FarmOptions { users, sudoers, doas, ..FarmOptions::default() });
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        // Where the tests are built may be a folder that is nobody else's.
        fs::copy(env!("CARGO_BIN_EXE_oneex"), folder.path().join("oneex")).unwrap();
        Self { farm, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the inventory says of the one who is become.
    fn method(&self, method: &str, password: Option<&str>) -> &Self {
        let password = password.map(|word| format!("    ansible_become_password: {word:?}\n"));
        let password = password.unwrap_or_default();
        let text = format!(
            "all:\n  vars:\n    ansible_become_method: {method}\n{password}  hosts:\n    here: {{ ansible_connection: local }}\n"
        );
        fs::write(self.path("inventory.yaml"), text).unwrap();
        self
    }

    /// Runs a text as `oneex-deploy`, through oneex as `oneex-ops`, with further words for oneex.
    fn run(&self, more: &str, text: &str) -> Output {
        fs::write(self.path("text"), text).unwrap();
        self.oneex(&format!("exec -i inventory.yaml here --sudo=oneex-deploy {more} -- \"$(cat text)\""))
    }

    /// Calls oneex as `oneex-ops` in the folder.
    fn oneex(&self, words: &str) -> Output {
        let host = self.farm.host(0);
        let folder = self.folder.path().display();
        let remote =
            format!("cd {folder} && HOME={folder} TMPDIR={folder} timeout -s KILL 60 ./oneex {words}");
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o"])
            .arg(format!("UserKnownHostsFile={}", self.farm.known_hosts().display()))
            .arg("-i")
            .arg(self.farm.client_key())
            .args(["-p", &host.port.to_string(), &format!("oneex-ops@{}", host.address), &remote]);
        ssh.stdin(Stdio::null()).output().unwrap()
    }
}

fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// What lets in, each in its own way.
const WAYS: [(&str, &str, Option<&str>); 8] = [
    ("sudo", "oneex-ops ALL=(ALL) NOPASSWD: ALL", None),
    ("sudo", "oneex-ops ALL=(ALL) ALL", Some(PASSWORDS[0])),
    ("sudo", "Defaults use_pty\noneex-ops ALL=(ALL) NOPASSWD: ALL", None),
    ("sudo", "Defaults requiretty\noneex-ops ALL=(ALL) NOPASSWD: ALL", None),
    ("sudo", "Defaults requiretty,use_pty\noneex-ops ALL=(ALL) ALL", Some(PASSWORDS[0])),
    ("su", "", Some(PASSWORDS[1])),
    ("doas", "", None),
    ("doas", "", Some(PASSWORDS[0])),
];

fn site(sudoers: &str, password: Option<&str>) -> Site {
    let nopass = if password.is_none() { "nopass " } else { "" };
    Site::new(sudoers, &format!("permit {nopass}oneex-ops as oneex-deploy"))
}

#[test]
fn every_method_lets_in_on_the_controller_too() {
    for (method, sudoers, password) in WAYS {
        let site = site(sudoers, password);
        site.method(method, password);
        let about = format!("{method} {sudoers} {password:?}");
        let text = "id -un; printf 'a\\tb\\n'; echo to stderr >&2; exit 3";
        let output = site.run("--output json", text);
        let all = shown(&output);
        assert_eq!(output.status.code(), Some(1), "{about}: {all}");
        let last = all.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let failed = last.into_iter().find(|event| event["event"] == "node_finished").expect(&all);
        let failure = &failed["failure"];
        let told = (&failure["stdout"], &failure["stderr"], &failure["code"]);
        let wanted = serde_json::json!(["oneex-deploy\na\tb\n", "to stderr\n", 3]);
        assert_eq!(told, (&wanted[0], &wanted[1], &wanted[2]), "{about}: {failed}");
    }
}

#[test]
fn a_wrong_password_is_denied_at_once() {
    for (method, sudoers, password) in WAYS {
        if password.is_none() {
            continue;
        }
        let site = site(sudoers, password);
        let all = shown(&site.method(method, Some("mistaken")).run("", "id"));
        let said = all.contains("help: the password is wrong");
        assert!(said && !all.contains("mistaken"), "{method} {sudoers}: {all}");
        site.method(method, None);
        let all = shown(&site.run("", "id"));
        assert!(all.contains("set `ansible_become_password`"), "{method} {sudoers}: {all}");
    }
}

#[test]
fn a_time_limit_ends_what_another_user_runs() {
    for (number, (method, sudoers, password)) in WAYS.into_iter().enumerate() {
        let site = site(sudoers, password);
        site.method(method, password);
        let seconds = format!("74{number}.{}", site.farm.host(0).port);
        let text = format!("trap '' HUP TERM; sleep {seconds} & (sleep {seconds})");
        let output = site.run("--timeout 500ms", &text);
        let all = shown(&output);
        assert!(all.contains("failed, status 124"), "{method} {sudoers}: {all}");
        assert!(processes::gone(&seconds), "{method} {sudoers}: the command outlived its time limit");
    }
}

#[test]
fn files_of_another_user_are_written_and_read_at_a_terminal_too() {
    for (method, sudoers, password) in WAYS.into_iter().filter(|(_, sudoers, _)| !sudoers.contains("use_pty"))
    {
        let site = site(sudoers, password);
        site.method(method, password);
        let path = site.path("theirs").display().to_string();
        let every: String = (0..3000).map(|number| format!("{number} ü\\t\\r\n")).collect();
        fs::write(site.path("text"), &every).unwrap();
        fs::write(
            site.path("book.rhai"),
            format!(
                "task(\"files\").on(\"all\").sudo(\"oneex-deploy\").run(|h| {{
                     h.copy(\"text\", \"{path}\", #{{ mode: \"0600\" }});
                     h.exec(\"cat {path} >{path}.again; chmod 644 {path}.again\");
                 }});\n"
            ),
        )
        .unwrap();
        let output = site.oneex("run -i inventory.yaml book.rhai");
        assert_eq!(output.status.code(), Some(0), "{method} {sudoers}: {}", shown(&output));
        let stat = Command::new("stat").args(["-c", "%u %a", &path]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&stat.stdout), "61701 600\n", "{method} {sudoers}");
        assert_eq!(fs::read_to_string(site.path("theirs.again")).unwrap(), every, "{method} {sudoers}");
    }
}
