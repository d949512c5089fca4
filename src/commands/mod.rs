//! THE INDEX: one line in the enum and one match arm a command.

mod completions;
mod global;
mod new;

use clap::{Parser, Subcommand};

pub(crate) use global::{GlobalArgs, show_clap};

use crate::context::Context;
use crate::error::CommandError;
use crate::exit::{self, Exit};

/// Run runbooks: tasks written as scripts, run as a graph over a fleet.
#[derive(Debug, Parser)]
#[command(name = "oneex", version, max_term_width = 100, after_long_help = exit::HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    New(new::Args),
    Completions(completions::Args),
}

impl Command {
    /// Runs the command.
    pub(crate) fn run(self, context: &Context) -> Result<Exit, CommandError> {
        match self {
            Self::New(args) => new::run(&args, context),
            Self::Completions(args) => completions::run(&args, context),
        }
    }
}
