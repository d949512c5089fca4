//! Who decides gates: `--approve`, `--yes`, or the person at the terminal.

use std::sync::Arc;

use oneex_engine::run::{Decision, GateKeeper};
use oneex_engine::script::Environment;
use oneex_sdk::CancellationToken;

use crate::context::Context;
use crate::error::CommandError;
use crate::prompt::Asker;
use crate::report::progress::Live;

/// Decides gates.
pub(crate) struct Gates {
    /// The names that `--approve` gave.
    approved: Vec<String>,
    /// `--yes` was given, and the environment is not protected: there it is not enough.
    yes: bool,
    /// Who asks, where a person is there.
    asker: Option<Arc<Asker>>,
    /// The live picture, which makes room for the question.
    live: Option<Arc<Live>>,
    /// The person's name.
    user: String,
}

impl Gates {
    /// Decides by the flags, then by asking.
    pub(crate) fn new(
        context: &Context,
        approved: &[String],
        yes: bool,
        environment: Option<&Environment>,
        asker: &Arc<Asker>,
        live: Option<Arc<Live>>,
    ) -> Self {
        Self {
            approved: approved.to_vec(),
            yes: yes && !environment.is_some_and(|environment| environment.protected),
            asker: context.interactive.then(|| Arc::clone(asker)),
            live,
            user: context.user().unwrap_or_else(|| format!("uid {}", context.uid)),
        }
    }

    /// Approves everything: a plan changes nothing, so no gate holds it up.
    pub(crate) fn open() -> Self {
        Self { approved: Vec::new(), yes: true, asker: None, live: None, user: String::new() }
    }

    /// Asks before `what` is done in an environment that is protected; its gate has the name of the
    /// environment.
    pub(crate) fn enter(&self, environment: Option<&Environment>, what: &str) -> Result<(), CommandError> {
        let Some(environment) = environment.filter(|environment| environment.protected) else {
            return Ok(());
        };
        let name = &environment.name;
        let question = format!("{what} in the protected environment `{name}`?");
        match self.decide(&name.as_str().into(), &question, &CancellationToken::new()) {
            Decision::Approved(_) => Ok(()),
            Decision::Refused(_) => Err(CommandError::failed("refused: nothing was run")),
            Decision::Waiting if self.asker.as_ref().is_some_and(|asker| asker.was_interrupted()) => {
                Err(CommandError::interrupted())
            }
            Decision::Waiting => Err(CommandError::waiting(format!("the environment `{name}` is protected"))
                .hint(format!("approve it with `--approve {name}`"))),
        }
    }
}

impl GateKeeper for Gates {
    fn decide(&self, gate: &Arc<str>, message: &str, cancel: &CancellationToken) -> Decision {
        if self.approved.iter().any(|name| **name == **gate) {
            return Decision::Approved("--approve".to_owned());
        }
        if self.yes {
            return Decision::Approved("--yes".to_owned());
        }
        let Some(asker) = &self.asker else { return Decision::Waiting };
        let question =
            if message.is_empty() { format!("go on with `{gate}`?") } else { format!("{gate}: {message}") };
        let ask = || asker.confirm(&question, &|| cancel.is_cancelled());
        match self.live.as_ref().map_or_else(ask, |live| live.paused(ask)) {
            Some(true) => Decision::Approved(self.user.clone()),
            Some(false) => Decision::Refused(self.user.clone()),
            None => Decision::Waiting,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use oneex_engine::run::{Decision, GateKeeper};
    use oneex_engine::script::Environment;
    use oneex_sdk::CancellationToken;

    use super::Gates;
    use crate::context::Context;
    use crate::prompt::Asker;

    fn environment(protected: bool) -> Environment {
        Environment { name: "prod".into(), protected, ..Environment::default() }
    }

    fn gates(approved: &[&str], yes: bool, protected: bool) -> Gates {
        let (context, _) = Context::for_test(std::path::Path::new("/"));
        let approved: Vec<String> = approved.iter().map(|name| (*name).to_owned()).collect();
        let asker = Arc::new(Asker::new(context.stderr.clone(), context.signals.clone()));
        Gates::new(&context, &approved, yes, Some(&environment(protected)), &asker, None)
    }

    #[test]
    fn flags_decide_where_nobody_is_there() {
        let decide = |gates: Gates| gates.decide(&"go".into(), "roll out?", &CancellationToken::new());
        assert_eq!(decide(gates(&["go"], false, true)), Decision::Approved("--approve".into()));
        assert_eq!(decide(gates(&["other"], false, false)), Decision::Waiting);
        assert_eq!(decide(gates(&[], true, false)), Decision::Approved("--yes".into()));
        assert_eq!(decide(gates(&[], true, true)), Decision::Waiting);
    }

    #[test]
    fn a_protected_environment_needs_its_own_approval() {
        let enter = |approved: &[&str], yes, protected| {
            let result = gates(approved, yes, protected).enter(Some(&environment(protected)), "run `x`");
            result.map_err(|error| error.hints)
        };
        assert_eq!(enter(&[], false, false), Ok(()));
        assert_eq!(enter(&["prod"], false, true), Ok(()));
        assert_eq!(enter(&["go"], true, true), Err(vec!["approve it with `--approve prod`".to_owned()]));
    }
}
