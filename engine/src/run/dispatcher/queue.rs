//! Ready nodes: the earliest declared task first, within its throttle and its exclusive keys.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::state::TaskState;
use crate::graph::Graph;

#[derive(Debug, Default)]
struct Key {
    busy: bool,
    waiting: BTreeSet<u32>,
}

/// Ready nodes that wait for a place to run.
#[derive(Debug)]
pub(super) struct Queue {
    graph: Arc<Graph>,
    runnable: BTreeSet<u32>,
    keys: HashMap<String, Key>,
}

impl Queue {
    pub(super) fn new(graph: Arc<Graph>) -> Self {
        Self { graph, runnable: BTreeSet::new(), keys: HashMap::new() }
    }

    pub(super) fn push(&mut self, task: u32, node: u32, state: &mut TaskState) {
        state.ready.push_back(node);
        self.runnable.insert(task);
    }

    /// The next node that may run; from now on it does.
    pub(super) fn pop(&mut self, tasks: &mut [TaskState]) -> Option<u32> {
        while let Some(task) = self.runnable.first().copied() {
            let (spec, state) = (&self.graph.tasks[task as usize], &mut tasks[task as usize]);
            let full = spec.throttle.is_some_and(|most| state.running as usize >= most.max(1));
            if full || state.ready.is_empty() {
                self.runnable.remove(&task);
                // What was woken for a key and has nothing left to run must not keep it from others.
                self.wake_free_keys(task);
                continue;
            }
            let busy = spec.exclusive.iter().find(|key| self.keys.get(*key).is_some_and(|key| key.busy));
            if let Some(busy) = busy.cloned() {
                self.runnable.remove(&task);
                self.keys.entry(busy).or_default().waiting.insert(task);
                // It was woken for a key that it cannot take yet: the next in line may.
                self.wake_free_keys(task);
                continue;
            }
            for key in &spec.exclusive {
                self.keys.entry(key.clone()).or_default().busy = true;
            }
            state.running += 1;
            return state.ready.pop_front();
        }
        None
    }

    /// A node that ran has ended.
    pub(super) fn release(&mut self, task: u32, state: &mut TaskState) {
        state.running = state.running.saturating_sub(1);
        if !state.ready.is_empty() {
            self.runnable.insert(task);
        }
        for name in &self.graph.tasks[task as usize].exclusive {
            if let Some(key) = self.keys.get_mut(name) {
                key.busy = false;
            }
        }
        self.wake_free_keys(task);
    }

    fn wake_free_keys(&mut self, task: u32) {
        for name in &self.graph.tasks[task as usize].exclusive {
            if let Some(next) =
                self.keys.get_mut(name).filter(|key| !key.busy).and_then(|key| key.waiting.pop_first())
            {
                self.runnable.insert(next);
            }
        }
    }

    pub(super) fn clear(&mut self, tasks: &mut [TaskState]) {
        self.runnable.clear();
        self.keys.values_mut().for_each(|key| key.waiting.clear());
        tasks.iter_mut().for_each(|task| task.ready.clear());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Queue;
    use crate::graph::samples::Sample;
    use crate::run::dispatcher::state::TaskState;

    #[test]
    fn earlier_tasks_come_first_and_a_throttled_one_lets_others_pass() {
        let mut sample = Sample::default();
        let first = sample.task("first");
        sample.task("second");
        sample.tasks[first.index()].throttle = Some(1);
        let mut queue = Queue::new(Arc::new(sample.build().expect("no mistake")));
        let mut tasks = [TaskState::default(), TaskState::default()];
        for (task, node) in [(1, 10), (0, 0), (0, 1)] {
            queue.push(task, node, &mut tasks[task as usize]);
        }
        assert_eq!(queue.pop(&mut tasks), Some(0));
        assert_eq!(queue.pop(&mut tasks), Some(10));
        assert_eq!(queue.pop(&mut tasks), None);
        queue.release(0, &mut tasks[0]);
        assert_eq!(queue.pop(&mut tasks), Some(1));
    }

    #[test]
    fn who_waits_for_two_keys_does_not_keep_others_from_one() {
        let mut sample = Sample::default();
        let keys = [vec!["a"], vec!["b"], vec!["a", "b"], vec!["a"]];
        for (index, keys) in keys.into_iter().enumerate() {
            let id = sample.task(&format!("t{index}"));
            sample.tasks[id.index()].exclusive = keys.into_iter().map(str::to_owned).collect();
        }
        let mut queue = Queue::new(Arc::new(sample.build().expect("no mistake")));
        let mut tasks: [TaskState; 4] = Default::default();
        for task in 0..4_u32 {
            queue.push(task, task, &mut tasks[task as usize]);
        }
        assert_eq!(
            (queue.pop(&mut tasks), queue.pop(&mut tasks), queue.pop(&mut tasks)),
            (Some(0), Some(1), None)
        );
        queue.release(0, &mut tasks[0]);
        // The third takes nothing while `b` is busy, so the fourth gets `a`.
        assert_eq!((queue.pop(&mut tasks), queue.pop(&mut tasks)), (Some(3), None));
        queue.release(1, &mut tasks[1]);
        assert_eq!(queue.pop(&mut tasks), None);
        queue.release(3, &mut tasks[3]);
        assert_eq!(queue.pop(&mut tasks), Some(2));
    }
}
