//! `oneex run`: runs a runbook.

use std::path::Path;

use oneex_engine::run::Mode;

use super::examples;
use super::inputs::{AskArgs, JournalArgs, LockArgs, PaceArgs, ParamArgs, ReportArgs, SelectArgs, SiteArgs};
use super::runbook_help;
use crate::chronicle::{self, Options};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::gates::Gates;
use crate::launch::{check_approvals, launch};
use crate::load::{self, Loading};
use crate::person;
use crate::report::choose::choose;

/// Run a runbook
///
/// RUNBOOK is looked for beside the caller, then in the project's `runbooks/`; `.rhai` may be left
/// out. `oneex run RUNBOOK --help` shows what it does and its parameters.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true, after_help = examples::RUN)]
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
    /// Approve a gate; may be given several times
    #[arg(long, value_name = "GATE")]
    approve: Vec<String>,
    /// Approve all gates, outside protected environments
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    lock: LockArgs,
    #[command(flatten)]
    ask: AskArgs,
    #[command(flatten)]
    report: ReportArgs,
    #[command(flatten)]
    journal: JournalArgs,
    /// Show help, with the runbook's own where one is named
    #[arg(short, long)]
    help: bool,
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    let runbook = args.runbook.as_deref();
    if args.help {
        return runbook_help::show("run", runbook, &args.site, context);
    }
    let loading = Loading {
        site: &args.site,
        params: &args.params,
        partial: false,
        report: Some(&args.report),
        again: None,
    };
    let runbook = load::load(context, runbook.unwrap_or_default(), &loading)?;
    let environment = runbook.loaded.environment.as_ref();
    let protected =
        environment.filter(|environment| environment.protected).map(|environment| &*environment.name);
    let lock = runbook.locking(context, &args.lock)?;
    check_approvals(&runbook.loaded.graph, &args.approve, protected)?;

    Gates::new(context, &args.approve, args.yes, environment, &runbook.asker, None)
        .enter(environment, &format!("run `{}`", runbook.name))?;
    person::ask(context, &args.ask, &runbook.asker, &runbook.loaded.redactor)?;
    let chosen = choose(context, &args.report, Mode::Run, &runbook.loaded);
    person::listen(context, &runbook.asker, &runbook.loaded.redactor, chosen.live.clone());
    let gates = Gates::new(context, &args.approve, args.yes, environment, &runbook.asker, chosen.live);
    let journal = chronicle::file(context, &args.journal, runbook.path.parent().unwrap_or(Path::new("/")));
    let select = chronicle::resolved(&journal, &args.select)?;
    let mut job = runbook.job(Mode::Run, "run", &select, &args.pace)?;
    let options = Options {
        site: args.site.clone(),
        params: args.params.clone(),
        select,
        pace: args.pace.clone(),
        values: runbook.loaded.values.clone(),
    };
    let given = args.runbook.as_deref().unwrap_or_default();
    job.lock = lock;
    let begun = (given, &runbook);
    job.begin = Some(Box::new(move |id| chronicle::begin(context, &journal, begun, &options, id)));
    let ended = launch(context, job, gates, chosen.listeners)?;
    let exit = ended.report.summary.status.into();
    Ok(ended.write_stats(context, &args.report, &chosen.lost).end(exit))
}
