//! The ways to log in, in the order in which they are tried.

use oneex_sdk::{OpError, OpResult, Secret};

use super::agent::KeyAgent;
use super::key::KeyFile;
use crate::ssh::host_settings::Login;

/// One way to log in.
#[derive(Debug)]
pub(super) enum Way {
    /// A private key of a file; `named` where the inventory chose it.
    Key { file: KeyFile, named: bool },
    /// A key of the agent, by its place there.
    AgentKey { index: usize, shown: String },
    /// The password, sent as such.
    Password(Secret<String>),
    /// The password, as the answer to questions.
    Answers(Secret<String>),
}

impl Way {
    /// The method's name in the protocol (RFC 4252, RFC 4256).
    pub(super) fn method(&self) -> &'static str {
        match self {
            Self::Key { .. } | Self::AgentKey { .. } => "publickey",
            Self::Password(_) => "password",
            Self::Answers(_) => "keyboard-interactive",
        }
    }
}

/// All ways: the key that the inventory chose, the password, what the agent has, the usual files. Of a key that a
/// file names and the agent has, the agent's is used, in the file's place: it needs no passphrase.
///
/// Fails with `denied` where a file that the inventory chose cannot be read.
pub(super) fn ways(login: &Login, agent: Option<&KeyAgent>) -> OpResult<Vec<Way>> {
    let mut ways = Vec::new();
    let mut used = Vec::new();
    if login.publickey {
        for file in files(login, true)? {
            ways.extend(of_file(file, true, login, agent, &mut used));
        }
    }
    let password = login.password.as_ref();
    ways.extend(password.filter(|_| login.password_allowed).cloned().map(Way::Password));
    ways.extend(password.filter(|_| login.keyboard_interactive).cloned().map(Way::Answers));
    if login.publickey {
        // As ssh(1) does: what files name and the agent has, what else the agent has, what only files have.
        let others = files(login, false)?;
        let others: Vec<Way> =
            others.into_iter().flat_map(|file| of_file(file, false, login, agent, &mut used)).collect();
        let (held, alone): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|way| matches!(way, Way::AgentKey { .. }));
        ways.extend(held);
        if let Some(agent) = agent.filter(|_| !login.identities_only) {
            let rest = agent.names().filter(|(index, _)| !used.contains(index));
            ways.extend(
                rest.map(|(index, name)| Way::AgentKey { index, shown: format!("the agent's key `{name}`") }),
            );
        }
        ways.extend(alone);
    }
    if !login.preferred.is_empty() {
        let place = |way: &Way| login.preferred.iter().position(|method| method == way.method());
        ways.retain(|way| place(way).is_some());
        ways.sort_by_key(place);
    }
    Ok(ways)
}

/// The files that are there.
fn files(login: &Login, named: bool) -> OpResult<Vec<KeyFile>> {
    let mut files = Vec::new();
    for identity in login.identity_files.iter().filter(|file| file.named == named) {
        match KeyFile::read(&identity.path) {
            Ok(file) => files.push(file),
            Err(_) if !named => {}
            Err(error) => {
                let shown = identity.path.display();
                return Err(OpError::denied(format!("the private key `{shown}` cannot be read: {error}")));
            }
        }
    }
    Ok(files)
}

/// The ways that a file opens: the agent's certificates for it, and the key, by the agent where that has it and
/// the file is not needed for a certificate, which libssh2 cannot join to a key of the agent.
fn of_file(
    file: KeyFile,
    named: bool,
    login: &Login,
    agent: Option<&KeyAgent>,
    used: &mut Vec<usize>,
) -> Vec<Way> {
    let shown = file.path.display().to_string();
    let mut ways = Vec::new();
    let mut held = |blob: &[u8], shown: String, ways: &mut Vec<Way>| {
        let index = agent.and_then(|agent| agent.find(blob));
        if let Some(index) = index {
            used.push(index);
            ways.push(Way::AgentKey { index, shown });
        }
        index.is_some()
    };
    let mut alone = 0;
    for certificate in file.certificates(&login.certificate_files) {
        let shown = format!("`{}` by the agent", certificate.path.display());
        alone += usize::from(!held(&certificate.blob, shown, &mut ways));
    }
    let usable = file.private.is_some() && (!file.encrypted || login.passphrase.is_some());
    let by_agent = !(usable && alone > 0)
        && file
            .public
            .as_deref()
            .is_some_and(|blob| held(blob, format!("`{shown}` by the agent"), &mut ways));
    if !by_agent {
        ways.push(Way::Key { file, named });
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::ways;
    use crate::ssh::host_settings::{IdentityFile, Login};
    use oneex_sdk::Secret;

    /// The ways as words, for keys without an agent.
    fn shown(login: &Login) -> Vec<String> {
        let ways = ways(login, None).expect("the files are there");
        let name = |way: &super::Way| match way {
            super::Way::Key { file, named } => {
                format!("{} {named}", file.path.file_name().expect("a name").to_string_lossy())
            }
            other => other.method().to_owned(),
        };
        ways.iter().map(name).collect()
    }

    #[test]
    fn what_the_inventory_chose_comes_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, named| {
            let path = folder.path().join(name);
            std::fs::write(&path, "key").expect("it is written");
            IdentityFile { path, named }
        };
        let missing = IdentityFile { path: folder.path().join("missing"), named: false };
        let login = Login {
            identity_files: vec![missing.clone(), file("usual", false), file("own", true)],
            password: Some(Secret::new("p".into())),
            ..Login::default()
        };
        let both = ["password", "keyboard-interactive"];
        assert_eq!(shown(&login), ["own true", both[0], both[1], "usual false"]);
        let cases: [(Login, &[&str]); 4] = [
            (Login { password: None, ..login.clone() }, &["own true", "usual false"]),
            (Login { publickey: false, ..login.clone() }, &both),
            (Login { password_allowed: false, ..login.clone() }, &["own true", both[1], "usual false"]),
            (
                Login { preferred: vec![both[1].into(), "publickey".into()], ..login.clone() },
                &[both[1], "own true", "usual false"],
            ),
        ];
        for (login, expected) in cases {
            assert_eq!(shown(&login), expected);
        }
        let chosen = Login { identity_files: vec![IdentityFile { named: true, ..missing }], ..login };
        assert!(ways(&chosen, None).expect_err("it is missing").message.contains("cannot be read"));
    }
}
