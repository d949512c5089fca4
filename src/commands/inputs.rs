//! Arguments that several commands share.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};
use oneex_sdk::parse_duration;
use serde::{Deserialize, Serialize};

use crate::locks::LockKind;

/// Which hosts, and which environment.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
pub(crate) struct SiteArgs {
    /// Inventory: a file, a folder, or hosts with commas (`a,b` or `a,`); may be given several times
    #[arg(short, long, value_name = "INVENTORY")]
    pub(crate) inventory: Vec<String>,
    /// Environment of `oneex.toml`
    #[arg(long, value_name = "NAME")]
    pub(crate) env: Option<String>,
}

/// What is asked for before anything is run.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct AskArgs {
    /// Ask for the password to log in with, for hosts whose inventory has none
    #[arg(short = 'k', long)]
    pub(crate) ask_pass: bool,
    /// Ask for the password of sudo, su or doas, for hosts whose inventory has none
    #[arg(short = 'K', long)]
    pub(crate) ask_become_pass: bool,
}

/// Values for a runbook's parameters.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
pub(crate) struct ParamArgs {
    /// Set a parameter; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub(crate) set: Vec<(String, String)>,
    /// Read parameters from a YAML, JSON or TOML file; may be given several times, later files win
    #[arg(long = "params", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// Which part of a runbook.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
pub(crate) struct SelectArgs {
    /// Only hosts that match this pattern; `@failed:RUN` are those on which something failed in a run
    #[arg(long, value_name = "PATTERN")]
    pub(crate) limit: Option<String>,
    /// Only tasks with one of these tags
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    pub(crate) tags: Vec<String>,
    /// No tasks with one of these tags
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    pub(crate) skip_tags: Vec<String>,
    /// Only this task, with what it needs; a block, a glob; may be given several times
    #[arg(long, value_name = "TASK")]
    pub(crate) only: Vec<String>,
    /// From this task or block on: without what was declared before it and what it waits for
    #[arg(long, value_name = "TASK")]
    #[serde(default)]
    pub(crate) from: Option<String>,
}

/// What the run has for itself.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct LockArgs {
    /// What the run has for itself, so that no other changes it meanwhile
    #[arg(long, value_name = "SCOPE", value_enum)]
    pub(crate) lock: Option<LockKind>,
    /// How long to wait for a lock that another run has, as `10m`; without it the run is refused
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) lock_wait: Option<Duration>,
}

/// Which journal.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct JournalArgs {
    /// The journal [default: `.oneex/journal.db` of the project]
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
}

/// How many at a time.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
pub(crate) struct ForksArgs {
    /// Nodes at a time [default: 64, or what `oneex.toml` says]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) forks: Option<u16>,
}

/// How fast the work goes.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
pub(crate) struct PaceArgs {
    #[command(flatten)]
    pub(crate) forks: ForksArgs,
    /// Make each read of a host when it is needed, and none together with others
    #[arg(long)]
    pub(crate) no_read_ahead: bool,
}

/// What a run leaves to be read.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReportArgs {
    /// What standard output has: lines for people, with a live picture on a terminal, or one event a line
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub(crate) output: OutputFormat,
    /// Write a JUnit report
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Write what the run cost, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) stats: Option<PathBuf>,
    /// Show diffs of what changes (the default)
    #[arg(long, overrides_with = "no_diff")]
    diff: bool,
    /// Show no diffs
    #[arg(long, overrides_with = "diff", action = ArgAction::SetTrue)]
    no_diff: bool,
}

impl ReportArgs {
    /// True when diffs are shown.
    pub(crate) fn shows_diff(&self) -> bool {
        self.diff || !self.no_diff
    }
}

/// What standard output has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// Text for people
    #[default]
    Human,
    /// One JSON object a line, and nothing else
    Json,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("expected `name=value`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::name_and_value;

    #[test]
    fn a_value_may_have_equal_signs_and_be_empty() {
        let pair = |name: &str, value: &str| Ok((name.to_owned(), value.to_owned()));
        assert_eq!(name_and_value("url=http://x/?a=b"), pair("url", "http://x/?a=b"));
        assert_eq!(name_and_value("empty="), pair("empty", ""));
        for wrong in ["", "name", "=value", " =v"] {
            assert_eq!(name_and_value(wrong), Err("expected `name=value`".to_owned()), "{wrong}");
        }
    }
}
