//! What went wrong when a host's tools for accounts were asked.

use oneex_sdk::{CommandOutput, OpError};

/// The failure of `program`, such as `useradd`, on `subject`, such as ``user `ops` ``.
pub(crate) fn failure(program: &str, subject: &str, output: CommandOutput) -> OpError {
    let said = output.stderr_text();
    let shown = format!("{program} …");
    if output.code() == 127 {
        return OpError::failed(format!("the host has no `{program}`"))
            .hint("it comes with the package `passwd`, `shadow-utils` or `shadow`")
            .command(shown, output);
    }
    if said.contains("ermission denied") {
        return OpError::denied(format!("`{program}` may not change the {subject}"))
            .hint("accounts need root: does the task need `.sudo()`?")
            .command(shown, output);
    }
    let line = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it gave no reason");
    let reason = line.trim().trim_start_matches(program).trim_start_matches(':').trim();
    OpError::failed(format!("`{program}` failed for the {subject}: {}", oneex_sdk::visible(reason)))
        .command(shown, output)
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{CommandOutput, CutOutput, ErrorKind, Exit};

    use super::failure;

    #[test]
    fn the_reason_is_the_last_line_that_was_said() {
        for (code, said, kind, message) in [
            (
                4,
                "useradd: UID 0 is not unique\n",
                ErrorKind::Failed,
                "`useradd` failed for the user `ops`: UID 0 is not unique",
            ),
            (1, "", ErrorKind::Failed, "`useradd` failed for the user `ops`: it gave no reason"),
            (
                1,
                "useradd: Permission denied.\nuseradd: cannot lock /etc/passwd; try again later.\n",
                ErrorKind::Denied,
                "`useradd` may not change the user `ops`",
            ),
            (127, "sh: useradd: not found\n", ErrorKind::Failed, "the host has no `useradd`"),
        ] {
            let output = CommandOutput {
                exit: Exit::Code(code),
                stdout: Vec::new(),
                stderr: said.into(),
                cut: CutOutput::default(),
            };
            let error = failure("useradd", "user `ops`", output);
            assert_eq!((error.kind, error.message.as_str()), (kind, message));
        }
    }
}
