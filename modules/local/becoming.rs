//! Other users on the controller.

use std::collections::HashMap;
use std::process::Stdio;

use oneex_sdk::{OpError, OpResult};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::elevation::{Access, Elevation, Inner};

/// What was learnt of each user, asked once.
#[derive(Debug)]
pub(super) struct Becoming {
    elevation: Elevation,
    known: Mutex<HashMap<String, Access>>,
}

impl Becoming {
    pub(super) fn new(elevation: Elevation) -> Self {
        Self { elevation, known: Mutex::default() }
    }

    /// Finds out how to act as `user`; nothing where that is the same user. Fails with `denied` when it is refused.
    pub(super) async fn access(&self, user: &str) -> OpResult<Option<Access>> {
        let is_root = rustix::process::geteuid().is_root();
        if user == "root" && is_root {
            return Ok(None);
        }
        crate::shell::check_user(user)?;
        let mut known = self.known.lock().await;
        if let Some(access) = known.get(user) {
            return Ok(Some(*access));
        }
        // `su` asks everyone but root.
        let mut access = self.elevation.first();
        access.asks &= !is_root && self.elevation.password().is_some();
        loop {
            let Err(said) = self.try_as(user, access).await? else { break };
            match self.elevation.next(access, &said) {
                // A time limit could not end what runs under a terminal of its own, as that is a session too.
                Some(next) if !next.terminal => access = next,
                _ => return Err(self.elevation.refused(user, access, &said)),
            }
        }
        known.insert(user.to_owned(), access);
        Ok(Some(access))
    }

    /// The words that run the shell text `inner` as the user.
    pub(super) fn words(&self, user: &str, access: Access, inner: &str) -> Vec<String> {
        self.elevation.words(user, access, "", Inner::Text(inner))
    }

    /// What is read from standard input before the program reads.
    pub(super) fn answer(&self, access: Access) -> Vec<u8> {
        match self.elevation.password().filter(|_| access.asks) {
            Some(password) => format!("{}\n", password.expose()).into_bytes(),
            None => Vec::new(),
        }
    }

    async fn try_as(&self, user: &str, access: Access) -> OpResult<Result<(), String>> {
        let words = self.words(user, access, "exit 0");
        let (program, arguments) =
            words.split_first().ok_or_else(|| OpError::invalid("no program is named"))?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .env("LC_ALL", "C")
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| OpError::denied(format!("`{program}` cannot be started: {error}")))?;
        if let Some(mut stdin) = child.stdin.take() {
            let _ = stdin.write_all(&self.answer(access)).await;
        }
        let output = child.wait_with_output().await;
        let output =
            output.map_err(|error| OpError::denied(format!("`{program}` cannot be run: {error}")))?;
        let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Ok(if output.status.success() { Ok(()) } else { Err(message) })
    }
}
