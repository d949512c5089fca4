//! THE INDEX: one line in the enum and one match arm a command.

mod completions;
mod diff;
mod doc;
mod examples;
mod exec;
mod facts;
mod global;
mod graph;
mod history;
mod hosts;
pub(crate) mod inputs;
mod journal;
mod lock;
mod log;
mod new;
mod params;
mod plan;
mod resume;
mod run;
mod runbook_help;
mod show;

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
    Run(run::Args),
    Plan(plan::Args),
    Resume(resume::Args),
    Graph(graph::Args),
    Params(params::Args),
    Hosts(hosts::Args),
    Facts(facts::Args),
    Exec(exec::Args),
    History(history::Args),
    Show(show::Args),
    Log(log::Args),
    Diff(diff::Args),
    Journal(journal::Args),
    Lock(lock::Args),
    Doc(doc::Args),
    New(new::Args),
    Completions(completions::Args),
}

impl Command {
    /// Runs the command.
    pub(crate) fn run(self, context: &Context) -> Result<Exit, CommandError> {
        match self {
            Self::Run(args) => run::run(&args, context),
            Self::Plan(args) => plan::run(&args, context),
            Self::Resume(args) => resume::run(&args, context),
            Self::Graph(args) => graph::run(&args, context),
            Self::Params(args) => params::run(&args, context),
            Self::Hosts(args) => hosts::run(&args, context),
            Self::Facts(args) => facts::run(&args, context),
            Self::Exec(args) => exec::run(&args, context),
            Self::History(args) => history::run(&args, context),
            Self::Show(args) => show::run(&args, context),
            Self::Log(args) => log::run(&args, context),
            Self::Diff(args) => diff::run(&args, context),
            Self::Journal(args) => journal::run(&args, context),
            Self::Lock(args) => lock::run(&args, context),
            Self::Doc(args) => doc::run(&args, context),
            Self::New(args) => new::run(&args, context),
            Self::Completions(args) => completions::run(&args, context),
        }
    }
}
