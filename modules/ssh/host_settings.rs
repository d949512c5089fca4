//! How one host is reached, once the inventory, ssh_config(5) and the defaults have been asked.
//!
//! Whoever opens a connection reads this and nothing else, so that a host of the inventory and a jump
//! host on the way to one are the same to it.

use std::path::PathBuf;
use std::time::Duration;

use oneex_sdk::Secret;

use super::config::ConfigSource;
use super::settings::StrictHostKeys;

/// Everything that one connection needs to know.
#[derive(Debug, Clone, Default)]
pub struct HostSettings {
    /// The name for messages: the inventory's, or what a jump is written as.
    pub name: String,
    /// The name that ssh_config was asked for (`%n`).
    pub original: String,
    /// Name or address to connect to (`%h`), or what the way's last part is asked to connect to.
    pub host_name: String,
    /// The port (`%p`).
    pub port: u16,
    /// The user on the host (`%r`).
    pub user: String,
    /// Where hosts on the way are looked up: where this one was.
    pub config: ConfigSource,
    /// What the connection goes through.
    pub way: Way,
    /// How the user logs in.
    pub login: Login,
    /// What the host's key is judged by.
    pub host_key: HostKeySettings,
    /// What may be used on the wire.
    pub algorithms: Algorithms,
    /// What goes over the wire is compressed.
    pub compression: bool,
    /// The kind of address that is connected to.
    pub address_family: AddressFamily,
    /// The local address that the connection comes from.
    pub bind_address: Option<String>,
    /// How long connecting and logging in may take, each.
    pub connect_timeout: Duration,
    /// How long a connection may be silent before a message keeps it alive; never where this is zero.
    pub keepalive: Duration,
    /// How many such messages may stay without an answer, see [`HostSettings::patience`].
    pub keepalive_count: u32,
    /// How long the host is tried again where the connection is lost; not at all where this is zero.
    pub reconnect: Duration,
    /// Commands at a time on the host, each in a shell of its own.
    pub shells: usize,
}

/// The shortest time in which silence means something: libssh2 leaves two seconds between messages, and an answer has
/// as long.
const LEAST_PATIENCE: Duration = Duration::from_secs(4);

impl HostSettings {
    /// How long the host may be silent until the connection counts as dead: as many intervals as there are messages,
    /// two where there is one, as it has an interval for its answer; for ever where this is zero.
    pub(super) fn patience(&self) -> Duration {
        match self.keepalive_count {
            0 => Duration::ZERO,
            _ if self.keepalive.is_zero() => Duration::ZERO,
            count => self.keepalive.saturating_mul(count.max(2)).max(LEAST_PATIENCE),
        }
    }
}

/// What a connection goes through, as `ProxyJump` and `ProxyCommand` say; whichever is found first wins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Way {
    /// A socket of this machine.
    #[default]
    Direct,
    /// Standard input and output of this command, which a shell runs with `exec` before it; its tokens are
    /// expanded.
    Command(String),
    /// Other hosts, the nearest to this machine first; there is at least one.
    Jumps(Vec<Jump>),
}

/// A host on the way to another, `[user@]host[:port]` or `ssh://[user@]host[:port]`.
///
/// It is looked up in ssh_config by its name, as every other host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Jump {
    /// The user, where one is written.
    pub user: Option<String>,
    /// The name, as ssh_config is asked for it.
    pub host: String,
    /// The port, where one is written.
    pub port: Option<u16>,
}

/// How the user logs in.
#[derive(Debug, Clone)]
pub struct Login {
    /// Private keys in the order in which they are tried.
    pub identity_files: Vec<IdentityFile>,
    /// Certificates for those keys, where they are not beside them as `KEY-cert.pub`.
    pub certificate_files: Vec<PathBuf>,
    /// Of the agent, only keys that are among the files are used.
    pub identities_only: bool,
    /// The socket of the agent; none is asked where this is left out.
    pub agent: Option<PathBuf>,
    /// What opens encrypted private keys.
    pub passphrase: Option<Secret<String>>,
    /// The password, also for questions of keyboard-interactive.
    pub password: Option<Secret<String>>,
    /// `PubkeyAuthentication`: keys may be used.
    pub publickey: bool,
    /// `PasswordAuthentication`: the password may be sent.
    pub password_allowed: bool,
    /// `KbdInteractiveAuthentication`: questions may be answered.
    pub keyboard_interactive: bool,
    /// `PreferredAuthentications`: methods by their names in the protocol, in the order in which they are
    /// tried; no other is. Empty where nothing is preferred.
    pub preferred: Vec<String>,
    /// `NumberOfPasswordPrompts`: how often a password may be tried.
    pub password_prompts: u32,
}

impl Default for Login {
    fn default() -> Self {
        Self {
            identity_files: Vec::new(),
            certificate_files: Vec::new(),
            identities_only: false,
            agent: None,
            passphrase: None,
            password: None,
            publickey: true,
            password_allowed: true,
            keyboard_interactive: true,
            preferred: Vec::new(),
            password_prompts: 3,
        }
    }
}

/// A private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityFile {
    /// Where it is.
    pub path: PathBuf,
    /// The inventory chose it: that it cannot be used is an error, and other keys come after it.
    pub named: bool,
}

/// What the host's key is judged by.
#[derive(Debug, Clone, Default)]
pub struct HostKeySettings {
    /// Keys that the inventory knows, each `TYPE BASE64`.
    pub known: Vec<String>,
    /// The user's files in the format of sshd(8), `SSH_KNOWN_HOSTS FILE FORMAT`; missing ones are passed
    /// over. New keys are added to the first.
    pub user_files: Vec<PathBuf>,
    /// The machine's files.
    pub global_files: Vec<PathBuf>,
    /// The name to look for instead of the host's; its port does not count then.
    pub alias: Option<String>,
    /// What happens when a host's key is not known.
    pub strict: StrictHostKeys,
    /// Names in new lines are hashed.
    pub hash: bool,
    /// The key is looked for under the host's address too, and one that differs is refused.
    pub check_address: bool,
}

/// Names of algorithms in order of preference. An empty list is the default of oneex.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Algorithms {
    /// Key exchange.
    pub kex: Vec<String>,
    /// Types of the host's key.
    pub host_key: Vec<String>,
    /// Ciphers.
    pub ciphers: Vec<String>,
    /// Message authentication codes.
    pub macs: Vec<String>,
}

/// The kind of address that is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddressFamily {
    /// Whatever the name has.
    #[default]
    Any,
    /// IPv4 only.
    Inet,
    /// IPv6 only.
    Inet6,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::HostSettings;

    #[test]
    fn silence_is_borne_until_the_last_message_could_have_been_answered() {
        for (millis, count, patience) in [
            (10_000, 3, 30_000),
            (15_000, 2, 30_000),
            (15_000, 1, 30_000),
            (1_000, 1, 4_000),
            (1_000, 3, 4_000),
            (100, 3, 4_000),
            (1_000, 5, 5_000),
            (0, 3, 0),
            (10_000, 0, 0),
        ] {
            let keepalive = Duration::from_millis(millis);
            let host = HostSettings { keepalive, keepalive_count: count, ..HostSettings::default() };
            assert_eq!(host.patience(), Duration::from_millis(patience), "{millis} ms, {count}");
        }
    }
}
