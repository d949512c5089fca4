//! Scripts of operations as functions of the shell: it is told each of them once, and calls it by its name.

use std::collections::HashSet;

use oneex_sdk::{Command, OpResult, Program, quote};
use sha2::{Digest as _, Sha256};

use crate::shell::words;

/// Shorter texts are as good as a name.
const SHORT: usize = 200;
/// Functions that a shell is asked to remember.
const MOST: usize = 64;

/// A text that a shell knows by a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Function {
    name: String,
    text: String,
}

impl Function {
    fn of(text: &str) -> Self {
        let digest = format!("{:x}", Sha256::digest(text));
        Self { name: format!("oneex_{}", &digest[..32]), text: text.to_owned() }
    }

    /// The text that makes the shell know it. One that is no whole text of a shell ends that shell.
    fn definition(&self) -> String {
        format!("{}(){{\n{}\n}}\n", self.name, self.text)
    }
}

/// What runs in a subshell, and the functions that it calls.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Calls {
    pub(super) text: String,
    functions: Vec<Function>,
}

impl Calls {
    /// The command, as the last of a subshell. A text for `sh` needs no other `sh`: a mistake in it, `exit` and what
    /// it sets touch nothing else. Only `$$` is that of the shell.
    pub(super) fn of(command: &Command) -> OpResult<Self> {
        let words = words(command, "sh")?;
        let Program::Shell { text, args } = &command.program else {
            return Ok(Self { text: format!("exec {words}"), functions: Vec::new() });
        };
        let args: String = args.iter().map(|arg| format!(" {}", quote(arg))).collect();
        if text.len() <= SHORT {
            let text = format!("set --{args};eval {}", quote(text));
            return Ok(Self { text, functions: Vec::new() });
        }
        let function = Function::of(text);
        // A trap sees the parameters of the subshell, not of the function.
        let text = format!("set --{args};{} \"$@\"", function.name);
        Ok(Self { text, functions: vec![function] })
    }

    /// Adds another text, which comes after this one.
    pub(super) fn push(&mut self, text: &str, functions: Vec<Function>) {
        self.text.push_str(text);
        for function in functions {
            if !self.functions.contains(&function) {
                self.functions.push(function);
            }
        }
    }

    /// Its functions.
    pub(super) fn take_functions(&mut self) -> Vec<Function> {
        std::mem::take(&mut self.functions)
    }

    /// The text that makes a shell know all that it calls.
    pub(super) fn definitions(&self) -> String {
        self.functions.iter().map(Function::definition).collect()
    }
}

/// The functions that a shell knows.
#[derive(Debug, Default)]
pub(super) struct Known(HashSet<String>);

impl Known {
    /// The text that makes it know those that it does not know yet.
    pub(super) fn learn(&mut self, functions: &[Function]) -> String {
        let mut text = String::new();
        for function in functions {
            if self.0.contains(&function.name) {
                continue;
            }
            text.push_str(&function.definition());
            if self.0.len() < MOST {
                self.0.insert(function.name.clone());
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::Command;

    use super::{Calls, Known, MOST, SHORT};

    fn long(text: &str) -> String {
        format!("{text}\n#{}", "x".repeat(SHORT))
    }

    fn ran(sh: &str, text: &str) -> (i32, String) {
        let output = std::process::Command::new(sh).args(["-c", text]).output().expect("it runs");
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    #[test]
    fn a_function_is_as_good_as_a_script_of_its_own() {
        let text =
            "printf '%s|' \"$@\"; trap 'printf \"bye $2\"' EXIT; set -eu; x=1; f() { false; }; f || exit 3";
        for text in [text.to_owned(), long(text)] {
            let calls = Calls::of(&Command::script(&*text, ["a b", "$(id)", ""])).expect("valid");
            for sh in ["dash", "bash"] {
                let whole = format!("{}x=0;({});echo \"$? $x\"", calls.definitions(), calls.text);
                assert_eq!(ran(sh, &whole), (0, "a b|$(id)||bye $(id)3 0\n".to_owned()), "{sh}");
            }
        }
        let program = Calls::of(&Command::argv(["printf", "%s", "$x"])).expect("valid");
        assert_eq!(ran("dash", &program.text).1, "$x");
    }

    #[test]
    fn a_shell_is_told_once() {
        let mut known = Known::default();
        let functions = |text: &str| Calls::of(&Command::shell(long(text))).expect("valid").take_functions();
        assert!(known.learn(&functions("a")).contains("\na\n#x"));
        assert_eq!(known.learn(&functions("a")), "");
        assert!(known.learn(&[functions("a"), functions("b")].concat()).contains("\nb\n#x"));
        for number in 0..MOST {
            let _ = known.learn(&functions(&number.to_string()));
        }
        let last = functions("more");
        assert_eq!(known.learn(&last), known.learn(&last), "it is told again rather than remembered");
        assert_eq!(known.learn(&functions("a")), "");
    }

    #[test]
    fn what_is_called_twice_is_told_once() {
        let mut all = Calls::default();
        for word in ["1", "2"] {
            let mut one = Calls::of(&Command::script(long("echo $1"), [word])).expect("valid");
            let functions = one.take_functions();
            all.push(&format!("({})\n", one.text), functions);
        }
        assert_eq!(all.definitions().matches("echo $1").count(), 1);
        assert_eq!(ran("dash", &format!("{}{}", all.definitions(), all.text)).1, "1\n2\n");
    }
}
