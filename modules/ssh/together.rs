//! Commands that only read, as one request and one reply.
//!
//! One shell runs them one after the other; after each it writes `TOKEN STATUS ;` to standard output and `TOKEN ;`
//! to standard error, without the blanks. The token is random, so no output is taken for an end.

use std::time::Duration;

use oneex_sdk::{Command, CommandOutput, CutOutput, Exit, OpResult};

use super::frames::new_token;
use super::functions::Calls;
use crate::shell::surroundings;

/// The longest text: it is one argument, which a system limits to 128 KiB when it is quoted.
const LONGEST: usize = 48 * 1024;
/// How long all of them may take: what hangs is asked again by itself.
const LIMIT: Duration = Duration::from_secs(20);

/// Several commands as one.
pub(super) struct Together {
    /// What is run where it is to be a command of its own.
    pub(super) command: Command,
    /// The same, for a shell that can be told functions.
    pub(super) calls: Calls,
    token: String,
    count: usize,
}

impl Together {
    /// Puts as many of the commands together as fit; at least the first.
    pub(super) fn of(commands: &[Command]) -> OpResult<Self> {
        let token = new_token();
        let (mut calls, mut keep) = (Calls::default(), 0_usize);
        for (index, command) in commands.iter().enumerate() {
            let mut one = Calls::of(command)?;
            let part = format!(
                "({}{}) </dev/null;printf '%s' '{token}'\"$?;\";printf '%s' '{token};' >&2\n",
                surroundings(command, "exit 126")?,
                one.text
            );
            if index > 0 && calls.size() + part.len() + one.size() > LONGEST {
                break;
            }
            calls.push(&part, one.take_functions());
            keep = keep.saturating_add(command.keep);
        }
        let mut command = Command::shell(calls.definitions() + &calls.text);
        command.user = commands.first().and_then(|first| first.user.clone());
        command.keep = keep.min(Command::KEEP * 4);
        command.timeout = Some(LIMIT);
        command.tidy = commands.iter().all(|command| command.tidy);
        Ok(Self { command, calls, token, count: commands.len() })
    }

    /// Takes the reply apart; nothing for what has no end in it.
    pub(super) fn answers(&self, output: &CommandOutput) -> Vec<Option<CommandOutput>> {
        let (mut stdout, mut stderr) = (output.stdout.as_slice(), output.stderr.as_slice());
        let answers = std::iter::from_fn(|| {
            let (before, after) = split(stdout, self.token.as_bytes())?;
            let (status, rest) = split(after, b";")?;
            let (errors, rest_of_errors) = split(stderr, format!("{};", self.token).as_bytes())?;
            (stdout, stderr) = (rest, rest_of_errors);
            let exit = Exit::Code(std::str::from_utf8(status).ok()?.parse().ok()?);
            Some(CommandOutput {
                exit,
                stdout: before.to_vec(),
                stderr: errors.to_vec(),
                cut: CutOutput::default(),
            })
        });
        let mut answers: Vec<_> = answers.take(self.count).map(Some).collect();
        answers.resize(self.count, None);
        answers
    }
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = memchr::memmem::find(bytes, at)?;
    Some((&bytes[..place], &bytes[place + at.len()..]))
}

#[cfg(test)]
mod spoiled;

#[cfg(test)]
mod tests {
    use oneex_sdk::{Command, CommandOutput, CutOutput, Exit};

    use super::{LONGEST, Together};

    /// What comes of them when `sh` runs them here.
    fn ran(sh: &str, commands: &[Command]) -> Vec<Option<(i32, String, String)>> {
        let together = Together::of(commands).expect("they are valid");
        let process = std::process::Command::new(sh).arg("-c").arg(together.command.line()).output();
        let process = process.expect("it runs");
        let exit = Exit::Code(process.status.code().expect("a status"));
        let output =
            CommandOutput { exit, stdout: process.stdout, stderr: process.stderr, cut: CutOutput::default() };
        let answers = together.answers(&output).into_iter();
        let told = |one: CommandOutput| (one.code(), one.stdout_text(), one.stderr_text());
        answers.map(|one| one.map(told)).collect()
    }

    #[test]
    fn each_has_its_own_streams_and_status() {
        let mut folder = Command::shell("pwd");
        folder.cwd = Some("/usr".into());
        let commands = [
            Command::script("printf '%s|' \"$@\"; echo e >&2; exit 3", ["a b", "$(id)", "", "it's\n"]),
            Command::shell("cat; exec 1>&- 2>&-"),
            Command::argv(["sh", "-c", "kill -9 $$"]),
            folder,
            Command::argv(["printf", "\\0;\\n"]).env("X", "1"),
            Command::argv(["no-such-program"]),
            Command::shell("set -e; x() { exit 4; }; a=1; exec 3>&-; x"),
            Command::shell("if"),
            Command::script("echo \"$# ${a-unset}\"; x", ["y"]),
        ];
        for sh in ["dash", "bash"] {
            let answers = ran(sh, &commands);
            let told = |index: usize| answers[index].clone().expect("an answer");
            assert_eq!(told(0), (3, "a b|$(id)||it's\n|".into(), "e\n".into()), "{sh}");
            assert_eq!(told(1), (0, String::new(), String::new()), "{sh}");
            assert_eq!(told(2).0, 137, "{sh}");
            assert_eq!(told(3), (0, "/usr\n".into(), String::new()), "{sh}");
            assert_eq!(told(4), (0, "\0;\n".into(), String::new()), "{sh}");
            assert_eq!(told(5).0, 127, "{sh}");
            assert_eq!(told(6).0, 4, "{sh}");
            assert_ne!(told(7).0, 0, "{sh}");
            assert_eq!((told(8).0, told(8).1.as_str()), (127, "1 unset\n"), "{sh}");
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let long = Command::script("echo \"$1\" | wc -c", ["x".repeat(LONGEST / 2)]);
        let answers = ran("dash", &[long.clone(), Command::shell("echo 2"), long.clone(), long]);
        let codes: Vec<_> =
            answers.iter().map(|one| one.as_ref().map(|one| one.1.trim().to_owned())).collect();
        let counted = Some((LONGEST / 2 + 1).to_string());
        assert_eq!(codes, [counted, Some("2".to_owned()), None, None]);
    }

    #[test]
    fn what_is_cut_has_no_answer() {
        let together = Together::of(&[Command::shell("x"), Command::shell("y")]).expect("valid");
        let token = &together.token;
        for (stdout, stderr, answered) in [
            (format!("a{token}0;b{token}1;"), format!("{token};{token};"), 2),
            (format!("a{token}0;b{token}1"), format!("{token};{token};"), 1),
            (format!("a{token}0;b{token}1;"), format!("{token};"), 1),
            (format!("a{token}x;b{token}1;"), format!("{token};{token};"), 0),
            (String::new(), String::new(), 0),
            (format!("{token}0;").repeat(9), format!("{token};").repeat(9), 2),
        ] {
            let output = CommandOutput {
                exit: Exit::Code(0),
                stdout: stdout.clone().into(),
                stderr: stderr.into(),
                cut: CutOutput::default(),
            };
            let answers = together.answers(&output);
            assert_eq!((answers.len(), answers.iter().flatten().count()), (2, answered), "{stdout}");
        }
    }
}
