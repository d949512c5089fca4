//! Becoming another user: the words that `sudo`, `su` and `doas` are called with, and what they answer.
//!
//! No word ever holds a password. Every word is read by the user's login shell, whichever that is, so it is
//! refused where it has a character that one of them would treat differently.

use oneex_sdk::{BecomeMethod, OpError, OpResult, Secret, Target, visible};

/// The wish to be asked for nothing, or for everything on standard input, is oneex's own to express.
const OWN_FLAGS: [&str; 4] = ["-n", "-S", "-k", "-K"];

/// The shell, by a name that needs no PATH.
const SHELL: &str = "/bin/sh";

/// Starts `$1` under a terminal of its own by script(1), with the streams that are there as descriptors 3 to 5: a
/// terminal for those that insist on one, and none for what is run.
const IN_TERMINAL: &str = "exec 3<&0 4>&1 5>&2;oneex_r=\"$2\" SHELL=/bin/sh exec script -q -c \"$1\" /dev/null \
                           </dev/null >&5 2>&1";

/// The same, with the first line of standard input typed at the terminal. What waits for that line keeps no output
/// open, and what waits for the end of both is ended with script(1): it may end before anything is typed.
const TYPED_IN_TERMINAL: &str = "exec 3<&0 4>&1 5>&2;\
                                 { IFS= read -r oneex_p<&3;printf \"%s\\n\" \"$oneex_p\"; } 4>&- 5>&- 2>/dev/null|\
                                 { oneex_r=\"$2\" SHELL=/bin/sh script -q -c \"$1\" /dev/null >&5 2>&1;kill $$; }";

/// How another user is become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Access {
    /// The password is asked for.
    pub(crate) asks: bool,
    /// There is a terminal.
    pub(crate) terminal: bool,
}

/// How a host lets its user become another.
#[derive(Debug, Clone)]
pub(crate) struct Elevation {
    method: BecomeMethod,
    program: String,
    flags: Vec<String>,
    password: Option<Secret<String>>,
}

impl Default for Elevation {
    /// `sudo -H`, without a password.
    fn default() -> Self {
        Self {
            method: BecomeMethod::Sudo,
            program: BecomeMethod::Sudo.name().to_owned(),
            flags: vec!["-H".to_owned()],
            password: None,
        }
    }
}

impl Elevation {
    /// Reads it from what the inventory says; `password` is that of the run, where the inventory has none.
    ///
    /// Fails with `invalid` where the program or a flag has a character that some shell would take for its own.
    pub(crate) fn of(target: &Target, password: Option<&Secret<String>>) -> OpResult<Self> {
        let method = target.sudo_method;
        let program = target.sudo_exe.as_deref().unwrap_or(method.name());
        let flags = target.sudo_flags.as_deref().unwrap_or(match method {
            BecomeMethod::Sudo => "-H",
            BecomeMethod::Su => "-s /bin/sh",
            BecomeMethod::Doas => "",
        });
        let flags = flags.split_whitespace().filter(|flag| !OWN_FLAGS.contains(flag)).map(str::to_owned);
        let flags: Vec<String> = flags.collect();
        for (name, word) in [("ansible_become_exe", program)]
            .into_iter()
            .chain(flags.iter().map(|flag| ("ansible_become_flags", flag.as_str())))
        {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:@+%".contains(c);
            if word.is_empty() || !word.chars().all(plain) {
                let shown = visible(word);
                return Err(OpError::invalid(format!("`{shown}` cannot be a word of `{name}`"))
                    .hint("words are separated by blanks; letters, digits and `-_./=,:@+%` make them up"));
            }
        }
        let password = target.sudo_password.as_ref().or(password).cloned();
        Ok(Self { method, program: program.to_owned(), flags, password })
    }

    /// What the password is.
    pub(crate) fn password(&self) -> Option<&Secret<String>> {
        self.password.as_ref()
    }

    /// The program's name where its question cannot be given other words.
    pub(crate) fn asks_in_own_words(&self) -> Option<&'static str> {
        (self.method != BecomeMethod::Sudo).then_some(self.method.name())
    }

    /// The password is read at the terminal, and nowhere else.
    pub(crate) fn is_typed(&self, access: Access) -> bool {
        access.asks && access.terminal && self.method == BecomeMethod::Doas
    }

    /// What is tried first: without a password, where that can be said.
    pub(crate) fn first(&self) -> Access {
        Access { asks: self.method == BecomeMethod::Su, terminal: false }
    }

    /// What is tried after a refusal; nothing where that was the last word.
    pub(crate) fn next(&self, tried: Access, said: &str) -> Option<Access> {
        if self.method == BecomeMethod::Sudo && !tried.terminal && wants_terminal(said) {
            return Some(Access { terminal: true, ..tried });
        }
        if tried.asks || self.password.is_none() {
            return None;
        }
        match self.method {
            // It asks at a terminal only, and says so where it would ask.
            BecomeMethod::Doas => {
                said.contains("Authentication required").then_some(Access { asks: true, terminal: true })
            }
            _ => Some(Access { asks: true, ..tried }),
        }
    }

    /// The words that run `inner` as the user, without a terminal. `prompt` is what `sudo` asks with.
    pub(crate) fn words(&self, user: &str, access: Access, prompt: &str, inner: Inner<'_>) -> Vec<String> {
        let mut words = vec![self.program.clone()];
        match (self.method, access.asks) {
            // `-k` forgets what was entered before, so that the password is always asked for.
            (BecomeMethod::Sudo, true) => words.extend(["-k", "-S", "-p", prompt].map(str::to_owned)),
            (BecomeMethod::Sudo, false) | (BecomeMethod::Doas, false) => words.push("-n".to_owned()),
            (BecomeMethod::Doas, true) | (BecomeMethod::Su, _) => {}
        }
        words.extend(self.flags.iter().cloned());
        if self.method == BecomeMethod::Su {
            words.extend(["-c".to_owned(), inner.text(), user.to_owned()]);
        } else {
            words.extend(["-u".to_owned(), user.to_owned(), "--".to_owned()]);
            words.extend(inner.words());
        }
        words
    }

    /// The command that starts a shell of the user, for a login shell of any kind. Where the password is asked for,
    /// the shell says `ready` as soon as it is there, as nothing may be written to it before: on standard error, behind
    /// the question and what ended its line, which a terminal hands on in its own time.
    pub(crate) fn command(&self, user: &str, access: Access, prompt: &str, ready: &str) -> String {
        let typed = self.is_typed(access);
        let stderr = if typed { ">/dev/tty" } else { ">&2" };
        let ready = format!("unset oneex_r;printf \"%s\" \"{ready}\" {stderr};exec {SHELL}");
        let quoted =
            |words: &[String]| words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
        let inner = if access.asks { Inner::Text(&ready) } else { Inner::Shell };
        if !access.terminal {
            return format!("exec {}", quoted(&self.words(user, access, prompt, inner)));
        }
        let inner = if access.asks { Inner::Text("$oneex_r") } else { Inner::Shell };
        let words = self.words(user, access, prompt, inner);
        let words = words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" ");
        let outer = if typed { TYPED_IN_TERMINAL } else { IN_TERMINAL };
        format!("exec sh -c '{outer}' sh 'exec {words} <&3 >&4 2>&5 3<&- 4>&- 5>&-' '{ready}'")
    }

    /// The error for a refusal: of `said`, what the program wrote, the line that tells why.
    pub(crate) fn refused(&self, user: &str, access: Access, said: &str) -> OpError {
        let reason =
            said.lines().rfind(|line| is_wrong(line)).or_else(|| said.lines().rfind(|line| is_reason(line)));
        let line = reason.unwrap_or("it gave no reason").trim();
        let name = self.method.name();
        let message = format!("`{name}` does not let this user act as `{user}`: {}", visible(line));
        OpError::denied(message).hint(self.hint(access, line))
    }

    fn hint(&self, access: Access, line: &str) -> String {
        let known = [
            ("unknown user", "the user must be there before anything is run as it"),
            ("does not exist", "the user must be there before anything is run as it"),
            ("doas: unknown user", "the user must be there before anything is run as it"),
            (
                "script: not found",
                "a terminal is wanted, which `script` of util-linux makes on the host: install it, or say \
                 `Defaults !requiretty` in sudoers(5), `nopass` in doas.conf(5)",
            ),
            ("not found", "install it on the host, or choose another with `ansible_become_method`"),
            (
                "must be run from a terminal",
                "use another `ansible_become_method`: this one works at a terminal only",
            ),
            ("must have a tty", "`Defaults !requiretty` in sudoers(5) allows it without a terminal"),
        ];
        if let Some((_, hint)) = known.iter().find(|(words, _)| line.contains(words)) {
            return (*hint).to_owned();
        }
        if is_wrong(line) || (access.asks && self.password.is_some() && is_failed(line)) {
            return "the password is wrong: check `ansible_become_password`".to_owned();
        }
        match self.method {
            BecomeMethod::Sudo => {
                "set `ansible_become_password`, or allow it without a password in sudoers(5)"
            }
            BecomeMethod::Su => "set `ansible_become_password` to the password of that user",
            BecomeMethod::Doas => "set `ansible_become_password`, or allow it with `nopass` in doas.conf(5)",
        }
        .to_owned()
    }
}

/// What is run as the other user.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Inner<'a> {
    /// A shell.
    Shell,
    /// A shell that reads this text.
    Text(&'a str),
}

impl Inner<'_> {
    fn words(self) -> Vec<String> {
        match self {
            Self::Shell => vec![SHELL.to_owned()],
            Self::Text(text) => vec![SHELL.to_owned(), "-c".to_owned(), text.to_owned()],
        }
    }

    /// The same as one text of a shell.
    fn text(self) -> String {
        match self {
            Self::Shell => format!("exec {SHELL}"),
            Self::Text(text) => text.to_owned(),
        }
    }
}

/// What `sudo`'s plugins say last is no reason, nor is a question: `sudo: error initializing audit plugin
/// sudoers_audit`.
fn is_reason(line: &str) -> bool {
    !line.trim().is_empty() && !line.contains("error initializing audit plugin")
}

/// A wrong password is asked for again, which ends with other words.
fn is_wrong(line: &str) -> bool {
    line.contains("try again") || line.contains("incorrect password")
}

/// What `su` and `doas` say of a wrong password.
fn is_failed(line: &str) -> bool {
    let line = line.to_lowercase();
    ["authentication failure", "authentication failed", "incorrect password", "permission denied"]
        .iter()
        .any(|words| line.contains(words))
}

/// Says whether a text ends as a question of PAM or doas(1) does, in whatever language: `Password: `. What begins
/// with the name of the program is what it says of itself, and not whole yet: `su: `.
pub(crate) fn is_question(said: &[u8], asker: &str) -> bool {
    let said = String::from_utf8_lossy(said);
    let line = said.rsplit(['\n', '\r']).next().unwrap_or_default().trim();
    !line.strip_prefix(asker).is_some_and(|rest| rest.starts_with(':'))
        && line.ends_with([':', '?', '\u{ff1a}', '>'])
}

fn wants_terminal(said: &str) -> bool {
    said.contains("must have a tty")
}

#[cfg(test)]
mod tests;
