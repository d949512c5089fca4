//! Secrets that a person enters: the passwords that flags ask for, and the passphrases of keys.

use std::path::Path;
use std::sync::Arc;

use oneex_engine::redact::Redactor;
use oneex_modules::AskSecret;
use oneex_sdk::{Secret, SecretSink};

use crate::commands::inputs::AskArgs;
use crate::context::Context;
use crate::error::CommandError;
use crate::prompt::Asker;
use crate::report::progress::Live;
use crate::signals::Signals;

/// Whoever sits at the terminal. What is entered is masked from then on.
pub(crate) struct Person {
    asker: Arc<Asker>,
    signals: Signals,
    redactor: Arc<Redactor>,
    /// The live picture, which makes room for a question.
    live: Option<Arc<Live>>,
}

/// Asks for the passwords that the flags want, before anything is run.
///
/// Fails where nobody is there to ask, and where there is no answer.
pub(crate) fn ask(
    context: &Context,
    args: &AskArgs,
    asker: &Arc<Asker>,
    redactor: &Arc<Redactor>,
) -> Result<(), CommandError> {
    let person = Person::new(context, asker, redactor, None);
    let entered = &context.entered;
    if args.ask_pass {
        let variable = "ansible_password";
        entered.set_login_password(person.password(
            context,
            "the password to log in with:",
            "--ask-pass",
            variable,
        )?);
    }
    if args.ask_become_pass {
        let question = "the password to become another user with:";
        let variable = "ansible_become_password";
        entered.set_become_password(person.password(context, question, "--ask-become-pass", variable)?);
    }
    Ok(())
}

/// Lets the run ask for the passphrases of keys, where a person is there.
pub(crate) fn listen(
    context: &Context,
    asker: &Arc<Asker>,
    redactor: &Arc<Redactor>,
    live: Option<Arc<Live>>,
) {
    if context.interactive {
        let person = Person::new(context, asker, redactor, live);
        context.entered.set_person(Arc::new(person));
    }
}

impl Person {
    fn new(context: &Context, asker: &Arc<Asker>, redactor: &Arc<Redactor>, live: Option<Arc<Live>>) -> Self {
        let signals = context.signals.clone();
        Self { asker: Arc::clone(asker), signals, redactor: Arc::clone(redactor), live }
    }

    fn password(
        &self,
        context: &Context,
        question: &str,
        flag: &str,
        variable: &str,
    ) -> Result<Secret<String>, CommandError> {
        if !context.interactive {
            return Err(CommandError::usage(format!("`{flag}` asks at a terminal, and there is none"))
                .hint(format!("set `{variable}` in the inventory; a template may take it from elsewhere")));
        }
        self.secret(question).ok_or_else(|| match self.asker.was_interrupted() {
            true => CommandError::interrupted(),
            false => CommandError::usage(format!("`{flag}` got no answer")),
        })
    }

    fn secret(&self, question: &str) -> Option<Secret<String>> {
        let ask = || self.asker.ask(question, true, &|| self.signals.is_stopped());
        let answer = self.live.as_ref().map_or_else(ask, |live| live.paused(ask))?;
        self.redactor.register(&answer);
        Some(Secret::new(answer))
    }
}

impl AskSecret for Person {
    fn passphrase(&self, file: &Path, again: bool) -> Option<Secret<String>> {
        let file = file.display();
        let answer = self.secret(&match again {
            false => format!("the passphrase of `{file}`:"),
            true => format!("that was wrong: the passphrase of `{file}`:"),
        });
        // The terminal gives the key to the question, and makes no signal of it.
        if self.asker.was_interrupted() {
            self.signals.interrupt("SIGINT");
        }
        answer
    }

    fn is_stopped(&self) -> bool {
        self.asker.was_interrupted() || self.signals.is_stopped()
    }
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person")
    }
}
