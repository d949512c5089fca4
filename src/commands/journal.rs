//! `oneex journal`: looks after the journal itself.

use std::io::BufRead as _;
use std::path::PathBuf;

use clap::Subcommand;
use jiff::Timestamp;
use oneex_engine::journal::{JournalError, Reader, RunRow, Signature, SigningKey, prune, verify};

use super::examples;
use super::inputs::JournalArgs;
use crate::chronicle;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::report::json;

/// Look after the journal: what every run did
#[derive(Debug, clap::Args)]
#[command(after_help = examples::JOURNAL)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    journal: JournalArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Find what was changed, removed or put elsewhere; code 1 where something was
    Verify {
        /// Signatures that `sign` made, one a line: are the runs as they were signed?
        #[arg(long, value_name = "FILE")]
        signatures: Option<PathBuf>,
    },
    /// Write a run, or all of them and the ledger, as JSON, one record a line; what is sealed is left out
    Export {
        /// The run [default: all]
        run: Option<String>,
    },
    /// Sign the head of a run with an Ed25519 key, and write that as a line of JSON
    Sign {
        /// The run [default: the last one]
        run: Option<String>,
        /// The key, made where it is not there
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Remove old runs
    Prune {
        /// Keep so many runs, the last ones
        #[arg(long, value_name = "N", required_unless_present = "older_than")]
        keep: Option<usize>,
        /// Remove only runs that began so long ago or longer: `90d`
        #[arg(long, value_name = "AGE", value_parser = age)]
        older_than: Option<Timestamp>,
        /// Say which, and remove none
        #[arg(long)]
        dry_run: bool,
    },
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    let path = chronicle::file(context, &args.journal, &context.cwd);
    let reader = Reader::open(&path)?;
    match &args.command {
        Command::Verify { signatures } => check(&reader, context, signatures.as_ref()),
        Command::Export { run } => export(&reader, context, run.as_deref()),
        Command::Sign { run, key } => {
            let run = reader.run(run.as_deref().unwrap_or("last"))?;
            let signature = SigningKey::read_or_make(&context.cwd.join(key))?.sign(&run);
            context.stdout.line(&serde_json::to_string(&signature).unwrap_or_default());
            Ok(Exit::Ok)
        }
        Command::Prune { keep, older_than, dry_run } => {
            let runs = reader.runs()?;
            let old = |run: &&RunRow| older_than.is_none_or(|before| run.started <= before);
            let goes_on = |run: &RunRow| reader.is_alive(run);
            let chosen = runs.iter().skip(keep.unwrap_or(0)).filter(old).filter(|run| !goes_on(run));
            let chosen: Vec<RunRow> = chosen.cloned().collect();
            drop(reader);
            for run in &chosen {
                context.stdout.line(&format!("{}  {}", run.id, oneex_sdk::visible(&run.name)));
            }
            if !dry_run {
                let bytes = prune(&path, &chosen, context.user().as_deref())?;
                let runs = if chosen.len() == 1 { "run" } else { "runs" };
                context.stderr.line(&format!("{} {runs} removed, {} KiB less", chosen.len(), bytes / 1024));
            }
            Ok(Exit::Ok)
        }
    }
}

fn check(reader: &Reader, context: &Context, signatures: Option<&PathBuf>) -> Result<Exit, CommandError> {
    let mut faults: Vec<String> = verify(reader)?.iter().map(ToString::to_string).collect();
    if let Some(file) = signatures {
        let shown = context.shown(file);
        let failed = |why: String| CommandError::usage(format!("`{shown}` cannot be read: {why}"));
        let file = std::fs::File::open(context.cwd.join(file)).map_err(|error| failed(error.to_string()))?;
        for line in std::io::BufReader::new(file).lines() {
            let line = line.map_err(|error| failed(error.to_string()))?;
            let signature: Signature =
                serde_json::from_str(&line).map_err(|error| failed(format!("no signature: {error}")))?;
            let holds = match signature.holds(reader) {
                Err(JournalError::NoRun(_)) => false,
                holds => holds?,
            };
            if !holds {
                faults.push(format!(
                    "run {}: it is not as it was signed with {}",
                    signature.run, signature.key
                ));
            }
        }
    }
    faults.iter().for_each(|fault| context.stdout.line(&oneex_sdk::visible(fault)));
    if !faults.is_empty() {
        return Ok(Exit::Failed);
    }
    let runs = reader.runs()?.len();
    let what = if runs == 1 { "run, as it was written" } else { "runs, each as it was written" };
    context.stdout.line(&format!("{runs} {what}"));
    Ok(Exit::Ok)
}

fn export(reader: &Reader, context: &Context, named: Option<&str>) -> Result<Exit, CommandError> {
    let mut runs = match named {
        Some(named) => vec![reader.run(named)?],
        None => reader.runs()?,
    };
    runs.reverse();
    for run in &runs {
        reader.export(run, |record| -> Result<(), JournalError> {
            context.stdout.line(&json::escape(&record.to_string()));
            Ok(())
        })?;
    }
    if named.is_none() {
        let line = |entry: &serde_json::Value| context.stdout.line(&json::escape(&entry.to_string()));
        reader.ledger()?.iter().for_each(line);
    }
    Ok(Exit::Ok)
}

fn age(text: &str) -> Result<Timestamp, String> {
    let age = oneex_sdk::parse_duration(text)?;
    let age = jiff::SignedDuration::try_from(age).map_err(|error| error.to_string())?;
    Timestamp::now().checked_sub(age).map_err(|error| error.to_string())
}
