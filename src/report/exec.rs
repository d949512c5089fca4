//! What `oneex exec` shows: each host's output under its name, as soon as it is there.

use oneex_engine::run::{Failure, Listener, NodeStatus, RunEvent, RunStatus, Stamped};
use oneex_sdk::{Value, visible};

use super::look::seconds;
use super::recap;
use crate::context::Verbosity;
use crate::term::{BOLD, GREEN, Output, RED, indent};

/// Writes what the hosts said.
pub(crate) struct ExecLog {
    output: Output,
    verbosity: Verbosity,
}

impl ExecLog {
    /// A listener that writes to `output`.
    pub(crate) fn new(output: Output, verbosity: Verbosity) -> Self {
        Self { output, verbosity }
    }

    fn host(
        &self,
        host: &str,
        status: NodeStatus,
        failure: Option<&Failure>,
        fields: &Value,
        duration: f64,
    ) -> String {
        let text = |value: &Value, name: &str| {
            value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let code = fields.get("code").and_then(Value::as_i64);
        let (word, code, stdout, stderr) = match failure {
            Some(failure) => (
                status.as_str(),
                failure.code.map(i64::from),
                failure.stdout.clone().unwrap_or_default(),
                failure.stderr.clone().unwrap_or_default(),
            ),
            None if matches!(status, NodeStatus::Ok | NodeStatus::Changed) => {
                ("ok", code, text(fields, "stdout"), text(fields, "stderr"))
            }
            None => (status.as_str(), code, String::new(), String::new()),
        };
        let style = if word == "ok" { GREEN } else { recap::style(status) };
        let code = code.filter(|code| *code != 0).map(|code| format!(", status {code}")).unwrap_or_default();
        let name = self.output.paint(BOLD, &visible(host));
        let mut out =
            format!("{name}  {}{}\n", self.output.paint(style, &format!("{word}{code}")), seconds(duration));
        for stream in [&stdout, &stderr] {
            out.push_str(&indent(&visible(stream.trim_end_matches('\n')), 1));
        }
        // The command said nothing, or there was none: then the failure itself must say what is wrong.
        if let Some(failure) =
            failure.filter(|failure| failure.code.is_none() || (stdout.len() + stderr.len()) == 0)
        {
            out.push_str(&indent(&visible(&failure.message), 1));
            for hint in &failure.hints {
                out.push_str(&indent(&visible(&format!("help: {hint}")), 1));
            }
        }
        out
    }
}

impl Listener for ExecLog {
    fn on_event(&mut self, event: &Stamped) {
        let text = match &event.event {
            RunEvent::NodeFinished { node, status, failure, output, duration, .. } => {
                let host = node.host.as_deref().unwrap_or_default();
                self.host(host, *status, failure.as_ref(), output, *duration)
            }
            RunEvent::Interrupted { signal } => format!("{signal}: again to stop at once\n"),
            RunEvent::RunFinished { summary } if self.verbosity >= Verbosity::default() => {
                let style = if summary.status == RunStatus::Ok { GREEN } else { RED };
                format!(
                    "{}  {}\n",
                    self.output.paint(style, summary.status.as_str()),
                    visible(&summary.summary)
                )
            }
            _ => String::new(),
        };
        self.output.write(&text);
    }
}

#[cfg(test)]
mod tests {
    use oneex_engine::run::{Listener, NodeStatus, RunEvent, RunStatus};
    use oneex_sdk::json;

    use super::ExecLog;
    use crate::context::Verbosity;
    use crate::report::samples;
    use crate::term::capture;

    #[test]
    fn each_hosts_output_stands_under_its_name() {
        let (failure, _) = samples::failure();
        let mut done = samples::finished(&samples::node("exec", Some("web1")), NodeStatus::Changed, 0.02);
        if let RunEvent::NodeFinished { output, .. } = &mut done {
            *output = json!({ "code": 0, "stdout": "up 3 days\n", "stderr": "warned\x07\n" });
        }
        let mut failed = samples::finished(&samples::node("exec", Some("web2")), NodeStatus::Failed, 1.0);
        if let RunEvent::NodeFinished { failure: slot, .. } = &mut failed {
            *slot = Some(failure);
        }
        let mut lost = samples::finished(&samples::node("exec", Some("db1")), NodeStatus::Unreachable, 1.0);
        if let RunEvent::NodeFinished { failure: slot, .. } = &mut lost {
            *slot = Some(oneex_engine::run::Failure {
                hints: vec!["try `ssh db1`".into()],
                ..oneex_engine::run::Failure::new(oneex_sdk::ErrorKind::Unreachable, "connection refused")
            });
        }
        let end = RunEvent::RunFinished {
            summary: samples::summary(RunStatus::Failed, "1 changed, 1 failed", samples::counts()),
        };
        let (output, captured) = capture::output(false);
        let mut log = ExecLog::new(output, Verbosity::default());
        for event in samples::stamped(vec![done, failed, lost, end]) {
            log.on_event(&event);
        }
        insta::assert_snapshot!(captured.text());
    }
}
