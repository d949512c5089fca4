//! The beginning of a shell: what it is told and asked before it takes commands.

use std::time::{Duration, Instant};

use oneex_sdk::Secret;

use super::frames::new_token;
use super::request;
use crate::elevation::{Access, Elevation, is_question};

/// How long a shell may take to say hello: start-up files, or a host that is short of everything.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much is kept of what is said before that.
const KEPT: usize = 64 * 1024;

/// What comes of something that the shell says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// Nothing.
    Wait,
    /// This is to be written.
    Write(String),
    /// It takes commands.
    Ready,
    /// It never will.
    Over,
}

/// A shell that does not take commands yet.
///
/// Where a password is asked for, that alone is written until the shell itself says that it is there: what comes
/// earlier would be taken for another try.
#[derive(Debug)]
pub(super) struct Entry {
    /// How the user becomes another; nothing for the one that logs in.
    pub(super) access: Option<Access>,
    /// When it is given up.
    pub(super) until: Instant,
    /// What it said instead of hello.
    pub(super) said: Vec<u8>,
    password: Option<Secret<String>>,
    /// Who asks in words of its own, so that a question is known by where it ends.
    asker: Option<&'static str>,
    /// Where what was said after the last answer begins.
    answered: usize,
    hello: String,
    prompt: String,
}

impl Entry {
    /// The beginning of a shell of the user that logs in.
    pub(super) fn plain() -> Self {
        Self {
            access: None,
            until: Instant::now() + PATIENCE,
            said: Vec::new(),
            password: None,
            asker: None,
            answered: 0,
            hello: new_token(),
            prompt: new_token(),
        }
    }

    /// The beginning of a shell of another user.
    pub(super) fn by(elevation: &Elevation, access: Access) -> Self {
        let password = elevation.password().filter(|_| access.asks).cloned();
        let asker = elevation.asks_in_own_words().filter(|_| access.asks);
        Self { access: Some(access), password, asker, ..Self::plain() }
    }

    /// What marks the frames on standard output and on standard error.
    pub(super) fn marks(&self) -> [&str; 2] {
        [&self.hello, &self.prompt]
    }

    /// What `sudo` asks with.
    pub(super) fn prompt(&self) -> String {
        format!("{}q;", self.prompt)
    }

    /// What the shell says on standard error where nothing may be written before.
    pub(super) fn ready(&self) -> String {
        format!("{}r;", self.prompt)
    }

    /// What is written at once.
    pub(super) fn opening(&self) -> String {
        if self.access.is_some_and(|access| access.asks) {
            String::new()
        } else {
            request::hello(&self.hello, self.access.is_some())
        }
    }

    /// Takes a frame.
    pub(super) fn frame(&mut self, text: &str) -> Reply {
        match text.split_at_checked(1) {
            Some(("h", _)) => Reply::Ready,
            Some(("r", _)) => Reply::Write(request::hello(&self.hello, self.access.is_some())),
            Some(("q", _)) => self.answer(),
            _ => Reply::Wait,
        }
    }

    /// Takes what is no frame.
    pub(super) fn data(&mut self, stream: usize, bytes: &[u8]) -> Reply {
        let room = KEPT.saturating_sub(self.said.len());
        self.said.extend_from_slice(&bytes[..bytes.len().min(room)]);
        match self.asker {
            Some(asker) if stream == 1 && is_question(&self.said[self.answered..], asker) => self.answer(),
            _ => Reply::Wait,
        }
    }

    /// The password, once: who asks again did not take it.
    fn answer(&mut self) -> Reply {
        self.answered = self.said.len();
        match self.password.take() {
            Some(password) => Reply::Write(format!("{}\n", password.expose())),
            None => Reply::Over,
        }
    }
}

#[cfg(test)]
mod spoiled;

#[cfg(test)]
mod tests {
    use oneex_sdk::{BecomeMethod, Secret, Target};

    use super::{Entry, Reply};
    use crate::elevation::{Access, Elevation};

    fn entry(method: BecomeMethod, password: Option<&str>) -> Entry {
        let password = password.map(|password| Secret::new(password.to_owned()));
        let target = Target { sudo_method: method, sudo_password: password, ..Target::default() };
        let elevation = Elevation::of(&target, None).expect("it is valid");
        Entry::by(&elevation, Access { asks: true, terminal: false })
    }

    #[test]
    fn nothing_but_the_password_is_written_until_the_shell_is_there() {
        for (method, asks) in [(BecomeMethod::Sudo, "q"), (BecomeMethod::Su, ""), (BecomeMethod::Doas, "")] {
            let mut entry = entry(method, Some("pw"));
            assert_eq!(entry.opening(), "", "{method:?}");
            let ask = |entry: &mut Entry| match asks {
                "" => entry.data(1, b"Password: "),
                frame => entry.frame(frame),
            };
            assert_eq!(entry.data(1, b"a lecture\n"), Reply::Wait);
            assert_eq!(ask(&mut entry), Reply::Write("pw\n".into()), "{method:?}");
            assert_eq!(
                entry.data(1, b"\r\n"),
                Reply::Wait,
                "{method:?}: the end of the line it was typed in"
            );
            let Reply::Write(hello) = entry.frame("r") else { panic!("{method:?}: it is not greeted") };
            assert!(hello.contains("exec 3>&1"), "{hello}");
            assert_eq!(entry.frame("h"), Reply::Ready);
        }
    }

    #[test]
    fn who_asks_again_or_has_nothing_to_be_told_is_given_up() {
        let mut again = entry(BecomeMethod::Sudo, Some("pw"));
        assert_eq!(again.frame("q"), Reply::Write("pw\n".into()));
        assert_eq!(again.frame("q"), Reply::Over);
        let mut more = entry(BecomeMethod::Su, Some("pw"));
        assert_eq!(more.data(1, b"Password:"), Reply::Write("pw\n".into()));
        assert_eq!(more.data(1, b" \n"), Reply::Wait);
        assert_eq!(more.data(1, b"Verification code: "), Reply::Over);
        assert_eq!(entry(BecomeMethod::Su, None).data(1, b"Password: "), Reply::Over);
    }

    #[test]
    fn who_is_not_asked_is_greeted_at_once() {
        assert!(Entry::plain().opening().contains("exec 3>&1"));
    }
}
