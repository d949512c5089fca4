//! `oneex completions`: a completion script for a shell.

use clap::CommandFactory;

use super::Cli;
use super::examples;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = examples::COMPLETIONS)]
pub(crate) struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

/// Prints the script.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "oneex", &mut script);
    context.stdout.write(&String::from_utf8_lossy(&script));
    Ok(Exit::Ok)
}
