//! What ended tasks returned, for `t.output`, `t.outputs` and `t.results`.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use serde_json::Value;

use super::{Failure, NodeKey, NodeStatus};
use crate::graph::TaskId;

/// How one node ended, with what it returned.
#[derive(Debug, Clone)]
pub struct NodeResult {
    /// The node.
    pub node: NodeKey,
    /// The item itself; null for a task without `each`.
    pub item: Value,
    /// How it ended.
    pub status: NodeStatus,
    /// What the body returned.
    pub output: Value,
    /// True under `plan` when the output depends on what only a run can know.
    pub unknown: bool,
    /// What it failed with.
    pub failure: Option<Box<Failure>>,
}

/// The results of all tasks, each task's in the order of its nodes once all have ended.
#[derive(Debug, Default)]
pub struct Outputs(RwLock<HashMap<TaskId, Arc<Vec<NodeResult>>>>);

impl Outputs {
    /// Sets a task's results.
    pub fn set(&self, task: TaskId, results: Vec<NodeResult>) {
        let mut map = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        map.insert(task, Arc::new(results));
    }

    /// Adds the result of a node while others of its task still run, so that what needs only this
    /// one host can see it.
    pub fn push(&self, task: TaskId, result: NodeResult) {
        let mut map = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::make_mut(map.entry(task).or_default()).push(result);
    }

    /// Makes room for the results of a task of so many nodes.
    pub(super) fn reserve(&self, task: TaskId, nodes: usize) {
        let mut map = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::make_mut(map.entry(task).or_default()).reserve_exact(nodes);
    }

    /// Puts a task's results in the order of its nodes; `order` says for each result, as pushed,
    /// which node it is of.
    pub(super) fn arrange(&self, task: TaskId, mut order: Vec<u32>) {
        if order.is_sorted() {
            return;
        }
        let mut map = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(results) = map.get_mut(&task).filter(|results| results.len() == order.len()) else { return };
        let results = Arc::make_mut(results);
        for at in 0..order.len() {
            while order[at] as usize != at {
                let right = order[at] as usize;
                if right >= order.len() || order[right] == order[at] {
                    return;
                }
                results.swap(at, right);
                order.swap(at, right);
            }
        }
    }

    /// A task's results so far; nothing when none of its nodes has ended.
    pub fn get(&self, task: TaskId) -> Option<Arc<Vec<NodeResult>>> {
        let map = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Room without results: the task runs, and none of its nodes has ended.
        map.get(&task).filter(|results| !results.is_empty() || results.capacity() == 0).cloned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{NodeResult, Outputs};
    use crate::graph::TaskId;
    use crate::run::{NodeKey, NodeStatus};

    #[test]
    fn results_come_into_the_order_of_their_nodes() {
        let outputs = Outputs::default();
        let order = [3, 0, 2, 1, 4];
        outputs.reserve(TaskId(0), order.len());
        for node in order {
            outputs.push(
                TaskId(0),
                NodeResult {
                    node: NodeKey { task: "t".into(), host: None, item: None },
                    item: Value::Null,
                    status: NodeStatus::Ok,
                    output: json!(node),
                    unknown: false,
                    failure: None,
                },
            );
        }
        outputs.arrange(TaskId(0), order.to_vec());
        let found: Vec<Value> = outputs
            .get(TaskId(0))
            .expect("it was pushed")
            .iter()
            .map(|result| result.output.clone())
            .collect();
        assert_eq!(found, [json!(0), json!(1), json!(2), json!(3), json!(4)]);
    }
}
