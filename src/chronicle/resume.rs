//! A run that has stopped goes on: what it was asked for, and what has changed since.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use oneex_engine::diag::digest;
use oneex_engine::journal::{Past, Reader, Recorder, RunRow, SealKey};
use oneex_engine::run::{Arbiter, Chronicle};

use super::begin::Options;
use super::{key_file, origin};
use crate::context::Context;
use crate::error::CommandError;

/// A run that can go on.
pub(crate) struct Resumption {
    journal: PathBuf,
    row: RunRow,
    key: SealKey,
    past: Past,
    /// The runbook, as it was named.
    pub(crate) runbook: String,
    /// The folder that it was named from.
    pub(crate) folder: PathBuf,
    /// What it was asked to do.
    pub(crate) options: Options,
}

impl Resumption {
    /// Finds the run: the one that is named, or the last of a runbook.
    pub(crate) fn find(context: &Context, journal: &Path, named: Option<&str>) -> Result<Self, CommandError> {
        let reader = Reader::open(journal)?;
        let row = match named {
            Some(named) => reader.run(named)?,
            None => {
                let last = reader.runs()?.into_iter().find(|run| run.mode == "run");
                last.ok_or_else(|| CommandError::usage("no run of a runbook is in the journal yet"))?
            }
        };
        if row.status.as_deref() == Some("ok") {
            let error =
                CommandError::usage(format!("the run {} ended well: there is nothing left of it", row.id));
            return Err(error.hint("`oneex run` begins a new one"));
        }
        let key = SealKey::read(&key_file(context, journal))?;
        let past = Past::read(&reader, &row, &key)?;
        let request = past.began().and_then(|began| began.request.clone());
        let request = request.ok_or_else(|| {
            CommandError::usage(format!("the run {} was no runbook's: `{}`", row.id, row.mode))
                .hint("only runs of `oneex run` can go on")
        })?;
        let options = past.asked_for().cloned().unwrap_or_default();
        let options = serde_json::from_value(options).map_err(|error| {
            CommandError::failed(format!("what the run {} was asked to do cannot be read: {error}", row.id))
        })?;
        Ok(Self {
            journal: journal.to_owned(),
            row,
            key,
            past,
            runbook: request.runbook,
            folder: request.folder.into(),
            options,
        })
    }

    /// The run.
    pub(crate) fn row(&self) -> &RunRow {
        &self.row
    }

    /// What is known of it.
    pub(crate) fn past(&self) -> &Past {
        &self.past
    }

    /// Goes on in the journal; `accepted` is what has changed since.
    pub(crate) fn go_on(
        self,
        context: &Context,
        accepted: Vec<String>,
        arbiter: Arc<dyn Arbiter>,
    ) -> Result<(String, Chronicle), CommandError> {
        let place = self.past.began().map(|began| began.place.clone()).unwrap_or_default();
        let recorder = Recorder::resume(&self.journal, &self.row.id, (origin(context), accepted), self.key)?;
        Ok((self.row.id, Chronicle { recorder, past: self.past, place, arbiter, read: Mutex::default() }))
    }
}

/// What is not as it was in the earlier part of a run: the names of what was read, and what became of it.
pub(crate) fn differences(past: &Past, now: &BTreeMap<String, String>) -> Vec<String> {
    let Some(began) = past.began() else { return Vec::new() };
    let names: std::collections::BTreeSet<&String> = began.inputs.keys().chain(now.keys()).collect();
    let differs = names.into_iter().filter_map(|name| match (began.inputs.get(name), now.get(name)) {
        (Some(before), Some(after)) if before == after => None,
        (Some(_), Some(_)) => Some(format!("`{name}` was changed")),
        (Some(_), None) => Some(format!("`{name}` is gone")),
        (None, _) => Some(format!("`{name}` is new")),
    });
    // What was read in mid-run is known by its path.
    let later = past.inputs().iter().filter(|(name, _)| !began.inputs.contains_key(*name));
    let later = later.filter_map(|(name, before)| match std::fs::read(name) {
        Ok(content) if digest(&content) == *before => None,
        Ok(_) => Some(format!("`{name}` was changed")),
        Err(_) => Some(format!("`{name}` cannot be read")),
    });
    let mut later: Vec<String> = later.collect();
    later.sort();
    differs.chain(later).collect()
}
