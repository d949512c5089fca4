//! A machine as operations see it: through a real connection.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oneex_sdk::{
    BoxFuture, CancellationToken, Command, CommandOutput, Connector, Content, FactSource, HostInfo, Map,
    OpError, OpResult, Reader, SecretSink, Transport, Value, Writer,
};
use tokio::time::Instant;

use super::Machine;
use crate::TestSecrets;
use crate::laws::{self, Watched};

/// How long between two attempts to connect again.
const PAUSE: Duration = Duration::from_millis(100);

/// A machine behind a connector; operations on it run for real.
pub struct RemoteMachine {
    /// The machine itself.
    pub machine: Machine,
    info: HostInfo,
    connector: Box<dyn Connector>,
    transport: Mutex<Arc<dyn Transport>>,
    source: Option<Box<dyn FactSource>>,
    secrets: TestSecrets,
    cancel: CancellationToken,
}

impl RemoteMachine {
    /// Boots a machine and connects.
    ///
    /// # Panics
    /// As [`Machine::boot`], and when the machine does not let us in.
    pub async fn boot(connector: impl Connector + 'static) -> Self {
        let machine = Machine::boot();
        let (target, cancel) = (machine.target(), CancellationToken::new());
        let transport = connector.connect(&target, &cancel).await.expect("the machine lets us in");
        // What it takes to have a shell there is no cost of an operation.
        transport.run(&Command::argv(["true"]), &cancel).await.expect("the machine runs commands");
        Self {
            machine,
            info: HostInfo { name: target.name.clone(), target, ..HostInfo::default() },
            connector: Box::new(connector),
            transport: Mutex::new(transport),
            source: None,
            secrets: TestSecrets::default(),
            cancel,
        }
    }

    /// Sets where facts come from; without it there are none.
    #[must_use]
    pub fn with_facts(mut self, source: impl FactSource + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    fn transport(&self) -> Arc<dyn Transport> {
        Arc::clone(&self.transport.lock().expect("no test panicked"))
    }
}

impl Reader for RemoteMachine {
    fn host(&self) -> &HostInfo {
        &self.info
    }

    fn user(&self) -> Option<&str> {
        None
    }

    fn query(&self, command: Command) -> BoxFuture<'_, OpResult<CommandOutput>> {
        Box::pin(async move { self.transport().run(&command, &self.cancel).await })
    }

    fn download<'a>(&'a self, path: &'a str, limit: u64) -> BoxFuture<'a, OpResult<Vec<u8>>> {
        Box::pin(async move {
            let mut bytes = Vec::new();
            let length = self.transport().download(path, &mut bytes, None, &self.cancel).await?;
            if length > limit { Err(OpError::failed(format!("`{path}` is too large"))) } else { Ok(bytes) }
        })
    }

    fn facts(&self) -> BoxFuture<'_, OpResult<Arc<Value>>> {
        Box::pin(async {
            match &self.source {
                Some(source) => source.gather(self).await.map(Arc::new),
                None => Ok(Arc::new(Value::Object(Map::new()))),
            }
        })
    }

    fn project_file(&self, folder: &str, name: &str) -> OpResult<PathBuf> {
        Err(OpError::invalid(format!("there is no `{name}` in `{folder}/`")))
    }

    fn render<'a>(&'a self, name: &'a str, _: &'a Map<String, Value>) -> BoxFuture<'a, OpResult<String>> {
        Box::pin(async move { Err(OpError::invalid(format!("there is no template `{name}`"))) })
    }

    fn secrets(&self) -> &dyn SecretSink {
        &self.secrets
    }

    fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    fn progress(&self, _: &str) {}
}

impl Writer for RemoteMachine {
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
            let length = bytes.len() as u64;
            self.transport().upload(&mut &bytes[..], length, path, None, &self.cancel).await
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

    fn reconnect(&self, limit: Duration) -> BoxFuture<'_, OpResult<()>> {
        Box::pin(async move {
            let deadline = Instant::now() + limit;
            self.transport().close().await;
            loop {
                match self.connector.connect(&self.info.target, &self.cancel).await {
                    Ok(transport) => {
                        *self.transport.lock().expect("no test panicked") = transport;
                        return Ok(());
                    }
                    Err(error) if Instant::now() >= deadline => {
                        return Err(OpError::timeout(format!("it does not come back: {error}")));
                    }
                    Err(_) => tokio::time::sleep(PAUSE).await,
                }
            }
        })
    }
}

impl Watched for RemoteMachine {
    fn trips(&self) -> u64 {
        self.transport().traffic().round_trips
    }

    fn freeze(&self, frozen: bool) {
        self.machine.says(if frozen { "mount -o remount,bind,ro /" } else { "mount -o remount,bind,rw /" });
    }

    fn seen(&self) -> BTreeMap<PathBuf, String> {
        laws::snapshot(&self.machine.changed_files())
    }
}
