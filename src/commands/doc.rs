//! `oneex doc`: the manual of operations.

use super::examples;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::manual;
use crate::modules;
use crate::term::CYAN;

/// Show the manual of an operation, or list all operations
#[derive(Debug, clap::Args)]
#[command(after_help = examples::DOC)]
pub(crate) struct Args {
    /// The operation: `file`, `http::get`; all when left out
    name: Option<String>,
}

/// Shows it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    let registry = modules::registry(context, None, modules::HttpTable::default());
    let manuals: Vec<_> = registry.ops().iter().map(|op| op.manual()).collect();
    let Some(name) = &args.name else {
        let mut rows: Vec<_> = manuals.iter().map(|manual| manual::summary(manual)).collect();
        // What needs no namespace first.
        rows.sort_by_key(|(name, _)| (name.contains("::"), name.clone()));
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, summary) in rows {
            let pad = width - name.len();
            context.stdout.line(&format!("{}{:pad$}  {summary}", context.stdout.paint(CYAN, &name), ""));
        }
        return Ok(Exit::Ok);
    };
    // People write `h.file` as they do in scripts.
    let wanted = name.strip_prefix("h.").unwrap_or(name);
    if let Some(manual) = manuals.iter().find(|manual| manual.full_name() == wanted) {
        context.stdout.write(&manual::page(manual, context.stdout.is_colored()));
        return Ok(Exit::Ok);
    }
    let names: Vec<String> = manuals.iter().map(|manual| manual.full_name()).collect();
    let error = CommandError::usage(format!("there is no operation `{wanted}`"));
    Err(match oneex_sdk::nearest(wanted, names.iter().map(String::as_str)) {
        Some(right) => error.hint(format!("did you mean `{right}`?")),
        None => error.hint("`oneex doc` lists them all"),
    })
}
