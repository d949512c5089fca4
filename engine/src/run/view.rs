//! The view that an operation has of its host: what it may read, what it may write.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use oneex_sdk::{
    BoxFuture, CancellationToken, Command, CommandOutput, Content, ErrorKind, HostInfo, Map, OpError,
    OpResult, Reader, SecretSink, Transport, Value, Writer,
};
use tokio::io::AsyncWriteExt;

use super::claims::Claims;
use super::hearing::Hearing;
use super::steady::Losses;
use super::{NodeContext, RunEvent};
use crate::ahead::{Next, Place, Read};

/// One operation's view of one host.
pub(super) struct View {
    pub(super) node: Arc<NodeContext>,
    pub(super) info: Arc<HostInfo>,
    pub(super) user: Option<String>,
    pub(super) op: u64,
    /// The source that calls: its folder is searched for files first.
    pub(super) source: Arc<str>,
    /// What it reads may be read ahead: it is an ensure, whose reads change nothing.
    pub(super) foreseen: bool,
    /// What it runs is run once, whatever becomes of the connection: it is an action, or takes long.
    pub(super) lasting: bool,
    /// What its commands are known by on the host.
    pub(super) claims: Claims,
    /// It read something.
    pub(super) has_read: AtomicBool,
    /// The connection that was lost while it wrote.
    pub(super) lost: Mutex<Option<Arc<dyn Transport>>>,
}

impl View {
    pub(super) async fn transport(&self) -> OpResult<Arc<dyn Transport>> {
        let run = &self.node.run;
        run.connections.transport(&run.registry, &self.info, &self.node.cancel).await
    }

    /// Runs a command as the operation's user.
    async fn command(&self, command: Command) -> OpResult<CommandOutput> {
        let mut command = self.checked(command)?;
        if !self.lasting {
            let transport = self.transport().await?;
            let result = self.execute(&*transport, &command).await;
            return self.wrote(&transport, result);
        }
        let (id, boot) = self.claims.next();
        command.claim = Some(self.node.run.connections.claim(id, boot));
        self.surely(command).await
    }

    /// Runs a command, and hears it where it is a person's.
    async fn execute(&self, transport: &dyn Transport, command: &Command) -> OpResult<CommandOutput> {
        let cancel = &self.node.cancel;
        match Hearing::of(&self.node, &self.info.name, self.op).filter(|_| command.followed) {
            Some(hearing) => {
                let result = transport.run_heard(command, &hearing, cancel).await;
                hearing.finish(result).await
            }
            None => transport.run(command, cancel).await,
        }
    }

    /// Runs a command that may be sent again when the connection is lost.
    async fn surely(&self, command: Command) -> OpResult<CommandOutput> {
        let mut losses = Losses::default();
        loop {
            let transport = self.transport().await?;
            let result = self.execute(&*transport, &command).await;
            if let Some(output) = self.bear(&transport, &mut losses, result).await? {
                return Ok(output);
            }
        }
    }

    /// Takes note of a connection that is lost while something is written.
    fn wrote<T>(&self, transport: &Arc<dyn Transport>, result: OpResult<T>) -> OpResult<T> {
        if result.as_ref().is_err_and(|error| error.kind == ErrorKind::Unreachable) {
            *self.lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(transport));
        }
        result
    }

    /// Secrets in an argument list would be seen by every user of the host.
    fn checked(&self, mut command: Command) -> OpResult<Command> {
        if command.argument_texts().any(|text| self.node.run.redactor.is_tainted(text)) {
            return Err(OpError::invalid("a secret stands in the arguments of a command")
                .hint("pass it by `stdin` or `env`: every user of the host can read argument lists"));
        }
        if command.user.is_none() {
            command.user.clone_from(&self.user);
        }
        Ok(command)
    }

    /// Reads, and has what is expected to be read next read along.
    async fn read(&self, command: Command) -> OpResult<CommandOutput> {
        let mut command = self.checked(command)?;
        self.has_read.store(true, Ordering::Relaxed);
        // What an action reads may be a person's own, as a condition is.
        command.tidy |= self.foreseen;
        let (transport, run) = (self.transport().await?, &self.node.run);
        let alone = || self.surely(command.clone());
        let ahead = self.node.ahead.as_ref().filter(|_| self.foreseen && transport.answers_together());
        let (Some(ahead), Some(read)) = (ahead, Read::of(&command)) else { return alone().await };
        let (node, user) = (&self.node.node, command.user.as_deref());
        let place = Place::new(&node.task, node.item.as_deref(), &self.info.name, user);
        let writes = run.connections.writes(&self.info.name);
        let reads = ahead.at(&place, &run.reads);
        let mut reads = reads.lock().await;
        let epoch = writes.epoch();
        let others = match reads.next(&read, &writes, ahead.actions(&self.info.name)) {
            Next::Answer(output) => return Ok(output),
            Next::Alone => {
                drop(reads);
                return alone().await;
            }
            Next::With(others) => others,
        };
        let mut commands = vec![command.clone()];
        commands.extend(others.iter().map(|read| read.command(user)));
        let answers = transport.run_together(&commands, &self.node.cancel).await;
        let Some(answers) = self.bear(&transport, &mut Losses::default(), answers).await? else {
            drop(reads);
            return alone().await;
        };
        let mut answers = answers.into_iter();
        let own = answers.next().flatten();
        reads.keep(others, answers.collect(), epoch);
        drop(reads);
        match own {
            Some(output) => Ok(output),
            None => alone().await,
        }
    }
}

impl Reader for View {
    fn host(&self) -> &HostInfo {
        &self.info
    }

    fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    fn query(&self, command: Command) -> BoxFuture<'_, OpResult<CommandOutput>> {
        Box::pin(self.read(command))
    }

    fn download<'a>(&'a self, path: &'a str, limit: u64) -> BoxFuture<'a, OpResult<Vec<u8>>> {
        Box::pin(async move {
            let (user, mut losses) = (self.user.as_deref(), Losses::default());
            loop {
                let mut sink = Bounded { bytes: Vec::new(), limit };
                let transport = self.transport().await?;
                let result = transport.download(path, &mut sink, user, &self.node.cancel).await;
                if sink.bytes.len() as u64 > limit {
                    return Err(OpError::failed(format!("`{path}` is larger than {limit} bytes")));
                }
                if self.bear(&transport, &mut losses, result).await?.is_some() {
                    return Ok(sink.bytes);
                }
            }
        })
    }

    fn facts(&self) -> BoxFuture<'_, OpResult<Arc<Value>>> {
        Box::pin(async move {
            let run = &self.node.run;
            let source =
                run.registry.fact_source().ok_or_else(|| OpError::invalid("no module gathers facts"))?;
            run.connections.facts(&self.info.name, source.gather(self)).await
        })
    }

    fn project_file(&self, folder: &str, name: &str) -> OpResult<PathBuf> {
        self.node.run.files.find(&self.source, folder, name)
    }

    fn render<'a>(&'a self, name: &'a str, vars: &'a Map<String, Value>) -> BoxFuture<'a, OpResult<String>> {
        Box::pin(async move {
            let path = self.project_file("templates", name)?;
            let run = &self.node.run;
            let text = std::fs::read_to_string(&path)
                .map_err(|error| OpError::invalid(format!("template `{name}` cannot be read: {error}")))?;
            run.note_input(&path, text.as_bytes());
            // Facts cost a round trip: they are gathered only for a template that can use them.
            let mentions =
                |text: &str| ["facts", "include", "import", "extends"].iter().any(|word| text.contains(word));
            let in_variables = || self.info.vars.values().any(|value| value.to_string().contains("facts"));
            let wants_facts = mentions(&text) || in_variables();
            let facts = if wants_facts { self.facts().await? } else { Arc::new(Value::Object(Map::new())) };
            let context = run.templates.host_context(&run.inventory, &self.info, &facts, vars);
            run.templates.render_file(&path, context).map_err(|diagnostic| {
                let mut error = OpError::invalid(&*diagnostic.message);
                if let Some(label) = diagnostic.labels.first() {
                    let position = &label.position;
                    if let Some(source) = &label.source {
                        run.sources.add(&position.file, &*source.text);
                    }
                    error.place = Some(Box::new((position.file.to_string(), position.line, position.column)));
                }
                match diagnostic.hints.into_iter().next() {
                    Some(hint) => error.hint(hint),
                    None => error,
                }
            })
        })
    }

    fn secrets(&self) -> &dyn SecretSink {
        &*self.node.run.redactor
    }

    fn cancel(&self) -> &CancellationToken {
        &self.node.cancel
    }

    fn progress(&self, message: &str) {
        let (node, message) = (self.node.node.clone(), message.to_owned());
        self.node.run.events.emit(RunEvent::Progress { node, op: self.op, message });
    }
}

impl Writer for View {
    fn run(&self, command: Command) -> BoxFuture<'_, OpResult<CommandOutput>> {
        Box::pin(self.command(command))
    }

    fn upload<'a>(&'a self, content: Content, path: &'a str) -> BoxFuture<'a, OpResult<Option<String>>> {
        Box::pin(async move {
            let transport = self.transport().await?;
            let (user, cancel) = (self.user.as_deref(), &self.node.cancel);
            let sent = match content {
                Content::Bytes(bytes) => {
                    let mut source: &[u8] = &bytes;
                    transport.upload(&mut source, bytes.len() as u64, path, user, cancel).await
                }
                Content::File(file) => {
                    let unreadable = |error: std::io::Error| {
                        OpError::invalid(format!("`{}` cannot be read: {error}", file.display()))
                    };
                    let mut source = tokio::fs::File::open(&file).await.map_err(unreadable)?;
                    let length = source.metadata().await.map_err(unreadable)?.len();
                    transport.upload(&mut source, length, path, user, cancel).await
                }
            };
            self.wrote(&transport, sent)
        })
    }

    fn fetch<'a>(&'a self, path: &'a str, to: &'a Path) -> BoxFuture<'a, OpResult<u64>> {
        Box::pin(async move {
            let unwritable = |error: std::io::Error| {
                OpError::failed(format!("`{}` cannot be written: {error}", to.display()))
            };
            let folder =
                to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let (user, mut losses) = (self.user.as_deref(), Losses::default());
            loop {
                let temporary = tempfile::NamedTempFile::new_in(folder).map_err(unwritable)?;
                let mut sink = tokio::fs::File::from_std(temporary.reopen().map_err(unwritable)?);
                let transport = self.transport().await?;
                let result = transport.download(path, &mut sink, user, &self.node.cancel).await;
                let Some(length) = self.bear(&transport, &mut losses, result).await? else { continue };
                sink.flush().await.map_err(unwritable)?;
                sink.sync_all().await.map_err(unwritable)?;
                temporary.persist(to).map_err(|error| unwritable(error.error))?;
                return Ok(length);
            }
        })
    }

    fn forget_facts(&self) {
        self.node.run.connections.forget_facts(&self.info.name);
    }

    fn reconnect(&self, limit: Duration) -> BoxFuture<'_, OpResult<()>> {
        Box::pin(async move {
            let (run, begun) = (&self.node.run, Instant::now());
            loop {
                run.connections.drop_transport(&self.info.name).await;
                let failed = match self.transport().await {
                    Ok(transport) => transport.run(&Command::argv(["true"]), &self.node.cancel).await.err(),
                    Err(error) => Some(error),
                };
                let Some(error) = failed else { return Ok(()) };
                if error.kind == ErrorKind::Cancelled {
                    return Err(error);
                }
                if begun.elapsed() > limit {
                    let message =
                        format!("the host did not answer again within {} s: {error}", limit.as_secs());
                    return Err(OpError::timeout(message));
                }
                tokio::select! {
                    () = self.node.cancel.cancelled() => return Err(OpError::cancelled()),
                    () = tokio::time::sleep(Duration::from_secs(1)) => {}
                }
            }
        })
    }
}

/// Keeps what it is given up to one byte above its limit, so that an overflow shows.
struct Bounded {
    bytes: Vec<u8>,
    limit: u64,
}

impl tokio::io::AsyncWrite for Bounded {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        buffer: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        let room = usize::try_from(self.limit + 1).unwrap_or(usize::MAX).saturating_sub(self.bytes.len());
        let kept = buffer.len().min(room);
        self.bytes.extend_from_slice(&buffer[..kept]);
        std::task::Poll::Ready(if kept < buffer.len() {
            Err(std::io::Error::other("the file is larger than the limit"))
        } else {
            Ok(buffer.len())
        })
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}
