//! Any graph ends, every node once, and none begins before what it needs.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use proptest::prelude::*;

use crate::graph::{Amount, Batch, TaskId};
use oneex_sdk::ErrorKind;

use crate::run::scenario::{DONE, Ended, Scenario, code, fails_as};
use crate::run::{Mode, NodeStatus, RunEvent};

#[derive(Debug, Clone)]
pub(super) struct Shape {
    hosts: u8,
    fails: bool,
    handler: bool,
    batch: Option<u8>,
    max_fail: u8,
    throttle: Option<u8>,
    exclusive: bool,
    in_block: bool,
    items: Option<u8>,
    unreachable: bool,
    rescue: bool,
    always: bool,
    needs: Vec<(u8, u8)>,
}

impl Shape {
    /// The same, and nothing of it fails.
    pub(super) fn that_goes_well(self) -> Self {
        Self { fails: false, unreachable: false, ..self }
    }

    pub(super) fn is_handler(&self) -> bool {
        self.handler
    }

    pub(super) fn no_handler(&mut self) {
        self.handler = false;
    }
}

pub(super) fn shape() -> impl Strategy<Value = Shape> {
    let first =
        (0..16_u8, prop::bool::weighted(0.2), prop::bool::weighted(0.15), prop::option::of(1..3_u8), 0..2_u8);
    let second = (
        prop::option::of(1..3_u8),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.4),
        prop::option::weighted(0.2, 0..4_u8),
        prop::collection::vec((any::<u8>(), 0..3_u8), 0..3),
    );
    let third = (prop::bool::weighted(0.3), prop::bool::weighted(0.3), prop::bool::weighted(0.3));
    (first, second, third).prop_map(
        |(
            (hosts, fails, handler, batch, max_fail),
            (throttle, exclusive, in_block, items, needs),
            (unreachable, rescue, always),
        )| Shape {
            unreachable,
            rescue,
            always,
            hosts,
            fails,
            handler,
            batch,
            max_fail,
            throttle,
            exclusive,
            in_block,
            items,
            needs,
        },
    )
}

pub(super) fn scenario(shapes: &[Shape], parallel: bool, block_batch: bool) -> Scenario {
    let mut scenario = Scenario::new("a,b,c,d");
    scenario.options.forks = 4;
    scenario.options.items = 2;
    let block = scenario.sample.block("block", None, parallel);
    if block_batch {
        scenario.sample.blocks[block].batch =
            Some(Box::new(Batch { ladder: vec![Amount::Count(1)], pause: Duration::ZERO, check: None }));
    }
    let mut handlers: Vec<TaskId> = Vec::new();
    for (index, shape) in shapes.iter().enumerate() {
        let fail = shape.fails;
        let kind = if shape.unreachable { ErrorKind::Unreachable } else { ErrorKind::Failed };
        let notified = handlers.clone();
        let body = move |call: &crate::run::scenario::Call<'_>| {
            notified.iter().for_each(|handler| call.notify(*handler));
            if fail && call.host() != "b" { fails_as(kind, "no") } else { DONE }
        };
        let hosts: Vec<&str> = ["a", "b", "c", "d"]
            .into_iter()
            .enumerate()
            .filter(|(bit, _)| shape.hosts & (1 << bit) != 0)
            .map(|(_, host)| host)
            .collect();
        let in_block = shape.in_block && (!block_batch || !hosts.is_empty());
        let name = format!("t{index}");
        let id = if in_block { scenario.in_block(block, &name, body) } else { scenario.task(&name, body) };
        if !hosts.is_empty() {
            scenario.on(id, &hosts.join(","));
        }
        if let Some(items) = shape.items {
            scenario.each(id, (0..items).map(|item| serde_json::json!(item)));
        }
        if shape.handler {
            scenario.sample.handler(id);
        } else {
            for handler in handlers.clone() {
                scenario.sample.notifies(id, handler);
            }
        }
        let task = scenario.at(id);
        task.batch = shape.batch.map(|size| {
            Box::new(Batch { ladder: vec![Amount::Count(size.into())], pause: Duration::ZERO, check: None })
        });
        task.max_fail = Amount::Count(shape.max_fail.into());
        task.rescue = shape.rescue.then(|| code(|_| DONE));
        task.always = shape.always.then(|| code(|_| DONE));
        task.throttle = shape.throttle.map(usize::from);
        if shape.exclusive {
            task.exclusive = vec!["key".into()];
        }
        for (to, kind) in &shape.needs {
            let to = usize::from(*to) % (index + 1);
            // A handler runs after all that may notify it, so nothing later may be needed by it,
            // and it is needed by nothing that notifies it.
            if to == index || shapes[to].handler || shape.handler {
                continue;
            }
            let to = TaskId(to as u32);
            match kind {
                0 => scenario.sample.needs(id, &[to]),
                1 if !block_batch => scenario.sample.after(id, &[to]),
                _ if !block_batch => scenario.sample.after_any(id, &[to]),
                _ => scenario.sample.needs(id, &[to]),
            }
        }
        if shape.handler {
            handlers.push(id);
        }
    }
    scenario
}

/// Each node's first start and its only end, by their places in the stream.
fn places(ended: &Ended) -> HashMap<String, (Option<usize>, usize)> {
    let mut starts: HashMap<String, usize> = HashMap::new();
    let mut found = HashMap::new();
    for (place, event) in ended.events.iter().enumerate() {
        match event {
            RunEvent::NodeStarted { node, attempt: 1 } => {
                assert!(starts.insert(node.to_string(), place).is_none(), "{node} began twice");
                assert!(!found.contains_key(&node.to_string()), "{node} began after its end");
            }
            RunEvent::NodeFinished { node, .. } => {
                let start = starts.get(&node.to_string()).copied();
                assert!(found.insert(node.to_string(), (start, place)).is_none(), "{node} ended twice");
            }
            _ => {}
        }
    }
    assert!(starts.keys().all(|node| found.contains_key(node)), "what began has ended");
    found
}

/// The most nodes of a task that ran at once.
fn most_at_once(ended: &Ended, task: &str) -> usize {
    let (mut running, mut most) = (BTreeSet::new(), 0);
    for event in &ended.events {
        match event {
            RunEvent::NodeStarted { node, .. } if &*node.task == task => {
                running.insert(node.to_string());
                most = most.max(running.len());
            }
            RunEvent::NodeFinished { node, .. } => {
                running.remove(&node.to_string());
            }
            _ => {}
        }
    }
    most
}

/// The names of all nodes that ended, sorted.
fn nodes(ended: &Ended) -> BTreeSet<String> {
    ended.ends().map(|(node, ..)| node.to_string()).collect()
}

/// How often a node came to a phase.
fn phases(ended: &Ended, node: &str, phase: &str) -> usize {
    let came = |event: &&RunEvent| matches!(event, RunEvent::NodePhase { node: key, phase: to } if key.to_string() == node && *to == phase);
    ended.events.iter().filter(came).count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_graph_ends_in_order(
        shapes in prop::collection::vec(shape(), 1..12),
        parallel: bool,
        block_batch in prop::bool::weighted(0.3),
    ) {
        let scenario = scenario(&shapes, parallel, block_batch);
        let tasks = scenario.sample.tasks.clone();
        let ended = scenario.run();
        let places = places(&ended);
        let nodes_of = |id: TaskId| {
            let name = tasks[id.index()].name.to_string();
            ended.ends().filter(move |(key, ..)| *key.task == *name).map(|(key, status, _)| (key.clone(), status)).collect::<Vec<_>>()
        };
        let expanded: usize = ended.events.iter().map(|event| match event {
            RunEvent::TaskExpanded { nodes, .. } => *nodes,
            _ => 0,
        }).sum();
        prop_assert_eq!(expanded, places.len(), "as many ends as nodes");
        for task in &tasks {
            for (key, _) in nodes_of(task.id) {
                let Some(start) = places[&key.to_string()].0 else { continue };
                for needed in &task.needs {
                    for (first, status) in nodes_of(needed.tasks[0]).iter().filter(|(first, _)| {
                        first.host == key.host || first.host.is_none() || key.host.is_none()
                    }) {
                        prop_assert!(places[&first.to_string()].1 < start, "{key} began before {first} had ended");
                        let tolerated = first.host.is_none() || key.host.is_none();
                        prop_assert!(status.is_well() || tolerated, "{key} began though {first} ended {status:?}");
                    }
                }
                for needed in task.after.iter().chain(&task.after_any) {
                    for (first, _) in nodes_of(needed.tasks[0]) {
                        prop_assert!(places[&first.to_string()].1 < start, "{key} began before {first} had ended");
                    }
                }
            }
        }
    }

    #[test]
    fn every_node_has_what_it_was_promised(
        shapes in prop::collection::vec(shape(), 1..10),
        parallel: bool,
    ) {
        let mut planned = scenario(&shapes, parallel, false);
        planned.mode = Mode::Plan;
        let scenario = scenario(&shapes, parallel, false);
        let tasks = scenario.sample.tasks.clone();
        let ended = scenario.run();
        let places = places(&ended);
        prop_assert_eq!(nodes(&ended), nodes(&planned.run()), "a plan lists the nodes of the run");
        for (task, shape) in tasks.iter().zip(&shapes) {
            if let Some(throttle) = task.throttle {
                prop_assert!(most_at_once(&ended, &task.name) <= throttle, "{} is throttled", task.name);
            }
            for (node, status, _) in ended.ends().filter(|(node, ..)| node.task == task.name) {
                let began = places[&node.to_string()].0.is_some();
                let failing = shape.fails && node.host.as_deref() != Some("b");
                let rescued = phases(&ended, &node.to_string(), "rescue");
                let always = phases(&ended, &node.to_string(), "always");
                prop_assert_eq!(always, usize::from(began && shape.always), "always of {}", node);
                if began && status != NodeStatus::Cancelled {
                    let expected = match (failing, shape.rescue, shape.unreachable) {
                        (false, ..) => NodeStatus::Ok,
                        (true, true, _) => NodeStatus::Rescued,
                        (true, false, true) => NodeStatus::Unreachable,
                        (true, false, false) => NodeStatus::Failed,
                    };
                    let is_well = matches!(status, NodeStatus::Ok | NodeStatus::Changed);
                    prop_assert!(status == expected || (is_well && !failing), "{node} ended {status:?}");
                    prop_assert_eq!(rescued, usize::from(failing && shape.rescue), "rescue of {}", node);
                }
                let notified = shape.handler && tasks.iter().any(|other| {
                    other.notifies.handlers.contains(&task.id)
                        && ended.ends().any(|(key, ..)| {
                            key.task == other.name
                                && (key.host == node.host || key.host.is_none())
                                && places[&key.to_string()].0.is_some()
                        })
                });
                prop_assert!(!(notified && status == NodeStatus::Skipped), "{node} was notified and passed over");
                // A handler comes after the last node that could still notify it.
                let Some(start) = places[&node.to_string()].0.filter(|_| shape.handler) else { continue };
                for notifier in tasks.iter().filter(|other| other.notifies.handlers.contains(&task.id)) {
                    for (other, ..) in ended.ends().filter(|(other, ..)| {
                        other.task == notifier.name && (other.host == node.host || node.host.is_none())
                    }) {
                        prop_assert!(places[&other.to_string()].1 < start, "{node} began before {other} ended");
                    }
                }
            }
        }
    }
}
