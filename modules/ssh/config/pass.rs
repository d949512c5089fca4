//! What a configuration says of a host: one pass over its files, and a second where one is asked for.

use std::path::Path;
use std::sync::Arc;

use indexmap::IndexSet;

use super::address;
use super::canonical::{Names, canonical};
use super::condition::Asked;
use super::error::{ConfigError, Place};
use super::machine::{ConfigSource, Machine};
use super::options::{Canonicalize, Given, Options, Origin, Proxy};
use super::reader::{Mode, Reader, Unsupported};
use super::token::{NAME, Tokens, USER};

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) struct Request<'a> {
    /// The host, as a person would say it to ssh.
    pub(crate) original: &'a str,
    /// What is said before any file is read; what comes first wins.
    pub(crate) given: &'a [Given],
    /// Which files are read.
    pub(crate) source: &'a ConfigSource,
    /// For whom.
    pub(crate) machine: &'a Machine,
}

/// What is answered: values without defaults, tokens not expanded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Resolved {
    /// The host to connect to.
    pub(crate) host: String,
    /// The values.
    pub(crate) options: Options,
    /// What counts and is not supported.
    pub(crate) unsupported: Vec<Unsupported>,
}

impl Resolved {
    /// What tokens stand for, now that everything is known. Fails with a message where the user's name cannot
    /// be expanded.
    pub(crate) fn tokens(&self, original: &str, machine: &Machine) -> Result<Tokens, String> {
        let options = &self.options;
        let tokens = Tokens {
            host: self.host.clone(),
            original: original.to_owned(),
            alias: options
                .host_key_alias
                .as_ref()
                .map_or_else(|| original.to_owned(), |alias| alias.to_ascii_lowercase()),
            port: options.port.unwrap_or(22),
            user: String::new(),
            jump: options.last_jump(),
        };
        let user = match &options.user {
            Some(user) => tokens
                .expand(user, USER, machine, Some(&machine.variables))
                .map_err(|message| format!("`User`: {message}"))?,
            None => machine.user.clone(),
        };
        Ok(Tokens { user, ..tokens })
    }
}

/// Asks a configuration for a host.
pub(crate) fn resolve(request: Request<'_>, names: &dyn Names) -> Result<Resolved, ConfigError> {
    let Request { original, given, source, machine } = request;
    let place = Place { file: Arc::from(format!("host {original}")), line: 0 };
    let refused = |message: String| ConfigError::new(&place, message);
    let mut reader = Reader {
        asked: Asked { machine, original, is_final: false },
        host: original,
        options: Options::default(),
        wants_final: false,
        unsupported: IndexSet::new(),
    };
    for given in given {
        reader.given(given)?;
    }
    read(&mut reader, source, machine)?;

    let mut host = original.to_owned();
    if let Some(written) = &reader.options.host_name {
        let tokens = Tokens { host: host.clone(), ..Tokens::default() };
        host = tokens
            .expand(written, NAME, machine, None)
            .map_err(|message| refused(format!("`HostName`: {message}")))?;
        reader.options.host_name = Some(host.clone());
    }
    let is_address = address::looks_like_one(&host) || address::parse(&host).is_some();
    if !is_address {
        host.make_ascii_lowercase();
    }
    let canonicalizes = reader.options.canonicalize_host_name.unwrap_or_default() != Canonicalize::No;
    if canonicalizes || is_address {
        host = canonical(&host, &reader.options, names).map_err(refused)?;
    }
    if reader.wants_final || canonicalizes {
        reader.options.host_name = Some(host.clone());
        let mut second = Reader { asked: Asked { machine, original, is_final: true }, host: &host, ..reader };
        read(&mut second, source, machine)?;
        let Reader { options, unsupported, .. } = second;
        check_loop(&host, &options, machine).map_err(refused)?;
        return Ok(Resolved { host: host.clone(), options, unsupported: unsupported.into_iter().collect() });
    }
    let Reader { options, unsupported, .. } = reader;
    check_loop(&host, &options, machine).map_err(refused)?;
    Ok(Resolved { host, options, unsupported: unsupported.into_iter().collect() })
}

fn read(reader: &mut Reader<'_>, source: &ConfigSource, machine: &Machine) -> Result<(), ConfigError> {
    let mode = Mode { origin: Origin::User, beside: Path::new("/"), checked: false, never: false, depth: 0 };
    match source {
        ConfigSource::None => {}
        ConfigSource::File(path) => {
            if !reader.file(path, mode, true)? {
                let place = Place { file: Arc::from(path.display().to_string()), line: 0 };
                return Err(ConfigError::new(&place, "it cannot be read"));
            }
        }
        ConfigSource::Usual { system } => {
            if let Some(home) = &machine.home {
                reader.file(&home.join(".ssh/config"), Mode { checked: true, ..mode }, true)?;
            }
            let beside = system.parent().unwrap_or(Path::new("/"));
            reader.file(system, Mode { origin: Origin::System, beside, ..mode }, true)?;
        }
    }
    Ok(())
}

/// A host cannot be reached through itself.
fn check_loop(host: &str, options: &Options, machine: &Machine) -> Result<(), String> {
    let Some(Proxy::Jumps(jumps)) = options.way() else { return Ok(()) };
    let Some(last) = jumps.last() else { return Ok(()) };
    let user = options.user.as_ref().unwrap_or(&machine.user);
    let same_user = last.user.as_ref().unwrap_or(user) == user;
    let same_port = last.port.unwrap_or(22) == options.port.unwrap_or(22);
    if last.host == host && same_user && same_port {
        return Err(format!("`ProxyJump` goes through `{host}` to reach it"));
    }
    Ok(())
}
