//! What a running command writes, on its way to more than its result.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{BoxFuture, Value};

/// One of the two streams that a command writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// Both, in the order of their descriptors.
    pub const BOTH: [Self; 2] = [Self::Stdout, Self::Stderr];

    /// The word that people see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// Something that a command wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The stream is longer than what is kept of it: all of it from its first byte up to here. Some or all of this may
    /// have been [`Heard::Next`] before; what is not comes next.
    Beginning(Stream, Vec<u8>),
    /// The next bytes.
    Next(Stream, Vec<u8>),
}

/// Takes what a command writes while it runs.
pub trait OutputSink: Send + Sync {
    /// True where it wants all that is written, as it comes. Otherwise it gets only streams that are longer than what
    /// is kept of them, from the moment when they are.
    fn follows(&self) -> bool;

    /// Takes the next bytes. The command is held back until it returns, as by any reader of a pipe.
    fn take(&self, heard: Heard) -> BoxFuture<'_, ()>;
}

/// What of a stream is passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Passing {
    /// Nothing: what is not kept is dropped.
    #[default]
    Nothing,
    /// A stream that is longer than what is kept of it.
    Longer,
    /// Everything.
    All,
}

impl Passing {
    /// What a sink wants.
    pub fn to(sink: &dyn OutputSink) -> Self {
        if sink.follows() { Self::All } else { Self::Longer }
    }
}

/// One stream of a command while it is read: the beginning is kept, and what is to be passed on is given back.
#[derive(Debug)]
pub struct Collected {
    stream: Stream,
    keep: usize,
    passing: Passing,
    kept: Vec<u8>,
    total: u64,
}

impl Collected {
    /// Nothing yet; up to `keep` bytes will be kept.
    pub fn new(stream: Stream, keep: usize, passing: Passing) -> Self {
        Self { stream, keep, passing, kept: Vec::new(), total: 0 }
    }

    /// Adds what was read. Gives what has to be passed on, in this order.
    pub fn add<B: AsRef<[u8]> + Into<Vec<u8>>>(&mut self, bytes: B) -> [Option<Heard>; 2] {
        let count = bytes.as_ref().len();
        let was_cut = self.is_cut();
        let before = self.kept.len();
        let room = self.keep.saturating_sub(before).min(count);
        self.kept.extend_from_slice(&bytes.as_ref()[..room]);
        self.total += count as u64;
        let passes = match self.passing {
            Passing::Nothing => false,
            Passing::Longer => self.is_cut(),
            Passing::All => true,
        };
        if !passes || count == 0 {
            return [None, None];
        }
        let overflows = self.is_cut() && !was_cut;
        let beginning = overflows.then(|| Heard::Beginning(self.stream, self.kept[..before].to_vec()));
        [beginning, Some(Heard::Next(self.stream, bytes.into()))]
    }

    /// The bytes so far, those that were not kept included.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// What was kept.
    pub fn kept(&self) -> &[u8] {
        &self.kept
    }

    fn is_cut(&self) -> bool {
        self.total > self.kept.len() as u64
    }

    /// What was kept, and what was not.
    pub fn finish(&mut self) -> (Vec<u8>, Option<CutStream>) {
        let cut = self.is_cut().then_some(CutStream { total: self.total, file: None });
        (std::mem::take(&mut self.kept), cut)
    }
}

/// What is not in memory of a command's output.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutOutput {
    /// Of standard output; nothing where all of it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout: Option<CutStream>,
    /// Of standard error; nothing where all of it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr: Option<CutStream>,
}

/// A stream of which only the beginning is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutStream {
    /// The bytes that the command wrote.
    pub total: u64,
    /// Where all of them are, on the controller, secrets masked; nothing where they are lost.
    pub file: Option<PathBuf>,
}

impl CutOutput {
    /// True where all of both streams is kept.
    pub fn is_none(&self) -> bool {
        self.stdout.is_none() && self.stderr.is_none()
    }

    /// The fields that results and errors have of it: `truncated` and, where that is true, `stdout_size` and
    /// `stderr_size` in bytes, `stdout_file` and `stderr_file`; null for a stream that is kept, or whose file is lost.
    pub fn fields(&self) -> Vec<(String, Value)> {
        let mut fields = vec![("truncated".to_owned(), Value::Bool(!self.is_none()))];
        if !self.is_none() {
            for (stream, cut) in [(Stream::Stdout, &self.stdout), (Stream::Stderr, &self.stderr)] {
                let file = cut.as_ref().and_then(|cut| cut.file.as_ref());
                let file = file.map(|file| file.display().to_string());
                let size = cut.as_ref().map(|cut| cut.total);
                fields.push((format!("{}_size", stream.as_str()), size.into()));
                fields.push((format!("{}_file", stream.as_str()), file.into()));
            }
        }
        fields
    }

    /// What is not kept of a stream.
    pub fn stream_mut(&mut self, stream: Stream) -> Option<&mut CutStream> {
        match stream {
            Stream::Stdout => self.stdout.as_mut(),
            Stream::Stderr => self.stderr.as_mut(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Collected, CutStream, Heard, Passing, Stream};

    /// What is passed on of these chunks, what is kept of them, and their length where something is not.
    fn passed(chunks: &[&str], keep: usize, passing: Passing) -> (Vec<Heard>, String, Option<u64>) {
        let mut collected = Collected::new(Stream::Stdout, keep, passing);
        let heard = chunks.iter().flat_map(|chunk| collected.add(chunk.as_bytes())).flatten().collect();
        let (kept, cut) = collected.finish();
        let total = cut.map(|CutStream { total, .. }| total);
        (heard, String::from_utf8(kept).expect("a text"), total)
    }

    #[test]
    fn what_is_longer_is_passed_on_from_its_first_byte() {
        let first = |text: &str| Heard::Beginning(Stream::Stdout, text.into());
        let next = |text: &str| Heard::Next(Stream::Stdout, text.into());
        let chunks = ["one ", "two ", "three"];
        for (keep, passing, heard, kept, total) in [
            (13, Passing::Longer, vec![], "one two three", None),
            (13, Passing::All, vec![next("one "), next("two "), next("three")], "one two three", None),
            (10, Passing::Nothing, vec![], "one two th", Some(13)),
            (10, Passing::Longer, vec![first("one two "), next("three")], "one two th", Some(13)),
            (6, Passing::Longer, vec![first("one "), next("two "), next("three")], "one tw", Some(13)),
            (
                8,
                Passing::All,
                vec![next("one "), next("two "), first("one two "), next("three")],
                "one two ",
                Some(13),
            ),
            (0, Passing::Longer, vec![first(""), next("one "), next("two "), next("three")], "", Some(13)),
        ] {
            let expected = (heard, kept.to_owned(), total);
            assert_eq!(passed(&chunks, keep, passing), expected, "{keep} {passing:?}");
        }
        assert_eq!(passed(&["", ""], 0, Passing::All), (vec![], String::new(), None));
    }
}
