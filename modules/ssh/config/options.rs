//! What a configuration says of one host so far: for most keywords the first value that was met.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::ssh::host_settings::{AddressFamily, Jump};
use crate::ssh::settings::StrictHostKeys;

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The inventory, in a variable of its own.
    Inventory,
    /// The person: their file, or arguments.
    User,
    /// The machine's file.
    System,
}

/// A file that stands in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// As it is written.
    pub(crate) path: String,
    /// Who named it.
    pub(crate) origin: Origin,
}

/// `CanonicalizeHostname`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Canonicalize {
    #[default]
    No,
    /// Where nothing is gone through.
    Yes,
    Always,
}

/// `ProxyCommand` and `ProxyJump`, of which the first that is met wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proxy {
    /// `ProxyCommand`, as it is written; `none` too.
    Command(String),
    /// `ProxyJump`; empty for `none`, which leaves a `ProxyCommand` after it its say.
    Jumps(Vec<Jump>),
}

/// Values as they are written; what no line set is none or empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Options {
    pub(crate) address_family: Option<AddressFamily>,
    pub(crate) bind_address: Option<String>,
    pub(crate) canonical_domains: Vec<String>,
    pub(crate) canonicalize_fallback_local: Option<bool>,
    pub(crate) canonicalize_host_name: Option<Canonicalize>,
    pub(crate) canonicalize_max_dots: Option<u32>,
    pub(crate) certificate_files: Vec<Identity>,
    pub(crate) check_host_ip: Option<bool>,
    pub(crate) ciphers: Option<String>,
    pub(crate) compression: Option<bool>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) global_known_hosts_files: Vec<String>,
    pub(crate) hash_known_hosts: Option<bool>,
    pub(crate) host_key_algorithms: Option<String>,
    pub(crate) host_key_alias: Option<String>,
    pub(crate) host_name: Option<String>,
    pub(crate) identities_only: Option<bool>,
    pub(crate) identity_agent: Option<String>,
    pub(crate) identity_files: Vec<Identity>,
    pub(crate) ignore_unknown: Option<String>,
    pub(crate) keyboard_interactive: Option<bool>,
    pub(crate) kex_algorithms: Option<String>,
    pub(crate) macs: Option<String>,
    pub(crate) password_prompts: Option<u32>,
    pub(crate) password: Option<bool>,
    pub(crate) port: Option<u16>,
    pub(crate) preferred_authentications: Option<String>,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) publickey: Option<bool>,
    pub(crate) server_alive_count: Option<u32>,
    pub(crate) server_alive_interval: Option<Duration>,
    pub(crate) strict: Option<StrictHostKeys>,
    pub(crate) tag: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) user_known_hosts_files: Vec<String>,
}

impl Options {
    /// Adds a file that is not in the list yet.
    pub(super) fn add(list: &mut Vec<Identity>, path: &str, origin: Origin) {
        let identity = Identity { path: path.to_owned(), origin };
        if !list.contains(&identity) {
            list.push(identity);
        }
    }

    /// What is gone through, if anything is.
    pub(crate) fn way(&self) -> Option<&Proxy> {
        self.proxy.as_ref().filter(|proxy| match proxy {
            Proxy::Command(command) => !command.eq_ignore_ascii_case("none"),
            Proxy::Jumps(jumps) => !jumps.is_empty(),
        })
    }

    /// The last host that is gone through (`%j`), or nothing.
    pub(super) fn last_jump(&self) -> String {
        match self.way() {
            Some(Proxy::Jumps(jumps)) => jumps.last().map(|jump| jump.host.clone()).unwrap_or_default(),
            _ => String::new(),
        }
    }
}

/// What is said before any file is read, as if on ssh's command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Given {
    /// `keyword=value`, as `-o` takes it.
    Line {
        /// As it is written.
        line: String,
        /// What it stands in.
        origin: Arc<str>,
    },
    /// `-p`.
    Port(u16),
    /// `-l`.
    User(String),
    /// `-i`.
    Identity(String),
    /// `ConnectTimeout`, to the millisecond.
    ConnectTimeout(Duration),
    /// `StrictHostKeyChecking`.
    Strict(StrictHostKeys),
    /// `UserKnownHostsFile`; what stands in paths is no token.
    KnownHosts(Vec<PathBuf>),
    /// Within which time it is noticed that a connection is dead: `ServerAliveInterval` and
    /// `ServerAliveCountMax` in one.
    NoticedWithin(Duration),
}

impl Given {
    /// Messages that stay without an answer until a connection counts as dead.
    const MESSAGES: u32 = 3;

    /// Takes the value, unless an earlier one stands. A line is the reader's.
    pub(super) fn set(&self, options: &mut Options) {
        match self {
            Self::Line { .. } => {}
            Self::Port(port) => drop(options.port.get_or_insert(*port)),
            Self::User(user) => drop(options.user.get_or_insert_with(|| user.clone())),
            Self::Identity(path) => Options::add(&mut options.identity_files, path, Origin::Inventory),
            Self::ConnectTimeout(limit) => drop(options.connect_timeout.get_or_insert(*limit)),
            Self::Strict(strict) => drop(options.strict.get_or_insert(*strict)),
            Self::KnownHosts(files) => {
                if options.user_known_hosts_files.is_empty() {
                    let literal = |file: &PathBuf| file.display().to_string().replace('%', "%%");
                    options.user_known_hosts_files = files.iter().map(literal).collect();
                }
            }
            Self::NoticedWithin(time) => {
                if options.server_alive_interval.is_none() {
                    options.server_alive_interval = Some(*time / Self::MESSAGES);
                    options.server_alive_count.get_or_insert(Self::MESSAGES);
                }
            }
        }
    }
}
