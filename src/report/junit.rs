//! `--junit FILE`: tasks as test suites and nodes as test cases, for continuous integration.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indexmap::IndexMap;
use oneex_engine::diag::SourceMap;
use oneex_engine::redact::Redactor;
use oneex_engine::run::{Failure, Listener, NodeKey, NodeStatus, RunEvent, Stamped};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{failure, file};
use crate::error::CommandError;
use crate::term::Output;

/// Collects nodes and writes the file when the run ends.
pub(crate) struct Junit {
    path: PathBuf,
    stderr: Output,
    sources: Arc<SourceMap>,
    name: String,
    suites: IndexMap<Arc<str>, Vec<Case>>,
    redactor: Arc<Redactor>,
    lost: Arc<AtomicBool>,
}

/// How a node ended. It becomes text when the run ends, so that no secret is in it that became known later.
struct Case {
    node: NodeKey,
    status: NodeStatus,
    reason: String,
    failure: Option<Failure>,
    seconds: f64,
}

impl Junit {
    /// A listener that writes to `path`; where it cannot, it says so on `stderr` and in `lost`.
    pub(crate) fn new(
        path: PathBuf,
        stderr: Output,
        sources: Arc<SourceMap>,
        redactor: Arc<Redactor>,
        lost: Arc<AtomicBool>,
    ) -> Self {
        Self { path, stderr, sources, name: String::new(), suites: IndexMap::new(), redactor, lost }
    }

    fn case(&self, ended: Case) -> TestCase {
        let Case { node, status, reason, mut failure, seconds } = ended;
        failure.iter_mut().for_each(|failure| self.redactor.failure(failure));
        let reason = self.redactor.text(&reason);
        let mut case = TestCase::new(
            self.redactor.text(&case_name(&node)),
            self.status(&node, status, &reason, failure.as_ref()),
        );
        case.set_classname(&*node.task).set_time(Duration::try_from_secs_f64(seconds).unwrap_or_default());
        case
    }

    fn status(
        &self,
        node: &NodeKey,
        status: NodeStatus,
        reason: &str,
        failed: Option<&Failure>,
    ) -> TestCaseStatus {
        let mut result = match status {
            NodeStatus::Ok | NodeStatus::Changed | NodeStatus::Rescued | NodeStatus::KnownAfterRun => {
                return TestCaseStatus::success();
            }
            NodeStatus::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
            NodeStatus::Unreachable => TestCaseStatus::non_success(NonSuccessKind::Error),
            NodeStatus::Skipped | NodeStatus::Blocked | NodeStatus::Cancelled | NodeStatus::Waiting => {
                TestCaseStatus::skipped()
            }
        };
        result.set_type(status.as_str());
        if let Some(failed) = failed {
            result.set_message(failure::line(failed));
            result.set_description(self.redactor.text(&failure::text(node, failed, &self.sources)));
        } else if !reason.is_empty() {
            result.set_message(reason);
        }
        result
    }

    fn write(&mut self, seconds: f64) -> Result<(), CommandError> {
        let mut report = Report::new(&self.name);
        report.set_time(Duration::try_from_secs_f64(seconds).unwrap_or_default());
        for (task, cases) in std::mem::take(&mut self.suites) {
            let mut suite = TestSuite::new(&*task);
            suite.add_test_cases(cases.into_iter().map(|case| self.case(case)));
            report.add_test_suite(suite);
        }
        write(&self.path, &report)
    }
}

fn write(path: &Path, report: &Report) -> Result<(), CommandError> {
    let text = report
        .to_string()
        .map_err(|error| CommandError::failed(format!("the JUnit report cannot be made: {error}")))?;
    file::replace(path, &text)
}

/// Writes of a runbook that was not loaded one case with an error: the report of an earlier run would
/// say that all is well.
pub(crate) fn not_loaded(path: &Path, name: &str, error: &CommandError) -> Result<(), CommandError> {
    let mistakes = error.mistakes();
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type("load");
    status.set_message(mistakes.first().map(|mistake| mistake.message.as_str()).unwrap_or_default());
    status.set_description(error.render(false));
    let mut suite = TestSuite::new("load");
    let mut case = TestCase::new(name, status);
    case.set_classname("load");
    suite.add_test_case(case);
    let mut report = Report::new(name);
    report.add_test_suite(suite);
    write(path, &report)
}

/// The host and the item; the task where there is neither.
fn case_name(node: &NodeKey) -> String {
    let parts: Vec<&str> = [&node.host, &node.item].into_iter().flatten().map(|part| &**part).collect();
    if parts.is_empty() { node.task.to_string() } else { parts.join(", ") }
}

impl Listener for Junit {
    fn on_event(&mut self, event: &Stamped) {
        match &event.event {
            RunEvent::RunStarted { name, .. } => self.name.clone_from(name),
            RunEvent::NodeFinished { node, status, reason, failure, duration, .. } => {
                self.suites.entry(Arc::clone(&node.task)).or_default().push(Case {
                    node: node.clone(),
                    status: *status,
                    reason: reason.clone().unwrap_or_default(),
                    failure: failure.clone(),
                    seconds: *duration,
                });
            }
            RunEvent::RunFinished { summary } => {
                if let Err(error) = self.write(summary.duration) {
                    error.show(&self.stderr);
                    self.lost.store(true, Ordering::Relaxed);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use oneex_engine::run::Listener;

    use super::Junit;
    use crate::report::samples;
    use crate::term::capture;

    #[test]
    fn tasks_are_suites_and_nodes_are_cases() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("junit.xml");
        let (events, sources) = samples::run();
        let (stderr, said) = capture::output(false);
        let lost = Arc::new(AtomicBool::new(false));
        let mut junit =
            Junit::new(path.clone(), stderr, Arc::new(sources), Arc::default(), Arc::clone(&lost));
        for event in samples::stamped(events) {
            junit.on_event(&event);
        }
        assert_eq!((said.text().as_str(), lost.load(Ordering::Relaxed)), ("", false));
        insta::assert_snapshot!(std::fs::read_to_string(path).unwrap());
    }
}
