//! Commands as they travel to a host. Quoting happens here and nowhere else.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::CutOutput;

/// What is run.
#[derive(Debug, Clone, PartialEq)]
pub enum Program {
    /// A program and its arguments; nothing is interpreted.
    Argv(Vec<String>),
    /// A text for POSIX `sh`, with its positional parameters `$1`, `$2` ….
    Shell {
        /// The text.
        text: String,
        /// The positional parameters, passed as they are.
        args: Vec<String>,
    },
}

/// A command with everything around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// What is run.
    pub program: Program,
    /// Variables added to the environment of the command; never part of an argument list.
    pub env: Vec<(String, String)>,
    /// The working directory; the user's home when left out.
    pub cwd: Option<String>,
    /// What the command reads from standard input; it is empty when left out.
    pub stdin: Vec<u8>,
    /// The user that runs it, by `sudo`, where that is not the connection's user.
    pub user: Option<String>,
    /// How long it may take; then its process group is ended and [`Exit::TimedOut`] reported.
    pub timeout: Option<Duration>,
    /// The file mode mask.
    pub umask: Option<u32>,
    /// How many bytes of each output stream are kept in memory; what is above is read and dropped.
    pub keep: usize,
    /// People may want to see what it writes while it does, and all of it, however much it is: the command is one of
    /// theirs, and not one of an operation's own.
    pub followed: bool,
    /// It leaves no process behind when it ends, so that nobody has to look for one, which costs a host more than a
    /// small command does: what an operation runs for itself is so as a rule, what a person writes may be anything.
    pub tidy: bool,
    /// Its script answers for several sets of parameters at once, which costs a host less than as many scripts. Where
    /// the variable `oneex_each` is set, it has so many parameters for each; after each answer it calls `answered
    /// STATUS`, a function that is there then.
    pub repeats: bool,
    /// Makes it outlive the connection: it is run once, however often it is sent.
    pub claim: Option<Claim>,
}

/// What a command is found again by, after the connection that it was sent over was lost.
///
/// A connection that cannot be lost pays no attention to it. Clones are the same claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// A folder name for everything of this run on this host; nobody can guess it, and it begins with the
    /// seconds since 1970, so that it can be cleared away when it is old.
    pub place: String,
    /// The command's own name there: 32 hexadecimal digits that nobody can guess.
    pub id: String,
    /// The boot of the host that it was sent to, noted before it is: on another one nobody knows of it.
    pub boot: Arc<OnceLock<String>>,
}

impl Command {
    /// The bytes of each output stream that are kept unless said otherwise: 8 MiB.
    pub const KEEP: usize = 8 << 20;

    /// A program with its arguments.
    pub fn argv<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Self {
        Self::new(Program::Argv(argv.into_iter().map(Into::into).collect()))
    }

    /// A text for POSIX `sh`.
    pub fn shell(text: impl Into<String>) -> Self {
        Self::new(Program::Shell { text: text.into(), args: Vec::new() })
    }

    /// A text for POSIX `sh` that finds `args` in `$1`, `$2` …: values never become part of the text.
    pub fn script<S: Into<String>>(text: impl Into<String>, args: impl IntoIterator<Item = S>) -> Self {
        Self::new(Program::Shell { text: text.into(), args: args.into_iter().map(Into::into).collect() })
    }

    fn new(program: Program) -> Self {
        Self {
            program,
            env: Vec::new(),
            cwd: None,
            stdin: Vec::new(),
            user: None,
            timeout: None,
            umask: None,
            keep: Self::KEEP,
            followed: false,
            tidy: false,
            repeats: false,
            claim: None,
        }
    }

    /// Sets what the command reads from standard input.
    #[must_use]
    pub fn stdin(mut self, stdin: impl Into<Vec<u8>>) -> Self {
        self.stdin = stdin.into();
        self
    }

    /// Says that it leaves no process behind.
    #[must_use]
    pub fn tidy(mut self) -> Self {
        self.tidy = true;
        self
    }

    /// Says that its script answers for several sets of parameters at once.
    #[must_use]
    pub fn repeats(mut self) -> Self {
        self.repeats = true;
        self
    }

    /// Adds a variable to its environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// The program alone as one line for `sh`: an argument vector quoted, a text with parameters as
    /// `sh -c TEXT sh ARGS`, a text without parameters as it stands.
    pub fn line(&self) -> String {
        match &self.program {
            Program::Argv(argv) => argv.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" "),
            Program::Shell { text, args } if args.is_empty() => text.clone(),
            Program::Shell { text, args } => {
                let args = args.iter().map(|word| format!(" {}", quote(word))).collect::<String>();
                format!("sh -c {} sh{args}", quote(text))
            }
        }
    }

    /// What people see of it: the line, shortened to its first line and 200 characters.
    pub fn shown(&self) -> String {
        let line = self.line();
        let first = line.trim().lines().next().unwrap_or_default();
        let short: String = first.chars().take(200).collect();
        if short.len() < line.trim().len() { format!("{short} …") } else { short }
    }

    /// The texts that end in an argument list: these may hold no secret.
    pub fn argument_texts(&self) -> impl Iterator<Item = &str> {
        let (first, rest): (Option<&String>, &[String]) = match &self.program {
            Program::Argv(argv) => (None, argv),
            Program::Shell { text, args } => (Some(text), args),
        };
        first.into_iter().chain(rest).map(String::as_str)
    }
}

/// Quotes one word for POSIX `sh`. A NUL, which no argument can hold, is left out.
pub fn quote(word: &str) -> String {
    let clean = word.replace('\0', "");
    shlex::try_quote(&clean).map(std::borrow::Cow::into_owned).unwrap_or_default()
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// It ended by itself with this status.
    Code(i32),
    /// A signal ended it; the name has no `SIG`, as in RFC 4254, section 6.10.
    Signal(String),
    /// Its time limit passed, and its process group was ended.
    TimedOut,
}

/// What a command left.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandOutput {
    /// How it ended.
    pub exit: Exit,
    /// Standard output, up to [`Command::keep`] bytes.
    pub stdout: Vec<u8>,
    /// Standard error, up to [`Command::keep`] bytes.
    pub stderr: Vec<u8>,
    /// What was not kept of them.
    pub cut: CutOutput,
}

impl CommandOutput {
    /// True when it ended by itself with status 0.
    pub fn ok(&self) -> bool {
        self.exit == Exit::Code(0)
    }

    /// True when one of the streams was longer than what was kept.
    pub fn truncated(&self) -> bool {
        !self.cut.is_none()
    }

    /// The exit status as a shell gives it: 128 and the signal's number, 124 for a time limit.
    pub fn code(&self) -> i32 {
        match &self.exit {
            Exit::Code(code) => *code,
            Exit::TimedOut => 124,
            Exit::Signal(name) => 128 + signal_number(name),
        }
    }

    /// Standard output as text; what is not UTF-8 becomes U+FFFD.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text; what is not UTF-8 becomes U+FFFD.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

fn signal_number(name: &str) -> i32 {
    match name {
        "HUP" => 1,
        "INT" => 2,
        "QUIT" => 3,
        "ILL" => 4,
        "ABRT" => 6,
        "FPE" => 8,
        "KILL" => 9,
        "USR1" => 10,
        "SEGV" => 11,
        "USR2" => 12,
        "PIPE" => 13,
        "ALRM" => 14,
        _ => 15,
    }
}

#[cfg(test)]
mod tests {
    use super::{Command, quote};

    #[test]
    fn quotes_what_a_shell_would_read() {
        assert_eq!(quote("plain-1.2/x"), "plain-1.2/x");
        assert_eq!(quote(""), "''");
        for hostile in ["a b", "$(id)", "it's", "a\nb", "*", "-n", "`x`", "\\", "!x", "~"] {
            let output = std::process::Command::new("sh")
                .args(["-c", &format!("printf %s {}", quote(hostile))])
                .output()
                .expect("sh runs");
            assert_eq!(String::from_utf8_lossy(&output.stdout), hostile);
        }
    }

    #[test]
    fn a_script_passes_its_values_as_parameters() {
        let command = Command::script("stat -c %a \"$1\"", ["/a b"]);
        assert_eq!(command.line(), "sh -c 'stat -c %a \"$1\"' sh '/a b'");
    }

    #[test]
    fn long_commands_are_shown_short() {
        assert_eq!(Command::shell("set -e\nrm x").shown(), "set -e …");
    }
}
