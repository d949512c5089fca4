//! `oneex doc`: the manual of operations, of the words of the language, and of its helpers.

use std::sync::Arc;

use oneex_engine::script::{WordManual, helpers, word_manuals};
use oneex_sdk::Manual;

use super::examples;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::manual;
use crate::modules;
use crate::term::{BOLD, CYAN};

/// Show the manual of an operation or a word, or list all
#[derive(Debug, clap::Args)]
#[command(after_help = examples::DOC)]
pub(crate) struct Args {
    /// The operation, word or helper: `file`, `http::get`, `task`, `.needs`, `json::parse`; all when left out
    name: Option<String>,
}

/// Shows it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    let registry = modules::registry(context, modules::Tables::default(), &Arc::default());
    let manuals: Vec<&Manual> = registry.ops().iter().map(|op| op.manual()).collect();
    let words: Vec<WordManual> = word_manuals().into_iter().chain(helpers()).collect();
    let Some(name) = &args.name else {
        list(context, &manuals, &words);
        return Ok(Exit::Ok);
    };
    let color = context.stdout.is_colored();
    // People write `h.file` as they do in scripts, and leave out dots and brackets.
    let wanted = name.strip_prefix("h.").unwrap_or(name).trim_end_matches("()");
    let bare = wanted.trim_start_matches('.');
    let mut found: Vec<String> = Vec::new();
    if !wanted.starts_with('.') {
        let operation = manuals.iter().filter(|manual| manual.full_name() == wanted);
        found.extend(operation.map(|manual| manual::page(manual, color)));
    }
    let alike = words.iter().filter(|word| word.name == wanted || word.name.trim_start_matches('.') == bare);
    found.extend(alike.map(|word| manual::word_page(word, color)));
    if !found.is_empty() {
        context.stdout.write(&found.join("\n"));
        return Ok(Exit::Ok);
    }
    let names =
        manuals.iter().map(|manual| manual.full_name()).chain(words.into_iter().map(|word| word.name));
    let names: Vec<String> = names.collect();
    let error = CommandError::usage(format!("there is no operation or word `{wanted}`"));
    Err(match oneex_sdk::nearest(wanted, names.iter().map(String::as_str)) {
        Some(right) => error.hint(format!("did you mean `{right}`?")),
        None => error.hint("`oneex doc` lists them all"),
    })
}

/// All names with what they are for, group by group.
fn list(context: &Context, manuals: &[&Manual], words: &[WordManual]) {
    let mut rows: Vec<(&str, String, &str)> = Vec::new();
    for manual in manuals {
        let (name, summary) = manual::summary(manual);
        rows.push((
            if manual.namespace.is_none() { "operations on hosts" } else { "operations" },
            name,
            summary,
        ));
    }
    rows.sort_by_key(|(group, name, _)| (group.len() < "operations on hosts".len(), name.clone()));
    rows.extend(words.iter().map(|word| (word.group, word.name.clone(), manual::first_sentence(&word.text))));
    let width = rows.iter().map(|(_, name, _)| name.len()).max().unwrap_or(0);
    let mut heading = "";
    for (group, name, summary) in rows {
        if group != heading {
            let gap = if heading.is_empty() { "" } else { "\n" };
            context.stdout.line(&format!("{gap}{}", context.stdout.paint(BOLD, &format!("{group}:"))));
            heading = group;
        }
        let pad = width - name.len();
        context.stdout.line(&format!("  {}{:pad$}  {summary}", context.stdout.paint(CYAN, &name), ""));
    }
}
