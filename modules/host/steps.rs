//! What is to be done before and after a file takes its place, in the same round trip.

use oneex_sdk::{Command, CommandOutput, OpError, OpResult, Writer};

use super::place::FUNCTIONS;
use super::probe::failure;
use super::system::{Tool, tool_failure};

/// The status that says that the file, and no step, failed.
const NOT_PLACED: i32 = 97;

/// Steps around a file that takes its place.
#[derive(Debug, Clone)]
pub(crate) struct Steps<'a> {
    /// A text for `sh`, which finds `words` in `$1`, `$2` …; nothing more is done where it fails.
    pub(crate) before: &'a str,
    /// The same, for when the file is in its place.
    pub(crate) after: &'a str,
    /// The values that both find.
    pub(crate) words: Vec<String>,
    /// The program that the steps are about.
    pub(crate) tool: Tool,
    /// Variables that both find; never part of an argument list.
    pub(crate) env: Vec<(String, String)>,
    /// What it is asked for, as a failure says it: ``the unit `x` ``.
    pub(crate) subject: String,
}

impl Steps<'_> {
    /// The command that does all, with `placing` and its `args` in the middle.
    pub(crate) fn command(&self, placing: &str, args: &[&str]) -> Command {
        // A subshell that is part of a list would not heed `set -e`.
        let text = format!(
            "{FUNCTIONS}export PATH=\"$PATH:/usr/sbin:/sbin\"\ncount=$1\nshift\n\
             before() {{ :\n{}\n}}\nafter() {{ :\n{}\n}}\n\
             (export LC_ALL=C; before \"$@\") </dev/null || exit\n\
             (\nshift \"$count\"\n{placing}\n)\n[ \"$?\" = 0 ] || exit {NOT_PLACED}\n\
             (export LC_ALL=C; after \"$@\") </dev/null",
            self.before, self.after
        );
        let count = self.words.len().to_string();
        let words = self.words.iter().map(String::as_str);
        let words = std::iter::once(count.as_str()).chain(words).chain(args.iter().copied());
        let mut command = Command::script(text, words);
        command.env.clone_from(&self.env);
        command
    }

    /// Does both, with nothing between them.
    pub(crate) async fn run(&self, writer: &dyn Writer) -> OpResult<()> {
        self.between(writer, "", ":", &[]).await
    }

    /// Does both, and removes the file `path` between them.
    pub(crate) async fn run_and_remove(&self, writer: &dyn Writer, path: &str) -> OpResult<()> {
        self.between(writer, path, "rm -f -- \"$1\"", &[path]).await
    }

    async fn between(&self, writer: &dyn Writer, path: &str, text: &str, args: &[&str]) -> OpResult<()> {
        let output = writer.run(self.command(text, args)).await?;
        if output.ok() { Ok(()) } else { Err(self.failure(path, output)) }
    }

    /// What went wrong: with the file at `path`, or with a step.
    pub(crate) fn failure(&self, path: &str, output: CommandOutput) -> OpError {
        if output.code() == NOT_PLACED {
            return failure(path, &output.stderr_text());
        }
        tool_failure(self.tool, &self.subject, output)
    }
}
