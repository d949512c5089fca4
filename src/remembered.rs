//! Where runs keep what is theirs: the project's `.oneex`, or the user's cache folder (XDG Base Directory
//! Specification) where there is no project.

use std::path::{Component, Path, PathBuf};

use crate::context::Context;

/// The folder of all runs of a project's runbooks, or of those without one; `folder` is the runbook's, or the current
/// one where there is no runbook. None where there is neither a project nor a home.
pub(crate) fn runs(context: &Context, folder: &Path) -> Option<PathBuf> {
    let base = match Context::project_above(folder) {
        Some(root) => root.join(".oneex"),
        None => cache(context)?.join("oneex"),
    };
    Some(base.join("runs"))
}

/// The file of what the next run of this runbook may read ahead; none where there is neither a project nor a home.
pub(crate) fn file(context: &Context, runbook: &Path) -> Option<PathBuf> {
    let folder = runbook.parent().unwrap_or(Path::new("/"));
    let (base, within) = match Context::project_above(folder) {
        Some(root) => (root.join(".oneex"), runbook.strip_prefix(&root).ok()?.to_path_buf()),
        None => (cache(context)?.join("oneex"), runbook.to_path_buf()),
    };
    let mut file = base.join("reads");
    file.extend(within.components().filter(|part| matches!(part, Component::Normal(_))));
    file.add_extension("json");
    Some(file)
}

fn cache(context: &Context) -> Option<PathBuf> {
    let named = context.variables.get("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    named.or_else(|| Some(context.home.as_ref()?.join(".cache")))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{file, runs};
    use crate::context::Context;

    #[test]
    fn it_is_in_the_project_or_in_the_users_cache() {
        let folder = tempfile::tempdir().unwrap();
        let (mut context, _) = Context::for_test(folder.path());
        let below = |rest: &str| Some(folder.path().join(rest));
        assert_eq!(file(&context, Path::new("/srv/x.rhai")), None, "no project, no home");
        context.home = Some("/home/ops".into());
        let cached = Some("/home/ops/.cache/oneex/reads/srv/x.rhai.json".into());
        assert_eq!(file(&context, Path::new("/srv/x.rhai")), cached);
        for (variable, base) in [("/var/cache", "/var/cache"), ("relative", "/home/ops/.cache")] {
            context.variables.insert("XDG_CACHE_HOME".into(), variable.into());
            let cached = Some(format!("{base}/oneex/reads/srv/x.rhai.json").into());
            assert_eq!(file(&context, Path::new("/srv/x.rhai")), cached);
        }
        assert_eq!(runs(&context, Path::new("/srv")), Some("/home/ops/.cache/oneex/runs".into()));
        std::fs::write(folder.path().join("oneex.toml"), "").unwrap();
        assert_eq!(runs(&context, &folder.path().join("sub")), below(".oneex/runs"));
        let runbook = folder.path().join("runbooks/x.rhai");
        assert_eq!(file(&context, &runbook), below(".oneex/reads/runbooks/x.rhai.json"));
    }
}
