//! `oneex diff`: what differs between two runs, in what they were given and in what came of them.

use std::collections::{BTreeMap, BTreeSet};

use oneex_engine::journal::{Entry, JournalError, Reader, Record, RunRow, Wanted};
use oneex_engine::run::{NodeKey, RunEvent};

use super::examples;
use super::inputs::JournalArgs;
use crate::chronicle;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;

/// Show what differs between two runs
#[derive(Debug, clap::Args)]
#[command(after_help = examples::DIFF)]
pub(crate) struct Args {
    /// The earlier run
    first: String,
    /// The later run [default: the last one]
    second: Option<String>,
    #[command(flatten)]
    journal: JournalArgs,
}

/// Shows it; code 5 where something differs, as diff(1) has a code for that.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    let path = chronicle::file(context, &args.journal, &context.cwd);
    let reader = Reader::open(&path)?;
    let told = |named: &str| Told::read(&reader, &reader.run(named)?);
    let (first, second) = (told(&args.first)?, told(args.second.as_deref().unwrap_or("last"))?);
    let lines = differences(&first.0, &second.0);
    for line in &lines {
        context.stdout.line(&oneex_sdk::visible(line));
    }
    Ok(if lines.is_empty() { Exit::Ok } else { Exit::WouldChange })
}

/// What is compared of a run: by its name, in the order of the alphabet.
#[derive(Default)]
struct Told(BTreeMap<String, String>);

impl Told {
    fn read(reader: &Reader, run: &RunRow) -> Result<Self, JournalError> {
        let mut told = Self::default();
        let mut changed: BTreeMap<NodeKey, BTreeSet<String>> = BTreeMap::new();
        told.add("run: status", run.status.as_deref().unwrap_or("cut"));
        told.add("run: environment", run.environment.as_deref().unwrap_or("none"));
        reader.records(run, &Wanted::default(), |_, record| -> Result<(), JournalError> {
            match record {
                Record::Entry(entry) => told.entry(&entry),
                Record::Event(event) => match event.event {
                    RunEvent::RunStarted { params, .. } => {
                        for (name, value) in params.as_object().into_iter().flatten() {
                            told.add(&format!("parameter {name}"), &value.to_string());
                        }
                    }
                    RunEvent::NodeFinished { node, status, .. } => {
                        told.add(&format!("task {node}"), status.as_str())
                    }
                    RunEvent::Operation { node, name, subject, change: Some(change), .. }
                        if !change.is_empty() =>
                    {
                        changed
                            .entry(node)
                            .or_default()
                            .insert(format!("{name} {subject}").trim().to_owned());
                    }
                    _ => {}
                },
            }
            Ok(())
        })?;
        for (node, what) in changed {
            told.add(&format!("changed by {node}"), &what.into_iter().collect::<Vec<_>>().join(", "));
        }
        Ok(told)
    }

    fn add(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    fn entry(&mut self, entry: &Entry) {
        let Entry::Began(began) = entry else { return };
        for (name, digest) in &began.inputs {
            self.add(&format!("input {name}"), digest.get(..12).unwrap_or(digest));
        }
        if let Some(commit) = began.origin.ci.get("commit") {
            self.add("run: commit", commit);
        }
        self.add("run: version of oneex", &began.origin.version);
    }
}

fn differences(first: &BTreeMap<String, String>, second: &BTreeMap<String, String>) -> Vec<String> {
    let names: BTreeSet<&String> = first.keys().chain(second.keys()).collect();
    let line = |name: &String| match (first.get(name), second.get(name)) {
        (Some(before), Some(after)) if before == after => None,
        (Some(before), Some(after)) => Some(format!("{name}: {before} → {after}")),
        (Some(before), None) => Some(format!("{name}: - {before}")),
        (None, after) => Some(format!("{name}: + {}", after.map(String::as_str).unwrap_or_default())),
    };
    names.into_iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::differences;

    #[test]
    fn what_came_went_and_changed_is_told() {
        let of = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let first = of(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let second = of(&[("b", "2"), ("c", "1"), ("d", "1")]);
        assert_eq!(differences(&first, &second), ["a: - 1", "b: 1 → 2", "d: + 1"]);
        assert_eq!(differences(&first, &first), Vec::<String>::new());
    }
}
