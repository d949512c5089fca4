//! What SSH needs to know of its surroundings; the command line fills it.

use std::path::PathBuf;
use std::time::Duration;

use oneex_sdk::Secret;

use super::config::{ConfigSource, Machine};
use super::warnings::Warnings;
use crate::Entered;

/// What happens when a host's key is not known, as `StrictHostKeyChecking` in ssh_config(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StrictHostKeys {
    /// Unknown and changed keys are refused.
    #[default]
    Yes,
    /// An unknown key is added to the first known_hosts file; a changed one is refused.
    AcceptNew,
    /// Every key is accepted, except a revoked one. Anyone on the way can then read and change
    /// everything: for throw-away hosts only.
    No,
}

/// What a project says of its connections: the inventory comes before it, and ssh_config after it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectSettings {
    /// How long connecting and logging in may take, each.
    pub connect_timeout: Option<Duration>,
    /// Within which time it is noticed that a connection is dead; never where this is zero.
    pub keepalive: Option<Duration>,
    /// How long a host is tried again after the connection to it was lost; not at all where this is zero.
    pub reconnect: Option<Duration>,
    /// The user's files of known_hosts, in place of all others; new keys are added to the first.
    pub known_hosts: Vec<PathBuf>,
    /// What happens when a host's key is not known.
    pub strict: Option<StrictHostKeys>,
}

/// Settings of all SSH connections of a run.
#[derive(Debug, Clone)]
pub struct SshSettings {
    /// What ssh_config may ask of the machine and the person; theirs is the user where nothing names one.
    pub machine: Machine,
    /// Which ssh_config is read.
    pub config: ConfigSource,
    /// The project's user, where the inventory names none.
    pub user: Option<String>,
    /// What else the project says.
    pub project: ProjectSettings,
    /// Where warnings go.
    pub warnings: Warnings,
    /// Private keys that are tried where neither the inventory nor ssh_config names one; missing files are
    /// passed over.
    pub key_files: Vec<PathBuf>,
    /// What opens encrypted private keys.
    pub passphrase: Option<Secret<String>>,
    /// What a person enters where neither the inventory nor this has it.
    pub entered: Entered,
    /// The socket of the agent, where ssh_config names none.
    pub agent_socket: Option<PathBuf>,
    /// The user's files where ssh_config names none, in the format of sshd(8), `SSH_KNOWN_HOSTS FILE FORMAT`; missing ones are passed
    /// over. New keys are added to the first.
    pub known_hosts: Vec<PathBuf>,
    /// The machine's files where ssh_config names none.
    pub global_known_hosts: Vec<PathBuf>,
    /// What happens when a host's key is not known, where ssh_config does not say.
    pub strict: StrictHostKeys,
    /// How long connecting and logging in may take, each, where ssh_config does not say; 10 seconds.
    pub connect_timeout: Duration,
    /// Within which time it is noticed that a connection is dead, where ssh_config does not say; 30 seconds, never
    /// where this is zero.
    pub keepalive: Duration,
    /// How long a host is tried again after the connection to it was lost; 2 minutes, not at all where this is zero.
    pub reconnect: Duration,
    /// Commands at a time on one host, each in a shell of its own; 8, as sshd allows 10 sessions.
    pub shells: usize,
}

impl Default for SshSettings {
    fn default() -> Self {
        Self {
            machine: Machine::default(),
            config: ConfigSource::None,
            user: None,
            project: ProjectSettings::default(),
            warnings: Warnings::default(),
            key_files: Vec::new(),
            passphrase: None,
            entered: Entered::default(),
            agent_socket: None,
            known_hosts: Vec::new(),
            global_known_hosts: Vec::new(),
            strict: StrictHostKeys::default(),
            connect_timeout: Duration::from_secs(10),
            keepalive: Duration::from_secs(30),
            reconnect: Duration::from_secs(120),
            shells: 8,
        }
    }
}
