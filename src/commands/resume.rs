//! `oneex resume`: goes on with a run that has stopped.

use std::sync::Arc;

use oneex_engine::run::Mode;

use super::examples;
use super::inputs::{AskArgs, JournalArgs, LockArgs, ReportArgs};
use crate::chronicle::{self, Deciding, Resumption, UnknownFate};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::gates::Gates;
use crate::launch::{check_approvals, launch};
use crate::load::{self, Again, Loading};
use crate::person;
use crate::report::choose::choose;

/// Go on with a run that failed, was interrupted or was killed
///
/// What has ended well is not run again. A body that was cut off runs again, and what it had done is answered from the
/// journal; a command that was begun is asked for on its host. The runbook, its parameters and the inventory must be as
/// they were.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::RESUME)]
pub(crate) struct Args {
    /// The run: its id, or a part of it that no other has [default: the last one]
    run: Option<String>,
    /// Go on although what was read for the run has changed since
    #[arg(long)]
    accept_changes: bool,
    /// What is done about calls of which nobody knows how they ended [default: ask, or fail where nobody is there]
    #[arg(long, value_name = "FATE", value_enum)]
    unknown: Option<UnknownFate>,
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
}

/// Goes on.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    let journal = chronicle::file(context, &args.journal, &context.cwd);
    let resumption = Resumption::find(context, &journal, args.run.as_deref())?;
    let context = &context.within(&resumption.folder);
    let again = Again {
        values: resumption.options.values.clone(),
        drawn: resumption.past().drawn_at_load().to_vec(),
    };
    let options = resumption.options.clone();
    let loading = Loading {
        site: &options.site,
        params: &options.params,
        partial: false,
        report: Some(&args.report),
        again: Some(again),
    };
    let runbook = load::load(context, &resumption.runbook, &loading)?;
    runbook.loaded.redactor.register_all(resumption.past().secrets());
    let changes = chronicle::differences(resumption.past(), &runbook.read());
    if !changes.is_empty() && !args.accept_changes {
        let message = format!(
            "not all is as it was when the run {} began: {}",
            resumption.row().id,
            changes.join("; ")
        );
        return Err(CommandError::usage(message).hint(
            "put it back, or go on with `--accept-changes`: what no longer fits what was done stops the run",
        ));
    }
    let lock = runbook.locking(context, &args.lock)?;
    let environment = runbook.loaded.environment.as_ref();
    let protected =
        environment.filter(|environment| environment.protected).map(|environment| &*environment.name);
    check_approvals(&runbook.loaded.graph, &args.approve, protected)?;
    Gates::new(context, &args.approve, args.yes, environment, &runbook.asker, None)
        .enter(environment, &format!("go on with `{}`", runbook.name))?;
    person::ask(context, &args.ask, &runbook.asker, &runbook.loaded.redactor)?;
    let chosen = choose(context, &args.report, Mode::Run, &runbook.loaded);
    person::listen(context, &runbook.asker, &runbook.loaded.redactor, chosen.live.clone());
    let gates =
        Gates::new(context, &args.approve, args.yes, environment, &runbook.asker, chosen.live.clone());
    let mut job = runbook.job(Mode::Run, "run", &options.select, &options.pace)?;
    let asker = context.interactive.then(|| Arc::clone(&runbook.asker));
    let arbiter = Arc::new(Deciding::new(args.unknown, asker, chosen.live));
    job.lock = lock;
    job.id = Some(resumption.row().id.clone());
    job.begin = Some(Box::new(|_| resumption.go_on(context, changes, arbiter)));
    let ended = launch(context, job, gates, chosen.listeners)?;
    let exit = ended.report.summary.status.into();
    Ok(ended.write_stats(context, &args.report, &chosen.lost).end(exit))
}
