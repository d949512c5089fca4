//! What a person's command writes while it runs: events for those who follow, and a file for what is too long.

use std::path::PathBuf;

use oneex_sdk::{BoxFuture, CommandOutput, Heard, OpResult, OutputSink, Stream, io_reason};
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::Mutex;

use super::lines::{Line, Lines};
use super::{Level, Mode, NodeContext, RunEvent};
use crate::redact::Masker;

/// Hears one command. Nothing that fails here is a failure of the command.
pub(super) struct Hearing<'a> {
    node: &'a NodeContext,
    host: &'a str,
    op: u64,
    sides: [Mutex<Side>; 2],
}

/// One stream.
#[derive(Default)]
struct Side {
    /// What is shown of it.
    shown: Masker,
    lines: Lines,
    /// What goes into its file.
    filed: Masker,
    file: Option<(File, PathBuf)>,
}

impl<'a> Hearing<'a> {
    /// Hears a command of the operation `op`; nothing where nobody wants it.
    pub(super) fn of(node: &'a NodeContext, host: &'a str, op: u64) -> Option<Self> {
        let run = &node.run;
        let is_wanted = run.events.is_followed() || (run.mode == Mode::Run && run.kept.is_possible());
        (is_wanted && !node.sensitive).then(|| Self { node, host, op, sides: Default::default() })
    }

    /// Ends both streams, and adds to the result where the whole of them is.
    pub(super) async fn finish(self, result: OpResult<CommandOutput>) -> OpResult<CommandOutput> {
        let mut result = result;
        let redactor = &self.node.run.redactor;
        for stream in Stream::BOTH {
            let mut side = self.sides[stream as usize].lock().await;
            let rest = side.shown.finish(redactor);
            let mut lines = side.lines.feed(&rest);
            lines.extend(side.lines.finish());
            self.show(stream, lines);
            let rest = side.filed.finish(redactor);
            self.write(&mut side, stream, rest).await;
            let Some((mut file, path)) = side.file.take() else { continue };
            if let Err(error) = file.flush().await {
                self.lost(stream, &path, &error);
            } else if let Some(cut) = result.as_mut().ok().and_then(|output| output.cut.stream_mut(stream)) {
                cut.file = Some(path);
            }
        }
        result
    }

    fn show(&self, stream: Stream, lines: Vec<Line>) {
        for Line { text, continued } in lines {
            let (node, stream) = (self.node.node.clone(), stream.as_str());
            self.node.run.events.emit(RunEvent::Output { node, op: self.op, stream, text, continued });
        }
    }

    /// The stream is too long for memory: its file begins.
    async fn begin(&self, side: &mut Side, stream: Stream, bytes: Vec<u8>) {
        let run = &self.node.run;
        let path = run.kept.path(self.op, self.host, stream).filter(|_| run.mode == Mode::Run);
        let Some(path) = path else { return };
        match run.kept.create(&path, &run.redactor) {
            Ok(file) => side.file = Some((File::from_std(file), path)),
            Err(error) => return self.lost(stream, &path, &error),
        }
        let bytes = side.filed.feed(&run.redactor, bytes);
        self.write(side, stream, bytes).await;
    }

    async fn write(&self, side: &mut Side, stream: Stream, bytes: Vec<u8>) {
        let Some((file, path)) = &mut side.file else { return };
        if let Err(error) = file.write_all(&bytes).await {
            self.lost(stream, path, &error);
            side.file = None;
        }
    }

    /// A disk that is full, most likely.
    fn lost(&self, stream: Stream, path: &std::path::Path, error: &std::io::Error) {
        let text = format!(
            "what `{}` of the command on `{}` has beyond the limit is lost: `{}` cannot be written: {}",
            stream.as_str(),
            self.host,
            path.display(),
            io_reason(error)
        );
        let node = Some(self.node.node.clone());
        self.node.run.events.emit(RunEvent::Message { node, level: Level::Warning, text, position: None });
    }

    async fn hear(&self, heard: Heard) {
        let redactor = &self.node.run.redactor;
        let (stream, bytes) = match heard {
            Heard::Beginning(stream, bytes) => {
                let mut side = self.sides[stream as usize].lock().await;
                return self.begin(&mut side, stream, bytes).await;
            }
            Heard::Next(stream, bytes) => (stream, bytes),
        };
        let mut side = self.sides[stream as usize].lock().await;
        if self.follows() {
            let shown = side.shown.feed(redactor, bytes.clone());
            let lines = side.lines.feed(&shown);
            self.show(stream, lines);
        }
        if side.file.is_some() {
            let bytes = side.filed.feed(redactor, bytes);
            self.write(&mut side, stream, bytes).await;
        }
    }
}

impl OutputSink for Hearing<'_> {
    fn follows(&self) -> bool {
        self.node.run.events.is_followed()
    }

    fn take(&self, heard: Heard) -> BoxFuture<'_, ()> {
        Box::pin(self.hear(heard))
    }
}
