//! Plain, stable lines for a person or a log: what changed, what failed, a recap at the end.
//!
//! A line begins with what happened, padded to a column, then the node. Without colours there is no
//! control character in it.

use std::collections::HashSet;
use std::sync::Arc;

use oneex_engine::diag::{Position, SourceMap};
use oneex_engine::run::{
    Failure, Level, Listener, NodeKey, NodeStatus, RunEvent, RunStatus, RunSummary, Stamped,
};

use super::look::{Look, seconds};
use super::recap::{self, Recap};
use super::{diagnostic, failure, operation};
use crate::context::Verbosity;
use crate::term::{BOLD, CYAN, DIM, GREEN, Output, RED, YELLOW, indent};

/// Renders events, one after the other.
pub(crate) struct Human {
    look: Look,
    sources: Arc<SourceMap>,
    recap: Recap,
    /// Operations whose output was shown as it came.
    told: HashSet<u64>,
}

impl Human {
    /// A renderer that shows places in `sources`.
    pub(crate) fn new(look: Look, sources: Arc<SourceMap>) -> Self {
        Self { look, sources, recap: Recap::default(), told: HashSet::new() }
    }

    /// True where it shows what commands write while they run.
    pub(crate) fn follows(&self) -> bool {
        self.look.shows(Verbosity::STEPS)
    }

    /// The text for an event; often none.
    pub(crate) fn render(&mut self, event: &RunEvent) -> String {
        let look = self.look;
        let at_least = |verbosity, text: String| if look.shows(verbosity) { text } else { String::new() };
        let (normal, steps) = (Verbosity::default(), Verbosity::STEPS);
        match event {
            RunEvent::RunStarted { name, mode, environment, params, tasks, .. } => {
                let place = environment.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
                let mut text =
                    at_least(normal, look.line(BOLD, mode, &format!("{name}{place}, tasks: {tasks}")));
                if params.as_object().is_some_and(|params| !params.is_empty()) {
                    text.push_str(&at_least(steps, look.line(DIM, "params", &params.to_string())));
                }
                text
            }
            RunEvent::TaskExpanded { task, nodes, .. } => {
                at_least(steps, look.line(DIM, "task", &format!("{task}, nodes: {nodes}")))
            }
            RunEvent::BatchStarted { task, batch, hosts } => {
                let hosts = hosts.join(", ");
                at_least(normal, look.line(CYAN, "batch", &format!("{task}, number {batch}: {hosts}")))
            }
            RunEvent::NodeStarted { node, attempt } => {
                let again = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
                at_least(steps, look.line(DIM, "start", &format!("{node}{again}")))
            }
            RunEvent::NodeRetry { node, attempt, wait, failure } => {
                let line = failure::line(failure);
                let rest = format!("{node}  attempt {attempt} failed, again in {wait}s: {line}");
                at_least(normal, look.line(YELLOW, "retry", &rest))
            }
            RunEvent::NodePhase { node, phase } => {
                at_least(normal, look.line(CYAN, phase, &node.to_string()))
            }
            RunEvent::NodeFinished { node, status, reason, failure, duration, .. } => {
                self.recap.add(node, *status);
                self.finished(node, *status, reason.as_deref(), failure.as_ref(), *duration)
            }
            RunEvent::OperationStarted { node, name, target, .. } => {
                let what = operation::what(node, name, target, "");
                at_least(Verbosity::DETAILS, look.line(DIM, "op", &format!("{node}  {what}")))
            }
            RunEvent::Progress { node, message, .. } => {
                at_least(Verbosity::DETAILS, look.line(DIM, "progress", &format!("{node}  {message}")))
            }
            RunEvent::Output { node, op, stream, text, continued } => {
                self.told.insert(*op);
                let more = if *continued { " …" } else { "" };
                at_least(steps, look.line(DIM, stream, &format!("{node}  {text}{more}")))
            }
            RunEvent::Operation { op, .. } => operation::render(event, look, self.told.remove(op)),
            RunEvent::Notified { node, handler, .. } => {
                at_least(steps, look.line(CYAN, "notified", &format!("{node}  {handler}")))
            }
            RunEvent::HostAdded { node, host, groups } => {
                let groups =
                    if groups.is_empty() { String::new() } else { format!(" in {}", groups.join(", ")) };
                at_least(normal, look.line(CYAN, "host added", &format!("{node}  {host}{groups}")))
            }
            RunEvent::Message { node, level, text, position } => {
                self.message(node.as_ref(), *level, text, position.as_ref())
            }
            RunEvent::Gate { gate, message, decision, by } => {
                let by = by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
                let line = look.line(CYAN, "gate", &format!("{gate}  {decision}{by}: {message}"));
                if matches!(*decision, "waiting" | "refused") { line } else { at_least(normal, line) }
            }
            RunEvent::Interrupted { signal, at_once } => {
                let what =
                    if *at_once { "stops at once" } else { "nothing new begins; again to stop at once" };
                look.line(RED, "interrupted", &format!("{signal}: {what}"))
            }
            RunEvent::Halted { reason, hint } => {
                let hint = hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
                look.line(RED, "stopped", &format!("{reason}{hint}"))
            }
            // What failed is shown with its lines where the program ends.
            RunEvent::LoadFailed { .. } => String::new(),
            RunEvent::RunFinished { summary } => self.ended(summary),
        }
    }

    fn finished(
        &self,
        node: &NodeKey,
        status: NodeStatus,
        reason: Option<&str>,
        failure: Option<&Failure>,
        duration: f64,
    ) -> String {
        let look = self.look;
        let style = recap::style(status);
        let because = reason.map(|reason| format!("  {reason}")).unwrap_or_default();
        let line = look.line(style, status.as_str(), &format!("{node}{because}{}", seconds(duration)));
        match status {
            NodeStatus::Failed | NodeStatus::Unreachable => {
                line + failure.map(|failure| self.failure(failure)).unwrap_or_default().as_str()
            }
            NodeStatus::Rescued if look.shows(Verbosity::default()) => {
                line + failure.map(|failure| self.failure(failure)).unwrap_or_default().as_str()
            }
            NodeStatus::Blocked | NodeStatus::Cancelled | NodeStatus::Waiting | NodeStatus::KnownAfterRun
                if look.shows(Verbosity::default()) =>
            {
                line
            }
            // What changed in it was said when it did.
            _ if look.shows(Verbosity::STEPS) => line,
            _ => String::new(),
        }
    }

    fn failure(&self, failure: &Failure) -> String {
        let all = self.look.shows(Verbosity::DETAILS);
        let diagnostic = failure::diagnostic(failure, &self.sources, all);
        indent(&diagnostic::render(&diagnostic, self.look.color), 2)
    }

    fn message(
        &self,
        node: Option<&NodeKey>,
        level: Level,
        text: &str,
        position: Option<&Position>,
    ) -> String {
        let (style, word) = match level {
            Level::Info if !self.look.shows(Verbosity::default()) => return String::new(),
            Level::Info => (GREEN, "info"),
            Level::Warning => (YELLOW, "warning"),
        };
        let node = node.map(|node| format!("{node}  ")).unwrap_or_default();
        let place = match (level, position) {
            (Level::Warning, Some(position)) => format!(" ({position})"),
            _ => String::new(),
        };
        self.look.line(style, word, &format!("{node}{text}{place}"))
    }

    fn ended(&self, summary: &RunSummary) -> String {
        let look = self.look;
        let recap = if look.shows(Verbosity::default()) {
            self.recap.render(look.color, look.shows(Verbosity::STEPS))
        } else {
            String::new()
        };
        let style = match summary.status {
            RunStatus::Ok => GREEN,
            RunStatus::Waiting => YELLOW,
            RunStatus::Failed | RunStatus::Unreachable | RunStatus::Interrupted => RED,
        };
        recap + look.line(style, summary.status.as_str(), &summary.summary).as_str()
    }
}

/// Writes what is rendered.
pub(crate) struct HumanLog {
    human: Human,
    output: Output,
}

impl HumanLog {
    /// A listener that writes to `output`.
    pub(crate) fn new(human: Human, output: Output) -> Self {
        Self { human, output }
    }
}

impl Listener for HumanLog {
    fn follows(&self) -> bool {
        self.human.follows()
    }

    fn on_event(&mut self, event: &Stamped) {
        self.output.write(&self.human.render(&event.event));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Human, Look, Verbosity};
    use crate::report::samples;

    fn report(verbosity: Verbosity, diff: bool, color: bool) -> String {
        let (events, sources) = samples::run();
        let mut human = Human::new(Look::run(color, verbosity, diff), Arc::new(sources));
        events.iter().map(|event| human.render(event)).collect()
    }

    #[test]
    fn a_run_as_it_is_shown() {
        insta::assert_snapshot!(report(Verbosity::default(), true, false));
    }

    #[test]
    fn a_run_with_details() {
        insta::assert_snapshot!(report(Verbosity::DETAILS, false, false));
    }

    #[test]
    fn a_quiet_run() {
        insta::assert_snapshot!(report(Verbosity::QUIET, true, false));
    }

    #[test]
    fn without_colours_there_is_no_control_character() {
        for verbosity in [Verbosity::QUIET, Verbosity::default(), Verbosity::STEPS, Verbosity::LOG] {
            let text = report(verbosity, true, false);
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        }
        assert!(report(Verbosity::default(), true, true).contains('\x1b'));
    }
}
