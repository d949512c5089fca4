//! What went wrong when a tool of a host was asked.

use oneex_sdk::{CommandOutput, OpError, visible};

/// A program that hosts have, or lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tool {
    /// Its name, as people type it.
    pub(crate) name: &'static str,
    /// The packages that it comes with, as a hint says them.
    pub(crate) packages: &'static str,
}

/// The failure of `tool` on `subject`, such as ``the crontab of `ops` ``.
pub(crate) fn tool_failure(tool: Tool, subject: &str, output: CommandOutput) -> OpError {
    let Tool { name, packages } = tool;
    let said = output.stderr_text();
    if output.code() == 127 {
        return OpError::failed(format!("the host has no `{name}`"))
            .hint(format!("it comes with the package {packages}"))
            .command(name, output);
    }
    let refusals = ["ermission denied", "peration not permitted", "must be privileged", "must be superuser"];
    if refusals.iter().any(|refusal| said.contains(refusal)) {
        return OpError::denied(format!("`{name}` has no permission for {subject}"))
            .hint("does the task need `.sudo()`?")
            .command(name, output);
    }
    let line = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it gave no reason");
    let reason = line.trim().trim_start_matches(name).trim_start_matches(':').trim();
    OpError::failed(format!("`{name}` failed for {subject}: {}", visible(reason))).command(name, output)
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{CommandOutput, CutOutput, ErrorKind, Exit};

    use super::{Tool, tool_failure};

    #[test]
    fn the_reason_is_the_last_line_that_was_said() {
        let tool = Tool { name: "crontab", packages: "`cron`" };
        for (code, said, kind, message) in [
            (
                1,
                "errors in crontab file\ncrontab: bad minute\n\n",
                ErrorKind::Failed,
                "`crontab` failed for the crontab of `ops`: bad minute",
            ),
            (1, "", ErrorKind::Failed, "`crontab` failed for the crontab of `ops`: it gave no reason"),
            (
                1,
                "must be privileged to use -u\n",
                ErrorKind::Denied,
                "`crontab` has no permission for the crontab of `ops`",
            ),
            (127, "sh: 1: crontab: not found\n", ErrorKind::Failed, "the host has no `crontab`"),
        ] {
            let output = CommandOutput {
                exit: Exit::Code(code),
                stdout: Vec::new(),
                stderr: said.into(),
                cut: CutOutput::default(),
            };
            let error = tool_failure(tool, "the crontab of `ops`", output);
            assert_eq!((error.kind, error.message.as_str()), (kind, message));
        }
    }
}
