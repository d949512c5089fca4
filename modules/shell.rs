//! The text that makes a POSIX `sh` run a command: every value of the command ends inside a quoted
//! word, so no value can change what is run.

use std::fmt::Write as _;

use oneex_sdk::{Command, OpError, OpResult, Program, quote};

/// The longest single argument that Linux passes to a program (`MAX_ARG_STRLEN`, execve(2)).
const LONGEST_ARGUMENT: usize = 128 * 1024 - 1;

/// `sum SIZE` says the SHA-256 of standard input, as sha256sum(1) does. That of coreutils takes a second for what
/// `openssl dgst` does in a fifth where the processor has instructions for it, which is worth a larger program for
/// what is large.
pub(crate) const SUM: &str = "\
sum() {
    if [ \"$1\" -ge 4194304 ] && command -v openssl >/dev/null; then openssl dgst -sha256 -r; else sha256sum; fi
}
";

/// Refuses what no system could run as it is written, in the same words on every host.
pub(crate) fn check(command: &Command) -> OpResult<()> {
    match &command.program {
        Program::Argv(argv) if argv.first().is_none_or(String::is_empty) => {
            return Err(OpError::invalid("the command is empty"));
        }
        Program::Argv(_) | Program::Shell { .. } => {}
    }
    for (name, _) in &command.env {
        check_variable(name)?;
    }
    let arguments = command.argument_texts().map(|text| ("an argument".to_owned(), text));
    let variables =
        command.env.iter().map(|(name, value)| (format!("the variable `{name}`"), value.as_str()));
    let folder = command.cwd.iter().map(|folder| ("the command's folder".to_owned(), folder.as_str()));
    if let Some((what, _)) = arguments.chain(variables).chain(folder).find(|(_, text)| text.contains('\0')) {
        return Err(OpError::invalid(format!("{what} holds a NUL, which no program can be given"))
            .hint("bytes of any kind go through standard input"));
    }
    if command.cwd.as_ref().is_some_and(String::is_empty) {
        return Err(
            OpError::invalid("the command's folder is empty").hint("without `cwd` it is the user's home")
        );
    }
    match command.argument_texts().map(str::len).max() {
        Some(longest) if longest > LONGEST_ARGUMENT => {
            Err(OpError::invalid(format!("an argument of {longest} bytes is longer than a system accepts"))
                .hint("send long values as standard input or as a file"))
        }
        _ => Ok(()),
    }
}

/// The folder of a command is not there, or closed to its user.
pub(crate) fn no_folder(folder: &str) -> OpError {
    OpError::failed(format!("the folder `{folder}` cannot be entered"))
        .hint("it must be there already, and open to the user that runs the command")
}

/// Sets mask, environment and folder. Where the folder cannot be entered, `no_folder` is run.
pub(crate) fn surroundings(command: &Command, no_folder: &str) -> OpResult<String> {
    check(command)?;
    let mut text = String::new();
    if let Some(umask) = command.umask {
        let _ = write!(text, "umask {:04o};", umask & 0o7777);
    }
    if let Some(folder) = &command.cwd {
        // A relative name could be read as an option, or looked up in `CDPATH`.
        let folder = if folder.starts_with('/') { folder.clone() } else { format!("./{folder}") };
        let _ = write!(text, "cd {} 2>/dev/null||{{ {no_folder};}};", quote(&folder));
    }
    for (name, value) in &command.env {
        let _ = write!(text, "export {name}={};", quote(value));
    }
    Ok(text)
}

/// The program and its arguments as words; `sh` is what stands for the shell.
pub(crate) fn words(command: &Command, sh: &str) -> OpResult<String> {
    check(command)?;
    match &command.program {
        Program::Argv(argv) => Ok(argv.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")),
        Program::Shell { text, args } => {
            let mut line = format!("{sh} -c {} sh", quote(text));
            for arg in args {
                let _ = write!(line, " {}", quote(arg));
            }
            Ok(line)
        }
    }
}

/// Refuses what cannot be the name of a variable in `sh`.
pub(crate) fn check_variable(name: &str) -> OpResult<()> {
    let mut chars = name.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if first && chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(());
    }
    Err(OpError::invalid(format!("`{name}` cannot be the name of an environment variable"))
        .hint("names are letters, digits and `_`, and do not start with a digit"))
}

/// Refuses what cannot be the name of a user: it becomes a word for a login shell that may not be POSIX.
pub(crate) fn check_user(user: &str) -> OpResult<()> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+');
    if !user.is_empty() && !user.starts_with('-') && user.chars().all(plain) {
        return Ok(());
    }
    Err(OpError::invalid(format!("`{user}` cannot be the name of a user")))
}

/// The bytes as a format of `printf(1)`, quoted: POSIX shells write any byte from it by themselves.
pub(crate) fn printf_format(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    text.push('\'');
    for byte in bytes {
        match byte {
            b'\'' | b'\\' | b'%' | b'-' => {
                let _ = write!(text, "\\{byte:03o}");
            }
            b'\n' | b' '..=b'~' => text.push(char::from(*byte)),
            _ => {
                let _ = write!(text, "\\{byte:03o}");
            }
        }
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::{SUM, check_user, check_variable, printf_format, surroundings, words};
    use oneex_sdk::{Command, ErrorKind};

    fn sh(text: &str) -> Vec<u8> {
        std::process::Command::new("sh").args(["-c", text]).output().expect("sh runs").stdout
    }

    #[test]
    fn printf_writes_every_byte() {
        let all: Vec<u8> = (0..=255).chain(*b"-%s\\n'$(id)`").collect();
        assert_eq!(sh(&format!("printf {}", printf_format(&all))), all);
    }

    #[test]
    fn values_arrive_as_they_are() {
        for value in ["a b", "$(id)", "it's", "a\nb", "-n", "`x`", "\\", "", "${IFS}", "; exit 3", "ü\u{1}"]
        {
            let command = Command::script("printf '%s|%s' \"$1\" \"$V\"", [value]).env("V", value);
            let text = surroundings(&command, "exit 9").expect("it is valid")
                + &words(&command, "sh").expect("valid");
            assert_eq!(String::from_utf8(sh(&text)).expect("text"), format!("{value}|{value}"));
        }
    }

    #[test]
    fn what_is_large_is_summed_up_by_openssl_where_that_is_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let (with, without) = (folder.path().join("with"), folder.path().join("without"));
        for (folder, programs) in [(&with, &["sha256sum", "openssl"][..]), (&without, &["sha256sum"])] {
            std::fs::create_dir(folder).expect("a folder");
            for program in programs {
                let found = String::from_utf8(sh(&format!("command -v {program}"))).expect("a path");
                std::os::unix::fs::symlink(found.trim(), folder.join(program)).expect("a link");
            }
        }
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        for (size, path, name) in
            [(3, &with, "-"), (4 << 20, &with, "*stdin"), (3, &without, "-"), (4 << 20, &without, "-")]
        {
            for shell in ["/bin/dash", "/bin/bash"] {
                let text = format!("{SUM} printf abc | sum {size}");
                let mut process = std::process::Command::new(shell);
                let output = process.args(["-c", &text]).env("PATH", path).output().expect("it runs");
                let said = String::from_utf8(output.stdout).expect("text");
                let words: Vec<&str> = said.split_whitespace().collect();
                assert_eq!(words, [sum, name], "{shell} {size}");
            }
        }
    }

    #[test]
    fn a_folder_that_looks_like_an_option_is_entered() {
        let dir = tempfile::tempdir().expect("a folder");
        let odd = dir.path().join("- $x\n");
        std::fs::create_dir(&odd).expect("it is made");
        let mut command = Command::argv(["pwd"]);
        command.cwd = Some("- $x\n".into());
        let text = surroundings(&command, "echo missing").expect("valid") + "pwd";
        let text = format!("cd '{}';{text}", dir.path().display());
        assert_eq!(String::from_utf8(sh(&text)).expect("text"), format!("{}\n", odd.display()));
        command.cwd = Some("/does/not/exist".into());
        assert_eq!(sh(&surroundings(&command, "echo missing").expect("valid")), b"missing\n");
    }

    #[test]
    fn names_that_would_be_read_by_the_shell_are_refused() {
        for name in ["", "1A", "A B", "A;id", "A=B", "ä"] {
            assert_eq!(check_variable(name).expect_err(name).kind, ErrorKind::Invalid);
        }
        for name in ["", "-u", "a b", "$(id)", "a;b", "a'b"] {
            assert_eq!(check_user(name).expect_err(name).kind, ErrorKind::Invalid);
        }
        assert!(check_variable("_A1").is_ok() && check_user("svc-app.1").is_ok());
    }

    #[test]
    fn what_a_system_cannot_run_is_refused_before_it_is_sent() {
        let empty: [&str; 0] = [];
        assert_eq!(words(&Command::argv(empty), "sh").expect_err("empty").message, "the command is empty");
        let long = Command::argv(["echo".to_owned(), "x".repeat(200_000)]);
        assert_eq!(words(&long, "sh").expect_err("long").kind, ErrorKind::Invalid);
    }
}
