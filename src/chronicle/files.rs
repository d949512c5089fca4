//! Where the journal is, and the key of what is sealed in it.

use std::path::{Path, PathBuf};

use crate::commands::inputs::JournalArgs;
use crate::context::Context;

/// The journal: as the flag says, else the project's, else that of the user's runs without a project (XDG Base Directory
/// Specification), else one beside the runbook. `folder` is the runbook's, or the current one where there is no runbook.
pub(crate) fn file(context: &Context, args: &JournalArgs, folder: &Path) -> PathBuf {
    const NAME: &str = "journal.db";
    match (&args.journal, Context::project_above(folder), state(context)) {
        (Some(named), ..) => context.cwd.join(named),
        (None, Some(root), _) => root.join(".oneex").join(NAME),
        (None, None, Some(state)) => state.join(NAME),
        (None, None, None) => folder.join(".oneex").join(NAME),
    }
}

/// The key: as `ONEEX_JOURNAL_KEY_FILE` says, else in the user's own state, so that who has the project has not the key;
/// beside the journal for a user without a home.
pub(crate) fn key_file(context: &Context, journal: &Path) -> PathBuf {
    match (context.variables.get("ONEEX_JOURNAL_KEY_FILE"), state(context)) {
        (Some(named), _) if !named.is_empty() => context.cwd.join(named),
        (_, Some(state)) => state.join("journal.key"),
        (_, None) => journal.with_file_name("journal.key"),
    }
}

fn state(context: &Context) -> Option<PathBuf> {
    let named = context.variables.get("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    named.or_else(|| Some(context.home.as_ref()?.join(".local/state"))).map(|state| state.join("oneex"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{file, key_file};
    use crate::commands::inputs::JournalArgs;
    use crate::context::Context;

    #[test]
    fn the_key_is_not_where_the_journal_is() {
        let folder = tempfile::tempdir().unwrap();
        let (mut context, _) = Context::for_test(folder.path());
        let (args, runbooks) = (JournalArgs::default(), folder.path().join("runbooks"));
        let at = |path: &str| folder.path().join(path);
        assert_eq!(file(&context, &args, &runbooks), at("runbooks/.oneex/journal.db"), "no project, no home");
        assert_eq!(key_file(&context, Path::new("/x/journal.db")), Path::new("/x/journal.key"));
        context.home = Some("/home/ops".into());
        assert_eq!(file(&context, &args, &runbooks), Path::new("/home/ops/.local/state/oneex/journal.db"));
        context.variables.insert("XDG_STATE_HOME".into(), "/var/state".into());
        assert_eq!(file(&context, &args, &runbooks), Path::new("/var/state/oneex/journal.db"));
        std::fs::write(at("oneex.toml"), "").unwrap();
        assert_eq!(file(&context, &args, &runbooks), at(".oneex/journal.db"));
        assert_eq!(key_file(&context, &at(".oneex/journal.db")), Path::new("/var/state/oneex/journal.key"));
        context.variables.insert("ONEEX_JOURNAL_KEY_FILE".into(), "own.key".into());
        assert_eq!(key_file(&context, &at(".oneex/journal.db")), at("own.key"));
        let named = JournalArgs { journal: Some("other.db".into()) };
        assert_eq!(file(&context, &named, &runbooks), at("other.db"));
    }
}
