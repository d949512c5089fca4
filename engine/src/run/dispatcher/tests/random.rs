//! Any graph ends, every node once, and none begins before what it needs.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;

use crate::graph::{Amount, Batch, TaskId};
use crate::run::RunEvent;
use crate::run::scenario::{DONE, Ended, Scenario, fails};

#[derive(Debug, Clone)]
struct Shape {
    hosts: u8,
    fails: bool,
    handler: bool,
    batch: Option<u8>,
    max_fail: u8,
    throttle: Option<u8>,
    exclusive: bool,
    in_block: bool,
    items: Option<u8>,
    needs: Vec<(u8, u8)>,
}

fn shape() -> impl Strategy<Value = Shape> {
    let first =
        (0..16_u8, prop::bool::weighted(0.2), prop::bool::weighted(0.15), prop::option::of(1..3_u8), 0..2_u8);
    let second = (
        prop::option::of(1..3_u8),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.4),
        prop::option::weighted(0.2, 0..4_u8),
        prop::collection::vec((any::<u8>(), 0..3_u8), 0..3),
    );
    (first, second).prop_map(
        |((hosts, fails, handler, batch, max_fail), (throttle, exclusive, in_block, items, needs))| Shape {
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

fn scenario(shapes: &[Shape], parallel: bool, block_batch: bool) -> Scenario {
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
        let notified = handlers.clone();
        let body = move |call: &crate::run::scenario::Call<'_>| {
            notified.iter().for_each(|handler| call.notify(*handler));
            if fail && call.host() != "b" { fails("no") } else { DONE }
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
}
