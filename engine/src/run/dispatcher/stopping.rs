//! Interrupts.

use super::main_loop::Dispatcher;
use crate::run::{NodeStatus, RunEvent};

impl Dispatcher {
    /// The run was interrupted, or interrupted again: no new nodes begin. What runs was cancelled
    /// by whoever saw the interrupt first.
    pub(super) fn interrupted(&mut self) {
        let again = std::mem::replace(&mut self.stopping, true);
        if again && !self.stop().immediate().is_cancelled() {
            return;
        }
        self.context.events.emit(RunEvent::Interrupted { signal: self.stop().signal().to_owned() });
        if !again && self.tasks_left > 0 {
            self.cut_short = true;
            self.end_the_rest(NodeStatus::Cancelled, "the run was interrupted");
        }
    }
}
