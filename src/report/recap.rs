//! The recap at the end of a run: a line a host.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use oneex_engine::run::{NodeKey, NodeStatus};
use oneex_sdk::visible;

use crate::term::{BOLD, DIM, GREEN, RED, YELLOW, paint};

/// Above so many hosts, those on which nothing but `ok` and `skipped` happened are counted in one line.
const FOLD: usize = 40;

/// These are shown always, in this order; the others where there are any.
const COLUMNS: [NodeStatus; 5] =
    [NodeStatus::Ok, NodeStatus::Changed, NodeStatus::Failed, NodeStatus::Unreachable, NodeStatus::Skipped];

/// How the nodes ended, by host.
#[derive(Debug, Default)]
pub(crate) struct Recap {
    hosts: IndexMap<Option<Arc<str>>, BTreeMap<NodeStatus, u64>>,
}

impl Recap {
    /// Counts a node.
    pub(crate) fn add(&mut self, node: &NodeKey, status: NodeStatus) {
        *self.hosts.entry(node.host.clone()).or_default().entry(status).or_default() += 1;
    }

    /// Renders it, hosts by name, what ran without a host last. `all` folds no hosts.
    pub(crate) fn render(&self, color: bool, all: bool) -> String {
        if self.hosts.is_empty() {
            return String::new();
        }
        let mut rows: Vec<(String, &BTreeMap<NodeStatus, u64>)> = Vec::new();
        let mut folded = 0_usize;
        let mut hosts: Vec<_> = self.hosts.iter().collect();
        // `false` sorts first: names before what ran without a host.
        hosts.sort_by_key(|(host, _)| (host.is_none(), (*host).clone()));
        let fold = !all && hosts.len() > FOLD;
        for (host, counts) in hosts {
            let quiet = counts.keys().all(|status| matches!(status, NodeStatus::Ok | NodeStatus::Skipped));
            if fold && quiet {
                folded += 1;
            } else {
                let name = host.as_deref().map_or_else(|| "(no host)".into(), visible);
                rows.push((name.into_owned(), counts));
            }
        }
        let width = rows.iter().map(|(name, _)| console::measure_text_width(name)).max().unwrap_or(0);
        let mut out = format!("{}\n", paint(color, BOLD, "recap"));
        for (name, counts) in rows {
            let pad = width - console::measure_text_width(&name);
            out.push_str(&format!("  {name}{:pad$}  {}\n", "", row(counts, color)));
        }
        if folded > 0 {
            let hosts = if folded == 1 { "host" } else { "hosts" };
            out.push_str(&format!("  {folded} more {hosts} without a change (`-v` shows them)\n"));
        }
        out
    }
}

fn row(counts: &BTreeMap<NodeStatus, u64>, color: bool) -> String {
    let others = counts.keys().copied().filter(|status| !COLUMNS.contains(status));
    let cells = COLUMNS.into_iter().chain(others).map(|status| {
        let count = counts.get(&status).copied().unwrap_or(0);
        let style = if count == 0 { DIM } else { style(status) };
        paint(color, style, &format!("{}={count}", status.as_str().replace(' ', "-")))
    });
    cells.collect::<Vec<_>>().join(" ")
}

/// The colour of a state.
pub(crate) fn style(status: NodeStatus) -> anstyle::Style {
    match status {
        NodeStatus::Ok => GREEN,
        NodeStatus::Changed | NodeStatus::Rescued | NodeStatus::Waiting | NodeStatus::KnownAfterRun => YELLOW,
        NodeStatus::Failed | NodeStatus::Unreachable | NodeStatus::Blocked | NodeStatus::Cancelled => RED,
        NodeStatus::Skipped => DIM,
    }
}

#[cfg(test)]
mod tests {
    use oneex_engine::run::NodeStatus;

    use super::{FOLD, Recap};
    use crate::report::samples::node;

    #[test]
    fn a_line_a_host_and_what_ran_without_one_last() {
        let mut recap = Recap::default();
        recap.add(&node("build", None), NodeStatus::Changed);
        recap.add(&node("nginx", Some("web10")), NodeStatus::Failed);
        recap.add(&node("nginx", Some("db1")), NodeStatus::Ok);
        recap.add(&node("release", Some("web10")), NodeStatus::Blocked);
        assert_eq!(
            recap.render(false, false),
            "recap\n  db1        ok=1 changed=0 failed=0 unreachable=0 skipped=0\n  \
             web10      ok=0 changed=0 failed=1 unreachable=0 skipped=0 blocked=1\n  \
             (no host)  ok=0 changed=1 failed=0 unreachable=0 skipped=0\n"
        );
    }

    #[test]
    fn many_hosts_without_a_change_are_one_line() {
        let mut recap = Recap::default();
        for n in 0..FOLD {
            recap.add(&node("a", Some(&format!("h{n}"))), NodeStatus::Ok);
        }
        recap.add(&node("a", Some("x")), NodeStatus::Changed);
        let text = recap.render(false, false);
        assert_eq!(text.lines().count(), 3);
        assert!(text.ends_with("  40 more hosts without a change (`-v` shows them)\n"), "{text}");
        assert_eq!(recap.render(false, true).lines().count(), FOLD + 2);
    }
}
