//! Commands of users: what `exec`, `query` and `script` have in common.

use oneex_sdk::{Command, CommandOutput, Exit, OpError, OpResult, Output, Program};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A text for POSIX `sh`, or a program with its arguments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a text for `sh`, or an array of a program and its arguments")]
pub(crate) enum CommandText {
    /// Run by `sh`: pipes, redirections and variables work.
    Shell(String),
    /// Run as it is; nothing is interpreted.
    Argv(Vec<Word>),
}

/// One word of an argument vector; numbers are written out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a string or a number")]
pub(crate) enum Word {
    /// The word itself.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
}

impl Word {
    /// The word as a program gets it.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
        }
    }
}

impl CommandText {
    /// The command, with nothing around it yet.
    pub(crate) fn command(&self) -> OpResult<Command> {
        match self {
            Self::Shell(text) if text.trim().is_empty() => Err(OpError::invalid("the command is empty")),
            Self::Shell(text) => Ok(Command::shell(text.clone())),
            Self::Argv(words) if words.first().is_none_or(|word| word.text().is_empty()) => {
                Err(OpError::invalid("the command is empty"))
            }
            Self::Argv(words) => Ok(Command::argv(words.iter().map(Word::text))),
        }
    }
}

/// Judges how a user's command ended: its result, or the failure that shows its output.
pub(crate) fn outcome(command: &Command, mut output: CommandOutput, ok_codes: &[i32]) -> OpResult<Output> {
    let shown = command.shown();
    let message = match &output.exit {
        Exit::Code(code) if ok_codes.contains(code) => return Ok(fields(&output)),
        Exit::Code(code) => {
            if let Some(error) = no_program(command, &output) {
                // What is said of it differs between systems, and says no more.
                output.stderr.clear();
                return Err(error.command(command.line(), output));
            }
            format!("`{shown}` ended with status {code}")
        }
        Exit::Signal(_) if ok_codes.contains(&output.code()) => return Ok(fields(&output)),
        Exit::Signal(name) => format!("`{shown}` was ended by SIG{name}"),
        Exit::TimedOut => {
            let limit =
                command.timeout.map(|limit| oneex_sdk::Duration(limit).to_string()).unwrap_or_default();
            return Err(OpError::timeout(format!("`{shown}` did not end within {limit}"))
                .command(command.line(), output));
        }
    };
    Err(OpError::failed(message).command(command.line(), output))
}

/// The failure of a command whose program did not even start. A program may end with the same statuses: that it
/// was not there is told by the one line that names it.
fn no_program(command: &Command, output: &CommandOutput) -> Option<OpError> {
    let Program::Argv(argv) = &command.program else { return None };
    let name = argv.first()?;
    let stderr = output.stderr_text();
    let is_told = output.stdout.is_empty() && stderr.lines().count() == 1 && stderr.contains(name.as_str());
    let says = |texts: &[&str]| is_told && texts.iter().any(|text| stderr.contains(text));
    match output.exit {
        Exit::Code(127) if says(&["No such file or directory", "not found"]) => {
            let error = OpError::failed(format!("there is no program `{name}`"));
            Some(error.hint(if name.contains('/') {
                "is the path right, and is the interpreter there that its first line names?"
            } else {
                "is it installed, and in the `PATH` of the host's user?"
            }))
        }
        Exit::Code(126) if says(&["ermission denied"]) => {
            let error = OpError::failed(format!("`{name}` cannot be executed: permission denied"));
            Some(error.hint("is it a program, and may the host's user execute it?"))
        }
        _ => None,
    }
}

/// The fields of a result: `stdout`, `raw`, `stderr`, `code`, `ok`, `lines`.
pub(crate) fn fields(output: &CommandOutput) -> Output {
    let raw = output.stdout_text();
    let stdout = raw.strip_suffix('\n').unwrap_or(&raw);
    let lines: Vec<&str> = raw.lines().collect();
    let result = Output::none()
        .with("stdout", stdout)
        .with("stderr", output.stderr_text())
        .with("code", output.code())
        .with("ok", output.ok())
        .with("lines", lines);
    let cut = output.cut.fields().into_iter();
    cut.fold(result, |result, (name, value)| result.with(&name, value)).with("raw", raw.as_str())
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{Command, CommandOutput, CutOutput, CutStream, ErrorKind, Exit, json};

    use super::{CommandText, outcome};

    fn ended(exit: Exit) -> CommandOutput {
        CommandOutput { exit, stdout: b"a\nb\n\n".to_vec(), stderr: Vec::new(), cut: CutOutput::default() }
    }

    #[test]
    fn the_result_keeps_both_the_text_and_its_lines() {
        let output =
            outcome(&Command::argv(["x"]), ended(Exit::Code(3)), &[0, 3]).expect("code 3 is allowed");
        assert_eq!(output.fields["stdout"], json!("a\nb\n"));
        assert_eq!(output.fields["raw"], json!("a\nb\n\n"));
        assert_eq!(output.fields["lines"], json!(["a", "b", ""]));
        assert_eq!((&output.fields["code"], &output.fields["ok"]), (&json!(3), &json!(false)));
    }

    #[test]
    fn of_what_was_cut_it_says_how_much_it_was_and_where_it_is() {
        let cut = CutStream { total: 9_000_000, file: Some("/p/1-web.stdout".into()) };
        let mut long = ended(Exit::Code(0));
        long.cut.stdout = Some(cut);
        for (output, expected) in [
            (ended(Exit::Code(0)), [json!(false), json!(null), json!(null), json!(null)]),
            (long, [json!(true), json!(9_000_000), json!("/p/1-web.stdout"), json!(null)]),
        ] {
            let result = outcome(&Command::argv(["x"]), output, &[0]).expect("it went well");
            let names = ["truncated", "stdout_size", "stdout_file", "stderr_file"];
            let found = names.map(|name| result.fields.get(name).cloned().unwrap_or_default());
            assert_eq!(found, expected);
            assert_eq!(result.fields.contains_key("stderr_file"), expected[0] == json!(true));
        }
    }

    #[test]
    fn failures_say_how_the_command_ended() {
        for (exit, kind, message) in [
            (Exit::Code(1), ErrorKind::Failed, "`false` ended with status 1"),
            (Exit::Signal("KILL".into()), ErrorKind::Failed, "`false` was ended by SIGKILL"),
            (Exit::TimedOut, ErrorKind::Timeout, "`false` did not end within 5s"),
        ] {
            let mut command = Command::argv(["false"]);
            command.timeout = Some(std::time::Duration::from_secs(5));
            let error = outcome(&command, ended(exit), &[0]).expect_err("a failure");
            assert_eq!((error.kind, error.message.as_str()), (kind, message));
            assert_eq!(error.command.expect("the command").command, "false");
        }
    }

    #[test]
    fn a_command_is_a_text_or_words() {
        for (value, line) in
            [(json!("a | b"), "a | b"), (json!(["echo", "a b", 3, -1.5]), "echo 'a b' 3 -1.5")]
        {
            let text: CommandText = serde_json::from_value(value).expect("a command");
            assert_eq!(text.command().expect("not empty").line(), line);
        }
        for value in [json!(""), json!([]), json!([""])] {
            let text: CommandText = serde_json::from_value(value).expect("a command");
            assert_eq!(text.command().expect_err("empty").message, "the command is empty");
        }
        let error = serde_json::from_value::<CommandText>(json!({ "a": 1 })).expect_err("a map");
        assert_eq!(error.to_string(), "expected a text for `sh`, or an array of a program and its arguments");
    }
}
