//! Which lock a command takes, from its flags and the project file.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use oneex_engine::lock::LockStore;
use oneex_sdk::SecretSink;

use super::{LockKind, store};
use crate::commands::inputs::LockArgs;
use crate::config::LockTable;
use crate::context::Context;
use crate::error::CommandError;

/// Which lock a run takes.
pub(crate) struct Locking {
    /// Where it is.
    pub(crate) store: Arc<dyn LockStore>,
    /// True where only its hosts are the run's, not all of the environment.
    pub(crate) only_hosts: bool,
    /// How long the run waits for it.
    pub(crate) wait: Duration,
}

impl Locking {
    /// What the flags say, then the project file, then `usual`. Without a project there is nothing that two runs
    /// could share, and no lock unless one is asked for.
    pub(crate) fn choose(
        context: &Context,
        folder: &Path,
        args: &LockArgs,
        (table, secrets): (&LockTable, &dyn SecretSink),
        usual: LockKind,
    ) -> Result<Option<Self>, CommandError> {
        let kind = args.lock.or(table.scope).unwrap_or(usual);
        if kind == LockKind::None {
            return Ok(None);
        }
        let wait = args.lock_wait.or(table.wait).unwrap_or_default();
        match store(context, folder, table, secrets)? {
            Some(store) => Ok(Some(Self { store, only_hosts: kind == LockKind::Hosts, wait })),
            None if args.lock.is_some() => {
                Err(CommandError::usage("`--lock` needs a project, which keeps its locks, and there is none")
                    .hint("`oneex new` makes one; an empty `oneex.toml` is enough"))
            }
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use oneex_engine::redact::Redactor;

    use super::Locking;
    use crate::commands::inputs::LockArgs;
    use crate::config::LockTable;
    use crate::context::Context;
    use crate::locks::LockKind;

    #[test]
    fn the_flag_beats_the_file_and_that_beats_what_is_usual() {
        use LockKind::{Environment, Hosts, None as Nothing};
        let second = Duration::from_secs;
        let folder = tempfile::tempdir().unwrap();
        let (context, _) = Context::for_test(folder.path());
        let choose = |args: (Option<LockKind>, Option<u64>), table: (Option<LockKind>, Option<u64>)| {
            let args = LockArgs { lock: args.0, lock_wait: args.1.map(second) };
            let table = LockTable { scope: table.0, wait: table.1.map(second), shared: None };
            let secrets = Redactor::default();
            let chosen = Locking::choose(&context, folder.path(), &args, (&table, &secrets), Environment);
            chosen.map(|locking| locking.map(|locking| (locking.only_hosts, locking.wait.as_secs())))
        };
        assert_eq!(choose((None, None), (None, None)).unwrap(), None, "there is no project");
        assert!(choose((Some(Hosts), None), (None, None)).is_err());
        std::fs::write(folder.path().join("oneex.toml"), "").unwrap();
        for (args, table, expected) in [
            ((None, None), (None, None), Some((false, 0))),
            ((None, None), (Some(Hosts), Some(7)), Some((true, 7))),
            ((Some(Environment), Some(0)), (Some(Hosts), Some(7)), Some((false, 0))),
            ((Some(Nothing), Some(3)), (Some(Hosts), None), None),
            ((None, Some(3)), (Some(Nothing), None), None),
            ((Some(Hosts), Some(3)), (Some(Nothing), None), Some((true, 3))),
        ] {
            assert_eq!(choose(args, table).unwrap(), expected, "{args:?} {table:?}");
        }
        assert!(!folder.path().join(".oneex").exists(), "choosing takes nothing");
    }
}
