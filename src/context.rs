//! What the commands know of the world: folder, environment, home, streams, verbosity.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use oneex_modules::Entered;

use crate::commands::GlobalArgs;
use crate::error::CommandError;
use crate::log::{self, Log};
use crate::signals::Signals;
use crate::term::{Colors, Output};

/// The file at a project's root.
pub(crate) const PROJECT_FILE: &str = "oneex.toml";

/// How much is said, from `--quiet` (-1) to `-vvv` (3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Verbosity(pub(crate) i8);

impl Verbosity {
    /// Failures and the last line only.
    pub(crate) const QUIET: Self = Self(-1);
    /// What is unchanged, what begins, and what commands write while they run.
    pub(crate) const STEPS: Self = Self(1);
    /// Arguments and results of operations.
    pub(crate) const DETAILS: Self = Self(2);
    /// The program's own log.
    pub(crate) const LOG: Self = Self(3);
}

/// What the commands know of the world.
pub(crate) struct Context {
    /// The current folder.
    pub(crate) cwd: PathBuf,
    /// The environment; variables that are not UTF-8 are left out.
    pub(crate) variables: BTreeMap<String, String>,
    /// The home folder.
    pub(crate) home: Option<PathBuf>,
    /// Where the product goes.
    pub(crate) stdout: Output,
    /// Where diagnostics and warnings go.
    pub(crate) stderr: Output,
    /// The program's own log, on the same stream.
    pub(crate) log: Log,
    /// Who hears Ctrl-C and its kin.
    pub(crate) signals: Signals,
    /// How much is said.
    pub(crate) verbosity: Verbosity,
    /// True when a person can be asked: standard input and standard error are terminals.
    pub(crate) interactive: bool,
    /// The number of the user that the program runs as.
    pub(crate) uid: u32,
    /// What the person enters while the program runs.
    pub(crate) entered: Entered,
}

impl Context {
    /// Reads it from the process.
    pub(crate) fn from_process(args: &GlobalArgs) -> Result<Self, CommandError> {
        let variables: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let colors = Colors::new(args.color, |name| variables.get(name).cloned());
        let cwd = std::env::current_dir()
            .map_err(|error| CommandError::usage(format!("the current folder cannot be read: {error}")))?;
        let stderr = Output::stderr(colors);
        let signals = Signals::listen()
            .map_err(|error| CommandError::failed(format!("signals cannot be heard: {error}")))?;
        Ok(Self {
            cwd,
            log: Log::new(stderr.clone()),
            home: std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
            variables,
            stdout: Output::stdout(colors),
            stderr,
            signals,
            verbosity: args.verbosity(),
            interactive: std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
            uid: rustix::process::getuid().as_raw(),
            entered: Entered::default(),
        })
    }

    /// The same from another folder.
    pub(crate) fn within(&self, folder: &Path) -> Self {
        Self {
            cwd: folder.to_owned(),
            variables: self.variables.clone(),
            home: self.home.clone(),
            stdout: self.stdout.clone(),
            stderr: self.stderr.clone(),
            log: self.log.clone(),
            signals: self.signals.clone(),
            entered: self.entered.clone(),
            ..*self
        }
    }

    /// Starts the program's own log on standard error: at `-vvv`, or as `ONEEX_LOG` says in the
    /// syntax of `tracing-subscriber`'s `EnvFilter`.
    pub(crate) fn start_log(&self) {
        let filter = match self.variables.get("ONEEX_LOG") {
            Some(filter) => filter.as_str(),
            None if self.verbosity >= Verbosity::LOG => log::OWN,
            None => return,
        };
        self.log.start(filter);
    }

    /// Says whether the program's own log is written.
    pub(crate) fn logs(&self) -> bool {
        self.verbosity >= Verbosity::LOG || self.variables.contains_key("ONEEX_LOG")
    }

    /// The person's name: as the environment has it, else as passwd(5) does. A job of a CI or of
    /// cron(8) often has no such variable.
    pub(crate) fn user(&self) -> Option<String> {
        let mut names = ["USER", "LOGNAME"].into_iter().filter_map(|name| self.variables.get(name));
        let name = names.find(|name| !name.is_empty()).cloned();
        name.or_else(|| name_of(&std::fs::read_to_string("/etc/passwd").ok()?, self.uid))
    }

    /// The project's root: the nearest folder at or above `start` that has an `oneex.toml`.
    pub(crate) fn project_above(start: &Path) -> Option<PathBuf> {
        start.ancestors().find(|folder| folder.join(PROJECT_FILE).is_file()).map(Path::to_path_buf)
    }

    /// A path as people write it, from the current folder where it is below that.
    pub(crate) fn shown(&self, path: &Path) -> String {
        let shown = path.strip_prefix(&self.cwd).unwrap_or(path);
        oneex_sdk::visible(&shown.to_string_lossy()).into_owned()
    }
}

/// The name of the user with this number in the text of a passwd(5) file.
fn name_of(passwd: &str, uid: u32) -> Option<String> {
    let lines = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut names = lines.filter_map(|fields| match fields.as_slice() {
        [name, _, number, ..] if number.parse() == Ok(uid) && !name.is_empty() => Some((*name).to_owned()),
        _ => None,
    });
    names.next()
}

#[cfg(test)]
impl Context {
    /// A context for tests, with what is written to standard output.
    pub(crate) fn for_test(cwd: &Path) -> (Self, crate::term::capture::Captured) {
        let (stdout, captured) = crate::term::capture::output(false);
        let context = Self {
            cwd: cwd.to_path_buf(),
            variables: BTreeMap::new(),
            home: None,
            stdout,
            stderr: crate::term::capture::output(false).0,
            log: Log::new(crate::term::capture::output(false).0),
            signals: Signals::default(),
            verbosity: Verbosity::default(),
            interactive: false,
            uid: u32::MAX,
            entered: Entered::default(),
        };
        (context, captured)
    }
}

#[cfg(test)]
mod tests {
    use super::{Context, name_of};

    #[test]
    fn a_person_is_known_without_variables() {
        let (mut context, _) = Context::for_test("/".as_ref());
        assert_eq!(context.user(), None, "nobody has that number");
        context.uid = 0;
        assert_eq!(context.user().as_deref(), Some("root"));
        context.variables.insert("LOGNAME".into(), "ada".into());
        context.variables.insert("USER".into(), String::new());
        assert_eq!(context.user().as_deref(), Some("ada"));
        let passwd =
            "# comment\nbroken\n:x:7::\nops:x:1000:1000::/home/ops:/bin/sh\nalso:x:1000:1000::/:/bin/sh\n";
        assert_eq!(name_of(passwd, 1000).as_deref(), Some("ops"));
        assert_eq!(name_of(passwd, 7), None);
    }

    #[test]
    fn the_project_is_the_nearest_folder_above_with_a_project_file() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(folder.path().join("a/oneex.toml"), "").unwrap();
        assert_eq!(Context::project_above(&inner), Some(folder.path().join("a")));
        assert_eq!(Context::project_above(&folder.path().join("a")), Some(folder.path().join("a")));
    }

    #[test]
    fn paths_below_the_current_folder_are_shown_from_there() {
        let (context, _) = Context::for_test(std::path::Path::new("/srv/site"));
        assert_eq!(context.shown("/srv/site/runbooks/a.rhai".as_ref()), "runbooks/a.rhai");
        assert_eq!(context.shown("/etc/x".as_ref()), "/etc/x");
    }
}
