//! `oneex run X --help`: the command's own options, then what X does and its parameters.

use clap::CommandFactory;

use super::Cli;
use super::global::show_help;
use super::inputs::{ParamArgs, SiteArgs};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::load::{self, Loading};
use crate::params;

/// Shows the help of `command`, with a runbook's own where one is named.
pub(crate) fn show(
    command: &str,
    runbook: Option<&str>,
    site: &SiteArgs,
    context: &Context,
) -> Result<Exit, CommandError> {
    let described = match runbook {
        Some(runbook) => {
            let params = ParamArgs::default();
            Some(load::describe(
                context,
                runbook,
                &Loading { site, params: &params, partial: true, report: None, again: None },
            )?)
        }
        None => None,
    };
    if let Some((name, described)) = described {
        context.stdout.write(&about(&name, &described.doc));
        context.stdout.write(&params::table(&described.params, context.stdout.is_colored()));
        context.stdout.write("\n");
    }
    let mut cli = Cli::command();
    cli.build();
    if let Some(command) = cli.find_subcommand_mut(command) {
        show_help(&command.render_long_help(), &context.stdout);
    }
    Ok(Exit::Ok)
}

/// The runbook's name and doc comment.
pub(crate) fn about(name: &str, doc: &str) -> String {
    let doc = oneex_sdk::visible(doc.trim());
    if doc.is_empty() { format!("{name}\n\n") } else { format!("{name}\n\n{doc}\n\n") }
}
