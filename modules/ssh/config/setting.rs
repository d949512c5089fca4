//! Takes the value of one keyword, unless an earlier one stands.

use super::jump;
use super::keyword::Keyword as K;
use super::line::Line;
use super::machine::Machine;
use super::options::{Canonicalize, Identity, Options, Origin, Proxy};
use super::token::{MOST, Tokens};
use super::value::Arguments;
use crate::ssh::host_settings::AddressFamily;
use crate::ssh::settings::StrictHostKeys;

/// What StrictHostKeyChecking may say; nobody is asked, so that `ask` is `yes`.
const STRICT: [(&str, StrictHostKeys); 7] = [
    ("yes", StrictHostKeys::Yes),
    ("ask", StrictHostKeys::Yes),
    ("accept-new", StrictHostKeys::AcceptNew),
    ("no", StrictHostKeys::No),
    ("off", StrictHostKeys::No),
    ("true", StrictHostKeys::Yes),
    ("false", StrictHostKeys::No),
];

/// Sets `slot` where the line counts and nothing was set.
fn first<T>(slot: &mut Option<T>, active: bool, value: T) {
    if active && slot.is_none() {
        *slot = Some(value);
    }
}

fn first_list(slot: &mut Vec<String>, active: bool, values: Vec<String>) {
    if active && slot.is_empty() {
        *slot = values;
    }
}

impl Options {
    /// Reads the line, and takes its value where it is `active`. Fails with a message.
    pub(super) fn set(
        &mut self,
        keyword: K,
        line: &Line,
        active: bool,
        origin: Origin,
        machine: &Machine,
    ) -> Result<(), String> {
        let arguments = &mut Arguments::new(&line.arguments);
        match keyword {
            K::ProxyCommand => {
                let command = line.rest.trim_start_matches([' ', '\t', '\r', '\n', '=']);
                // After `ProxyJump none` it still has its say.
                let free = self.proxy.as_ref().is_none_or(|proxy| *proxy == Proxy::Jumps(Vec::new()));
                if active && free {
                    self.proxy = Some(Proxy::Command(command.to_owned()));
                }
                return Ok(());
            }
            K::ProxyJump => {
                let written = line.rest.trim_start_matches([' ', '\t', '\r', '\n', '=']);
                let jumps =
                    jump::parse(written).map_err(|part| format!("`{part}` is no `[user@]host[:port]`"))?;
                first(&mut self.proxy, active, Proxy::Jumps(jumps));
                return Ok(());
            }
            K::IdentityFile => {
                let path = arguments.text()?;
                if active {
                    has_room(&self.identity_files)?;
                    Self::add(&mut self.identity_files, path, origin);
                }
            }
            K::CertificateFile => {
                let path = arguments.text()?;
                if active {
                    has_room(&self.certificate_files)?;
                    Self::add(&mut self.certificate_files, path, origin);
                }
            }
            K::GlobalKnownHostsFile => {
                first_list(&mut self.global_known_hosts_files, active, arguments.list()?)
            }
            K::UserKnownHostsFile => first_list(&mut self.user_known_hosts_files, active, arguments.list()?),
            K::CanonicalDomains => {
                let domains = arguments.list()?;
                if let Some(wrong) = domains.iter().find(|domain| !is_domain(domain)) {
                    return Err(format!("`{wrong}` is no domain"));
                }
                let lower = domains.iter().map(|domain| domain.trim_end_matches('.').to_ascii_lowercase());
                first_list(&mut self.canonical_domains, active, lower.collect());
            }
            K::IdentityAgent => {
                let socket = arguments.text()?;
                check_agent(socket, machine)?;
                first(&mut self.identity_agent, active, socket.to_owned());
            }
            K::ConnectTimeout => {
                if let Some(time) = arguments.time()? {
                    first(&mut self.connect_timeout, active, time);
                }
            }
            K::ServerAliveInterval => {
                if let Some(time) = arguments.time()? {
                    first(&mut self.server_alive_interval, active, time);
                }
            }
            K::AddressFamily => {
                let families = [
                    ("any", AddressFamily::Any),
                    ("inet", AddressFamily::Inet),
                    ("inet6", AddressFamily::Inet6),
                ];
                first(&mut self.address_family, active, arguments.word(&families)?);
            }
            K::CanonicalizeHostname => {
                let words = [
                    ("yes", Canonicalize::Yes),
                    ("no", Canonicalize::No),
                    ("always", Canonicalize::Always),
                    ("true", Canonicalize::Yes),
                    ("false", Canonicalize::No),
                ];
                first(&mut self.canonicalize_host_name, active, arguments.word(&words)?);
            }
            K::PubkeyAuthentication => {
                let words = [
                    ("yes", true),
                    ("no", false),
                    ("unbound", true),
                    ("host-bound", true),
                    ("true", true),
                    ("false", false),
                ];
                first(&mut self.publickey, active, arguments.word(&words)?);
            }
            K::Compression => {
                first(&mut self.compression, active, arguments.word(&[("yes", true), ("no", false)])?)
            }
            K::StrictHostKeyChecking => first(&mut self.strict, active, arguments.word(&STRICT)?),
            K::CanonicalizeFallbackLocal => {
                first(&mut self.canonicalize_fallback_local, active, arguments.flag()?)
            }
            K::CheckHostIp => first(&mut self.check_host_ip, active, arguments.flag()?),
            K::HashKnownHosts => first(&mut self.hash_known_hosts, active, arguments.flag()?),
            K::IdentitiesOnly => first(&mut self.identities_only, active, arguments.flag()?),
            K::KbdInteractiveAuthentication => {
                first(&mut self.keyboard_interactive, active, arguments.flag()?)
            }
            K::PasswordAuthentication => first(&mut self.password, active, arguments.flag()?),
            K::CanonicalizeMaxDots => first(&mut self.canonicalize_max_dots, active, arguments.number()?),
            K::NumberOfPasswordPrompts => first(&mut self.password_prompts, active, arguments.number()?),
            K::ServerAliveCountMax => first(&mut self.server_alive_count, active, arguments.number()?),
            K::Port => first(&mut self.port, active, arguments.port()?),
            K::BindAddress => first(&mut self.bind_address, active, arguments.text()?.to_owned()),
            K::Ciphers => first(&mut self.ciphers, active, arguments.text()?.to_owned()),
            K::HostKeyAlgorithms => {
                first(&mut self.host_key_algorithms, active, arguments.text()?.to_owned())
            }
            K::HostKeyAlias => first(&mut self.host_key_alias, active, arguments.text()?.to_owned()),
            K::HostName => first(&mut self.host_name, active, arguments.text()?.to_owned()),
            K::IgnoreUnknown => first(&mut self.ignore_unknown, active, arguments.text()?.to_owned()),
            K::KexAlgorithms => first(&mut self.kex_algorithms, active, arguments.text()?.to_owned()),
            K::Macs => first(&mut self.macs, active, arguments.text()?.to_owned()),
            K::PreferredAuthentications => {
                first(&mut self.preferred_authentications, active, arguments.text()?.to_owned())
            }
            K::Tag => first(&mut self.tag, active, arguments.text()?.to_owned()),
            K::User => first(&mut self.user, active, arguments.text()?.to_owned()),
            // What decides which lines count is the reader's.
            K::Host | K::Include | K::Match => {}
        }
        arguments.end()
    }
}

/// `IdentityAgent` may name a variable in two ways, and both are looked at where it is written.
fn check_agent(socket: &str, machine: &Machine) -> Result<(), String> {
    // Only variables: a token is expanded when everything is known.
    let escaped = socket.replace('%', "%%");
    Tokens::default().expand(&escaped, MOST, machine, Some(&machine.variables))?;
    let name = socket.strip_prefix('$').filter(|name| !name.starts_with('{'));
    let valid = |name: &str| {
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    match name {
        Some(name) if !valid(name) => Err(format!("`${name}` is no variable")),
        _ => Ok(()),
    }
}

/// As many files as ssh takes (`SSH_MAX_IDENTITY_FILES`).
const MOST_FILES: usize = 100;

fn has_room(files: &[Identity]) -> Result<(), String> {
    match files.len() < MOST_FILES {
        true => Ok(()),
        false => Err(format!("there are more than {MOST_FILES}")),
    }
}

fn is_domain(name: &str) -> bool {
    let valid = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    name.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && name.chars().all(valid)
        && !name.contains("..")
}
