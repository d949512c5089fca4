//! `oneex params`: what a runbook takes.

use super::examples;
use super::inputs::{OutputFormat, ParamArgs, SiteArgs};
use super::runbook_help::about;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::load::{self, Loading};
use crate::params::table;
use crate::report::json;

/// Show what a runbook does and its parameters
#[derive(Debug, clap::Args)]
#[command(after_help = examples::PARAMS)]
pub(crate) struct Args {
    /// The runbook
    runbook: String,
    #[command(flatten)]
    site: SiteArgs,
    /// What standard output has
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    output: OutputFormat,
}

/// Shows them.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    let none = ParamArgs::default();
    let loading = Loading { site: &args.site, params: &none, partial: true, report: None, again: None };
    let (name, described) = load::describe(context, &args.runbook, &loading)?;
    match args.output {
        OutputFormat::Json => {
            let value =
                oneex_sdk::json!({ "runbook": name, "doc": described.doc, "params": described.params });
            context.stdout.line(&json::escape(&value.to_string()));
        }
        OutputFormat::Human => {
            context.stdout.write(&about(&name, &described.doc));
            let table = table(&described.params, context.stdout.is_colored());
            context.stdout.write(if table.is_empty() { "It takes no parameters.\n" } else { &table });
        }
    }
    Ok(Exit::Ok)
}
