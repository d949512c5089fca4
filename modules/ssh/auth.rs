//! Logging in: the ways are tried in the order in which they are likely to be meant, as long as the host asks for
//! more (`AuthenticationMethods` of sshd_config(5)).

mod agent;
mod certificate;
mod key;
mod way;

use oneex_sdk::{OpError, OpResult, Secret};
use ssh2::{ErrorCode, KeyboardInteractivePrompt, Prompt, Session};

use self::agent::KeyAgent;
use self::key::KeyFile;
use self::way::{Way, ways};
use super::error::{is_lost, is_unanswered, lost};
use super::host_settings::{HostSettings, Login};
use crate::Entered;

/// The server refuses a key before it has seen a signature (`LIBSSH2_ERROR_AUTHENTICATION_FAILED`).
const REFUSED: ErrorCode = ErrorCode::Session(-18);
/// The server ended the connection with a message of its own (`LIBSSH2_ERROR_SOCKET_DISCONNECT`).
const GOODBYE: ErrorCode = ErrorCode::Session(-13);
/// The password has to be changed first (`LIBSSH2_ERROR_PASSWORD_EXPIRED`).
const EXPIRED: ErrorCode = ErrorCode::Session(-15);
/// A key could not be used at all (`LIBSSH2_ERROR_FILE`).
const UNUSABLE: ErrorCode = ErrorCode::Session(-16);

/// Logs in, or fails with `denied` and everything that was tried. Blocks, and longer where a person is asked for the
/// passphrase of a key.
pub(super) fn log_in(session: &Session, host: &HostSettings, entered: &Entered) -> OpResult<()> {
    let mut attempt = Attempt {
        session,
        user: &host.user,
        login: &host.login,
        entered,
        offered: String::new(),
        tried: Vec::new(),
        accepted: Vec::new(),
    };
    if attempt.ask()? {
        return Ok(());
    }
    let agent = match &host.login.agent {
        Some(socket) if host.login.publickey => {
            KeyAgent::open(session, socket).inspect_err(|said| attempt.tried.push(said.clone())).ok()
        }
        _ => None,
    };
    attempt.tried.extend(agent.iter().flat_map(KeyAgent::passed_over));
    let mut ways = ways(&host.login, agent.as_ref())?;
    while let Some(at) = ways.iter().position(|way| attempt.offers(way.method())) {
        if attempt.take(ways.remove(at), agent.as_ref())? {
            return Ok(());
        }
    }
    attempt.tried.extend(certificate::unused(&host.login));
    Err(attempt.refusal())
}

/// What came of a private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tried {
    /// That was all.
    LetIn,
    /// The host did not take it, or wants more.
    Refused,
    /// libssh2 cannot open it.
    Unusable,
}

/// A login on its way.
struct Attempt<'a> {
    session: &'a Session,
    user: &'a str,
    login: &'a Login,
    entered: &'a Entered,
    /// The methods that the host takes next.
    offered: String,
    /// What it did not take.
    tried: Vec<String>,
    /// What it took, but wants more.
    accepted: Vec<String>,
}

impl Attempt<'_> {
    /// Asks what the host takes next; true when it asks for nothing.
    fn ask(&mut self) -> OpResult<bool> {
        match self.session.auth_methods(self.user) {
            Ok(offered) => self.offered = offered.to_owned(),
            Err(_) if self.session.authenticated() => return Ok(true),
            Err(error) => return Err(self.lost(&error)),
        }
        Ok(false)
    }

    fn offers(&self, method: &str) -> bool {
        self.offered.split(',').any(|word| word == method)
    }

    /// Goes one way; true when that was all.
    fn take(&mut self, way: Way, agent: Option<&KeyAgent>) -> OpResult<bool> {
        match way {
            Way::Key { file, named } => self.key_file(&file, named),
            Way::AgentKey { index, shown } => match agent {
                Some(agent) => {
                    let result = agent.sign_in(self.user, index);
                    self.judge("publickey", result, shown)
                }
                None => Ok(false),
            },
            Way::Password(password) => {
                let result = self.session.userauth_password(self.user, password.expose());
                let expired = matches!(&result, Err(error) if error.code() == EXPIRED);
                let shown = if expired { "the password, which has expired" } else { "the password" };
                self.judge("password", result, shown.to_owned())
            }
            Way::Answers(password) => {
                let result = self.session.userauth_keyboard_interactive(self.user, &mut Answers { password });
                let shown = "the password as an answer (keyboard-interactive)".to_owned();
                self.judge("keyboard-interactive", result, shown)
            }
        }
    }

    fn key_file(&mut self, file: &KeyFile, named: bool) -> OpResult<bool> {
        let shown = file.path.display();
        let Some(private) = &file.private else {
            self.tried.push(format!("`{shown}` (a public key, and the agent does not have it)"));
            return Ok(false);
        };
        if !file.encrypted || self.login.passphrase.is_some() {
            let passphrase = self.login.passphrase.as_ref().filter(|_| file.encrypted);
            return match self.private_key(file, private, passphrase)? {
                Tried::Unusable => self.pass_over(file, named, unusable(file)),
                tried => Ok(tried == Tried::LetIn),
            };
        }
        let before = self.tried.len();
        let mut wrong = None;
        while let Some(passphrase) = self.entered.passphrase(&file.path, wrong.as_ref()) {
            match self.private_key(file, private, Some(&passphrase.text))? {
                Tried::Unusable => wrong = Some(passphrase),
                tried => return Ok(tried == Tried::LetIn),
            }
            self.tried.truncate(before);
        }
        // The host has nothing to do with it.
        if self.entered.is_stopped() {
            return Err(OpError::cancelled());
        }
        if wrong.is_some() {
            return self.pass_over(file, named, unusable(file));
        }
        if named {
            let message = format!("the private key `{shown}` is encrypted and no passphrase is set");
            return Err(OpError::denied(message).hint(
                "set `ansible_ssh_private_key_passphrase`, or add the key to the agent with `ssh-add`",
            ));
        }
        self.tried.push(format!("`{shown}` (encrypted, passed over)"));
        Ok(false)
    }

    /// Goes on without a key, unless it is the one that was chosen.
    fn pass_over(&mut self, file: &KeyFile, named: bool, (why, hint): (&str, &str)) -> OpResult<bool> {
        let shown = file.path.display();
        if named {
            let message = format!("the private key `{shown}` cannot be used: {why}");
            return Err(OpError::denied(message).hint(hint));
        }
        self.tried.push(format!("`{shown}` ({why})"));
        Ok(false)
    }

    /// Tries a key, with each of its certificates first.
    fn private_key(
        &mut self,
        file: &KeyFile,
        private: &str,
        passphrase: Option<&Secret<String>>,
    ) -> OpResult<Tried> {
        let shown = file.path.display();
        let passphrase = passphrase.map(|secret| secret.expose().as_str());
        for certificate in file.certificates(&self.login.certificate_files) {
            let line = Some(certificate.line.as_str());
            let result = self.session.userauth_pubkey_memory(self.user, line, private, passphrase);
            let before = self.accepted.len();
            let with = certificate.shown(file.public.as_deref(), self.user);
            if self.judge("publickey", result, format!("`{shown}` with {with}"))? {
                return Ok(Tried::LetIn);
            }
            // What the host took once it does not take again.
            if self.accepted.len() > before {
                return Ok(Tried::Refused);
            }
        }
        match self.session.userauth_pubkey_memory(self.user, None, private, passphrase) {
            Err(error) if error.code() == UNUSABLE && !is_lost(&error) => Ok(Tried::Unusable),
            result => {
                let is_in = self.judge("publickey", result, format!("`{shown}`"))?;
                Ok(if is_in { Tried::LetIn } else { Tried::Refused })
            }
        }
    }

    /// Notes what came of a try; true when the user is in.
    fn judge(&mut self, method: &str, result: Result<(), ssh2::Error>, shown: String) -> OpResult<bool> {
        match result {
            Ok(()) => return Ok(true),
            Err(_) if self.session.authenticated() => return Ok(true),
            Err(error) if is_lost(&error) => {
                self.tried.push(shown);
                return Err(self.lost(&error));
            }
            // The host did not even want to see a signature.
            Err(error) if error.code() == REFUSED && method == "publickey" => {
                self.tried.push(shown);
            }
            Err(_) => {
                let before = self.offered.clone();
                self.tried.push(shown);
                if self.ask()? {
                    return Ok(true);
                }
                // libssh2 does not tell a refusal from a success that is not enough: the host asks for others then.
                if self.offered != before {
                    self.accepted.extend(self.tried.pop());
                }
            }
        }
        Ok(false)
    }

    /// The connection is over. A host that has had enough says goodbye; what ends without a word was cut.
    fn lost(&self, error: &ssh2::Error) -> OpError {
        let tried = self.tried.join(", ");
        if is_unanswered(error) {
            let (user, seconds) = (self.user, f64::from(self.session.timeout()) / 1000.0);
            let message = format!("the host does not go on within {seconds} s, while `{user}` logs in");
            return OpError::unreachable(message);
        }
        if tried.is_empty() {
            return lost(&format!("while logging in: {}", error.message()));
        }
        let hint = "the host may allow fewer tries (`MaxAuthTries`): name the right key with `ansible_ssh_private_key_file`";
        let user = self.user;
        match error.code() == GOODBYE {
            true => OpError::denied(format!("the host hung up while `{user}` logged in; tried: {tried}"))
                .hint(hint),
            false => {
                lost(&format!("while `{user}` logged in: {}; tried: {tried}", error.message())).hint(hint)
            }
        }
    }

    fn refusal(&self) -> OpError {
        let none = || "nothing, as nothing was configured".to_owned();
        let tried = Some(self.tried.join(", ")).filter(|tried| !tried.is_empty()).unwrap_or_else(none);
        let offers = match self.accepted.is_empty() {
            true => format!("it offers {}", self.offered),
            false => format!("it took {} and asks for {} too", self.accepted.join(", "), self.offered),
        };
        OpError::denied(format!("the host does not let `{}` in; {offers}; tried: {tried}", self.user))
            .hint("check the user, `ansible_ssh_private_key_file` and the agent (`ssh-add -l`)")
    }
}

/// Why libssh2 cannot use a key, and what to do.
fn unusable(file: &KeyFile) -> (&'static str, &'static str) {
    if file.is_hardware() {
        return (
            "it is kept by hardware, which libssh2 cannot use",
            "name another key with `ansible_ssh_private_key_file`",
        );
    }
    if file.encrypted {
        return ("the passphrase is wrong", "check `ansible_ssh_private_key_passphrase`");
    }
    ("its format is not supported", "`ssh-keygen -p -f FILE` writes it in OpenSSH's own format")
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

#[cfg(test)]
mod tests;
