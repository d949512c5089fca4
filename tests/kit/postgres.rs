//! A PostgreSQL server of its own for a test.

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::processes;

/// How long the server may take to be there, or to be gone.
const PATIENCE: Duration = Duration::from_secs(60);

/// `nobody`, as whom the server runs where the test is root, which it refuses to be run by.
const NOBODY: u32 = 65534;

/// The name of the user that owns everything in it, and of its database.
const USER: &str = "oneex";

/// A server on a free port of 127.0.0.1 that speaks TLS and asks for a password. It ends when it is dropped.
pub struct PostgresServer {
    base: TempDir,
    port: u16,
    server: Option<Child>,
}

impl PostgresServer {
    /// The password of the user `oneex`.
    pub const PASSWORD: &'static str = "c0rrect-h0rse";

    /// Makes a cluster and starts a server for it.
    ///
    /// # Panics
    /// When the programs of PostgreSQL are missing (`tests/setup.sh` installs them), or do not do what they should.
    pub fn start() -> Self {
        let base = tempfile::Builder::new().prefix("oneex-postgres-").tempdir().expect("a temporary folder");
        let this = Self { port: free_port(), base, server: None };
        give(this.base.path());
        this.write("password", Self::PASSWORD);
        let certificate =
            rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()])
                .expect("a certificate is made");
        this.write("server.pem", &certificate.cert.pem());
        this.write("server.key", &certificate.signing_key.serialize_pem());
        let mut initdb = this.program("initdb");
        initdb.arg("--pgdata").arg(this.data()).arg("--pwfile").arg(this.base.path().join("password"));
        initdb.args(["--username", USER, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"]);
        run(initdb.args(["--no-sync", "--no-instructions"]));
        let mut this = this.started();
        this.sql("postgres", &format!("create database {USER}"));
        this.wait();
        this
    }

    fn started(mut self) -> Self {
        self.restart();
        self
    }

    /// The server's address without the password.
    pub fn url(&self) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{USER}", self.port)
    }

    /// The authority that has signed the server's certificate: that itself.
    pub fn ca_file(&self) -> PathBuf {
        self.base.path().join("server.pem")
    }

    /// Stops the server at once, as a crash would; who is connected loses the connection.
    ///
    /// # Panics
    /// When it does not end.
    pub fn crash(&mut self) {
        if self.server.is_none() {
            return;
        }
        // Whoever stands still would hear nothing.
        self.thaw();
        let Some(mut server) = self.server.take() else { return };
        kill_process(Pid::from_child(&server), Signal::QUIT).expect("a signal to the server");
        let deadline = Instant::now() + PATIENCE;
        while server.try_wait().expect("the state of the server").is_none() {
            assert!(Instant::now() < deadline, "the server does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Stands the server still: connections stay open, and nobody answers.
    ///
    /// # Panics
    /// When it is not there.
    pub fn freeze(&self) {
        self.signal_all(Signal::STOP);
    }

    /// Lets a server go on that stands still.
    ///
    /// # Panics
    /// When it is not there.
    pub fn thaw(&self) {
        self.signal_all(Signal::CONT);
    }

    fn signal_all(&self, signal: Signal) {
        let server = self.server.as_ref().expect("a server that runs");
        for process in processes::descendants(server.id()).into_iter().chain([server.id()]) {
            let process = i32::try_from(process).ok().and_then(Pid::from_raw).expect("a process id");
            // One that has just ended hears nothing.
            let _ = kill_process(process, signal);
        }
    }

    /// Starts the server again, on the same port.
    ///
    /// # Panics
    /// When it does not come.
    pub fn restart(&mut self) {
        let log = std::fs::File::options().append(true).create(true).open(self.base.path().join("log"));
        let log = log.expect("the server's log");
        let mut server = self.program("postgres");
        server.arg("-D").arg(self.data()).arg("-p").arg(self.port.to_string());
        for (name, value) in [
            ("listen_addresses", "127.0.0.1"),
            ("unix_socket_directories", ""),
            ("ssl", "on"),
            ("ssl_cert_file", &self.base.path().join("server.pem").display().to_string()),
            ("ssl_key_file", &self.base.path().join("server.key").display().to_string()),
            // A test's cluster needs not outlive a power failure.
            ("fsync", "off"),
        ] {
            server.arg("-c").arg(format!("{name}={value}"));
        }
        server.stdin(Stdio::null()).stdout(log.try_clone().expect("a second handle")).stderr(log);
        self.server = Some(server.spawn().expect("postgres starts"));
        self.wait();
    }

    /// Runs statements as the cluster's owner in the database `oneex`, and gives their rows, columns apart by `|`.
    ///
    /// # Panics
    /// When one of them fails.
    pub fn query(&self, sql: &str) -> String {
        self.sql(USER, sql)
    }

    fn sql(&self, database: &str, sql: &str) -> String {
        let mut psql = self.program("psql");
        psql.env("PGPASSWORD", Self::PASSWORD).env("PGSSLMODE", "verify-full");
        psql.env("PGSSLROOTCERT", self.ca_file());
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", USER]);
        run(psql.arg("-p").arg(self.port.to_string()).args(["-d", database, "-c", sql]))
    }

    fn data(&self) -> PathBuf {
        self.base.path().join("data")
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.base.path().join(name);
        std::fs::write(&path, text).expect("a file of the server");
        // The server refuses a key that others may read.
        let mode =
            std::os::unix::fs::PermissionsExt::from_mode(if name == "server.pem" { 0o644 } else { 0o600 });
        std::fs::set_permissions(&path, mode).expect("its mode");
        give(&path);
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(programs().join(name));
        command.current_dir(self.base.path()).env_clear();
        command.env("PATH", "/usr/bin:/bin").env("HOME", self.base.path()).env("LC_ALL", "C");
        if rustix::process::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    /// Waits until the server lets people in.
    fn wait(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let port = self.port.to_string();
            let mut asks = self.program("pg_isready");
            let is_ready =
                asks.args(["-q", "-h", "127.0.0.1", "-p", &port]).status().expect("pg_isready starts");
            if is_ready.success() {
                return;
            }
            let ended = self.server.as_mut().is_none_or(|server| !matches!(server.try_wait(), Ok(None)));
            let log = || std::fs::read_to_string(self.base.path().join("log")).unwrap_or_default();
            assert!(!ended && Instant::now() < deadline, "the server is not there:\n{}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.crash();
    }
}

/// Where the newest PostgreSQL of the machine has its programs.
fn programs() -> PathBuf {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = debian
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| folder.join("initdb").exists())
        .collect();
    found.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).find(|folder| folder.join("initdb").exists());
    let newest = found.pop().map(|(_, folder)| folder);
    newest.or(in_path).expect("the programs of PostgreSQL, which `tests/setup.sh` installs")
}

/// Makes `nobody` the owner of a file where the server runs as that.
fn give(path: &Path) {
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).expect("another owner of a file");
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its number").port()
}

fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().expect("a program of PostgreSQL starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}: {said}", output.status);
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}
