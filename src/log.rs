//! The program's own log, on standard error: what goes on behind the report, for those who look for a
//! mistake in oneex or on the way to a host. It passes the redactor as everything else does.

use std::io::{Result, Write};
use std::sync::{Arc, OnceLock};

use oneex_engine::redact::Redactor;
use oneex_sdk::visible;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::term::Output;

/// What is logged at `-vvv`: oneex itself, not the crates that it uses.
pub(crate) const OWN: &str = "oneex=debug,oneex_engine=debug,oneex_modules=debug";

/// Where the log goes, and what masks secrets in it.
#[derive(Clone)]
pub(crate) struct Log {
    output: Output,
    redactor: Arc<OnceLock<Arc<Redactor>>>,
}

impl Log {
    /// A log that writes to `output`.
    pub(crate) fn new(output: Output) -> Self {
        Self { output, redactor: Arc::default() }
    }

    /// Masks the secrets that this redactor knows, from now on. The first one stays.
    pub(crate) fn mask(&self, redactor: &Arc<Redactor>) {
        // A command works on one project, so there is one redactor.
        let _ = self.redactor.set(Arc::clone(redactor));
    }

    /// Starts it with a filter in the syntax of `tracing-subscriber`'s `EnvFilter`.
    pub(crate) fn start(&self, filter: &str) {
        let log = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(filter))
            .with_writer(self.clone())
            .with_ansi(false);
        // Fails only where a log was started before, as in tests that share a process.
        let _ = log.try_init();
    }
}

impl Write for Log {
    /// Takes a whole line: the formatter writes each event at once.
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let text = match self.redactor.get() {
            Some(redactor) => redactor.text(&text).to_string(),
            None => text.into_owned(),
        };
        self.output.write(&visible(&text));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::sync::Arc;

    use oneex_engine::redact::Redactor;

    use super::Log;
    use crate::term::capture;

    #[test]
    fn the_log_masks_secrets_and_controls_no_terminal() {
        let (output, captured) = capture::output(false);
        let mut log = Log::new(output);
        log.write_all(b"before hunter2-hunter2\n").unwrap();
        let redactor = Arc::new(Redactor::default());
        redactor.register_all(["hunter2-hunter2".to_owned()]);
        log.mask(&redactor);
        log.write_all(b"after hunter2-hunter2 \x1b[2J\n").unwrap();
        assert_eq!(captured.text(), "before hunter2-hunter2\nafter \u{2022}\u{2022}\u{2022} \\x1b[2J\n");
    }
}
