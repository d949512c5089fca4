//! `oneex lock`: who has what for themselves, and taking it from them.

use std::sync::Arc;

use clap::Subcommand;
use jiff::Timestamp;
use oneex_engine::journal::{Deed, enter};
use oneex_engine::lock::{Break, Breaking, Holder, LockError, LockStore};
use oneex_engine::redact::Redactor;
use oneex_sdk::{json, visible};

use super::examples;
use super::inputs::{JournalArgs, OutputFormat};
use crate::chronicle;
use crate::context::{Context, Verbosity};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::locks::{self, Who};
use crate::prompt::Asker;
use crate::report::json::escape;
use crate::site;
use crate::term::BOLD;

/// Show who locks what, and break a lock
///
/// A run has its environment for itself, so that no other changes it meanwhile; see `--lock` of `oneex run`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::LOCK)]
pub(crate) struct Args {
    /// Environment of `oneex.toml`, where each has a place of its own for locks
    #[arg(long, value_name = "NAME", global = true)]
    env: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Show(ShowArgs),
    Break(BreakArgs),
}

/// Show the locks that are held
///
/// With `-v` also those that were broken, and why.
#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// What standard output has
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    output: OutputFormat,
}

/// Take a lock from a run that hangs, or from a machine that is gone
///
/// The run changes nothing from the moment it hears of that, which may be after its present operations. Who broke a lock
/// and why is kept.
#[derive(Debug, clap::Args)]
struct BreakArgs {
    /// An environment, a host, or a run by its id; may be left out where there is only one lock
    lock: Option<String>,
    /// Why, for those who ask later
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    reason: String,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    let table = site::lock_table(context, args.env.as_deref())?;
    let redactor = Arc::new(Redactor::default());
    context.log.mask(&redactor);
    let store = locks::store(context, &context.cwd, &table, &*redactor)?
        .ok_or_else(|| CommandError::usage("there is no project here, and so no locks"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::failed(format!("the locks cannot be read: {error}")))?;
    match &args.command {
        Command::Show(args) => runtime.block_on(show(args, context, &store)),
        Command::Break(args) => {
            let meant = runtime.block_on(meant(args, &store))?;
            confirm(args, context, &meant)?;
            runtime.block_on(break_locks(args, &meant, context, &store))
        }
    }
}

async fn show(args: &ShowArgs, context: &Context, store: &Arc<dyn LockStore>) -> Result<Exit, CommandError> {
    let (holders, breaks) = async { Ok((store.show().await?, store.breaks().await?)) }
        .await
        .map_err(|error| failure(store, &error))?;
    if args.output == OutputFormat::Json {
        let text = json!({ "locks": holders, "breaks": breaks }).to_string();
        context.stdout.line(&escape(&text));
        return Ok(Exit::Ok);
    }
    if holders.is_empty() {
        context.stdout.line("no lock is held");
    }
    for holder in &holders {
        context.stdout.line(&context.stdout.paint(BOLD, &visible(&holder.scope.to_string())));
        context.stdout.line(&visible(&format!("  {holder}")));
        if let Some(expires) = holder.expires {
            context.stdout.line(&format!("  ends at {expires:.0} if it is not renewed"));
        }
    }
    let told = breaks.iter().rev().filter(|_| context.verbosity >= Verbosity::STEPS);
    for Break { holder, by, reason, at, .. } in told {
        let line = format!("broken by {by} at {at:.0}: {reason}\n  {} of {holder}", holder.scope);
        line.lines().for_each(|line| context.stdout.line(&visible(line)));
    }
    Ok(Exit::Ok)
}

/// The locks that would be broken.
async fn meant(args: &BreakArgs, store: &Arc<dyn LockStore>) -> Result<Vec<Holder>, CommandError> {
    let holders = store.show().await.map_err(|error| failure(store, &error))?;
    Breaking::meant(args.lock.as_deref(), &holders).map_err(|error| failure(store, &error))
}

fn confirm(args: &BreakArgs, context: &Context, meant: &[Holder]) -> Result<(), CommandError> {
    if args.yes {
        return Ok(());
    }
    let who: Vec<String> = meant.iter().map(|holder| format!("{} of {holder}", holder.scope)).collect();
    let what = format!("break the lock on {}", who.join("; and on "));
    if !context.interactive {
        return Err(CommandError::usage("nobody is there to be asked whether the lock may be broken")
            .hint(format!("`--yes` would {what}")));
    }
    let asker = Asker::new(context.stderr.clone(), context.signals.clone());
    match asker.confirm(&format!("{what}?"), &|| false) {
        Some(true) => Ok(()),
        Some(false) => Err(CommandError::failed("refused: the lock is held as before")),
        None => Err(CommandError::interrupted()),
    }
}

async fn break_locks(
    args: &BreakArgs,
    meant: &[Holder],
    context: &Context,
    store: &Arc<dyn LockStore>,
) -> Result<Exit, CommandError> {
    let breaking = Breaking {
        // The only lock there is may be another's by now, and nobody was asked about that.
        which: args.lock.clone().or_else(|| meant.first().map(|holder| holder.run.clone())),
        by: Who::of(context).shown(),
        reason: args.reason.clone(),
        at: Timestamp::now(),
    };
    let broken = store.break_locks(&breaking).await.map_err(|error| failure(store, &error))?;
    let journal = chronicle::file(context, &JournalArgs::default(), &context.cwd);
    for Break { holder, by, reason, .. } in broken {
        let (scope, holder_shown) = (holder.scope.to_string(), holder.to_string());
        enter(&journal, &Deed::LockBroken { scope, holder: holder_shown, by: Some(by), reason })?;
        context.stdout.line(&visible(&format!("broke the lock on {} of {holder}", holder.scope)));
    }
    Ok(Exit::Ok)
}

fn failure(store: &Arc<dyn LockStore>, error: &LockError) -> CommandError {
    match error {
        LockError::NotHeld(holders) | LockError::Several(holders) => {
            let held = holders.iter().map(|holder| format!("{}: {holder}", holder.scope));
            let error = CommandError::usage(error.to_string());
            match holders.is_empty() {
                true => error.hint("no lock is held at all"),
                false => held.fold(error, |error, held| error.hint(held)),
            }
        }
        other => CommandError::failed(format!("the locks in {}: {other}", store.place())),
    }
}
