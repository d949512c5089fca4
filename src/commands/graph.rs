//! `oneex graph`: draws the tasks of a runbook and their order.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use clap::ValueEnum;
use oneex_engine::graph::GraphFormat;

use super::examples;
use super::inputs::{ForksArgs, ParamArgs, SelectArgs, SiteArgs};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::load::{self, Loading};
use crate::report::file;

/// Draw the tasks of a runbook and their order
///
/// Parameters need no values: what is missing is taken as empty.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::GRAPH)]
pub(crate) struct Args {
    /// The runbook
    runbook: String,
    #[command(flatten)]
    site: SiteArgs,
    #[command(flatten)]
    params: ParamArgs,
    #[command(flatten)]
    select: SelectArgs,
    /// The form of the picture; `svg` needs Graphviz
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    format: Format,
    /// Write it to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The form of the picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A tree of blocks and tasks
    #[default]
    Text,
    /// Graphviz's language
    Dot,
    /// A Mermaid flow chart
    Mermaid,
    /// A drawing, made by Graphviz
    Svg,
}

/// Draws it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    let loading =
        Loading { site: &args.site, params: &args.params, partial: true, report: None, again: None };
    let runbook = load::load(context, &args.runbook, &loading)?;
    let graph = &runbook.loaded.graph;
    let selection = graph.select(&runbook.options(&args.select, &ForksArgs::default())?)?;
    let format = match args.format {
        Format::Text => GraphFormat::Text,
        Format::Mermaid => GraphFormat::Mermaid,
        Format::Dot | Format::Svg => GraphFormat::Dot,
    };
    let picture = runbook.loaded.redactor.text(&graph.render(format, &selection));
    let picture = oneex_sdk::visible(&picture);
    let picture = if args.format == Format::Svg { svg(&picture)? } else { picture.into_owned() };
    match &args.output {
        Some(path) => file::replace(&context.cwd.join(path), &picture)?,
        None => context.stdout.write(&picture),
    }
    Ok(Exit::Ok)
}

/// Draws with Graphviz's `dot`, dot(1).
fn svg(dot: &str) -> Result<String, CommandError> {
    let missing = |error: std::io::Error| {
        let hint = "install Graphviz, or use `--format dot` or `--format mermaid`";
        CommandError::failed(format!("Graphviz's `dot` cannot be run: {}", oneex_sdk::io_reason(&error)))
            .hint(hint)
    };
    let mut child = Command::new("dot")
        .arg("-Tsvg")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(missing)?;
    let stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        // Written from a thread of its own: `dot` may answer before it has read everything.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(dot.as_bytes())));
        child.wait_with_output()
    })
    .map_err(missing)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(CommandError::failed(format!("Graphviz's `dot` failed: {}", said.trim())));
    }
    String::from_utf8(output.stdout)
        .map_err(|error| CommandError::failed(format!("the drawing is no text: {error}")))
}
