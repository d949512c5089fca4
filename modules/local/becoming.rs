//! Other users on the controller.

use std::collections::HashMap;
use std::process::Stdio;

use oneex_sdk::{OpError, OpResult};
use rustix::process::Pid;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::Mutex;

use super::terminal::{Terminal, Typed};
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
                Some(next) => access = next,
                None => return Err(self.elevation.refused(user, access, &said)),
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
        match self.elevation.password().filter(|_| access.asks && !self.elevation.is_typed(access)) {
            Some(password) => format!("{}\n", password.expose()).into_bytes(),
            None => Vec::new(),
        }
    }

    /// The terminal that the program wants, where it wants one.
    pub(super) fn terminal(&self, access: Access) -> OpResult<Option<Terminal>> {
        let password = self.elevation.password().filter(|_| self.elevation.is_typed(access)).cloned();
        let typed = self.elevation.asks_in_own_words().zip(password);
        let typed = typed.map(|(asker, password)| Typed { asker, password });
        access.terminal.then(|| Terminal::open(typed)).transpose()
    }

    /// How processes of the user are ended; nothing where this user may do it.
    pub(super) fn ender(&self, user: &str, access: Access) -> Option<Ender> {
        let is_root = rustix::process::geteuid().is_root();
        let (elevation, user) = (self.elevation.clone(), user.to_owned());
        (!is_root).then(|| Ender { becoming: Self::new(elevation), user, access })
    }

    /// Runs a text of the shell as the user: `answer` and then `input` are read. The output is that of the errors.
    async fn say(
        &self,
        user: &str,
        access: Access,
        text: &str,
        input: &[u8],
    ) -> OpResult<std::process::Output> {
        let words = self.words(user, access, text);
        let (program, arguments) =
            words.split_first().ok_or_else(|| OpError::invalid("no program is named"))?;
        let cannot = |error: std::io::Error| OpError::denied(format!("`{program}` cannot be run: {error}"));
        let mut command = Command::new(program);
        command.args(arguments).env("LC_ALL", "C").kill_on_drop(true);
        let terminal = self.terminal(access)?;
        let spawned = match &terminal {
            None => command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn(),
            Some(terminal) => terminal.spawn(
                pty_process::Command::from(command)
                    .stdin(Stdio::piped())
                    .stdout(Stdio::null())
                    .stderr(Stdio::piped()),
            ),
        };
        let mut child = spawned.map_err(cannot)?;
        if let Some(mut stdin) = child.stdin.take() {
            let _ = stdin.write_all(&[&self.answer(access), input].concat()).await;
        }
        child.wait_with_output().await.map_err(cannot)
    }

    async fn try_as(&self, user: &str, access: Access) -> OpResult<Result<(), String>> {
        let output = self.say(user, access, "exit 0", &[]).await?;
        let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Ok(if output.status.success() { Ok(()) } else { Err(message) })
    }
}

/// Ends process groups of another user, which only that user may.
#[derive(Debug)]
pub(super) struct Ender {
    becoming: Becoming,
    user: String,
    access: Access,
}

/// Reads groups from one line and ends them: `TERM`, then `KILL` for those that stay for two seconds.
const END: &str = "exec 2>/dev/null;read -r groups;for group in $groups;do kill -TERM \"-$group\";done;\
                   i=0;while [ $i -lt 40 ];do left=;\
                   for group in $groups;do kill -0 \"-$group\"&&left=1;done;[ -n \"$left\" ]||exit 0;\
                   i=$((i+1));sleep 0.05||sleep 1;done;for group in $groups;do kill -KILL \"-$group\";done";

impl Ender {
    /// Ends them; what cannot be ended stays.
    pub(super) async fn end(&self, groups: &[Pid]) {
        let groups: Vec<String> = groups.iter().map(|group| group.as_raw_nonzero().to_string()).collect();
        let line = format!("{}\n", groups.join(" "));
        if let Err(error) = self.becoming.say(&self.user, self.access, END, line.as_bytes()).await {
            tracing::warn!(%error, user = self.user, "processes of another user were not ended");
        }
    }
}
