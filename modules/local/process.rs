//! One command as a process of its own.

use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use oneex_sdk::{
    CancellationToken, Collected, Command, CommandOutput, CutOutput, Exit, OpError, OpResult, OutputSink,
    Passing, Program, Stream,
};
use rustix::process::Pid;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin};

use super::becoming::Ender;
use super::group;
use super::pipes::{self, Before};
use super::terminal::Terminal;

/// Why there is no process.
pub(super) enum NotStarted {
    /// The program is not there, or may not be executed: what a shell would report of it.
    Program(Box<CommandOutput>),
    /// The program is a text that names no interpreter in its first line.
    BareScript,
    /// Anything else.
    Other(OpError),
}

impl From<OpError> for NotStarted {
    fn from(error: OpError) -> Self {
        Self::Other(error)
    }
}

impl From<NotStarted> for OpError {
    fn from(reason: NotStarted) -> Self {
        match reason {
            NotStarted::Program(output) => Self::failed(output.stderr_text().trim_end()),
            NotStarted::BareScript => Self::failed("the program is a script that names no interpreter"),
            NotStarted::Other(error) => error,
        }
    }
}

/// A process that was started.
pub(super) struct Process {
    child: Child,
    leader: Pid,
    stdout: tokio::net::unix::pipe::Receiver,
    stderr: tokio::net::unix::pipe::Receiver,
    other: Other,
}

/// What a process of another user needs more; the default is for one of this user.
#[derive(Default)]
pub(super) struct Other {
    /// The terminal that it has, as long as it runs.
    pub(super) terminal: Option<Terminal>,
    /// What it says on standard error before the command does.
    pub(super) mark: String,
    /// Who ends it.
    pub(super) ender: Option<Ender>,
}

/// How waiting for a process ended.
enum Ended {
    Itself(std::io::Result<ExitStatus>),
    TimedOut,
    Cancelled,
}

impl Process {
    /// Starts `words` as the leader of a process group of its own. A script that names no interpreter is run by
    /// `sh`, as every shell does it (execvp(3)).
    pub(super) fn start(
        words: &[String],
        command: &Command,
        home: Option<&Path>,
        other: Other,
    ) -> Result<Self, NotStarted> {
        match Self::start_program(words, command, home, &other) {
            Err(NotStarted::BareScript) => {
                let by_shell = ["sh", "-c", "exec \"$@\"", "sh"].map(str::to_owned);
                let words: Vec<String> = by_shell.into_iter().chain(words.iter().cloned()).collect();
                Self::start_program(&words, command, home, &other)
            }
            result => result,
        }
        .map(|process| Self { other, ..process })
    }

    fn start_program(
        words: &[String],
        command: &Command,
        home: Option<&Path>,
        other: &Other,
    ) -> Result<Self, NotStarted> {
        let broken = |error: std::io::Error| OpError::failed(format!("no pipe can be made: {error}"));
        let (stdout, stdout_end) = pipes::pipe().map_err(broken)?;
        let (stderr, stderr_end) = pipes::pipe().map_err(broken)?;
        let child = spawn(words, command, home, other.terminal.as_ref(), stdout_end, stderr_end)?;
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let leader = id.ok_or_else(|| OpError::failed("the process has no id"))?;
        Ok(Self { child, leader, stdout, stderr, other: Other::default() })
    }

    /// The pipe to its standard input.
    pub(super) fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Waits for its end and collects what it wrote, so much of each stream; a time limit or `cancel` ends its whole
    /// group.
    pub(super) async fn finish(
        self,
        keep: usize,
        sink: Option<&dyn OutputSink>,
        timeout: Option<Duration>,
        cancel: &CancellationToken,
    ) -> OpResult<(CommandOutput, u64)> {
        let Self { mut child, leader, stdout, stderr, other } = self;
        let over = CancellationToken::new();
        let before = Before::mark(&other.mark);
        let passing = sink.map(Passing::to).unwrap_or_default();
        let collected = |stream| Collected::new(stream, keep, passing);
        let streams = async {
            tokio::join!(
                pipes::collect(stdout, collected(Stream::Stdout), Before::default(), sink, over.clone()),
                pipes::collect(stderr, collected(Stream::Stderr), before, sink, over.clone())
            )
        };
        let waiting = async {
            let ended = tokio::select! {
                biased;
                status = child.wait() => Ended::Itself(status),
                () = cancel.cancelled() => Ended::Cancelled,
                () = limit(timeout) => Ended::TimedOut,
            };
            if !matches!(ended, Ended::Itself(_)) {
                let _ = tokio::join!(child.wait(), group::end(leader, other.ender.as_ref()));
            }
            over.cancel();
            ended
        };
        let (ended, (stdout, stderr)) = tokio::join!(waiting, streams);
        let exit = match ended {
            Ended::Itself(Ok(status)) => exit_of(status),
            Ended::Itself(Err(error)) => {
                return Err(OpError::failed(format!("the process was lost: {error}")));
            }
            Ended::TimedOut => Exit::TimedOut,
            Ended::Cancelled => return Err(OpError::cancelled()),
        };
        let received = stdout.total() + stderr.total();
        Ok((output(exit, stdout, stderr), received))
    }
}

/// Writes `bytes` and closes the pipe. A process need not read what it is given.
pub(super) async fn feed(stdin: Option<ChildStdin>, bytes: &[&[u8]]) {
    let Some(mut stdin) = stdin else { return };
    for part in bytes {
        if stdin.write_all(part).await.is_err() {
            return;
        }
    }
    let _ = stdin.shutdown().await;
}

/// The words that run a command as this user; a mask needs a shell, as only a process can set its own.
pub(super) fn words(command: &Command) -> OpResult<Vec<String>> {
    crate::shell::check(command)?;
    let words = match &command.program {
        Program::Argv(argv) => argv.clone(),
        Program::Shell { text, args } => {
            let mut words = vec!["sh".to_owned(), "-c".to_owned(), text.clone(), "sh".to_owned()];
            words.extend(args.iter().cloned());
            words
        }
    };
    Ok(match command.umask {
        None => words,
        Some(umask) => {
            let text = format!("umask {:04o}; exec \"$@\"", umask & 0o7777);
            ["sh".to_owned(), "-c".to_owned(), text, "sh".to_owned()].into_iter().chain(words).collect()
        }
    })
}

fn spawn(
    words: &[String],
    command: &Command,
    home: Option<&Path>,
    terminal: Option<&Terminal>,
    stdout: OwnedFd,
    stderr: OwnedFd,
) -> Result<Child, NotStarted> {
    let (program, arguments) = words.split_first().ok_or_else(|| OpError::invalid("the command is empty"))?;
    // As sshd does it for a user whose home folder is not there.
    let home = home.map(|home| if home.is_dir() { home } else { Path::new("/") });
    let folder = match (command.cwd.as_deref().map(Path::new), home) {
        (Some(folder), Some(home)) => Some(home.join(folder)),
        (folder, home) => folder.or(home).map(Path::to_owned),
    };
    let mut process = tokio::process::Command::new(program);
    process.args(arguments).kill_on_drop(true);
    for (name, value) in &command.env {
        process.env(name, value);
    }
    if let Some(folder) = folder {
        if rustix::fs::access(&folder, rustix::fs::Access::EXEC_OK).is_err() || !folder.is_dir() {
            let shown = command.cwd.clone().unwrap_or_else(|| folder.display().to_string());
            return Err(crate::shell::no_folder(&shown).into());
        }
        process.current_dir(folder);
    }
    let spawned = match terminal {
        None => process.process_group(0).stdin(Stdio::piped()).stdout(stdout).stderr(stderr).spawn(),
        // The leader of a session leads a group too.
        Some(terminal) => {
            let process = pty_process::Command::from(process);
            terminal.spawn(process.stdin(Stdio::piped()).stdout(stdout).stderr(stderr))
        }
    };
    spawned.map_err(|error| not_started(program, &error))
}

/// The statuses are those of `env`, `nice` and every shell: 127 for what is not there, 126 for what is no program.
fn not_started(program: &str, error: &std::io::Error) -> NotStarted {
    let (code, why) = match error.kind() {
        std::io::ErrorKind::NotFound => (127, "No such file or directory"),
        std::io::ErrorKind::PermissionDenied => (126, "Permission denied"),
        _ if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => {
            return NotStarted::BareScript;
        }
        _ => return OpError::failed(format!("`{program}` cannot be started: {error}")).into(),
    };
    let stderr = format!("{program}: {why}\n").into_bytes();
    let (exit, cut) = (Exit::Code(code), CutOutput::default());
    NotStarted::Program(Box::new(CommandOutput { exit, stdout: Vec::new(), stderr, cut }))
}

async fn limit(timeout: Option<Duration>) {
    match timeout {
        Some(timeout) => tokio::time::sleep(timeout).await,
        None => std::future::pending().await,
    }
}

fn exit_of(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(group::signal_name(signal)),
        (None, None) => Exit::Code(-1),
    }
}

fn output(exit: Exit, mut stdout: Collected, mut stderr: Collected) -> CommandOutput {
    let ((stdout, stdout_cut), (stderr, stderr_cut)) = (stdout.finish(), stderr.finish());
    CommandOutput { exit, stdout, stderr, cut: CutOutput { stdout: stdout_cut, stderr: stderr_cut } }
}
