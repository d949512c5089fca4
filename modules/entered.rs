//! Secrets that a person enters, each once a run.

use std::collections::HashMap;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use oneex_sdk::Secret;

/// How often the passphrase of a key is asked for, as ssh(1) does it (`NumberOfPasswordPrompts`).
const TRIES: usize = 3;

/// Whoever can ask a person. The modules ask from threads that may wait.
pub trait AskSecret: Debug + Send + Sync {
    /// Asks what opens a private key, once more where the last answer was wrong; nothing where there is no answer.
    fn passphrase(&self, file: &Path, again: bool) -> Option<Secret<String>>;

    /// True once the run is being stopped: no answer is no wish to do without the key then.
    fn is_stopped(&self) -> bool {
        false
    }
}

/// What a person entered, shared by all connections of a run. Whoever needs the same waits for the same answer.
#[derive(Debug, Clone, Default)]
pub struct Entered {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    login_password: OnceLock<Secret<String>>,
    become_password: OnceLock<Secret<String>>,
    person: OnceLock<Arc<dyn AskSecret>>,
    /// How many questions were answered, whatever the answer was.
    asked: AtomicUsize,
    keys: Mutex<HashMap<PathBuf, Key>>,
}

/// What is known of the passphrase of one key.
#[derive(Debug, Default)]
struct Key {
    tries: usize,
    /// The last answer, as long as nobody found it wrong.
    answer: Option<Secret<String>>,
    /// Nobody is asked any more.
    over: bool,
}

/// A passphrase that was entered.
#[derive(Debug, Clone)]
pub(crate) struct Passphrase {
    pub(crate) text: Secret<String>,
    /// Which try it is.
    number: usize,
}

impl Entered {
    /// Sets the password to log in with where the inventory has none; the first one counts.
    pub fn set_login_password(&self, password: Secret<String>) {
        let _ = self.shared.login_password.set(password);
    }

    /// Sets the password of `sudo`, `su` or `doas` where the inventory has none; the first one counts.
    pub fn set_become_password(&self, password: Secret<String>) {
        let _ = self.shared.become_password.set(password);
    }

    /// Sets who asks for passphrases. Without anyone, encrypted keys are used where their passphrase is set.
    pub fn set_person(&self, person: Arc<dyn AskSecret>) {
        let _ = self.shared.person.set(person);
    }

    pub(crate) fn login_password(&self) -> Option<&Secret<String>> {
        self.shared.login_password.get()
    }

    pub(crate) fn become_password(&self) -> Option<&Secret<String>> {
        self.shared.become_password.get()
    }

    /// True once the run of the person who is asked is being stopped.
    pub(crate) fn is_stopped(&self) -> bool {
        self.shared.person.get().is_some_and(|person| person.is_stopped())
    }

    /// How many questions there were so far.
    pub(crate) fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::Acquire)
    }

    /// What opens the key, asked for where it is not known yet; `wrong` is what did not open it. Blocks while
    /// anybody is asked. Nothing where there is no answer, and after three wrong ones.
    pub(crate) fn passphrase(&self, file: &Path, wrong: Option<&Passphrase>) -> Option<Passphrase> {
        let person = self.shared.person.get()?;
        // One question at a time: there is one terminal.
        let mut keys = self.shared.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let key = keys.entry(file.to_owned()).or_default();
        if wrong.is_some_and(|wrong| wrong.number == key.tries) {
            key.answer = None;
        }
        if key.answer.is_none() && !key.over && key.tries < TRIES {
            let answer = person.passphrase(file, key.tries > 0);
            self.shared.asked.fetch_add(1, Ordering::Release);
            key.tries += 1;
            // As for ssh(1), no passphrase is the wish to go on without the key.
            key.answer = answer.filter(|answer| !answer.expose().is_empty());
            key.over = key.answer.is_none();
        }
        let number = key.tries;
        key.answer.clone().map(|text| Passphrase { text, number })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::{Arc, Barrier, Mutex};

    use oneex_sdk::Secret;

    use super::{AskSecret, Entered};

    /// Someone who gives these answers, the last one first, and notes whether each was asked for again.
    #[derive(Debug)]
    struct Script(Mutex<(Vec<Option<&'static str>>, Vec<bool>)>);

    impl AskSecret for Script {
        fn passphrase(&self, _: &Path, again: bool) -> Option<Secret<String>> {
            let mut script = self.0.lock().expect("nobody failed");
            script.1.push(again);
            script.0.pop().expect("nobody asks that often").map(|text| Secret::new(text.to_owned()))
        }
    }

    fn entered(answers: &[Option<&'static str>]) -> (Entered, Arc<Script>) {
        let answers = answers.iter().rev().copied().collect();
        let script = Arc::new(Script(Mutex::new((answers, Vec::new()))));
        let entered = Entered::default();
        entered.set_person(Arc::clone(&script) as Arc<dyn AskSecret>);
        (entered, script)
    }

    fn asked(script: &Script) -> Vec<bool> {
        script.0.lock().expect("nobody failed").1.clone()
    }

    #[test]
    fn three_tries_and_no_more() {
        let right = "right";
        for (answers, expected, questions) in [
            (&[Some(right)][..], Some(right), &[false][..]),
            (&[Some("a"), Some("b"), Some(right)], Some(right), &[false, true, true]),
            (&[Some("a"), Some("b"), Some("c")], None, &[false, true, true]),
            (&[None], None, &[false]),
            (&[Some("a"), Some("")], None, &[false, true]),
        ] {
            let (entered, script) = entered(answers);
            // The second host of the run is told what the first one found out.
            for _ in 0..2 {
                let mut answer = entered.passphrase(Path::new("key"), None);
                while let Some(wrong) = answer.as_ref().filter(|answer| answer.text.expose() != right) {
                    answer = entered.passphrase(Path::new("key"), Some(&wrong.clone()));
                }
                assert_eq!(
                    answer.as_ref().map(|answer| answer.text.expose().as_str()),
                    expected,
                    "{answers:?}"
                );
            }
            assert_eq!((asked(&script).as_slice(), entered.asked()), (questions, questions.len()));
        }
    }

    #[test]
    fn many_at_once_wait_for_one_answer() {
        let (entered, script) = entered(&[Some("wrong"), Some("right")]);
        let barrier = Barrier::new(16);
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    barrier.wait();
                    let mut answer = entered.passphrase(Path::new("key"), None).expect("an answer");
                    if answer.text.expose() == "wrong" {
                        answer = entered.passphrase(Path::new("key"), Some(&answer)).expect("another");
                    }
                    assert_eq!(answer.text.expose(), "right");
                });
            }
        });
        assert_eq!(asked(&script), [false, true]);
    }

    #[test]
    fn keys_are_told_apart_and_nobody_is_asked_where_nobody_is() {
        let (entered, script) = entered(&[Some("one"), None]);
        assert!(entered.passphrase(Path::new("a"), None).is_some());
        assert!(entered.passphrase(Path::new("b"), None).is_none());
        assert_eq!(asked(&script), [false, false]);
        assert!(Entered::default().passphrase(Path::new("a"), None).is_none());
        let (entered, _) = self::entered(&[Some("hunter2")]);
        entered.passphrase(Path::new("a"), None);
        entered.set_become_password(Secret::new("hunter3".to_owned()));
        assert!(!format!("{entered:?}").contains("hunter"), "a secret is shown");
    }
}
