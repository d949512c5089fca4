//! Hosts, and the two views that an operation has of one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    BoxFuture, CancellationToken, Command, CommandOutput, Map, OpResult, OutputSink, Secret, SecretSink,
    Value,
};

/// What is known of a host before it is contacted.
#[derive(Debug, Clone, Default)]
pub struct HostInfo {
    /// The name in the inventory.
    pub name: String,
    /// The groups it is in, its own first, then theirs; without `all`.
    pub groups: Vec<String>,
    /// Its variables, groups' and own merged, as they are written: those that are templates are not rendered.
    pub vars: Map<String, Value>,
    /// How it is reached.
    pub target: Target,
}

/// How a host is reached: the inventory's connection variables, with their types.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// The connector's name: `ssh`, `local`.
    pub connection: String,
    /// The name in the inventory, which is also what `ssh_config` is asked for.
    pub name: String,
    /// Address or name to connect to; the inventory's name when left out.
    pub address: Option<String>,
    /// Port; the connector's default when left out.
    pub port: Option<u16>,
    /// User; the connector's default when left out.
    pub user: Option<String>,
    /// Password for the connection.
    pub password: Option<Secret<String>>,
    /// Private key file.
    pub private_key_file: Option<PathBuf>,
    /// Host keys that are known for it beside the known_hosts files, each `TYPE BASE64`.
    pub host_keys: Vec<String>,
    /// The user that operations run as where the script names none; the connection's when left out.
    pub sudo_user: Option<String>,
    /// What makes the connection's user another.
    pub sudo_method: BecomeMethod,
    /// The program for that, where it is not the method's own name.
    pub sudo_exe: Option<String>,
    /// What the program is called with beside what oneex itself needs, separated by blanks; the method's usual
    /// flags when left out.
    pub sudo_flags: Option<String>,
    /// The password that `sudo`, `su` or `doas` asks for.
    pub sudo_password: Option<Secret<String>>,
    /// Further options of the connector, by their inventory names.
    pub options: Map<String, Value>,
}

/// What makes a user another on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BecomeMethod {
    /// sudo(8), which asks for the user's own password.
    #[default]
    Sudo,
    /// su(1), which asks for the other user's password.
    Su,
    /// doas(1), which asks for the user's own password.
    Doas,
}

impl BecomeMethod {
    /// All, with the names that Ansible has for them.
    const NAMES: [(&str, Self); 6] = [
        ("sudo", Self::Sudo),
        ("su", Self::Su),
        ("doas", Self::Doas),
        ("ansible.builtin.sudo", Self::Sudo),
        ("ansible.builtin.su", Self::Su),
        ("community.general.doas", Self::Doas),
    ];

    /// The program's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sudo => "sudo",
            Self::Su => "su",
            Self::Doas => "doas",
        }
    }

    /// The method that `ansible_become_method` means.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, method)| *method)
    }
}

/// What went over a connection since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Traffic {
    /// Requests that had to be answered before going on.
    pub round_trips: u64,
    /// Bytes sent, before encryption.
    pub sent: u64,
    /// Bytes received, after decryption.
    pub received: u64,
}

/// Bytes on their way to a host.
#[derive(Debug, Clone)]
pub enum Content {
    /// Bytes in memory.
    Bytes(Arc<[u8]>),
    /// A file of the controller, read as it is sent.
    File(PathBuf),
}

/// A way to reach hosts. One connection is opened for a host and kept for the whole run.
pub trait Connector: Send + Sync {
    /// The name that the inventory's `ansible_connection` selects it by.
    fn name(&self) -> &str;

    /// Opens the connection. Fails with `unreachable` or `denied`.
    fn connect<'a>(
        &'a self,
        target: &'a Target,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, OpResult<Arc<dyn Transport>>>;
}

/// An open connection to one host; calls may come from several nodes at once and run side by side.
pub trait Transport: Send + Sync {
    /// Runs a command and waits for its end. One with a [`crate::Claim`] that the host knows already is waited for
    /// instead; where nobody can know any more whether it was run to its end, this fails with `failed`. When `cancel` fires, the command's process group is
    /// ended on the host first, then the call fails with `cancelled`. A time limit of the command
    /// is an ordinary result, [`crate::Exit::TimedOut`]. Fails with `unreachable` when the
    /// connection is lost, `denied` when `sudo` refuses.
    fn run<'a>(
        &'a self,
        command: &'a Command,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, OpResult<CommandOutput>>;

    /// The same, and what the command writes goes to `sink` too while it runs, both streams in the order in which they
    /// come. What the sink does not take yet holds the command back, and nothing else on the host.
    fn run_heard<'a>(
        &'a self,
        command: &'a Command,
        sink: &'a dyn OutputSink,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, OpResult<CommandOutput>>;

    /// True where [`Transport::run_together`] takes one round trip, however many commands it is given.
    fn answers_together(&self) -> bool {
        false
    }

    /// Runs commands that only read, have no input, and have one user, one after the other in one round trip.
    /// What it cannot tell of one of them, as when it was ended by a signal or came too late, is left out: then that
    /// one is to be run by itself. Fails as [`Transport::run`] does.
    fn run_together<'a>(
        &'a self,
        commands: &'a [Command],
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, OpResult<Vec<Option<CommandOutput>>>> {
        let _ = cancel;
        Box::pin(async move { Ok(vec![None; commands.len()]) })
    }

    /// Streams `length` bytes into the new file `path` with mode 0600, owned by `user` or the
    /// connection's user. An existing file is an error: callers send to a temporary name and rename.
    ///
    /// Returns the SHA-256 of what arrived, in hexadecimal digits, where the host summed it up on the way.
    fn upload<'a>(
        &'a self,
        source: &'a mut (dyn AsyncRead + Send + Unpin),
        length: u64,
        path: &'a str,
        user: Option<&'a str>,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, OpResult<Option<String>>>;

    /// Streams the file `path` into `sink`, read as `user` or the connection's user.
    /// Returns the number of bytes.
    fn download<'a>(
        &'a self,
        path: &'a str,
        sink: &'a mut (dyn AsyncWrite + Send + Unpin),
        user: Option<&'a str>,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, OpResult<u64>>;

    /// True where a command that has a [`crate::Claim`] can be asked for again by another controller, or a later one.
    fn keeps_claims(&self) -> bool {
        false
    }

    /// How long a lost connection is worth being opened again; never where this is zero.
    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    /// What has to be run on the next connection to the host before anything else, where this one was lost: it ends
    /// what this one left running. Commands with a claim are not among that.
    fn aftermath(&self) -> Vec<Command> {
        Vec::new()
    }

    /// What went over the connection so far.
    fn traffic(&self) -> Traffic;

    /// Closes the connection and what it left running for itself.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// What an operation may do to learn the present state. It has no verb that changes anything;
/// commands that it is given must not either, and the laws run every `read` on a read-only root.
pub trait Reader: Send + Sync {
    /// The host.
    fn host(&self) -> &HostInfo;

    /// The user that operations run as, where `.sudo()` chose one.
    fn user(&self) -> Option<&str>;

    /// Runs a command that changes nothing. Its exit status is for the caller to judge.
    fn query(&self, command: Command) -> BoxFuture<'_, OpResult<CommandOutput>>;

    /// Reads a whole file into memory. More than `limit` bytes are an error.
    fn download<'a>(&'a self, path: &'a str, limit: u64) -> BoxFuture<'a, OpResult<Vec<u8>>>;

    /// The host's facts, gathered on first use.
    fn facts(&self) -> BoxFuture<'_, OpResult<Arc<Value>>>;

    /// Finds a file of the project: `folder` is `files` or `templates`, searched beside the script
    /// that calls, then beside the runbook; a path with a folder of its own is taken as it is.
    fn project_file(&self, folder: &str, name: &str) -> OpResult<PathBuf>;

    /// Renders a template of the project with the host's variables and facts, and `vars` over them.
    fn render<'a>(&'a self, name: &'a str, vars: &'a Map<String, Value>) -> BoxFuture<'a, OpResult<String>>;

    /// Where secrets are made known.
    fn secrets(&self) -> &dyn SecretSink;

    /// Fires when the node, its attempt or the run is cancelled: every wait must end on it.
    fn cancel(&self) -> &CancellationToken;

    /// Says what a long operation is doing, for the live picture.
    fn progress(&self, message: &str);
}

/// What an operation may do to change a host.
pub trait Writer: Reader {
    /// Runs a command that may change something. Its exit status is for the caller to judge.
    fn run(&self, command: Command) -> BoxFuture<'_, OpResult<CommandOutput>>;

    /// Sends `content` into the new file `path` (mode 0600); an existing file is an error. Returns the SHA-256 of what
    /// arrived, as [`Transport::upload`] does.
    fn upload<'a>(&'a self, content: Content, path: &'a str) -> BoxFuture<'a, OpResult<Option<String>>>;

    /// Streams the host's file `path` into the controller's file `to`, which it replaces atomically.
    fn fetch<'a>(&'a self, path: &'a str, to: &'a std::path::Path) -> BoxFuture<'a, OpResult<u64>>;

    /// Forgets the facts: the next use gathers them anew.
    fn forget_facts(&self);

    /// Waits until the connection is closed and the host answers again, as after a reboot.
    /// `cancel` of the node ends it; `limit` passing is a `timeout`.
    fn reconnect(&self, limit: Duration) -> BoxFuture<'_, OpResult<()>>;
}
