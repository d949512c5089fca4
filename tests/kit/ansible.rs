//! Modules of Ansible, in one process for many calls: a playbook for each would take a second.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use oneex_sdk::{Value, json};
use tempfile::TempDir;

use crate::host::PRIVATE;

/// The process.
const DRIVER: &str = include_str!("ansible.py");

/// A running process that calls modules of Ansible on this machine.
#[derive(Debug)]
pub struct Ansible {
    process: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// The modules' own temporary files.
    folder: TempDir,
}

/// What a module said.
#[derive(Debug, Clone)]
pub struct Answer(pub Value);

impl Answer {
    /// Something changed, or would.
    pub fn changed(&self) -> bool {
        self.0["changed"].as_bool().unwrap_or(false)
    }

    /// The module itself broke down, which says nothing of what it means.
    pub fn crashed(&self) -> bool {
        self.0["crashed"].as_bool().unwrap_or(false)
    }

    /// Why it failed.
    pub fn failure(&self) -> Option<&str> {
        let failed = self.0["failed"].as_bool().unwrap_or(false);
        failed.then(|| self.0["msg"].as_str().unwrap_or("no reason"))
    }
}

impl Ansible {
    /// Starts the process.
    ///
    /// # Panics
    /// When Ansible is not where `tests/setup.sh` installs it.
    pub fn start() -> Self {
        Self::run(Command::new(python()))
    }

    /// Starts it where folders of `root` are in place of the machine's: `/etc` is `etc` of `root`. Needs root.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn start_in_place(root: &Path, folders: &[&str]) -> Self {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", PRIVATE, "sh"]).arg(root).args(folders).arg("--").arg(python());
        Self::run(command)
    }

    fn run(mut command: Command) -> Self {
        let command = command.args(["-c", DRIVER]).env("LC_ALL", "C.UTF-8");
        let command = command.env("PYTHONPATH", collections());
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python starts");
        let stdin = process.stdin.take().expect("piped");
        let stdout = BufReader::new(process.stdout.take().expect("piped"));
        let folder = tempfile::Builder::new().prefix("oneex-ansible-").tempdir().expect("a temporary folder");
        Self { process, stdin, stdout, folder }
    }

    /// Calls a module.
    ///
    /// # Panics
    /// When the process ends, or answers what is no JSON, and where a module of a collection is not installed.
    pub fn call(&mut self, module: &str, args: &Value, check: bool) -> Answer {
        let is_installed = !module.contains('.') || collections().exists();
        assert!(is_installed, "there is no `{}`: tests/setup.sh installs it", collections().display());
        let call = json!({ "module": module, "args": args, "check": check, "folder": self.folder() });
        writeln!(self.stdin, "{call}").expect("it reads");
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("it answers");
        Answer(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{module} {args}: {error}: {line}")))
    }

    fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

fn installed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/ansible")
}

fn collections() -> PathBuf {
    installed().join("collections")
}

fn python() -> PathBuf {
    let python = installed().join("bin/python3");
    assert!(python.exists(), "there is no `{}`: tests/setup.sh installs it", python.display());
    python
}

impl Drop for Ansible {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
