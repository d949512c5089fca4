//! What `plan` says: `no change · will change · action · assumes … · known after run · skipped`,
//! and in its last line how certain that is.

use std::sync::Arc;

use oneex_engine::diag::SourceMap;
use oneex_engine::run::{Listener, NodeStatus, OpStatus, RunEvent, RunStatus, RunSummary, Stamped};

use super::diff;
use super::human::Human;
use super::look::Look;
use super::operation::what;
use crate::context::Verbosity;
use crate::term::{BOLD, DIM, GREEN, Output, RED, YELLOW, indent};

/// Renders the events of a plan and writes them.
pub(crate) struct PlanLog {
    look: Look,
    human: Human,
    output: Output,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    no_change: u64,
    will_change: u64,
    actions: u64,
    assumed: u64,
    known_after_run: u64,
    skipped: u64,
}

impl PlanLog {
    /// A listener that writes to `output` and shows places in `sources`.
    pub(crate) fn new(look: Look, sources: Arc<SourceMap>, output: Output) -> Self {
        Self { look, human: Human::new(look, sources), output, counts: Counts::default() }
    }

    fn render(&mut self, event: &RunEvent) -> String {
        match event {
            RunEvent::Operation { status, assumes, .. } => {
                self.counts.add(*status, assumes.is_some());
                self.operation(event)
            }
            RunEvent::NodeFinished { node, status: NodeStatus::KnownAfterRun, reason, .. } => {
                self.counts.known_after_run += 1;
                let reason = reason.as_deref().unwrap_or_default();
                self.normal(self.look.line(YELLOW, "known after run", &format!("{node}  {reason}")))
            }
            RunEvent::NodeFinished { node, status: NodeStatus::Skipped, reason, .. } => {
                self.counts.skipped += 1;
                let reason = reason.as_deref().unwrap_or_default();
                self.normal(self.look.line(DIM, "skipped", &format!("{node}  {reason}")))
            }
            RunEvent::HostAdded { node, host, .. } => {
                self.normal(self.look.line(YELLOW, "will add", &format!("{node}  host {host}")))
            }
            RunEvent::RunFinished { summary } => self.last(summary),
            other => self.human.render(other),
        }
    }

    fn normal(&self, text: String) -> String {
        if self.look.shows(Verbosity::default()) { text } else { String::new() }
    }

    fn operation(&self, event: &RunEvent) -> String {
        let RunEvent::Operation { node, name, target, subject, status, change, assumes, .. } = event else {
            return String::new();
        };
        let look = self.look;
        let (style, word, from) = match status {
            OpStatus::WillChange | OpStatus::Changed => (YELLOW, "will change", Verbosity::default()),
            OpStatus::Action | OpStatus::Done => (YELLOW, "action", Verbosity::default()),
            OpStatus::Failed => (RED, "failed", Verbosity::STEPS),
            OpStatus::NoChange | OpStatus::Ok => (GREEN, "no change", Verbosity::STEPS),
        };
        if !look.shows(from) {
            return String::new();
        }
        let assumed = assumes.as_ref().map(|change| format!(" · assumes {change}")).unwrap_or_default();
        let what = what(node, name, target, subject);
        let mut out = look.line(style, word, &format!("{node}  {what}{assumed}"));
        if let (true, Some(change)) = (look.diff, change) {
            out.push_str(&indent(&diff::render(change, look.color, look.shows(Verbosity::DETAILS)), 2));
        }
        out
    }

    fn last(&self, summary: &RunSummary) -> String {
        let look = self.look;
        let counts = &self.counts;
        let mut text = format!(
            "{} no change · {} will change · {} action · {} assumed · {} known after run · {} skipped",
            counts.no_change,
            counts.will_change,
            counts.actions,
            counts.assumed,
            counts.known_after_run,
            counts.skipped
        );
        let (certain, all) = (summary.counts.certain, summary.counts.operations);
        text.push_str(&format!("; {certain} of {all} operations certain"));
        if summary.status == RunStatus::Ok {
            look.line(BOLD, "plan", &text)
        } else {
            look.line(RED, summary.status.as_str(), &summary.summary)
                + look.line(BOLD, "plan", &text).as_str()
        }
    }
}

impl Counts {
    fn add(&mut self, status: OpStatus, assumed: bool) {
        self.assumed += u64::from(assumed);
        match status {
            OpStatus::NoChange | OpStatus::Ok => self.no_change += 1,
            OpStatus::WillChange | OpStatus::Changed => self.will_change += 1,
            OpStatus::Action | OpStatus::Done => self.actions += 1,
            OpStatus::Failed => {}
        }
    }
}

impl Listener for PlanLog {
    fn follows(&self) -> bool {
        self.human.follows()
    }

    fn on_event(&mut self, event: &Stamped) {
        let text = self.render(&event.event);
        self.output.write(&text);
    }
}

#[cfg(test)]
mod tests {
    use oneex_engine::run::{Counts, Listener, NodeStatus, OpStatus, RunEvent, RunStatus};

    use super::{Look, PlanLog};
    use crate::context::Verbosity;
    use crate::report::samples;
    use crate::term::capture;

    fn events() -> Vec<RunEvent> {
        let (web, vm) = (samples::node("nginx", Some("web1")), samples::node("base", Some("vm1")));
        let mut assumed = samples::operation(&web, "service", "nginx", OpStatus::WillChange);
        if let RunEvent::Operation { assumes, .. } = &mut assumed {
            *assumes = Some("packages nginx".into());
        }
        let ended = |node, status, reason: &str| RunEvent::NodeFinished {
            node,
            status,
            reason: Some(reason.into()),
            failure: None,
            output: serde_json::Value::Null,
            duration: 0.0,
            recalled: false,
        };
        let counts = Counts { operations: 4, changed: 2, certain: 2, ..Counts::default() };
        vec![
            samples::started("plan", 2),
            samples::operation(&web, "directory", "/srv", OpStatus::NoChange),
            samples::changed(&web, "/etc/nginx.conf", OpStatus::WillChange),
            assumed,
            samples::operation(&web, "exec", "nginx -s reload", OpStatus::Action),
            ended(vm, NodeStatus::KnownAfterRun, "`vm1` does not exist yet"),
            ended(samples::node("mail", None), NodeStatus::Skipped, "its condition is false"),
            RunEvent::RunFinished { summary: samples::summary(RunStatus::Ok, "2 nodes", counts) },
        ]
    }

    fn report(verbosity: Verbosity) -> String {
        let (output, captured) = capture::output(false);
        let mut log = PlanLog::new(Look::plan(false, verbosity, true), Default::default(), output);
        for event in samples::stamped(events()) {
            log.on_event(&event);
        }
        captured.text()
    }

    #[test]
    fn a_plan_as_it_is_shown() {
        insta::assert_snapshot!(report(Verbosity::default()));
    }

    #[test]
    fn says_what_stays_when_asked_and_only_the_last_line_when_quiet() {
        assert!(report(Verbosity::STEPS).contains("no change       nginx [web1]  directory /srv"));
        assert_eq!(report(Verbosity::QUIET).lines().count(), 1);
    }
}
