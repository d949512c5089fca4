//! `oneex show`: a run: who, when, with what, and what came of it.

use std::sync::Arc;

use oneex_engine::journal::{Began, Entry, JournalError, Origin, Reader, Record, Wanted};
use oneex_engine::run::{NodeKey, NodeStatus, OpStatus, RunEvent};

use super::examples;
use super::history::{status_of, when};
use super::inputs::JournalArgs;
use crate::chronicle;
use crate::context::{Context, Verbosity};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::report::human::Human;
use crate::report::look::Look;
use crate::term::{BOLD, paint};

/// Show a run: who began it, with what, and what it did
#[derive(Debug, clap::Args)]
#[command(after_help = examples::SHOW)]
pub(crate) struct Args {
    /// The run: its id, or a part of it that no other has [default: the last one]
    run: Option<String>,
    /// Only what was done on this host
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Only what this task did
    #[arg(long, value_name = "NAME")]
    task: Option<String>,
    /// Only what failed
    #[arg(long)]
    failed: bool,
    #[command(flatten)]
    journal: JournalArgs,
}

/// Shows it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    let path = chronicle::file(context, &args.journal, &context.cwd);
    let reader = Reader::open(&path)?;
    let run = reader.run(args.run.as_deref().unwrap_or("last"))?;
    let color = context.stdout.is_colored();
    let verbosity = context.verbosity.max(Verbosity::STEPS);
    let mut human = Human::new(Look::run(color, verbosity, true), Arc::default());
    let mut head = vec![
        ("run", run.id.clone()),
        ("runbook", run.name.clone()),
        ("status", status_of(&reader, &run)),
        ("summary", run.summary.clone().unwrap_or_default()),
        ("began", when(run.started)),
        ("ended", run.ended.map(when).unwrap_or_default()),
        ("environment", run.environment.clone().unwrap_or_default()),
    ];
    let mut body = String::new();
    let wanted = Wanted { host: args.host.as_deref(), task: args.task.as_deref(), ..Wanted::default() };
    reader.records(&run, &wanted, |_, record| -> Result<(), JournalError> {
        match record {
            Record::Entry(entry) => add(&mut head, &entry),
            Record::Event(event) => {
                if let RunEvent::RunStarted { params, .. } = &event.event
                    && params.as_object().is_some_and(|params| !params.is_empty())
                {
                    head.push(("parameters", params.to_string()));
                }
                if is_shown(&event.event, args) {
                    body.push_str(&human.render(&event.event));
                }
            }
        }
        Ok(())
    })?;
    let mut said = Vec::new();
    for (name, value) in head.into_iter().filter(|(_, value)| !value.is_empty()) {
        // A run that was resumed says some of it again.
        if !said.contains(&(name, value.clone())) {
            let label = paint(color, BOLD, name);
            context.stdout.line(&format!("{label}{:1$}{2}", "", 13 - name.len(), oneex_sdk::visible(&value)));
            said.push((name, value));
        }
    }
    context.stdout.write(&body);
    Ok(Exit::Ok)
}

fn add(head: &mut Vec<(&'static str, String)>, entry: &Entry) {
    match entry {
        Entry::Began(began) => {
            head.push(("by", origin(&began.origin)));
            head.push(("inputs", inputs(began)));
        }
        Entry::Resumed { origin: by, accepted } => {
            head.push(("resumed", format!("by {}", origin(by))));
            head.push(("accepted", accepted.join("; ")));
        }
        _ => {}
    }
}

fn inputs(began: &Began) -> String {
    let shown =
        began.inputs.iter().map(|(name, digest)| format!("{name} ({})", digest.get(..12).unwrap_or(digest)));
    shown.collect::<Vec<_>>().join(", ")
}

fn origin(origin: &Origin) -> String {
    let mut text = origin.user.clone().unwrap_or_else(|| "somebody".to_owned());
    if let Some(machine) = &origin.machine {
        text.push_str(&format!(" on {machine}"));
    }
    for (name, value) in &origin.ci {
        text.push_str(&format!(", {name} {value}"));
    }
    format!("{text}, oneex {}", origin.version)
}

fn is_shown(event: &RunEvent, args: &Args) -> bool {
    let of = |node: &NodeKey| {
        args.host.as_deref().is_none_or(|host| node.host.as_deref() == Some(host))
            && args.task.as_deref().is_none_or(|task| *node.task == *task)
    };
    if event.node().is_some_and(|node| !of(node)) {
        return false;
    }
    match event {
        RunEvent::RunStarted { .. } | RunEvent::RunFinished { .. } => false,
        RunEvent::NodeFinished { status, .. } => {
            !args.failed
                || matches!(status, NodeStatus::Failed | NodeStatus::Unreachable | NodeStatus::Rescued)
        }
        RunEvent::Operation { status, .. } => !args.failed || *status == OpStatus::Failed,
        _ => !args.failed && (event.node().is_some() || (args.host.is_none() && args.task.is_none())),
    }
}
