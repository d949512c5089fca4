//! The live picture of a run as lines of text: what runs, what is done. Pure: it draws nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use oneex_engine::run::{NodeKey, NodeStatus, RunEvent};
use oneex_sdk::visible;

use super::operation::what;
use super::recap;
use crate::term::{CYAN, DIM, paint};

/// No more lines than these are drawn, however tall the terminal is.
const TALLEST: usize = 10;

/// What is known of a run while it runs.
#[derive(Debug)]
pub(crate) struct Picture {
    color: bool,
    started: Instant,
    nodes: usize,
    ended: BTreeMap<NodeStatus, u64>,
    running: IndexMap<NodeKey, Running>,
}

#[derive(Debug)]
struct Running {
    since: Instant,
    doing: String,
}

impl Picture {
    /// A run that begins at `now`.
    pub(crate) fn new(color: bool, now: Instant) -> Self {
        Self { color, started: now, nodes: 0, ended: BTreeMap::new(), running: IndexMap::new() }
    }

    /// Notes what happened at `now`.
    pub(crate) fn note(&mut self, event: &RunEvent, now: Instant) {
        match event {
            RunEvent::TaskExpanded { nodes, .. } => self.nodes += nodes,
            RunEvent::NodeStarted { node, .. } => {
                self.running
                    .entry(node.clone())
                    .or_insert_with(|| Running { since: now, doing: String::new() })
                    .doing
                    .clear();
            }
            RunEvent::NodePhase { node, phase } => self.doing(node, (*phase).to_owned()),
            RunEvent::NodeRetry { node, wait, .. } => self.doing(node, format!("again in {wait}s")),
            RunEvent::OperationStarted { node, name, target, .. } => {
                self.doing(node, what(node, name, target, ""))
            }
            RunEvent::Progress { node, message, .. } => self.doing(node, message.clone()),
            RunEvent::NodeFinished { node, status, .. } => {
                self.running.shift_remove(node);
                *self.ended.entry(*status).or_default() += 1;
            }
            _ => {}
        }
    }

    fn doing(&mut self, node: &NodeKey, doing: String) {
        if let Some(running) = self.running.get_mut(node) {
            running.doing = doing;
        }
    }

    /// What runs at `now`, and for how long, in the order in which it began.
    pub(crate) fn running(&self, now: Instant) -> Vec<String> {
        let lines = self.running.iter().map(|(node, running)| self.running_line(node, running, now));
        lines.map(|line| line.trim_start().to_owned()).collect()
    }

    /// The lines at `now`, each shorter than `width`, fewer than `height`; the last one counts.
    pub(crate) fn lines(&self, now: Instant, width: usize, height: usize) -> Vec<String> {
        let room = height.saturating_sub(2).clamp(1, TALLEST) - 1;
        let hidden = if self.running.len() > room { self.running.len() - room.saturating_sub(1) } else { 0 };
        let shown = self.running.len() - hidden;
        let mut lines: Vec<String> = self
            .running
            .iter()
            .take(shown)
            .map(|(node, running)| self.running_line(node, running, now))
            .collect();
        if hidden > 0 && room > 0 {
            lines.push(paint(self.color, DIM, &format!("  … and {hidden} more")));
        }
        lines.push(self.count_line(now));
        // A terminal wraps at its last column already.
        lines
            .iter()
            .map(|line| console::truncate_str(line, width.saturating_sub(1), "…").into_owned())
            .collect()
    }

    fn running_line(&self, node: &NodeKey, running: &Running, now: Instant) -> String {
        let text = format!("  {node}  {}", running.doing);
        let text = visible(text.trim_end()).replace(['\n', '\t'], " ");
        format!("{text} {}", paint(self.color, DIM, &clock(now.saturating_duration_since(running.since))))
    }

    fn count_line(&self, now: Instant) -> String {
        let done: u64 = self.ended.values().sum();
        let mut cells = vec![paint(self.color, CYAN, &format!("{done}/{}", self.nodes))];
        for (status, count) in &self.ended {
            cells.push(paint(self.color, recap::style(*status), &format!("{count} {}", status.as_str())));
        }
        cells.push(format!("{} running", self.running.len()));
        cells.push(clock(now.saturating_duration_since(self.started)));
        cells.join("  ")
    }
}

fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 60 { format!("{seconds}s") } else { format!("{}m {:02}s", seconds / 60, seconds % 60) }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use oneex_engine::run::{NodeStatus, RunEvent};

    use super::{Picture, TALLEST};
    use crate::report::samples::{finished, node};

    fn start(host: &str) -> RunEvent {
        RunEvent::NodeStarted { node: node("release", Some(host)), attempt: 1 }
    }

    #[test]
    fn one_task_is_two_lines() {
        let now = Instant::now();
        let mut picture = Picture::new(false, now);
        picture.note(&RunEvent::TaskExpanded { task: "release".into(), nodes: 2, hosts: vec![] }, now);
        picture.note(&start("web1"), now);
        picture.note(&start("web2"), now);
        picture.note(&finished(&node("release", Some("web1")), NodeStatus::Ok, 1.0), now);
        picture.note(
            &RunEvent::OperationStarted {
                node: node("release", Some("web2")),
                op: 1,
                name: "packages".into(),
                target: "web2".into(),
            },
            now,
        );
        let lines = picture.lines(now + Duration::from_secs(65), 80, 24);
        assert_eq!(lines, ["  release [web2]  packages 1m 05s", "1/2  1 ok  1 running  1m 05s"]);
    }

    #[test]
    fn never_wider_nor_taller_than_the_terminal() {
        let now = Instant::now();
        let mut picture = Picture::new(true, now);
        for n in 0..200 {
            picture.note(&start(&format!("host-{n}-{}\x1b[2J\n字", "x".repeat(n))), now);
        }
        for status in [NodeStatus::Failed, NodeStatus::Changed, NodeStatus::Unreachable] {
            picture.note(&finished(&node("other", None), status, 1.0), now);
        }
        for (width, height) in [(80, 24), (20, 5), (10, 3), (1, 1), (0, 0), (400, 400)] {
            let lines = picture.lines(now, width, height);
            assert!(
                lines.len() <= TALLEST && lines.len() < height.max(2),
                "{width}x{height}: {}",
                lines.len()
            );
            for line in &lines {
                assert!(
                    console::measure_text_width(line) <= width.saturating_sub(1).max(1),
                    "{width}: {line:?}"
                );
                assert!(!console::strip_ansi_codes(line).contains(char::is_control), "{line:?}");
            }
        }
        let lines = picture.lines(now, 80, 24);
        assert!(lines.iter().any(|line| line.contains("and 192 more")), "{lines:#?}");
    }
}
