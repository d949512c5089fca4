//! What was read of the code: which handlers a closure may notify, what closures take copies of, and
//! where loops are that only stop from outside.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use rhai::{AST, FnPtr};

use super::error::place;
use super::load::Script;
use crate::check::{NotifyIndex, NotifySet, blind_loops, notifies, turns};
use crate::diag::Position;

/// The runbook's own syntax tree, and what was read in it and in its imports.
#[derive(Default)]
pub(crate) struct Reading {
    pub(crate) main: OnceLock<AST>,
    index: Mutex<Option<(usize, Arc<NotifyIndex>)>>,
    /// By source, the variables that closures take copies of.
    copied: RwLock<HashMap<Arc<str>, BTreeSet<String>>>,
}

impl Script {
    /// Which handlers a closure may notify. An import can come after the first task, so what was
    /// read is read again when there are more sources.
    pub(crate) fn notifies(&self, closure: &FnPtr) -> NotifySet {
        let trees = self.imports.trees();
        let mut cached = self.reading.index.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.as_ref().is_none_or(|(count, _)| *count != trees.len()) {
            let asts: Vec<&AST> =
                self.reading.main.get().into_iter().chain(trees.iter().map(|(_, ast)| ast)).collect();
            *cached = Some((trees.len(), Arc::new(notifies(&asts))));
        }
        cached.as_ref().map(|(_, index)| index.of_closure(closure)).unwrap_or_default()
    }

    /// Reads what the closures of a source take copies of.
    pub(crate) fn read_turns(&self, source: &str, ast: &AST) {
        let copied = turns(ast).copied;
        if !copied.is_empty() {
            let mut all = self.reading.copied.write().unwrap_or_else(PoisonError::into_inner);
            all.insert(source.into(), copied);
        }
    }

    /// Whether closures of a source take copies of a variable.
    pub(crate) fn is_copied(&self, source: &str, variable: &str) -> bool {
        let all = self.reading.copied.read().unwrap_or_else(PoisonError::into_inner);
        all.get(source).is_some_and(|names| names.contains(variable))
    }

    /// The place of the loop in which a function was stopped from outside, if there is but one that it
    /// can be; `function` is none for the top level.
    pub(crate) fn blind_loop(&self, source: &str, function: Option<&str>) -> Option<Position> {
        let main = self.reading.main.get().filter(|_| source == &*self.name).cloned();
        let trees = self.imports.trees();
        let imported = trees.iter().find(|(from, _)| from.name == source).map(|(_, ast)| ast.clone());
        let ast = main.or(imported)?;
        let here = blind_loops(&ast);
        let others = trees.iter().filter(|(from, _)| from.name != source);
        let main = self.reading.main.get().filter(|_| source != &*self.name);
        let mut elsewhere = others
            .map(|(from, ast)| (from.name.as_str(), ast))
            .chain(main.map(|ast| (&*self.name, ast)))
            .flat_map(|(name, ast)| blind_loops(ast).into_iter().map(move |(_, at)| (name, at)));
        let mut own = here.iter().filter(|(inside, _)| inside.as_deref() == function);
        let (file, at) = match (own.next(), own.next()) {
            (Some((_, at)), None) => (source, *at),
            (Some(_), Some(_)) => return None,
            (None, _) => {
                let mut all = here.iter().map(|(_, at)| (source, *at)).chain(&mut elsewhere);
                let only = all.next()?;
                if all.next().is_some() {
                    return None;
                }
                only
            }
        };
        place(&file.into(), at)
    }
}
