//! From the inventory's word on a host, and the settings of the run, to everything that a connection needs.

use std::path::{Path, PathBuf};

use oneex_sdk::{OpError, OpResult, Target};

use super::SshSettings;
use super::host_settings::{HostKeySettings, HostSettings, IdentityFile, Jump, Login};

/// The port of SSH.
const PORT: u16 = 22;

/// Says how a host of the inventory is reached. Fails with `invalid` where no user is known.
pub(super) fn resolve(settings: &SshSettings, target: &Target) -> OpResult<HostSettings> {
    let host_name = target.address.clone().unwrap_or_else(|| target.name.clone());
    let user = target.user.clone().or_else(|| settings.user.clone());
    let user = user.ok_or_else(|| {
        OpError::invalid(format!("no user is set for `{}`", target.name)).hint("set `ansible_user`")
    })?;
    Ok(HostSettings {
        name: target.name.clone(),
        original: host_name.clone(),
        host_name,
        port: target.port.unwrap_or(PORT),
        user,
        login: Login {
            identity_files: identity_files(settings, target),
            agent: settings.agent_socket.clone(),
            passphrase: passphrase(settings, target),
            password: target.password.clone(),
            ..Login::default()
        },
        host_key: HostKeySettings {
            known: target.host_keys.clone(),
            user_files: settings.known_hosts.clone(),
            global_files: settings.global_known_hosts.clone(),
            strict: settings.strict,
            ..HostKeySettings::default()
        },
        connect_timeout: settings.connect_timeout,
        keepalive: settings.keepalive,
        keepalive_count: 3,
        shells: settings.shells,
        ..HostSettings::default()
    })
}

/// Says how a jump host is reached: nothing of the inventory counts for it.
pub(super) fn resolve_jump(settings: &SshSettings, jump: &Jump) -> OpResult<HostSettings> {
    let target =
        Target { name: jump.host.clone(), user: jump.user.clone(), port: jump.port, ..Target::default() };
    resolve(settings, &target)
}

/// The key that the inventory names, or the usual ones.
fn identity_files(settings: &SshSettings, target: &Target) -> Vec<IdentityFile> {
    match &target.private_key_file {
        Some(path) => vec![IdentityFile { path: in_home(settings.home.as_deref(), path), named: true }],
        None => {
            settings.key_files.iter().map(|path| IdentityFile { path: path.clone(), named: false }).collect()
        }
    }
}

fn in_home(home: Option<&Path>, path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

fn passphrase(settings: &SshSettings, target: &Target) -> Option<oneex_sdk::Secret<String>> {
    let own = target.options.get("ansible_ssh_private_key_passphrase").and_then(|value| value.as_str());
    own.map(|own| oneex_sdk::Secret::new(own.to_owned())).or_else(|| settings.passphrase.clone())
}

#[cfg(test)]
mod tests {
    use oneex_sdk::Target;

    use super::resolve;
    use crate::ssh::SshSettings;
    use crate::ssh::host_settings::IdentityFile;

    #[test]
    fn a_key_below_the_home_folder_is_found_there() {
        let settings =
            SshSettings { home: Some("/home/ops".into()), user: Some("ops".into()), ..Default::default() };
        for (written, expected) in
            [("~/.ssh/site", "/home/ops/.ssh/site"), ("/k/~/x", "/k/~/x"), ("~ops/k", "~ops/k")]
        {
            let target = Target { private_key_file: Some(written.into()), ..Target::default() };
            let host = resolve(&settings, &target).expect("it is resolved");
            assert_eq!(host.login.identity_files, [IdentityFile { path: expected.into(), named: true }]);
        }
    }
}
