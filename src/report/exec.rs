//! What `oneex exec` shows: each host's output under its name, as soon as it is there, or equal outputs
//! once when all are there.

use std::collections::HashSet;
use std::sync::Arc;

use indexmap::IndexMap;
use oneex_engine::run::{Failure, Listener, NodeStatus, RunEvent, RunStatus, Stamped};
use oneex_sdk::{Value, visible};

use super::look::seconds;
use super::{cut, recap};
use crate::context::Verbosity;
use crate::term::{BOLD, DIM, GREEN, Output, RED, indent};

/// Writes what the hosts said.
pub(crate) struct ExecLog {
    output: Output,
    verbosity: Verbosity,
    /// The hosts by what they answered, where equal answers are shown once.
    merged: Option<IndexMap<Answer, Vec<String>>>,
    /// The hosts whose output was shown line by line.
    told: HashSet<Option<Arc<str>>>,
}

/// What a host answered.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Answer {
    /// How it ended, coloured.
    head: String,
    /// What it said.
    body: String,
}

impl ExecLog {
    /// A listener that writes to `output`; with `merge`, equal outputs stand once, when the run ends.
    pub(crate) fn new(output: Output, verbosity: Verbosity, merge: bool) -> Self {
        Self { output, verbosity, merged: merge.then(IndexMap::new), told: HashSet::new() }
    }

    /// Takes a host's answer: gives what is shown at once.
    fn host(&mut self, host: &str, answer: Answer, duration: f64) -> String {
        let name = visible(host).into_owned();
        if let Some(merged) = &mut self.merged {
            merged.entry(answer).or_default().push(name);
            return String::new();
        }
        format!("{}  {}{}\n{}", self.output.paint(BOLD, &name), answer.head, seconds(duration), answer.body)
    }

    /// What was kept until the end.
    fn kept(&mut self) -> String {
        let merged = self.merged.take().into_iter().flatten();
        merged.fold(String::new(), |mut out, (answer, mut hosts)| {
            hosts.sort();
            let count = if hosts.len() > 1 { format!(" ({} hosts)", hosts.len()) } else { String::new() };
            let names = self.output.paint(BOLD, &hosts.join(", "));
            out.push_str(&format!("{names}  {}{count}\n{}", answer.head, answer.body));
            out
        })
    }

    fn answer(&self, status: NodeStatus, failure: Option<&Failure>, fields: &Value, told: bool) -> Answer {
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
        let mut body = String::new();
        for stream in [&stdout, &stderr].into_iter().filter(|_| !told) {
            body.push_str(&indent(&visible(stream.trim_end_matches('\n')), 1));
        }
        let cut = match failure {
            Some(failure) => cut::notes(|name| failure.extra.get(name)),
            None => cut::notes(|name| fields.get(name)),
        };
        cut.iter().for_each(|note| body.push_str(&indent(&visible(note), 1)));
        // The command said nothing, or there was none: then the failure itself must say what is wrong.
        if let Some(failure) =
            failure.filter(|failure| failure.code.is_none() || (stdout.len() + stderr.len()) == 0)
        {
            body.push_str(&indent(&visible(&failure.message), 1));
            for hint in &failure.hints {
                body.push_str(&indent(&visible(&format!("help: {hint}")), 1));
            }
        }
        Answer { head: self.output.paint(style, &format!("{word}{code}")), body }
    }
}

impl Listener for ExecLog {
    /// Equal outputs that stand once are not shown as they come.
    fn follows(&self) -> bool {
        self.verbosity >= Verbosity::STEPS && self.merged.is_none()
    }

    fn on_event(&mut self, event: &Stamped) {
        let text = match &event.event {
            RunEvent::NodeFinished { node, status, failure, output, duration, .. } => {
                let host = node.host.as_deref().unwrap_or_default();
                let told = self.told.remove(&node.host);
                self.host(host, self.answer(*status, failure.as_ref(), output, told), *duration)
            }
            RunEvent::Output { node, stream, text, continued, .. } if self.follows() => {
                self.told.insert(node.host.clone());
                let name = self.output.paint(BOLD, &visible(node.host.as_deref().unwrap_or_default()));
                let more = if *continued { " …" } else { "" };
                format!("{}  {name}  {}{more}\n", self.output.paint(DIM, stream), visible(text))
            }
            RunEvent::Interrupted { signal, at_once: false } => format!("{signal}: again to stop at once\n"),
            RunEvent::Interrupted { signal, at_once: true } => format!("{signal}: stops at once\n"),
            RunEvent::Halted { reason, hint } => {
                let hint = hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
                format!("{}  {}\n", self.output.paint(RED, "stopped"), visible(&format!("{reason}{hint}")))
            }
            RunEvent::RunFinished { summary } => {
                let mut text = self.kept();
                if self.verbosity >= Verbosity::default() {
                    let style = if summary.status == RunStatus::Ok { GREEN } else { RED };
                    let word = self.output.paint(style, summary.status.as_str());
                    text.push_str(&format!("{word}  {}\n", visible(&summary.summary)));
                }
                text
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

    fn answered(host: &str, stdout: &str) -> RunEvent {
        let mut done = samples::finished(&samples::node("exec", Some(host)), NodeStatus::Changed, 0.02);
        if let RunEvent::NodeFinished { output, .. } = &mut done {
            *output = json!({ "code": 0, "stdout": stdout, "stderr": "" });
        }
        done
    }

    #[test]
    fn equal_outputs_stand_once_when_all_are_there() {
        let (output, captured) = capture::output(false);
        let mut log = ExecLog::new(output, Verbosity::QUIET, true);
        let end = RunEvent::RunFinished { summary: samples::summary(RunStatus::Ok, "", samples::counts()) };
        let mut lost = samples::finished(&samples::node("exec", Some("db1")), NodeStatus::Failed, 1.0);
        if let RunEvent::NodeFinished { failure: slot, .. } = &mut lost {
            *slot = Some(samples::failure().0);
        }
        let events =
            vec![answered("web3", "6.1\n"), answered("web1", "6.1\n"), lost, answered("web2", "5.15\n")];
        for event in samples::stamped(events) {
            log.on_event(&event);
        }
        assert_eq!(captured.text(), "", "nothing before all are there");
        samples::stamped(vec![end]).iter().for_each(|event| log.on_event(event));
        assert_eq!(
            captured.text(),
            "web1, web3  ok (2 hosts)\n  6.1\ndb1  failed, status 1\n  Using default tag\n  \
             \\x1b[31mError\\x1b[0m: no such image\nweb2  ok\n  5.15\n"
        );
    }

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
        let mut log = ExecLog::new(output, Verbosity::default(), false);
        for event in samples::stamped(vec![done, failed, lost, end]) {
            log.on_event(&event);
        }
        insta::assert_snapshot!(captured.text());
    }
}
