//! `oneex facts`: what hosts say of themselves.

use std::sync::Arc;

use oneex_engine::run::{Listener, NodeStatus, RunEvent, RunOptions, Stamped};
use oneex_sdk::{json, visible};

use super::examples;
use super::inputs::{AskArgs, ForksArgs, OutputFormat, SiteArgs};
use crate::adhoc::{self, Facts};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::gates::Gates;
use crate::launch::{Job, launch};
use crate::person;
use crate::prompt::Asker;
use crate::report::{failure, json::escape};
use crate::site::Site;
use crate::term::{CYAN, Output, RED};

/// Show what hosts say of themselves
#[derive(Debug, clap::Args)]
#[command(after_help = examples::FACTS)]
pub(crate) struct Args {
    /// Hosts, by Ansible's patterns: `web:&prod:!web3`
    pattern: String,
    #[command(flatten)]
    site: SiteArgs,
    #[command(flatten)]
    ask: AskArgs,
    #[command(flatten)]
    forks: ForksArgs,
    /// What standard output has: facts as people read them, or one JSON object a line and host
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    output: OutputFormat,
}

/// Shows them.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    let site = Site::open(context, &context.cwd, &args.site)?;
    let graph = adhoc::graph("facts", site.hosts(&args.pattern)?, Arc::new(Facts))?;
    let asker = Arc::new(Asker::new(context.stderr.clone(), context.signals.clone()));
    person::ask(context, &args.ask, &asker, &site.redactor)?;
    person::listen(context, &asker, &site.redactor, None);
    let gates = Gates::new(context, &[], false, None, &asker, None);
    let mut options = RunOptions::default();
    if let Some(forks) = args.forks.forks.map(usize::from).or(site.config.defaults.forks) {
        options.forks = forks;
    }
    let listener =
        FactsLog { stdout: context.stdout.clone(), stderr: context.stderr.clone(), format: args.output };
    let job = Job::adhoc(context, "facts", graph, site, options);
    let ended = launch(context, job, gates, vec![Box::new(listener)])?;
    Ok(ended.report.summary.status.into())
}

/// Writes each host's facts as soon as they are there.
struct FactsLog {
    stdout: Output,
    stderr: Output,
    format: OutputFormat,
}

impl Listener for FactsLog {
    fn on_event(&mut self, event: &Stamped) {
        let RunEvent::NodeFinished { node, status, failure, output, .. } = &event.event else { return };
        let host = node.host.as_deref().unwrap_or_default();
        match (failure, self.format) {
            (Some(failed), _) => {
                let word = self.stderr.paint(RED, status.as_str());
                let line = visible(&format!("{host}  {}", failure::line(failed))).into_owned();
                self.stderr.line(&format!("{word}  {line}"));
            }
            (None, _) if !matches!(status, NodeStatus::Ok | NodeStatus::Changed) => {}
            (None, OutputFormat::Json) => {
                self.stdout.line(&escape(&json!({ "host": host, "facts": output }).to_string()));
            }
            (None, OutputFormat::Human) => {
                let name = self.stdout.paint(CYAN, &visible(host));
                self.stdout.line(&format!("{name} {}", visible(&format!("{output:#}"))));
            }
        }
    }
}
