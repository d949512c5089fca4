//! From the inventory's word on a host, ssh_config(5) and the settings of the run, in this order, to
//! everything that a connection needs.

use std::path::PathBuf;

use oneex_sdk::{OpError, OpResult, Target};
use ssh2::{MethodType, Session};

use super::SshSettings;
use super::arguments::SshArguments;
use super::config::{
    self, ConfigError, ConfigSource, Given, Machine, Options, Origin, PROXY, Proxy, Request, Resolved,
    SystemNames, Tokens,
};
use super::host_settings::{Algorithms, HostKeySettings, HostSettings, IdentityFile, Jump, Login, Way};
use super::settings::StrictHostKeys;
use super::variables::Variables;

/// What libssh2 lists among the key exchanges, and offers by itself.
const EXTENSIONS: [&str; 2] = ["ext-info-c", "kex-strict-c-v00@openssh.com"];
/// Messages that stay without an answer until a connection counts as dead, `ServerAliveCountMax` in ssh_config(5).
const KEEPALIVES: u32 = 3;

/// Says how a host of the inventory is reached. May read files, run commands that `Match exec` names and ask
/// for names of hosts, so that it blocks. Fails with `invalid` for a configuration that is wrong, and where no
/// user is known.
pub(super) fn resolve(settings: &SshSettings, target: &Target) -> OpResult<HostSettings> {
    let arguments = SshArguments::read(target, &settings.machine)?;
    let variables = Variables::read(target)?;
    for ignored in arguments.ignored.iter().chain(&variables.ignored) {
        settings.warnings.once(&format!("{ignored} has no effect"));
    }
    let mut given = arguments.before;
    given.extend(target.port.map(Given::Port));
    given.extend(target.user.clone().or_else(|| settings.user.clone()).map(Given::User));
    let key = target.private_key_file.as_ref();
    given.extend(key.map(|path| Given::Identity(path.display().to_string())));
    given.extend(variables.given);
    given.extend(arguments.after);
    let original = target.address.as_ref().unwrap_or(&target.name);
    let source = arguments.source.as_ref().unwrap_or(&settings.config);
    let mut host = ask(settings, &target.name, original, &given, source)?;
    host.host_key.known.clone_from(&target.host_keys);
    host.login.password = target.password.as_ref().or(settings.entered.login_password()).cloned();
    if variables.passphrase.is_some() {
        host.login.passphrase = variables.passphrase;
    }
    Ok(host)
}

/// Says how a host on the way to another is reached: nothing of the inventory counts for it. Blocks and fails
/// as [`resolve`].
pub(super) fn resolve_jump(
    settings: &SshSettings,
    jump: &Jump,
    source: &ConfigSource,
) -> OpResult<HostSettings> {
    let port = jump.port.map(Given::Port);
    let given: Vec<Given> = port.into_iter().chain(jump.user.clone().map(Given::User)).collect();
    ask(settings, &jump.host, &jump.host, &given, source)
}

fn ask(
    settings: &SshSettings,
    name: &str,
    original: &str,
    given: &[Given],
    source: &ConfigSource,
) -> OpResult<HostSettings> {
    let machine = &settings.machine;
    let project = settings.project.clone();
    let mut given = given.to_vec();
    given.extend(project.connect_timeout.map(Given::ConnectTimeout));
    given.extend(project.keepalive.map(Given::NoticedWithin));
    given.extend((!project.known_hosts.is_empty()).then_some(Given::KnownHosts(project.known_hosts)));
    given.extend(project.strict.map(Given::Strict));
    let request = Request { original, given: &given, source, machine };
    let resolved = config::resolve(request, &SystemNames).map_err(refused)?;
    warn(settings, name, &resolved);
    let wrong = |message: String| OpError::invalid(format!("the SSH configuration of `{name}`: {message}"));
    let tokens = resolved.tokens(original, machine).map_err(wrong)?;
    if tokens.user.is_empty() {
        return Err(OpError::invalid(format!("no user is set for `{name}`")).hint("set `ansible_user`"));
    }
    let expanded = Expanded { settings, tokens: &tokens, machine };
    let options = &resolved.options;
    Ok(HostSettings {
        name: name.to_owned(),
        original: original.to_owned(),
        port: tokens.port,
        user: tokens.user.clone(),
        config: source.clone(),
        way: expanded.way(options).map_err(wrong)?,
        login: expanded.login(options).map_err(wrong)?,
        host_key: expanded.host_key(options).map_err(wrong)?,
        algorithms: algorithms(options)?,
        compression: options.compression.unwrap_or(false),
        address_family: options.address_family.unwrap_or_default(),
        bind_address: options.bind_address.clone(),
        // To wait for ever is no choice here: 0 is the default.
        connect_timeout: options
            .connect_timeout
            .filter(|limit| !limit.is_zero())
            .unwrap_or(settings.connect_timeout),
        // Of three messages, the last is sent when there is time enough for its answer.
        keepalive: options.server_alive_interval.unwrap_or(settings.keepalive / KEEPALIVES),
        keepalive_count: options.server_alive_count.unwrap_or(KEEPALIVES),
        reconnect: settings.project.reconnect.unwrap_or(settings.reconnect),
        shells: settings.shells,
        host_name: resolved.host,
    })
}

fn refused(error: ConfigError) -> OpError {
    let refused = OpError::invalid(error.to_string());
    match error.hint {
        Some(hint) => refused.hint(hint),
        None => refused,
    }
}

/// The lists that are chosen, of what libssh2 has. Fails with `invalid` where nothing is left of one.
fn algorithms(options: &Options) -> OpResult<Algorithms> {
    let mut algorithms = Algorithms::default();
    let lists = [
        ("KexAlgorithms", &options.kex_algorithms, MethodType::Kex, &mut algorithms.kex),
        ("HostKeyAlgorithms", &options.host_key_algorithms, MethodType::HostKey, &mut algorithms.host_key),
        ("Ciphers", &options.ciphers, MethodType::CryptCs, &mut algorithms.ciphers),
        ("MACs", &options.macs, MethodType::MacCs, &mut algorithms.macs),
    ];
    for (keyword, written, method, list) in lists {
        let Some(written) = written else { continue };
        let failed =
            |error: ssh2::Error| OpError::failed(format!("libssh2 does not start: {}", error.message()));
        let all = Session::new().and_then(|session| session.supported_algs(method)).map_err(failed)?;
        let all: Vec<&str> = all.into_iter().filter(|name| !EXTENSIONS.contains(name)).collect();
        *list = config::algorithms::assemble(Some(written), &all, &all);
        if list.is_empty() {
            return Err(OpError::invalid(format!(
                "`{keyword} {written}` leaves nothing that oneex supports"
            ))
            .hint(format!("it supports {}", all.join(", "))));
        }
    }
    Ok(algorithms)
}

/// Says once a run what has no effect, and what is dangerous.
fn warn(settings: &SshSettings, name: &str, resolved: &Resolved) {
    let found = resolved.unsupported.iter().map(|found| format!("`{}` ({})", found.what, found.place));
    let fresh = settings.warnings.fresh(found);
    if !fresh.is_empty() {
        settings
            .warnings
            .say(&format!("not supported in ssh_config, and without effect: {}", fresh.join(", ")));
    }
    if resolved.options.strict == Some(StrictHostKeys::No) {
        settings.warnings.once(&format!(
            "`StrictHostKeyChecking no` holds for `{name}`: whoever is on the way can read and change everything"
        ));
    }
}

/// Values with their tokens replaced, and defaults where there are none.
struct Expanded<'a> {
    settings: &'a SshSettings,
    tokens: &'a Tokens,
    machine: &'a Machine,
}

impl Expanded<'_> {
    fn way(&self, options: &Options) -> Result<Way, String> {
        let expand = |text: &str| self.tokens.expand(text, PROXY, self.machine, None);
        match options.way() {
            None => Ok(Way::Direct),
            Some(Proxy::Command(command)) => {
                expand(command).map(Way::Command).map_err(|message| format!("`ProxyCommand`: {message}"))
            }
            Some(Proxy::Jumps(jumps)) => {
                let jump = |jump: &Jump| {
                    let user = jump.user.as_deref().map(expand).transpose()?;
                    Ok(Jump { user, host: expand(&jump.host)?, ..jump.clone() })
                };
                let jumps: Result<_, String> = jumps.iter().map(jump).collect();
                jumps.map(Way::Jumps).map_err(|message| format!("`ProxyJump`: {message}"))
            }
        }
    }

    fn file(&self, path: &str) -> Result<PathBuf, String> {
        self.tokens
            .file(path, self.machine)
            .map(PathBuf::from)
            .map_err(|message| format!("`{path}`: {message}"))
    }

    /// Files of a list, of which `none` is no file; the defaults where nothing is listed.
    fn files(&self, listed: &[String], defaults: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
        match listed {
            [] => Ok(defaults.to_vec()),
            listed => {
                let listed = listed.iter().filter(|path| !path.eq_ignore_ascii_case("none"));
                listed.map(|path| self.file(path)).collect()
            }
        }
    }

    fn login(&self, options: &Options) -> Result<Login, String> {
        let mut identity_files = Vec::new();
        for identity in options.identity_files.iter().filter(|identity| identity.path != "none") {
            let named = identity.origin == Origin::Inventory;
            identity_files.push(IdentityFile { path: self.file(&identity.path)?, named });
        }
        if options.identity_files.is_empty() {
            let usual = |path: &PathBuf| IdentityFile { path: path.clone(), named: false };
            identity_files.extend(self.settings.key_files.iter().map(usual));
        }
        let certificates = options.certificate_files.iter().filter(|file| file.path != "none");
        let preferred = options.preferred_authentications.as_deref().unwrap_or_default();
        let password_prompts = options.password_prompts.unwrap_or(Login::default().password_prompts);
        // A password is tried once, so that only its absence makes a difference.
        let asks = password_prompts > 0;
        Ok(Login {
            identity_files,
            certificate_files: certificates.map(|file| self.file(&file.path)).collect::<Result<_, _>>()?,
            identities_only: options.identities_only.unwrap_or(false),
            agent: self.agent(options)?,
            passphrase: self.settings.passphrase.clone(),
            password: None,
            publickey: options.publickey.unwrap_or(true),
            password_allowed: asks && options.password.unwrap_or(true),
            keyboard_interactive: asks && options.keyboard_interactive.unwrap_or(true),
            preferred: preferred.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            password_prompts,
        })
    }

    /// `IdentityAgent`: a socket, `none`, `SSH_AUTH_SOCK` or another variable as `$NAME`.
    fn agent(&self, options: &Options) -> Result<Option<PathBuf>, String> {
        let usual = || self.settings.agent_socket.clone();
        let Some(written) = &options.identity_agent else { return Ok(usual()) };
        let expanded = self.tokens.file(written, self.machine);
        let expanded = expanded.map_err(|message| format!("`IdentityAgent`: {message}"))?;
        match expanded.as_str() {
            "none" => Ok(None),
            "SSH_AUTH_SOCK" => Ok(usual()),
            other => Ok(match other.strip_prefix('$').filter(|name| !name.starts_with('{')) {
                Some(name) => self.machine.variables.get(name).map(PathBuf::from),
                None => Some(PathBuf::from(other)),
            }),
        }
    }

    fn host_key(&self, options: &Options) -> Result<HostKeySettings, String> {
        let settings = self.settings;
        let global = &options.global_known_hosts_files;
        let home = |path: &String| self.machine.expand_home(path).map(PathBuf::from);
        Ok(HostKeySettings {
            known: Vec::new(),
            user_files: self.files(&options.user_known_hosts_files, &settings.known_hosts)?,
            global_files: match global.as_slice() {
                [] => settings.global_known_hosts.clone(),
                // Without tokens, unlike the person's.
                files => files
                    .iter()
                    .filter(|file| !file.eq_ignore_ascii_case("none"))
                    .map(home)
                    .collect::<Result<_, _>>()?,
            },
            alias: options.host_key_alias.as_ref().map(|alias| alias.to_ascii_lowercase()),
            strict: options.strict.unwrap_or(settings.strict),
            hash: options.hash_known_hosts.unwrap_or(false),
            check_address: options.check_host_ip.unwrap_or(false),
        })
    }
}
