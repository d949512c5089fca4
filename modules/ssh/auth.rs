//! Logging in: the ways are tried in the order in which they are likely to be meant.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oneex_sdk::{OpError, OpResult, Secret};
use ssh2::{KeyboardInteractivePrompt, Prompt, Session};

use super::error::{is_lost, lost};
use super::host_settings::{HostSettings, Login};

/// One way to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    /// A private key file; `named` when the inventory chose it.
    KeyFile {
        path: PathBuf,
        named: bool,
    },
    Agent,
    Password,
}

/// Logs in, or fails with `denied` and everything that was tried.
pub(super) fn log_in(session: &Session, host: &HostSettings) -> OpResult<()> {
    let (user, login) = (host.user.as_str(), &host.login);
    let offered = match session.auth_methods(user) {
        Ok(offered) => offered.to_owned(),
        Err(_) if session.authenticated() => return Ok(()),
        Err(error) => return Err(lost(&format!("while logging in: {}", error.message()))),
    };
    let offers = |method: &str| offered.split(',').any(|word| word == method);
    let mut tried = Vec::new();
    for way in ways(login) {
        let result = match &way {
            Way::Password => password(session, user, login, &offers, &mut tried),
            _ if !offers("publickey") => continue,
            Way::KeyFile { path, named } => key_file(session, user, path, *named, login, &mut tried),
            Way::Agent => agent(session, user, login, &mut tried),
        };
        if result? {
            return Ok(());
        }
    }
    let tried =
        if tried.is_empty() { "nothing, as nothing was configured".to_owned() } else { tried.join(", ") };
    Err(OpError::denied(format!("the host does not let `{user}` in; it offers {offered}; tried: {tried}"))
        .hint("check the user, `ansible_ssh_private_key_file` and the agent (`ssh-add -l`)"))
}

/// What the inventory chose comes first, then the agent, then the usual files.
fn ways(login: &Login) -> Vec<Way> {
    let files = |named: bool| {
        let files = login.identity_files.iter().filter(move |file| file.named == named);
        files.map(move |file| Way::KeyFile { path: file.path.clone(), named })
    };
    let password = login.password.iter().map(|_| Way::Password);
    let agent = login.agent.iter().map(|_| Way::Agent);
    files(true).chain(password).chain(agent).chain(files(false)).collect()
}

fn key_file(
    session: &Session,
    user: &str,
    path: &Path,
    named: bool,
    login: &Login,
    tried: &mut Vec<String>,
) -> OpResult<bool> {
    let passphrase = login.passphrase.as_ref().map(|secret| secret.expose().clone());
    let shown = path.display();
    let key = match fs::read_to_string(path) {
        Ok(key) => key,
        Err(_) if !named => return Ok(false),
        Err(error) => {
            return Err(OpError::denied(format!("the private key `{shown}` cannot be read: {error}")));
        }
    };
    let encrypted = is_encrypted(&key);
    if encrypted && passphrase.is_none() {
        if named {
            return Err(OpError::denied(format!(
                "the private key `{shown}` is encrypted and no passphrase is set"
            ))
            .hint("set `ansible_ssh_private_key_passphrase`, or add the key to the agent with `ssh-add`"));
        }
        tried.push(format!("`{shown}` (encrypted, passed over)"));
        return Ok(false);
    }
    match session.userauth_pubkey_memory(user, None, &key, passphrase.as_deref().filter(|_| encrypted)) {
        Ok(()) => Ok(true),
        Err(error) if is_lost(&error) => Err(lost(&format!("while logging in: {}", error.message()))),
        Err(_) if session.authenticated() => Ok(true),
        // LIBSSH2_ERROR_FILE: the key could not be used at all.
        Err(error) if error.code() == ssh2::ErrorCode::Session(-16) && named => {
            let why = if encrypted { "the passphrase is wrong" } else { "its format is not supported" };
            Err(OpError::denied(format!("the private key `{shown}` cannot be used: {why}")))
        }
        Err(_) => {
            tried.push(format!("`{shown}`"));
            Ok(false)
        }
    }
}

fn agent(session: &Session, user: &str, login: &Login, tried: &mut Vec<String>) -> OpResult<bool> {
    let Some(socket) = &login.agent else { return Ok(false) };
    let identities = session.agent().and_then(|mut agent| {
        agent.set_identity_path(socket)?;
        agent.connect()?;
        agent.list_identities()?;
        let identities = agent.identities()?;
        Ok((agent, identities))
    });
    let Ok((agent, identities)) = identities else {
        tried.push(format!("the agent at `{}` (it does not answer)", socket.display()));
        return Ok(false);
    };
    for identity in &identities {
        match agent.userauth(user, identity) {
            Ok(()) => return Ok(true),
            Err(error) if is_lost(&error) => {
                return Err(OpError::denied("the host hung up after too many keys of the agent")
                    .hint("name the right key with `ansible_ssh_private_key_file`"));
            }
            Err(_) => {}
        }
    }
    tried.push(format!("the agent's {} keys", identities.len()));
    Ok(false)
}

fn password(
    session: &Session,
    user: &str,
    login: &Login,
    offers: &impl Fn(&str) -> bool,
    tried: &mut Vec<String>,
) -> OpResult<bool> {
    let Some(password) = &login.password else { return Ok(false) };
    if offers("password") {
        match session.userauth_password(user, password.expose()) {
            Ok(()) => return Ok(true),
            Err(error) if is_lost(&error) => return Err(lost("while logging in")),
            Err(_) => tried.push("the password".to_owned()),
        }
    }
    if offers("keyboard-interactive") {
        match session.userauth_keyboard_interactive(user, &mut Answers { password: password.clone() }) {
            Ok(()) => return Ok(true),
            Err(error) if is_lost(&error) => return Err(lost("while logging in")),
            Err(_) => tried.push("the password as an answer (keyboard-interactive)".to_owned()),
        }
    }
    Ok(false)
}

/// Answers every hidden question with the password.
struct Answers {
    password: Secret<String>,
}

impl KeyboardInteractivePrompt for Answers {
    fn prompt<'a>(&mut self, _user: &str, _instructions: &str, prompts: &[Prompt<'a>]) -> Vec<String> {
        let answer =
            |prompt: &Prompt<'a>| if prompt.echo { String::new() } else { self.password.expose().clone() };
        prompts.iter().map(answer).collect()
    }
}

/// Says whether a private key needs a passphrase; libssh2 does not tell that from a broken key.
///
/// OpenSSH's own format has the cipher's name after its magic (`PROTOCOL.key`); the PEM formats say it
/// in their header (RFC 1421) or their label (RFC 5958).
fn is_encrypted(key: &str) -> bool {
    if key.contains("ENCRYPTED") {
        return true;
    }
    if !key.contains("BEGIN OPENSSH PRIVATE KEY") {
        return false;
    }
    let body: String = key.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    let Ok(bytes) = STANDARD.decode(body) else { return false };
    let rest = bytes.strip_prefix(b"openssh-key-v1\0".as_slice());
    rest.is_some_and(|rest| rest.get(4..8) != Some(b"none".as_slice()))
}

#[cfg(test)]
mod tests {
    use super::{Way, is_encrypted, ways};
    use crate::ssh::host_settings::{IdentityFile, Login};
    use oneex_sdk::Secret;

    fn generated(arguments: &[&str]) -> String {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("key");
        let output = std::process::Command::new("ssh-keygen")
            .args(["-q", "-f"])
            .arg(&file)
            .args(arguments)
            .output()
            .expect("ssh-keygen runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read_to_string(file).expect("it is read")
    }

    #[test]
    fn encrypted_keys_are_told_from_open_ones() {
        assert!(!is_encrypted(&generated(&["-t", "ed25519", "-N", ""])));
        assert!(is_encrypted(&generated(&["-t", "ed25519", "-N", "secret", "-a", "1"])));
        assert!(!is_encrypted(&generated(&["-t", "ecdsa", "-m", "PEM", "-N", ""])));
        assert!(is_encrypted(&generated(&["-t", "ecdsa", "-m", "PEM", "-N", "secret"])));
        assert!(!is_encrypted("-----BEGIN OPENSSH PRIVATE KEY-----\n!!\n"));
    }

    #[test]
    fn what_the_inventory_chose_comes_first() {
        let file = |path: &str, named| IdentityFile { path: path.into(), named };
        let tried = |path: &str, named| Way::KeyFile { path: path.into(), named };
        let usual =
            Login { identity_files: vec![file("/k", false)], agent: Some("/a".into()), ..Login::default() };
        assert_eq!(ways(&usual), [Way::Agent, tried("/k", false)]);
        let chosen = Login {
            identity_files: vec![file("/own", true), file("/k", false)],
            password: Some(Secret::new("p".into())),
            ..usual
        };
        assert_eq!(ways(&chosen), [tried("/own", true), Way::Password, Way::Agent, tried("/k", false)]);
    }
}
