//! Who decides about calls of which nobody knows how they ended: `--unknown`, or the person at the terminal.

use std::sync::Arc;

use clap::ValueEnum;
use oneex_engine::journal::Intent;
use oneex_engine::run::{Arbiter, Fate};

use crate::prompt::Asker;
use crate::report::progress::Live;

/// What `--unknown` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UnknownFate {
    /// Run them again
    Retry,
    /// Take them for done
    Skip,
    /// Let them fail
    Fail,
}

impl From<UnknownFate> for Fate {
    fn from(fate: UnknownFate) -> Self {
        match fate {
            UnknownFate::Retry => Self::Retry,
            UnknownFate::Skip => Self::Skip,
            UnknownFate::Fail => Self::Fail,
        }
    }
}

/// Decides by the flag, then by asking; where nobody is there, such a call fails.
pub(crate) struct Deciding {
    flag: Option<UnknownFate>,
    asker: Option<Arc<Asker>>,
    live: Option<Arc<Live>>,
}

impl Deciding {
    /// As the flag says, or whoever sits before `asker`.
    pub(crate) fn new(flag: Option<UnknownFate>, asker: Option<Arc<Asker>>, live: Option<Arc<Live>>) -> Self {
        Self { flag, asker, live }
    }

    /// For a run that is not resumed, in which there is no such call.
    pub(crate) fn never() -> Self {
        Self { flag: None, asker: None, live: None }
    }
}

impl Arbiter for Deciding {
    fn decide(&self, call: &Intent) -> Fate {
        if let Some(flag) = self.flag {
            return flag.into();
        }
        let Some(asker) = &self.asker else { return Fate::Fail };
        let question = format!(
            "{}: `{}` on {} was begun at {}, and nobody knows how it ended: run it again? (no: take it for done)",
            call.node, call.name, call.target, call.time
        );
        let ask = || asker.confirm(&question, &|| false);
        match self.live.as_ref().map_or_else(ask, |live| live.paused(ask)) {
            Some(true) => Fate::Retry,
            Some(false) => Fate::Skip,
            None => Fate::Fail,
        }
    }
}
