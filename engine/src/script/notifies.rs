//! Which handlers a closure may notify: read once for all that was imported so far.

use std::sync::{Arc, Mutex, OnceLock};

use rhai::{AST, FnPtr};

use super::load::Script;
use crate::check::{NotifyIndex, NotifySet, notifies};

/// The runbook's own syntax tree, and what was read in it and in its imports.
#[derive(Default)]
pub(crate) struct Reading {
    pub(crate) main: OnceLock<AST>,
    index: Mutex<Option<(usize, Arc<NotifyIndex>)>>,
}

impl Script {
    /// Which handlers a closure may notify. An import can come after the first task, so what was
    /// read is read again when there are more sources.
    pub(crate) fn notifies(&self, closure: &FnPtr) -> NotifySet {
        let trees = self.imports.trees();
        let mut cached = self.reading.index.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if cached.as_ref().is_none_or(|(count, _)| *count != trees.len()) {
            let asts: Vec<&AST> =
                self.reading.main.get().into_iter().chain(trees.iter().map(|(_, ast)| ast)).collect();
            *cached = Some((trees.len(), Arc::new(notifies(&asts))));
        }
        cached.as_ref().map(|(_, index)| index.of_closure(closure)).unwrap_or_default()
    }
}
