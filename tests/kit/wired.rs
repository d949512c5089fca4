//! A host behind any transport: operations reach it as they do in a run.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use oneex_sdk::{
    BoxFuture, CancellationToken, Command, CommandOutput, Connector, Content, HostInfo, Map, OpError,
    OpResult, Reader, SecretSink, Target, Transport, Value, Writer,
};
use tempfile::TempDir;

use crate::TestSecrets;

/// One open connection with a project, and the user that operations act as.
pub struct WiredHost {
    info: HostInfo,
    transport: Arc<dyn Transport>,
    project: TempDir,
    user: Option<String>,
    secrets: TestSecrets,
    cancel: CancellationToken,
}

impl WiredHost {
    /// Connects to `target`.
    ///
    /// # Panics
    /// When the host does not let us in.
    pub async fn connect(connector: &dyn Connector, target: Target) -> Self {
        crate::signals::heard_by_programs();
        let cancel = CancellationToken::new();
        let transport = connector.connect(&target, &cancel).await.expect("the host lets us in");
        Self {
            info: HostInfo { name: target.name.clone(), target, ..HostInfo::default() },
            transport,
            project: tempfile::Builder::new().prefix("oneex-test-").tempdir().expect("a temporary folder"),
            user: None,
            secrets: TestSecrets::default(),
            cancel,
        }
    }

    /// Lets operations act as `user` from now on, by `sudo`; as the connection's own user without.
    pub fn act_as(&mut self, user: Option<&str>) {
        self.user = user.map(str::to_owned);
    }

    /// Writes a file of the project: `files/motd`, `templates/x.j2`. Gives its path.
    pub fn project_write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.project.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder of the project");
        std::fs::write(&path, content).expect("a file of the project");
        path
    }

    /// Closes the connection.
    pub async fn close(&self) {
        self.transport.close().await;
    }
}

impl Reader for WiredHost {
    fn host(&self) -> &HostInfo {
        &self.info
    }

    fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    fn query(&self, mut command: Command) -> BoxFuture<'_, OpResult<CommandOutput>> {
        command.user.clone_from(&self.user);
        Box::pin(async move { self.transport.run(&command, &self.cancel).await })
    }

    fn download<'a>(&'a self, path: &'a str, limit: u64) -> BoxFuture<'a, OpResult<Vec<u8>>> {
        Box::pin(async move {
            let mut bytes = Vec::new();
            let user = self.user.as_deref();
            let length = self.transport.download(path, &mut bytes, user, &self.cancel).await?;
            if length > limit { Err(OpError::failed(format!("`{path}` is too large"))) } else { Ok(bytes) }
        })
    }

    fn facts(&self) -> BoxFuture<'_, OpResult<Arc<Value>>> {
        Box::pin(async { Ok(Arc::new(Value::Object(Map::new()))) })
    }

    fn project_file(&self, folder: &str, name: &str) -> OpResult<PathBuf> {
        let path = self.project.path().join(folder).join(name);
        let missing = || OpError::invalid(format!("there is no `{name}` in `{folder}/`"));
        if path.exists() { Ok(path) } else { Err(missing()) }
    }

    /// Gives the template's text as it is.
    fn render<'a>(&'a self, name: &'a str, _: &'a Map<String, Value>) -> BoxFuture<'a, OpResult<String>> {
        Box::pin(async move {
            let text = std::fs::read_to_string(self.project_file("templates", name)?);
            text.map_err(|error| OpError::invalid(error.to_string()))
        })
    }

    fn secrets(&self) -> &dyn SecretSink {
        &self.secrets
    }

    fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    fn progress(&self, _: &str) {}
}

impl Writer for WiredHost {
    fn run(&self, command: Command) -> BoxFuture<'_, OpResult<CommandOutput>> {
        self.query(command)
    }

    fn upload<'a>(&'a self, content: Content, path: &'a str) -> BoxFuture<'a, OpResult<Option<String>>> {
        Box::pin(async move {
            let bytes = match content {
                Content::Bytes(bytes) => bytes.to_vec(),
                Content::File(from) => {
                    std::fs::read(from).map_err(|error| OpError::failed(error.to_string()))?
                }
            };
            let (length, user) = (bytes.len() as u64, self.user.as_deref());
            self.transport.upload(&mut &bytes[..], length, path, user, &self.cancel).await
        })
    }

    fn fetch<'a>(&'a self, path: &'a str, to: &'a Path) -> BoxFuture<'a, OpResult<u64>> {
        Box::pin(async move {
            let bytes = self.download(path, u64::MAX).await?;
            std::fs::write(to, &bytes).map_err(|error| OpError::failed(error.to_string()))?;
            Ok(bytes.len() as u64)
        })
    }

    fn forget_facts(&self) {}

    fn reconnect(&self, _: Duration) -> BoxFuture<'_, OpResult<()>> {
        Box::pin(async { Err(OpError::failed("the connection is kept")) })
    }
}
