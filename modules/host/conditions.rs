//! Reasons not to run a command: what `exec` and `script` have in common.

use oneex_sdk::{Command, OpError, OpResult, Output, Reader};

/// Prints the first reason to skip the command; nothing where it is to run.
const SCRIPT: &str = r#"
if [ -n "$1" ] && { [ -e "$1" ] || [ -L "$1" ]; }; then echo creates
elif [ -n "$2" ] && ! { [ -e "$2" ] || [ -L "$2" ]; }; then echo removes
elif [ -n "$3" ] && sh -c "$3" </dev/null >/dev/null 2>&1; then echo unless
elif [ -n "$4" ] && ! sh -c "$4" </dev/null >/dev/null 2>&1; then echo only_if
fi
"#;

/// What has to hold for the command to be run.
pub(crate) struct Conditions<'a> {
    /// This path is not there.
    pub(crate) creates: Option<&'a str>,
    /// This path is there.
    pub(crate) removes: Option<&'a str>,
    /// This text for `sh` ends with another status than 0.
    pub(crate) unless: Option<&'a str>,
    /// This text for `sh` ends with status 0.
    pub(crate) only_if: Option<&'a str>,
}

impl Conditions<'_> {
    /// The name of the first option that says to skip it. `surround` gives a command the folder, variables and limits of
    /// the command itself.
    pub(crate) async fn unmet(
        &self,
        reader: &dyn Reader,
        operation: &str,
        surround: impl FnOnce(Command) -> Command,
    ) -> OpResult<Option<String>> {
        let conditions = [self.creates, self.removes, self.unless, self.only_if];
        if conditions.iter().all(Option::is_none) {
            return Ok(None);
        }
        let mut command = surround(Command::script(SCRIPT, conditions.map(Option::unwrap_or_default)));
        // What a person wrote may leave something behind.
        command.tidy = self.unless.is_none() && self.only_if.is_none();
        let output = reader.query(command).await?;
        if !output.ok() {
            let said = output.stderr_text();
            let message = format!("the conditions of `{operation}` could not be asked: {}", said.trim());
            return Err(OpError::failed(message));
        }
        Ok(Some(output.stdout_text().trim().to_owned()).filter(|reason| !reason.is_empty()))
    }
}

/// The result of a command that was skipped because of this option, if it was.
pub(crate) fn skipped(reason: Option<&String>) -> Output {
    let Some(reason) = reason else { return Output::none() };
    Output::none()
        .with("stdout", "")
        .with("raw", "")
        .with("stderr", "")
        .with("lines", Vec::<String>::new())
        .with("code", 0)
        .with("ok", true)
        .with("skipped", true)
        .with("reason", reason.as_str())
        .changed(false)
}
