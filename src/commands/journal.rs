//! `oneex journal`: looks after the journal itself.

use clap::Subcommand;
use oneex_engine::journal::{Reader, verify};

use super::inputs::JournalArgs;
use crate::chronicle;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;

/// Look after the journal: what every run did
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Verify(VerifyArgs),
}

/// Find what was changed, removed or put elsewhere in the journal
#[derive(Debug, clap::Args)]
struct VerifyArgs {
    #[command(flatten)]
    journal: JournalArgs,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    match &args.command {
        Command::Verify(args) => check(args, context),
    }
}

fn check(args: &VerifyArgs, context: &Context) -> Result<Exit, CommandError> {
    let path = chronicle::file(context, &args.journal, &context.cwd);
    let reader = Reader::open(&path)?;
    let faults = verify(&reader)?;
    for fault in &faults {
        context.stdout.line(&fault.to_string());
    }
    if faults.is_empty() {
        let runs = reader.runs()?.len();
        context.stdout.line(&format!("{runs} runs, each as it was written"));
        return Ok(Exit::Ok);
    }
    Ok(Exit::Failed)
}
