//! A project folder of its own for a test, and the program run in it with a clean environment.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use regex::Regex;
use tempfile::TempDir;

use crate::terminal::Terminal;

/// How long a program may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(120);

/// A temporary project folder, a home folder beside it, and the program under test. All of it is
/// removed when the value is dropped.
pub struct TestProject {
    base: TempDir,
    program: PathBuf,
}

/// What a program did.
#[derive(Debug)]
pub struct Finished {
    /// The exit code; 128 and the signal's number where a signal ended it, as a shell says it.
    pub code: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// One call of the program.
#[derive(Debug)]
pub struct Invocation {
    command: Command,
    input: Vec<u8>,
}

impl TestProject {
    /// An empty project for `program`, which a test of the root package names with
    /// `env!("CARGO_BIN_EXE_oneex")`. It hears signals even where the test was started to ignore them.
    ///
    /// # Panics
    /// When the temporary folder cannot be made.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        crate::signals::heard_by_programs();
        let base = tempfile::Builder::new().prefix("oneex-test-").tempdir().expect("a temporary folder");
        for name in ["project", "home"] {
            std::fs::create_dir(base.path().join(name)).expect("a folder in the temporary folder");
        }
        Self { base, program: program.into() }
    }

    /// The project's folder, in which the program runs.
    pub fn folder(&self) -> PathBuf {
        self.base.path().join("project")
    }

    /// The home folder that the program sees.
    pub fn home(&self) -> PathBuf {
        self.base.path().join("home")
    }

    /// The path of a file in the project.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder().join(name)
    }

    /// Writes a file into the project, folders before it included.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, name: impl AsRef<Path>, text: &str) -> &Self {
        let path = self.path(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).expect("the folder of a project's file");
        }
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self
    }

    /// Reads a file of the project.
    ///
    /// # Panics
    /// When there is none, or it is no text.
    pub fn read(&self, name: impl AsRef<Path>) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Prepares a call of the program: in the project's folder, with nothing of the caller's
    /// environment but `PATH`.
    pub fn oneex<A: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Invocation {
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(self.folder()).env_clear().envs(self.environment());
        Invocation { command, input: Vec::new() }
    }

    /// Runs the program on a terminal of its own.
    ///
    /// # Panics
    /// When there is no pseudo-terminal to be had.
    pub fn terminal<A: AsRef<std::ffi::OsStr>>(
        &self,
        rows: u16,
        columns: u16,
        args: impl IntoIterator<Item = A>,
    ) -> Terminal {
        let command = pty_process::blocking::Command::new(&self.program)
            .args(args)
            .current_dir(self.folder())
            .env_clear()
            .envs(self.environment())
            .env("TERM", "xterm-256color");
        Terminal::spawn(command, rows, columns)
    }

    /// Replaces what differs from run to run: folders, ids, times and durations.
    ///
    /// # Panics
    /// Never: the patterns are fixed.
    pub fn redact(&self, text: &str) -> String {
        let mut text = text
            .replace(&self.folder().display().to_string(), "[PROJECT]")
            .replace(&self.home().display().to_string(), "[HOME]");
        for (pattern, name) in [
            (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[ID]"),
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "[TIME]"),
            (r"\b((\d+h )?\d+m )?\d+(\.\d+)? ?(µs|us|ms|s)\b", "[DURATION]"),
            (r#""duration":\s*\d+(\.\d+)?(e-?\d+)?"#, "\"duration\":[SECONDS]"),
        ] {
            text = Regex::new(pattern).expect("a pattern of this file").replace_all(&text, name).into_owned();
        }
        text
    }

    fn environment(&self) -> Vec<(&'static str, std::ffi::OsString)> {
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin:/usr/sbin:/sbin".into());
        vec![
            ("PATH", path),
            ("HOME", self.home().into()),
            ("TMPDIR", self.base.path().into()),
            ("LANG", "C.UTF-8".into()),
            ("TZ", "UTC".into()),
        ]
    }
}

impl Invocation {
    /// Sets a variable of the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Gives the program something to read; without it, its standard input is empty.
    #[must_use]
    pub fn input(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.input = text.into();
        self
    }

    /// Starts the program and leaves it running, so that a test can send it signals.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(mut self) -> Running {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self
            .command
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", self.command.get_program().display()));
        if let Some(mut stdin) = child.stdin.take() {
            // A program that ends without reading closes the pipe; that is for the test to judge.
            std::thread::spawn(move || stdin.write_all(&self.input));
        }
        let stdout = reader(child.stdout.take());
        let stderr = reader(child.stderr.take());
        Running { child, stdout, stderr }
    }

    /// Runs the program to its end.
    ///
    /// # Panics
    /// When it cannot be started, or takes longer than two minutes.
    pub fn run(self) -> Finished {
        self.start().finish()
    }
}

/// A program that is running.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
}

impl Running {
    /// The process id of the program.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the program alone.
    ///
    /// # Panics
    /// When the program has ended already.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).expect("a signal to a running program");
    }

    /// Waits for the end of the program.
    ///
    /// # Panics
    /// When it takes longer than two minutes; it is killed then.
    pub fn finish(mut self) -> Finished {
        let status = wait(&mut self.child);
        Finished {
            code: code_of(status),
            stdout: self.stdout.join().expect("the reader of the standard output"),
            stderr: self.stderr.join().expect("the reader of the standard error"),
        }
    }
}

impl Finished {
    /// Checks the exit code and gives everything back.
    ///
    /// # Panics
    /// When the code is another one, with all that the program said.
    #[must_use]
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }
}

/// Waits for a child as long as a test is patient.
pub(crate) fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait().expect("the state of a child") {
            return status;
        }
        if Instant::now() > deadline {
            // The test fails anyway; the program must not outlive it.
            drop(child.kill());
            drop(child.wait());
            panic!("the program did not end within {} seconds", PATIENCE.as_secs());
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// The exit code as a shell says it.
pub(crate) fn code_of(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

fn reader(stream: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            // What was read before an error is what the test sees.
            drop(stream.read_to_end(&mut bytes));
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::TestProject;

    #[test]
    fn a_program_runs_in_its_own_folder_and_environment() {
        let project = TestProject::new("/bin/sh");
        project.write("deep/name.txt", "world");
        let script = "read greeting; echo \"$greeting $(cat deep/name.txt) ${CARGO:-clean} $HOME\"; exit 3";
        let finished = project.oneex(["-c", script]).input("hello\n").run().expect_code(3);
        assert_eq!(project.redact(&finished.stdout), "hello world clean [HOME]\n");
        assert_eq!(finished.stderr, "");
    }

    #[test]
    fn a_signal_reaches_the_program() {
        let project = TestProject::new("/bin/sh");
        let running =
            project.oneex(["-c", "trap 'exit 7' INT; echo up >ready; while :; do sleep 0.05; done"]).start();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !project.path("ready").exists() {
            assert!(std::time::Instant::now() < deadline, "the program never got ready");
            std::thread::yield_now();
        }
        running.signal(rustix::process::Signal::INT);
        assert_eq!(running.finish().code, 7);
    }

    #[test]
    fn what_differs_from_run_to_run_is_redacted() {
        let project = TestProject::new("/bin/true");
        let text = format!(
            "{}/a in 1.25s at 2026-01-02T03:04:05.678Z, run 0198c0de-1234-7abc-8def-0123456789ab, 1m 2s",
            project.folder().display()
        );
        assert_eq!(project.redact(&text), "[PROJECT]/a in [DURATION] at [TIME], run [ID], [DURATION]");
    }
}
