//! Which tasks run: `--only`, `--from`, `--tags`, `--skip-tags`.

use std::collections::BTreeSet;

use globset::GlobBuilder;
use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;

use super::sequence::is_within;
use super::{EdgeKind, Graph, Task, TaskId, TaskKind};
use crate::diag::{Diagnostic, Diagnostics};
use crate::run::RunOptions;

/// The tasks that run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    chosen: Vec<bool>,
}

/// Tags with a meaning of their own, as in Ansible.
const SPECIAL: [&str; 5] = ["all", "always", "never", "tagged", "untagged"];

impl Selection {
    /// Every task.
    pub fn all(graph: &Graph) -> Self {
        Self { chosen: vec![true; graph.tasks.len()] }
    }

    /// These tasks.
    pub fn of(graph: &Graph, tasks: impl IntoIterator<Item = TaskId>) -> Self {
        let mut chosen = vec![false; graph.tasks.len()];
        for task in tasks {
            if let Some(slot) = chosen.get_mut(task.index()) {
                *slot = true;
            }
        }
        Self { chosen }
    }

    /// Says whether the task runs.
    pub fn contains(&self, task: TaskId) -> bool {
        self.chosen.get(task.index()).copied().unwrap_or_default()
    }

    /// The tasks that run, in order of declaration.
    pub fn iter(&self) -> impl Iterator<Item = TaskId> + '_ {
        self.chosen.iter().enumerate().filter(|(_, chosen)| **chosen).map(|(index, _)| TaskId(index as u32))
    }

    /// How many tasks run.
    pub fn len(&self) -> usize {
        self.chosen.iter().filter(|chosen| **chosen).count()
    }

    /// True when no task runs.
    pub fn is_empty(&self) -> bool {
        !self.chosen.contains(&true)
    }
}

impl Graph {
    /// The tasks that `--only`, `--from`, `--tags` and `--skip-tags` choose.
    ///
    /// `--only` takes names of tasks and blocks and globs, and brings what they need or come after,
    /// whatever its tags. Tags are those of Ansible: a task tagged `always` runs unless it is skipped
    /// by name, one tagged `never` only when one of its tags is named; `tagged`, `untagged` and `all`
    /// speak of all tasks. Handlers and gates count whatever their tags; with `--only`, the handlers
    /// that a chosen task may notify, and the gates that one needs.
    ///
    /// # Errors
    ///
    /// A name or tag that nothing has, with the nearest that there is.
    pub fn select(&self, options: &RunOptions) -> Result<Selection, Diagnostics> {
        let mut mistakes = self.unknown_tags("--tags", &options.tags);
        mistakes.extend(self.unknown_tags("--skip-tags", &options.skip_tags));
        let mut named: Vec<bool> = vec![options.only.is_empty(); self.tasks.len()];
        for name in &options.only {
            match self.named_by(name) {
                Ok(tasks) => tasks.into_iter().for_each(|id| named[id.index()] = true),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        if !mistakes.is_empty() {
            return Err(Diagnostics(mistakes));
        }
        let chosen = self.tasks.iter().zip(named).filter(|(task, named)| {
            *named && (task.kind != TaskKind::Task || tags_choose(task, &options.tags, &options.skip_tags))
        });
        let chosen: Vec<TaskId> = chosen.map(|(task, _)| task.id).collect();
        let selection = Selection::of(self, chosen.iter().copied());
        let selection = if options.only.is_empty() { selection } else { self.with_needs(selection, chosen) };
        match &options.from {
            Some(name) => self.beginning_with(selection, name),
            None => Ok(selection),
        }
    }

    /// Leaves out what comes before a task or block.
    fn beginning_with(&self, mut selection: Selection, name: &str) -> Result<Selection, Diagnostics> {
        let begin = self.named_by(name).map_err(|mistake| Diagnostics(vec![mistake]))?;
        let reached = |direction| {
            let (mut seen, mut open) = (vec![false; self.tasks.len()], begin.clone());
            while let Some(at) = open.pop() {
                if !std::mem::replace(&mut seen[at.index()], true) {
                    let next = self.order.neighbors_directed(NodeIndex::from(at.0), direction);
                    open.extend(next.map(|next| self.order[next]));
                }
            }
            seen
        };
        let (before, after) = (reached(Direction::Incoming), reached(Direction::Outgoing));
        let first = begin.iter().map(|task| task.index()).min().unwrap_or_default();
        for task in &self.tasks {
            let at = task.id.index();
            let is_begin = begin.contains(&task.id);
            let is_earlier = !after[at] && (before[at] || at < first) && task.kind != TaskKind::Handler;
            selection.chosen[at] &= is_begin || !is_earlier;
        }
        Ok(selection)
    }

    fn with_needs(&self, mut selection: Selection, mut open: Vec<TaskId>) -> Selection {
        while let Some(at) = open.pop() {
            let mut take = |id: TaskId| {
                if !std::mem::replace(&mut selection.chosen[id.index()], true) {
                    open.push(id);
                }
            };
            for edge in self.order.edges_directed(NodeIndex::from(at.0), Direction::Incoming) {
                if matches!(edge.weight().kind, EdgeKind::Needs | EdgeKind::After) {
                    take(self.order[edge.source()]);
                }
            }
            for edge in self.order.edges_directed(NodeIndex::from(at.0), Direction::Outgoing) {
                if edge.weight().kind == EdgeKind::Notify {
                    take(self.order[edge.target()]);
                }
            }
        }
        selection
    }

    fn named_by(&self, name: &str) -> Result<Vec<TaskId>, Diagnostic> {
        if let Some(task) = self.named(name) {
            return Ok(vec![task.id]);
        }
        if let Some(block) = self.blocks.iter().position(|block| &*block.name == name) {
            let inside = self.tasks.iter().filter(|task| is_within(&self.blocks, task.block, block));
            return Ok(inside.map(|task| task.id).collect());
        }
        let glob = GlobBuilder::new(name).literal_separator(false).build();
        let matcher = glob.ok().map(|glob| glob.compile_matcher());
        let matches = |task: &&Task| matcher.as_ref().is_some_and(|matcher| matcher.is_match(&*task.name));
        let found: Vec<TaskId> = self.tasks.iter().filter(matches).map(|task| task.id).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let known =
            self.tasks.iter().map(|task| &*task.name).chain(self.blocks.iter().map(|block| &*block.name));
        let mistake = Diagnostic::error("unknown-task", format!("no task or block is named `{name}`"));
        Err(match oneex_sdk::nearest(name, known) {
            Some(right) => mistake.hint(format!("did you mean `{right}`?")),
            None => mistake.hint("`oneex graph` lists them"),
        })
    }

    fn unknown_tags(&self, flag: &str, tags: &[String]) -> Vec<Diagnostic> {
        let known: BTreeSet<&str> =
            self.tasks.iter().flat_map(|task| task.tags.iter().map(String::as_str)).chain(SPECIAL).collect();
        let unknown = tags.iter().filter(|tag| !known.contains(tag.as_str()));
        let mistake = |tag: &String| {
            let mistake = Diagnostic::error("unknown-tag", format!("`{flag}`: no task has the tag `{tag}`"));
            match oneex_sdk::nearest(tag, known.iter().copied()) {
                Some(right) => mistake.hint(format!("did you mean `{right}`?")),
                None => {
                    let own: Vec<&str> = known.iter().copied().filter(|tag| !SPECIAL.contains(tag)).collect();
                    mistake.hint(if own.is_empty() {
                        "no task of this runbook has tags".to_owned()
                    } else {
                        format!("tags are: {}", own.join(", "))
                    })
                }
            }
        };
        unknown.map(mistake).collect()
    }
}

/// The rule of Ansible's `Taggable.evaluate_tags`.
fn tags_choose(task: &Task, only: &[String], skip: &[String]) -> bool {
    let has = |tag: &str| task.tags.iter().any(|own| own == tag);
    let names = |list: &[String], tag: &str| list.iter().any(|named| named == tag);
    let meets = |list: &[String]| {
        list.iter().any(|named| if named == "untagged" { task.tags.is_empty() } else { has(named) })
    };
    let all = only.is_empty() || names(only, "all");
    let runs = has("always")
        || (all && !has("never"))
        || meets(only)
        || (names(only, "tagged") && !task.tags.is_empty() && !has("never"));
    let skipped = if names(skip, "all") {
        !has("always") || names(skip, "always")
    } else {
        meets(skip) || (names(skip, "tagged") && !task.tags.is_empty())
    };
    runs && !skipped
}

#[cfg(test)]
mod tests {
    use crate::graph::samples::{Sample, names};
    use crate::graph::{Graph, TaskKind};
    use crate::run::RunOptions;

    fn graph() -> Graph {
        let mut sample = Sample::default();
        let tagged = [
            ("plain", vec![]),
            ("web", vec!["web"]),
            ("both", vec!["web", "db"]),
            ("always", vec!["always"]),
            ("never", vec!["never", "reset"]),
        ];
        for (name, tags) in tagged {
            let id = sample.task(name);
            sample.tasks[id.index()].tags = tags.into_iter().map(str::to_owned).collect();
        }
        let handler = sample.task("reload");
        sample.handler(handler);
        let gate = sample.task("go");
        sample.tasks[gate.index()].kind = TaskKind::Gate("go?".into());
        sample.build().expect("no mistake")
    }

    fn tags(only: &[&str], skip: &[&str]) -> String {
        let graph = graph();
        let owned = |list: &[&str]| list.iter().map(|tag| (*tag).to_owned()).collect();
        let options = RunOptions { tags: owned(only), skip_tags: owned(skip), ..RunOptions::default() };
        let chosen: Vec<_> = graph.select(&options).expect("known tags").iter().collect();
        let mut found = names(&graph.tasks, &chosen);
        assert_eq!(found.split_off(found.len() - 2), ["reload", "go"], "handlers and gates always count");
        found.join(" ")
    }

    #[test]
    fn tags_are_those_of_ansible() {
        assert_eq!(tags(&[], &[]), "plain web both always");
        assert_eq!(tags(&["web"], &[]), "web both always");
        assert_eq!(tags(&["web"], &["db"]), "web always");
        assert_eq!(tags(&["untagged"], &[]), "plain always");
        assert_eq!(tags(&["tagged"], &[]), "web both always");
        assert_eq!(tags(&["all"], &["always"]), "plain web both");
        assert_eq!(tags(&["reset"], &[]), "always never");
        assert_eq!(tags(&["never"], &[]), "always never");
        assert_eq!(tags(&[], &["tagged"]), "plain");
        assert_eq!(tags(&[], &["all"]), "always");
    }

    #[test]
    fn an_unknown_tag_is_refused_with_the_nearest() {
        let options = RunOptions { tags: vec!["wbe".into()], ..RunOptions::default() };
        let mistakes = graph().select(&options).expect_err("unknown").0;
        assert_eq!(mistakes[0].message, "`--tags`: no task has the tag `wbe`");
        assert_eq!(mistakes[0].hints, ["did you mean `web`?"]);
    }

    fn only(only: &[&str]) -> Result<String, String> {
        let mut sample = Sample::default();
        let block = sample.block("shop", None, true);
        let base = sample.task("base");
        let one = sample.in_block(block, "one");
        let two = sample.in_block(block, "two");
        let last = sample.task("last");
        let reload = sample.task("reload");
        let other = sample.task("other");
        sample.handler(reload);
        sample.handler(other);
        sample.needs(one, &[base]);
        sample.after_any(last, &[two]);
        sample.notifies(two, reload);
        let graph = sample.build().expect("no mistake");
        let options = RunOptions {
            only: only.iter().map(|name| (*name).to_owned()).collect(),
            ..RunOptions::default()
        };
        match graph.select(&options) {
            Ok(found) => Ok(names(&graph.tasks, &found.iter().collect::<Vec<_>>()).join(" ")),
            Err(mistakes) => Err(format!("{} {:?}", mistakes.0[0].message, mistakes.0[0].hints)),
        }
    }

    #[test]
    fn only_takes_names_blocks_and_globs_with_what_they_need() {
        assert_eq!(only(&["shop/one"]).as_deref(), Ok("base shop/one"));
        assert_eq!(only(&["shop"]).as_deref(), Ok("base shop/one shop/two reload"));
        assert_eq!(only(&["*two"]).as_deref(), Ok("shop/two reload"));
        assert_eq!(only(&["last", "base"]).as_deref(), Ok("base last"));
        assert_eq!(
            only(&["shop/tow"]),
            Err("no task or block is named `shop/tow` [\"did you mean `shop/two`?\"]".to_owned())
        );
    }
}
