//! The machine that the tests run on as a host: commands run for real, files live in a folder of their own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use oneex_sdk::{
    BoxFuture, CancellationToken, Command, CommandOutput, Content, CutOutput, CutStream, Exit, HostInfo, Map,
    OpError, OpResult, Program, Reader, SecretSink, Value, Writer, json,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::cut::Cut;
use crate::disk::SmallDisk;

/// A host whose commands run on this machine with `sh`; what they cost is counted.
pub struct TestHost {
    info: HostInfo,
    /// Dropped before the folder that it is mounted on.
    disk: Option<SmallDisk>,
    root: TempDir,
    project: TempDir,
    secrets: TestSecrets,
    cancel: CancellationToken,
    round_trips: AtomicU64,
    uploads: AtomicU64,
    cut: Mutex<Option<Cut>>,
    frozen: AtomicBool,
    progress: Mutex<Vec<String>>,
    facts: Value,
    private: Vec<String>,
    search: Option<String>,
}

impl Default for TestHost {
    fn default() -> Self {
        Self::new()
    }
}

impl TestHost {
    /// A host with an empty folder and an empty project.
    pub fn new() -> Self {
        let folder = || tempfile::Builder::new().prefix("oneex-test-").tempdir().expect("a temporary folder");
        Self {
            info: HostInfo { name: "test".to_owned(), ..HostInfo::default() },
            disk: None,
            root: folder(),
            project: folder(),
            secrets: TestSecrets::default(),
            cancel: CancellationToken::new(),
            round_trips: AtomicU64::new(0),
            uploads: AtomicU64::new(0),
            cut: Mutex::new(None),
            frozen: AtomicBool::new(false),
            progress: Mutex::new(Vec::new()),
            facts: json!({}),
            private: Vec::new(),
            search: None,
        }
    }

    /// A host whose folder is a file system of its own, of so many bytes. Needs the rights of root.
    pub fn on_disk(bytes: u64) -> Self {
        let mut host = Self::new();
        host.disk = Some(SmallDisk::mount(host.root.path(), bytes));
        host
    }

    /// Whether commands find the whole machine read-only from now on. Needs the rights of root.
    pub fn freeze(&self, frozen: bool) {
        self.frozen.store(frozen, Ordering::Relaxed);
    }

    /// Sets the facts.
    #[must_use]
    pub fn with_facts(mut self, facts: Value) -> Self {
        self.facts = facts;
        self
    }

    /// Lets commands see folders of the test in place of the machine's: `/etc` is `etc` of the test's folder, at
    /// first empty, in a mount namespace of each command's own. Needs root.
    #[must_use]
    pub fn with_private(mut self, folders: &[&str]) -> Self {
        assert!(rustix::process::geteuid().is_root(), "a private `{folders:?}` needs root");
        for folder in folders {
            let own = self.root.path().join(folder.trim_start_matches('/'));
            std::fs::create_dir_all(own).expect("a folder of the test");
            self.private.push((*folder).to_owned());
        }
        self
    }

    /// Sets `PATH` of all commands.
    #[must_use]
    pub fn with_search_path(mut self, path: impl Into<String>) -> Self {
        self.search = Some(path.into());
        self
    }

    /// The folder that tests work in; also the home of commands.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The absolute path of `name` in the test's folder, as an option for an operation.
    pub fn path(&self, name: &str) -> String {
        self.root.path().join(name).to_str().expect("a UTF-8 path").to_owned()
    }

    /// Writes the file `name` of the test's folder, and gives its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).expect("a file of the test");
        path
    }

    /// The bytes of the file `name` of the test's folder; nothing where it is not there.
    pub fn content(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.path(name)).ok()
    }

    /// The permission bits of `name`, symbolic links followed.
    pub fn mode(&self, name: &str) -> u32 {
        let metadata = std::fs::metadata(self.path(name)).expect("metadata of the test's file");
        std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o7777
    }

    /// Writes a file of the project: `files/motd`, `templates/x.j2`. Gives its path.
    pub fn project_write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.project.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder of the project");
        std::fs::write(&path, content).expect("a file of the project");
        path
    }

    /// How many commands, downloads and fetches there were.
    pub fn round_trips(&self) -> u64 {
        self.round_trips.load(Ordering::Relaxed)
    }

    /// How many uploads there were; they count as no round trip.
    pub fn uploads(&self) -> u64 {
        self.uploads.load(Ordering::Relaxed)
    }

    /// What operations said of their progress.
    pub fn progress_messages(&self) -> Vec<String> {
        self.progress.lock().expect("no test panicked").clone()
    }

    /// From now on every command is killed before it starts its program number `after`, from 0.
    pub fn cut_after(&self, after: usize) {
        *self.cut.lock().expect("no test panicked") = Some(Cut::new(after));
    }

    /// Ends what [`Self::cut_after`] began, and says whether a command was killed.
    pub fn mend(&self) -> bool {
        self.cut.lock().expect("no test panicked").take().is_some_and(|cut| cut.happened())
    }

    async fn execute(&self, command: Command) -> OpResult<CommandOutput> {
        self.round_trips.fetch_add(1, Ordering::Relaxed);
        let cwd = command.cwd.as_deref().map_or(self.root.path(), Path::new);
        let mut words: Vec<OsString> = Vec::new();
        let mut add = |more: &[&str]| words.extend(more.iter().map(OsString::from));
        let root = self.root.path().to_str().expect("a UTF-8 path");
        if self.frozen.load(Ordering::Relaxed) {
            add(&["unshare", "--mount", "sh", "-c", FROZEN, "sh", root, cwd.to_str().expect("a UTF-8 path")]);
        }
        if !self.private.is_empty() {
            add(&["unshare", "--mount", "sh", "-c", PRIVATE, "sh", root]);
            add(&self.private.iter().map(String::as_str).collect::<Vec<_>>());
            add(&["--"]);
        }
        let umask = format!("{:04o}", command.umask.unwrap_or(0o022));
        // A program less for each of thousands of commands.
        if umask != own_umask() {
            add(&["sh", "-c", "umask \"$1\"; shift; exec \"$@\"", "sh", &umask]);
        }
        match &command.program {
            Program::Argv(argv) => words.extend(argv.iter().map(OsString::from)),
            Program::Shell { text, args } => {
                words.extend(["sh", "-c", text, "sh"].map(OsString::from));
                words.extend(args.iter().map(OsString::from));
            }
        }
        let mut process = tokio::process::Command::new(&words[0]);
        process.args(&words[1..]);
        process.current_dir(cwd).env("HOME", root);
        if let Some(cut) = &*self.cut.lock().expect("no test panicked") {
            process.env("PATH", cut.path_variable());
        }
        if let Some(search) = &self.search {
            process.env("PATH", search);
        }
        process.envs(command.env.iter().map(|(name, value)| (name, value)));
        process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child =
            process.kill_on_drop(true).spawn().map_err(|error| OpError::failed(error.to_string()))?;
        let leader = child.id().and_then(|id| rustix::process::Pid::from_raw(id as i32));
        let (mut stdin, mut stdout, mut stderr) = (
            child.stdin.take().expect("piped"),
            child.stdout.take().expect("piped"),
            child.stderr.take().expect("piped"),
        );
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let work = async {
            tokio::join!(
                async {
                    // A command that reads nothing breaks the pipe.
                    let _ = stdin.write_all(&command.stdin).await;
                    drop(stdin);
                },
                async {
                    let _ = stdout.read_to_end(&mut out).await;
                },
                async {
                    let _ = stderr.read_to_end(&mut err).await;
                },
            );
            child.wait().await
        };
        let limit = async {
            match command.timeout {
                Some(limit) => tokio::time::sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        let status = tokio::select! {
            status = work => Some(status.map_err(|error| OpError::failed(error.to_string()))?),
            () = limit => None,
            () = self.cancel.cancelled() => {
                end(leader);
                return Err(OpError::cancelled());
            }
        };
        let exit = match status {
            None => {
                end(leader);
                Exit::TimedOut
            }
            Some(status) => match (status.code(), std::os::unix::process::ExitStatusExt::signal(&status)) {
                (Some(code), _) => Exit::Code(code),
                (None, Some(9)) => Exit::Signal("KILL".to_owned()),
                (None, _) => Exit::Signal("TERM".to_owned()),
            },
        };
        let kept = |bytes: &mut Vec<u8>| {
            let total = bytes.len() as u64;
            bytes.truncate(command.keep);
            (total > bytes.len() as u64).then_some(CutStream { total, file: None })
        };
        let cut = CutOutput { stdout: kept(&mut out), stderr: kept(&mut err) };
        Ok(CommandOutput { exit, stdout: out, stderr: err, cut })
    }
}

/// Parameters: the test's folder, the folders that it stands in for, `--`, then a command.
pub(crate) const PRIVATE: &str = r#"root=$1; shift
while [ "$1" != -- ]; do mount -n --bind "$root$1" "$1" || exit 125; shift; done
shift
exec "$@""#;

/// The file mode mask of the tests themselves, which nobody changes while they run.
fn own_umask() -> &'static str {
    static OWN: OnceLock<String> = OnceLock::new();
    OWN.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let umask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
        umask.map(str::trim).unwrap_or_default().to_owned()
    })
}

/// Runs `$3` … in the folder `$2`, with all file systems that a command could write to read-only.
const FROZEN: &str = r#"
mount -n --bind "$1" "$1" && mount -n -o remount,bind,ro "$1" && mount -n -o remount,bind,ro / && cd "$2" || exit 99
shift 2
exec "$@"
"#;

fn end(leader: Option<rustix::process::Pid>) {
    if let Some(leader) = leader {
        let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
    }
}

fn failed(error: std::io::Error) -> OpError {
    OpError::failed(error.to_string())
}

impl Reader for TestHost {
    fn host(&self) -> &HostInfo {
        &self.info
    }

    fn user(&self) -> Option<&str> {
        None
    }

    fn query(&self, command: Command) -> BoxFuture<'_, OpResult<CommandOutput>> {
        Box::pin(self.execute(command))
    }

    fn download<'a>(&'a self, path: &'a str, limit: u64) -> BoxFuture<'a, OpResult<Vec<u8>>> {
        self.round_trips.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            let bytes = tokio::fs::read(path).await.map_err(failed)?;
            if bytes.len() as u64 > limit {
                Err(OpError::failed(format!("`{path}` is too large")))
            } else {
                Ok(bytes)
            }
        })
    }

    fn facts(&self) -> BoxFuture<'_, OpResult<Arc<Value>>> {
        Box::pin(async { Ok(Arc::new(self.facts.clone())) })
    }

    fn project_file(&self, folder: &str, name: &str) -> OpResult<PathBuf> {
        let found = [self.project.path().join(folder).join(name), self.project.path().join(name)];
        let missing = || OpError::invalid(format!("there is no `{name}` in `{folder}/`"));
        found.into_iter().find(|path| path.exists()).ok_or_else(missing)
    }

    fn render<'a>(&'a self, name: &'a str, vars: &'a Map<String, Value>) -> BoxFuture<'a, OpResult<String>> {
        Box::pin(async move {
            let text = std::fs::read_to_string(self.project_file("templates", name)?).map_err(failed)?;
            let place = regex::Regex::new(r"\{\{ *(\w+) *\}\}").expect("a pattern");
            let value = |captures: &regex::Captures<'_>| match vars.get(&captures[1]) {
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => String::new(),
            };
            Ok(place.replace_all(&text, value).into_owned())
        })
    }

    fn secrets(&self) -> &dyn SecretSink {
        &self.secrets
    }

    fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    fn progress(&self, message: &str) {
        self.progress.lock().expect("no test panicked").push(message.to_owned());
    }
}

impl Writer for TestHost {
    fn run(&self, command: Command) -> BoxFuture<'_, OpResult<CommandOutput>> {
        Box::pin(self.execute(command))
    }

    fn upload<'a>(&'a self, content: Content, path: &'a str) -> BoxFuture<'a, OpResult<Option<String>>> {
        self.uploads.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            let bytes = match content {
                Content::Bytes(bytes) => bytes.to_vec(),
                Content::File(from) => tokio::fs::read(from).await.map_err(failed)?,
            };
            let mut options = tokio::fs::OpenOptions::new();
            let mut file =
                options.write(true).create_new(true).mode(0o600).open(path).await.map_err(failed)?;
            file.write_all(&bytes).await.map_err(failed)?;
            file.flush().await.map_err(failed)?;
            Ok(None)
        })
    }

    fn fetch<'a>(&'a self, path: &'a str, to: &'a Path) -> BoxFuture<'a, OpResult<u64>> {
        self.round_trips.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move { tokio::fs::copy(path, to).await.map_err(failed) })
    }

    fn forget_facts(&self) {}

    fn reconnect(&self, _: Duration) -> BoxFuture<'_, OpResult<()>> {
        Box::pin(async { Ok(()) })
    }
}

/// Secrets by their plain text alone.
#[derive(Default)]
pub struct TestSecrets(Mutex<Vec<String>>);

impl SecretSink for TestSecrets {
    fn register(&self, secret: &str) {
        self.0.lock().expect("no test panicked").push(secret.to_owned());
    }

    fn holds_secret(&self, content: &[u8]) -> bool {
        let secrets = self.0.lock().expect("no test panicked");
        let is_in = |secret: &String| content.windows(secret.len()).any(|part| part == secret.as_bytes());
        secrets.iter().any(is_in)
    }
}
