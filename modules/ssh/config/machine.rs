//! What a configuration may ask of the machine and the person that it is read for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What tokens, variables and conditions are answered from.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    /// The home folder (`%d`, `~`).
    pub home: Option<PathBuf>,
    /// The person's user name (`%u`).
    pub user: String,
    /// Their number (`%i`).
    pub uid: u32,
    /// The machine's name (`%l`).
    pub host_name: String,
    /// The environment (`${NAME}`).
    pub variables: Arc<BTreeMap<String, String>>,
}

impl Machine {
    /// The home folder of a user whom `~NAME` names, from passwd(5).
    pub(super) fn home_of(user: &str) -> Option<String> {
        let file = std::fs::read_to_string("/etc/passwd").ok()?;
        let mut lines = file.lines().map(|line| line.split(':'));
        lines.find_map(|mut fields| {
            (fields.next() == Some(user)).then(|| fields.nth(4).map(str::to_owned)).flatten()
        })
    }

    /// Replaces `~`, `~/…` and `~NAME/…` at the beginning. Fails with a message.
    pub(crate) fn expand_home(&self, path: &str) -> Result<String, String> {
        let Some(rest) = path.strip_prefix('~') else { return Ok(path.to_owned()) };
        let (user, below) = rest.split_once('/').unwrap_or((rest, ""));
        let home = match user {
            "" => self.home.as_ref().map(|home| home.display().to_string()),
            name => Self::home_of(name),
        };
        let home = home.ok_or_else(|| format!("the home folder that `~{user}` stands for is not known"))?;
        Ok(format!("{}/{}", home.trim_end_matches('/'), below.trim_start_matches('/')))
    }
}

/// Which files are read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum ConfigSource {
    /// None.
    #[default]
    None,
    /// `~/.ssh/config`, then the machine's file; each may be missing.
    Usual {
        /// The machine's file, as `/etc/ssh/ssh_config`; what it includes is looked for beside it.
        system: PathBuf,
    },
    /// This file alone, which must be there.
    File(PathBuf),
}
