//! Other users on the controller, by `sudo`.

use std::collections::HashMap;
use std::process::Stdio;

use oneex_sdk::{OpError, OpResult, Secret};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::shell::sudo_refused;

/// How `sudo` lets this user act as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// The same user: no `sudo` at all.
    Same,
    /// Without a password.
    Free,
    /// With the password on its standard input.
    Password,
}

/// What was learnt of each user, asked once.
#[derive(Debug)]
pub(super) struct Sudo {
    password: Option<Secret<String>>,
    known: Mutex<HashMap<String, Access>>,
}

impl Sudo {
    pub(super) fn new(password: Option<Secret<String>>) -> Self {
        Self { password, known: Mutex::default() }
    }

    /// Finds out how to act as `user`. Fails with `denied` when `sudo` refuses.
    pub(super) async fn access(&self, user: &str) -> OpResult<Access> {
        if user == "root" && rustix::process::geteuid().is_root() {
            return Ok(Access::Same);
        }
        crate::shell::check_user(user)?;
        let mut known = self.known.lock().await;
        if let Some(access) = known.get(user) {
            return Ok(*access);
        }
        let access = match (self.try_as(user, Access::Free).await?, &self.password) {
            (Ok(()), _) => Access::Free,
            (Err(message), None) => return Err(sudo_refused(user, &message)),
            (Err(_), Some(_)) => match self.try_as(user, Access::Password).await? {
                Ok(()) => Access::Password,
                Err(message) => return Err(sudo_refused(user, &message)),
            },
        };
        known.insert(user.to_owned(), access);
        Ok(access)
    }

    /// The words before the program.
    pub(super) fn words(access: Access, user: &str) -> Vec<&str> {
        match access {
            Access::Same => Vec::new(),
            Access::Free => vec!["sudo", "-n", "-H", "-u", user, "--"],
            // `-k` forgets what was entered before, so that the password is always asked for, and
            // the line on standard input can never reach the program.
            Access::Password => vec!["sudo", "-k", "-S", "-p", "", "-H", "-u", user, "--"],
        }
    }

    /// What `sudo` itself reads from standard input, before the program does.
    pub(super) fn answer(&self, access: Access) -> Vec<u8> {
        match (access, &self.password) {
            (Access::Password, Some(password)) => format!("{}\n", password.expose()).into_bytes(),
            _ => Vec::new(),
        }
    }

    async fn try_as(&self, user: &str, access: Access) -> OpResult<Result<(), String>> {
        let mut child = Command::new("sudo")
            .args(&Self::words(access, user)[1..])
            .arg("true")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .env("LC_ALL", "C")
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| OpError::denied(format!("`sudo` cannot be started: {error}")))?;
        if let Some(mut stdin) = child.stdin.take() {
            let _ = stdin.write_all(&self.answer(access)).await;
        }
        let output = child.wait_with_output().await;
        let output = output.map_err(|error| OpError::denied(format!("`sudo` cannot be run: {error}")))?;
        let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Ok(if output.status.success() { Ok(()) } else { Err(message) })
    }
}
