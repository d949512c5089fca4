//! `oneex log`: a run's events again, as they were shown or as another report.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use oneex_engine::journal::{JournalError, Reader, Record, RunRow, Wanted};
use oneex_engine::run::{Listener, RunEvent, Stamped};

use super::examples;
use super::inputs::{JournalArgs, OutputFormat, ReportArgs};
use crate::chronicle;
use crate::context::{Context, Verbosity};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::report::human::{Human, HumanLog};
use crate::report::json::JsonLines;
use crate::report::junit::Junit;
use crate::report::look::Look;

/// Show a run again, as text, JSON or JUnit
#[derive(Debug, clap::Args)]
#[command(after_help = examples::LOG)]
pub(crate) struct Args {
    /// The run: its id, or a part of it that no other has [default: the last one]
    run: Option<String>,
    /// Go on with what happens, to the run's end
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    report: ReportArgs,
    #[command(flatten)]
    journal: JournalArgs,
}

/// How often a run that goes on is looked at.
const PAUSE: Duration = Duration::from_millis(200);

/// Shows it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    let path = chronicle::file(context, &args.journal, &context.cwd);
    let reader = Reader::open(&path)?;
    let mut row = reader.run(args.run.as_deref().unwrap_or("last"))?;
    let lost = Arc::new(AtomicBool::new(false));
    let mut replay = Replay { listeners: listeners(args, context, &lost), seq: 0, after: 0 };
    loop {
        // Looked at first: what was written until then is read after.
        let goes_on = args.follow && row.ended.is_none() && reader.is_alive(&row);
        replay.read(&reader, &row)?;
        if !goes_on {
            break;
        }
        std::thread::sleep(PAUSE);
        row = reader.run(&row.id)?;
    }
    drop(replay);
    Ok(if lost.load(Ordering::Relaxed) { Exit::Failed } else { Exit::Ok })
}

fn listeners(args: &Args, context: &Context, lost: &Arc<AtomicBool>) -> Vec<Box<dyn Listener>> {
    let mut listeners: Vec<Box<dyn Listener>> = Vec::new();
    let (output, report) = (context.stdout.clone(), &args.report);
    if let Some(path) = &report.junit {
        let path = context.cwd.join(path);
        listeners.push(Box::new(Junit::new(
            path,
            context.stderr.clone(),
            Arc::default(),
            Arc::default(),
            Arc::clone(lost),
        )));
    }
    match report.output {
        OutputFormat::Json => {
            listeners.push(Box::new(JsonLines::new(output, context.verbosity >= Verbosity::STEPS)));
        }
        OutputFormat::Human => {
            let look = Look::run(output.is_colored(), context.verbosity, report.shows_diff());
            listeners.push(Box::new(HumanLog::new(Human::new(look, Arc::default()), output)));
        }
    }
    listeners
}

/// Gives listeners the events of a run, numbered without gaps.
struct Replay {
    listeners: Vec<Box<dyn Listener>>,
    seq: u64,
    /// The last record that was read.
    after: u64,
}

impl Replay {
    fn read(&mut self, reader: &Reader, run: &RunRow) -> Result<(), JournalError> {
        let wanted = Wanted { after: self.after, ..Wanted::default() };
        reader.records(run, &wanted, |number, record| {
            self.after = number;
            if let Record::Event(event) = record {
                self.tell(*event);
            }
            Ok(())
        })
    }

    fn tell(&mut self, mut event: Stamped) {
        // The journal has of a call what it was, and not that it began.
        if let RunEvent::Operation { node, op, name, target, .. } = &event.event {
            let begun = RunEvent::OperationStarted {
                node: node.clone(),
                op: *op,
                name: name.clone(),
                target: target.clone(),
            };
            self.hand_on(&mut Stamped { event: begun, ..event.clone() });
        }
        self.hand_on(&mut event);
    }

    fn hand_on(&mut self, event: &mut Stamped) {
        self.seq += 1;
        event.seq = self.seq;
        self.listeners.iter_mut().for_each(|listener| listener.on_event(event));
    }
}
