//! Pictures of a graph: text, DOT, Mermaid.

use std::fmt::Write as _;

use super::{EdgeKind, Graph, HostsFrom, Selection, Task, TaskId, TaskKind};

/// The form of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphFormat {
    /// A tree of blocks and tasks, each with what it waits for.
    Text,
    /// Graphviz's language.
    Dot,
    /// A Mermaid flow chart.
    Mermaid,
}

impl Graph {
    /// Draws the chosen tasks.
    pub fn render(&self, format: GraphFormat, selection: &Selection) -> String {
        let picture = Picture { graph: self, selection };
        match format {
            GraphFormat::Text => picture.text(),
            GraphFormat::Dot => picture.dot(),
            GraphFormat::Mermaid => picture.mermaid(),
        }
    }
}

struct Picture<'a> {
    graph: &'a Graph,
    selection: &'a Selection,
}

/// A block or a task among the things that one block holds.
enum Child<'a> {
    Block(usize),
    Task(&'a Task),
}

impl<'a> Picture<'a> {
    /// What stands directly in a block, or at the top, in order of declaration.
    fn children(&self, block: Option<usize>) -> Vec<Child<'a>> {
        let inner = self.graph.blocks.iter().enumerate().filter(|(_, inner)| inner.parent == block);
        let inner = inner.filter_map(|(index, inner)| {
            let first = inner.tasks.iter().find(|id| self.selection.contains(**id))?;
            Some((*first, Child::Block(index)))
        });
        let own =
            self.graph.tasks.iter().filter(|task| task.block == block && self.selection.contains(task.id));
        let mut all: Vec<(TaskId, Child<'a>)> =
            inner.chain(own.map(|task| (task.id, Child::Task(task)))).collect();
        all.sort_by_key(|(first, _)| *first);
        all.into_iter().map(|(_, child)| child).collect()
    }

    /// The edges among the chosen tasks, in order of declaration, each once.
    fn edges(&self) -> Vec<(TaskId, TaskId, EdgeKind)> {
        let edges = self.graph.edges().map(|(first, then, edge)| (first, then, edge.kind));
        let mut edges: Vec<_> = edges
            .filter(|(first, then, _)| self.selection.contains(*first) && self.selection.contains(*then))
            .collect();
        edges.sort_unstable();
        edges.dedup();
        edges
    }

    fn text(&self) -> String {
        let mut before = vec![Vec::new(); self.graph.tasks.len()];
        for (first, then, kind) in self.edges() {
            match kind {
                EdgeKind::Notify => before[first.index()].push((kind, then)),
                EdgeKind::Block => {}
                _ => before[then.index()].push((kind, first)),
            }
        }
        let mut out = String::new();
        self.text_of(None, 0, &before, &mut out);
        out
    }

    fn text_of(
        &self,
        block: Option<usize>,
        depth: usize,
        before: &[Vec<(EdgeKind, TaskId)>],
        out: &mut String,
    ) {
        let indent = "  ".repeat(depth);
        for child in self.children(block) {
            match child {
                Child::Block(index) => {
                    let block = &self.graph.blocks[index];
                    let how = match (block.parallel, &block.batch) {
                        (true, _) => " (parallel)",
                        (false, Some(_)) => " (in order, in batches)",
                        (false, None) => " (in order)",
                    };
                    let _ = writeln!(out, "{indent}block {}{how}", visible(&block.name));
                    self.text_of(Some(index), depth + 1, before, out);
                }
                Child::Task(task) => {
                    let _ =
                        writeln!(out, "{indent}{}{}{}", kind_word(task), visible(&task.name), hosts_of(task));
                    if !task.doc.is_empty() {
                        let _ = writeln!(out, "{indent}    {}", visible(first_line(&task.doc)));
                    }
                    for (kind, word) in [
                        (EdgeKind::Needs, "needs"),
                        (EdgeKind::After, "after"),
                        (EdgeKind::AfterAny, "after any end of"),
                        (EdgeKind::Notify, "may notify"),
                    ] {
                        let named = before[task.id.index()].iter().filter(|(own, _)| *own == kind);
                        let named: Vec<_> =
                            named.map(|(_, id)| visible(&self.graph.tasks[id.index()].name)).collect();
                        if !named.is_empty() {
                            let _ = writeln!(out, "{indent}    {word} {}", named.join(", "));
                        }
                    }
                }
            }
        }
    }

    fn dot(&self) -> String {
        let mut out =
            String::from("digraph runbook {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
        self.dot_of(None, 1, &mut out);
        for (first, then, kind) in self.edges() {
            let style = match kind {
                EdgeKind::Needs => "",
                EdgeKind::Block => " [color=gray]",
                EdgeKind::After => " [style=bold, arrowhead=tee]",
                EdgeKind::AfterAny => " [style=dashed, arrowhead=tee]",
                EdgeKind::Notify => " [style=dotted]",
            };
            let _ = writeln!(out, "  t{} -> t{}{style};", first.0, then.0);
        }
        out.push_str("}\n");
        out
    }

    fn dot_of(&self, block: Option<usize>, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        for child in self.children(block) {
            match child {
                Child::Block(index) => {
                    let name = dot_text(&self.graph.blocks[index].name);
                    let _ = writeln!(out, "{indent}subgraph cluster_{index} {{\n{indent}  label={name};");
                    self.dot_of(Some(index), depth + 1, out);
                    let _ = writeln!(out, "{indent}}}");
                }
                Child::Task(task) => {
                    let shape = match task.kind {
                        TaskKind::Task => "",
                        TaskKind::Handler => ", style=rounded",
                        TaskKind::Gate(_) => ", shape=diamond",
                    };
                    let tooltip = match task.doc.as_str() {
                        "" => String::new(),
                        doc => format!(", tooltip={}", dot_text(first_line(doc))),
                    };
                    let label = dot_text(&task.name);
                    let _ = writeln!(out, "{indent}t{} [label={label}{shape}{tooltip}];", task.id.0);
                }
            }
        }
    }

    fn mermaid(&self) -> String {
        let mut out = String::from("flowchart LR\n");
        self.mermaid_of(None, 1, &mut out);
        for (first, then, kind) in self.edges() {
            let arrow = match kind {
                EdgeKind::Needs | EdgeKind::Block => "-->",
                EdgeKind::After => "==>",
                EdgeKind::AfterAny => "-. any end .->",
                EdgeKind::Notify => "-. notifies .->",
            };
            let _ = writeln!(out, "  t{} {arrow} t{}", first.0, then.0);
        }
        out
    }

    fn mermaid_of(&self, block: Option<usize>, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        for child in self.children(block) {
            match child {
                Child::Block(index) => {
                    let name = mermaid_text(&self.graph.blocks[index].name);
                    let _ = writeln!(out, "{indent}subgraph b{index}[\"{name}\"]");
                    self.mermaid_of(Some(index), depth + 1, out);
                    let _ = writeln!(out, "{indent}end");
                }
                Child::Task(task) => {
                    let (open, close) = match task.kind {
                        TaskKind::Task => ("[", "]"),
                        TaskKind::Handler => ("(", ")"),
                        TaskKind::Gate(_) => ("{", "}"),
                    };
                    let name = mermaid_text(&task.name);
                    let _ = writeln!(out, "{indent}t{}{open}\"{name}\"{close}", task.id.0);
                }
            }
        }
    }
}

fn kind_word(task: &Task) -> &'static str {
    match task.kind {
        TaskKind::Task => "",
        TaskKind::Handler => "handler ",
        TaskKind::Gate(_) => "gate ",
    }
}

fn hosts_of(task: &Task) -> String {
    match &task.on {
        None => String::new(),
        Some(HostsFrom::Set(set)) => format!(" on {}", visible(&set.to_string())),
        Some(HostsFrom::Code(_)) => " on hosts that the run finds".to_owned(),
    }
}

fn first_line(text: &str) -> &str {
    text.trim().lines().next().unwrap_or_default()
}

/// A name on one line, without control characters.
fn visible(text: &str) -> String {
    oneex_sdk::visible(text).replace('\n', "\\n")
}

fn dot_text(text: &str) -> String {
    format!("\"{}\"", visible(text).replace('\\', "\\\\").replace('"', "\\\""))
}

fn mermaid_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '"' => out.push_str("#quot;"),
            '#' => out.push_str("#35;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '&' => out.push_str("#amp;"),
            '`' => out.push_str("#96;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::GraphFormat;
    use crate::graph::samples::Sample;
    use crate::graph::{Graph, Selection, TaskKind};

    fn graph() -> Graph {
        let mut sample = Sample::default();
        let base = sample.task("base");
        let block = sample.block("shop", None, false);
        let one = sample.in_block(block, "one");
        let two = sample.in_block(block, "say \"hi\" #1 <b>");
        let gate = sample.task("go");
        let reload = sample.task("reload\u{1b}[2J");
        sample.tasks[gate.index()].kind = TaskKind::Gate("go?".into());
        sample.tasks[base.index()].doc = "The base.\nMore of it.".into();
        sample.handler(reload);
        sample.on(one, &["web1", "web2"]);
        sample.needs(one, &[base]);
        sample.after(two, &[gate]);
        sample.notifies(one, reload);
        sample.build().expect("no mistake")
    }

    fn drawn(format: GraphFormat) -> String {
        let graph = graph();
        graph.render(format, &Selection::all(&graph))
    }

    #[test]
    fn text_is_a_tree_with_what_each_task_waits_for() {
        let expected = "\
base
    The base.
block shop (in order)
  shop/one on web1,web2
      needs base
      may notify reload\\x1b[2J
  shop/say \"hi\" #1 <b>
      after go
gate go
handler reload\\x1b[2J
";
        assert_eq!(drawn(GraphFormat::Text), expected);
    }

    #[test]
    fn dot_escapes_names_and_draws_blocks_as_clusters() {
        let dot = drawn(GraphFormat::Dot);
        for line in [
            r#"  t0 [label="base", tooltip="The base."];"#,
            "  subgraph cluster_0 {",
            r##"    t2 [label="shop/say \"hi\" #1 <b>"];"##,
            r#"  t3 [label="go", shape=diamond];"#,
            r#"  t4 [label="reload\\x1b[2J", style=rounded];"#,
            "  t0 -> t1;",
            "  t1 -> t2 [color=gray];",
            "  t1 -> t4 [style=dotted];",
            "  t3 -> t2 [style=bold, arrowhead=tee];",
        ] {
            assert!(dot.lines().any(|own| own == line), "{line} is not in\n{dot}");
        }
    }

    #[test]
    fn mermaid_escapes_names() {
        let mermaid = drawn(GraphFormat::Mermaid);
        assert!(mermaid.contains(r##"t2["shop/say #quot;hi#quot; #35;1 #lt;b#gt;"]"##), "{mermaid}");
        assert!(mermaid.contains("t3 ==> t2") && mermaid.contains("t1 -. notifies .-> t4"), "{mermaid}");
    }

    #[test]
    fn only_what_was_chosen_is_drawn() {
        let graph = graph();
        let selection = Selection::of(&graph, [graph.tasks[0].id, graph.tasks[3].id]);
        assert_eq!(graph.render(GraphFormat::Text, &selection), "base\n    The base.\ngate go\n");
    }
}
