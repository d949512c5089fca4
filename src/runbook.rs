//! Finding a runbook by what a person calls it, and its project.

use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::error::CommandError;

/// The folder of a project's runbooks.
const FOLDER: &str = "runbooks";
/// The ending of a runbook's name, which may be left out.
const ENDING: &str = "rhai";

/// A runbook that was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Runbook {
    /// The file, as an absolute path.
    pub(crate) path: PathBuf,
    /// The name that people see: its path from the current folder.
    pub(crate) name: String,
}

/// Finds a runbook: beside the caller, then in the project's `runbooks/`, with and without `.rhai`.
pub(crate) fn find(context: &Context, given: &str) -> Result<Runbook, CommandError> {
    let beside = context.cwd.join(given);
    let folder = Context::project_above(&context.cwd).unwrap_or_else(|| context.cwd.clone()).join(FOLDER);
    let candidates =
        [beside.clone(), with_ending(&beside), folder.join(given), with_ending(&folder.join(given))];
    if let Some(path) = candidates.into_iter().find(|path| path.is_file()) {
        return Ok(Runbook { name: context.shown(&path), path });
    }
    let mut error = CommandError::usage(if beside.is_dir() {
        format!("`{given}` is a folder, not a runbook")
    } else {
        format!("there is no runbook `{given}`")
    });
    let known = names_in(&context.cwd).into_iter().chain(names_in(&folder)).collect::<Vec<_>>();
    let stem = given.strip_suffix(".rhai").unwrap_or(given);
    if let Some(right) = oneex_sdk::nearest(stem, known.iter().map(String::as_str)) {
        error = error.hint(format!("did you mean `{right}`?"));
    } else if !known.is_empty() {
        error = error.hint(format!("runbooks here are: {}", known.join(", ")));
    }
    Err(error.hint(format!("looked in the current folder and in `{}`", context.shown(&folder))))
}

fn with_ending(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ENDING);
    name.into()
}

/// The runbooks in a folder, without their ending, sorted.
fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == ENDING))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::find;
    use crate::context::Context;

    fn project() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for path in ["runbooks/deploy-prod.rhai", "runbooks/both.rhai", "sub/both.rhai", "sub/local.rhai"] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        fs::write(folder.path().join("oneex.toml"), "").unwrap();
        folder
    }

    fn found(cwd: &Path, given: &str) -> Result<String, Vec<String>> {
        let (context, _) = Context::for_test(cwd);
        find(&context, given).map(|runbook| runbook.name).map_err(|error| error.hints)
    }

    #[test]
    fn looks_beside_the_caller_then_in_the_project() {
        let project = project();
        let sub = project.path().join("sub");
        assert_eq!(found(&sub, "local.rhai").unwrap(), "local.rhai");
        assert_eq!(found(&sub, "local").unwrap(), "local.rhai");
        assert_eq!(found(&sub, "both").unwrap(), "both.rhai");
        let in_project = project.path().join("runbooks/deploy-prod.rhai").display().to_string();
        assert_eq!(found(&sub, "deploy-prod.rhai").unwrap(), in_project);
        assert_eq!(found(project.path(), "deploy-prod").unwrap(), "runbooks/deploy-prod.rhai");
    }

    #[test]
    fn names_the_nearest_where_there_is_none() {
        let project = project();
        let hints = found(project.path(), "deploy-prd.rhai").unwrap_err();
        assert_eq!(hints.first().map(String::as_str), Some("did you mean `deploy-prod`?"));
        assert_eq!(hints.last().map(String::as_str), Some("looked in the current folder and in `runbooks`"));
    }
}
