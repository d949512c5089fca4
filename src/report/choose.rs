//! Which reports a run has: by the flags, the streams and the verbosity.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use oneex_engine::run::{Listener, Mode};
use oneex_engine::script::Loaded;

use super::heartbeat::Heartbeat;
use super::human::{Human, HumanLog};
use super::json::JsonLines;
use super::junit::Junit;
use super::look::Look;
use super::plan::PlanLog;
use super::progress::{Live, Progress};
use crate::commands::inputs::{OutputFormat, ReportArgs};
use crate::context::{Context, Verbosity};

/// The listeners of a run, and the live picture where there is one.
pub(crate) struct Chosen {
    /// All listeners.
    pub(crate) listeners: Vec<Box<dyn Listener>>,
    /// The live picture, which makes room for questions.
    pub(crate) live: Option<Arc<Live>>,
    /// Set when a report could not be written.
    pub(crate) lost: Arc<AtomicBool>,
}

impl Chosen {
    fn beat(&mut self, heartbeat: Option<Heartbeat>) {
        self.listeners.extend(heartbeat.map(|heartbeat| -> Box<dyn Listener> { Box::new(heartbeat) }));
    }
}

/// Chooses the reports of a run.
pub(crate) fn choose(context: &Context, args: &ReportArgs, mode: Mode, loaded: &Loaded) -> Chosen {
    let mut chosen = Chosen { listeners: Vec::new(), live: None, lost: Arc::default() };
    let output = context.stdout.clone();
    let (color, verbosity, diff) = (output.is_colored(), context.verbosity, args.shows_diff());
    let sources = Arc::clone(&loaded.sources);
    if let Some(path) = &args.junit {
        let path = context.cwd.join(path);
        chosen.listeners.push(Box::new(Junit::new(
            path,
            context.stderr.clone(),
            Arc::clone(&sources),
            Arc::clone(&loaded.redactor),
            Arc::clone(&chosen.lost),
        )));
    }
    if args.output == OutputFormat::Json {
        chosen.listeners.push(Box::new(JsonLines::new(output, verbosity >= Verbosity::STEPS)));
        return chosen;
    }
    if mode == Mode::Plan {
        let look = Look::plan(color, verbosity, diff);
        chosen.beat(Heartbeat::start(look, &output));
        chosen.listeners.push(Box::new(PlanLog::new(look, sources, output)));
        return chosen;
    }
    let look = Look::run(color, verbosity, diff);
    let human = Human::new(look, sources);
    // The program's own log would write into the picture.
    if output.is_live() && verbosity > Verbosity::QUIET && !context.logs() {
        let live = Live::on_stdout(human, output);
        chosen.live = Some(Arc::clone(&live));
        chosen.listeners.push(Box::new(Progress::start(live)));
    } else {
        chosen.beat(Heartbeat::start(look, &output));
        chosen.listeners.push(Box::new(HumanLog::new(human, output)));
    }
    chosen
}
