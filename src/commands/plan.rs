//! `oneex plan`: what a run would change.

use std::path::Path;

use oneex_engine::run::{Mode, RunStatus};

use super::examples;
use super::inputs::{AskArgs, JournalArgs, PaceArgs, ParamArgs, ReportArgs, SelectArgs, SiteArgs};
use super::runbook_help;
use crate::chronicle;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::gates::Gates;
use crate::launch::launch;
use crate::load::{self, Loading};
use crate::person;
use crate::report::choose::choose;

/// Show what a run would change, and change nothing
///
/// Reads run, actions are listed. The last line says how many operations were certain.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true, after_help = examples::PLAN)]
pub(crate) struct Args {
    /// The runbook
    #[arg(required_unless_present = "help")]
    runbook: Option<String>,
    #[command(flatten)]
    site: SiteArgs,
    #[command(flatten)]
    params: ParamArgs,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    pace: PaceArgs,
    #[command(flatten)]
    ask: AskArgs,
    #[command(flatten)]
    report: ReportArgs,
    #[command(flatten)]
    journal: JournalArgs,
    /// End with code 5 when a run would change something
    #[arg(long)]
    exit_code: bool,
    /// Show help, with the runbook's own where one is named
    #[arg(short, long)]
    help: bool,
}

/// Plans it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    let runbook = args.runbook.as_deref();
    if args.help {
        return runbook_help::show("plan", runbook, &args.site, context);
    }
    let loading = Loading {
        site: &args.site,
        params: &args.params,
        partial: false,
        report: Some(&args.report),
        again: None,
    };
    let runbook = load::load(context, runbook.unwrap_or_default(), &loading)?;
    person::ask(context, &args.ask, &runbook.asker, &runbook.loaded.redactor)?;
    let chosen = choose(context, &args.report, Mode::Plan, &runbook.loaded);
    person::listen(context, &runbook.asker, &runbook.loaded.redactor, chosen.live.clone());
    let journal = chronicle::file(context, &args.journal, runbook.path.parent().unwrap_or(Path::new("/")));
    let select = chronicle::resolved(&journal, &args.select)?;
    let job = runbook.job(Mode::Plan, "plan", &select, &args.pace)?;
    let ended = launch(context, job, Gates::open(), chosen.listeners)?;
    let reports = ended.write_stats(context, &args.report, &chosen.lost);
    let summary = &ended.report.summary;
    let would_change = summary.counts.changed > 0;
    if args.exit_code && summary.status == RunStatus::Ok && would_change {
        return Ok(reports.end(Exit::WouldChange));
    }
    Ok(reports.end(summary.status.into()))
}
