//! Which files an `Include` names.

use std::path::{Path, PathBuf};

use glob::{MatchOptions, glob_with};

use super::machine::Machine;
use super::options::Origin;

/// As glob(3): a name that begins with a dot must be asked for.
const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// The files that a pattern names, sorted; none where nothing matches. A bracket that is not closed is one. A path that is not absolute is below
/// `~/.ssh` in a person's file, and beside the machine's file in that one. Fails with a message.
pub(super) fn files(
    pattern: &str,
    origin: Origin,
    beside: &Path,
    machine: &Machine,
) -> Result<Vec<PathBuf>, String> {
    let system = origin == Origin::System;
    if system && pattern.starts_with('~') {
        return Err(format!("`{pattern}`: a file of the machine cannot include one below a home folder"));
    }
    let anchored = match pattern {
        path if path.starts_with('/') => path.to_owned(),
        path if path.starts_with('~') => machine.expand_home(path)?,
        path if system => beside.join(path).display().to_string(),
        path => machine.expand_home(&format!("~/.ssh/{path}"))?,
    };
    // Two stars are one star here.
    let mut single = anchored.clone();
    while single.contains("**") {
        single = single.replace("**", "*");
    }
    let found = glob_with(&single, OPTIONS).or_else(|_| glob_with(&single.replace('[', "[[]"), OPTIONS));
    let found = found.map_err(|error| format!("`{pattern}` is no pattern: {error}"))?;
    Ok(found.filter_map(Result::ok).collect())
}
