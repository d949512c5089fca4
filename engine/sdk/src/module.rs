//! What modules bring into a run.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{BoxFuture, Connector, DynOp, Op, OpResult, Reader, Value};

/// Gathers what a host says of itself, in one round trip.
pub trait FactSource: Send + Sync {
    /// Gathers all facts as one map.
    fn gather<'a>(&'a self, reader: &'a dyn Reader) -> BoxFuture<'a, OpResult<Value>>;

    /// The documented facts: name and meaning.
    fn documented(&self) -> &'static [(&'static str, &'static str)];
}

/// Everything that the modules bring: the command line fills it and hands it to the engine.
#[derive(Default, Clone)]
pub struct Registry {
    ops: Vec<Arc<dyn DynOp>>,
    connectors: BTreeMap<String, Arc<dyn Connector>>,
    facts: Option<Arc<dyn FactSource>>,
}

impl Registry {
    /// Adds an operation.
    pub fn op<O: Op>(&mut self, op: O) -> &mut Self {
        self.ops.push(crate::erase(op));
        self
    }

    /// Adds a way to reach hosts, under its own name.
    pub fn connector(&mut self, connector: Arc<dyn Connector>) -> &mut Self {
        self.connectors.insert(connector.name().to_owned(), connector);
        self
    }

    /// Sets where facts come from.
    pub fn facts(&mut self, source: Arc<dyn FactSource>) -> &mut Self {
        self.facts = Some(source);
        self
    }

    /// All operations, in the order in which they were added.
    pub fn ops(&self) -> &[Arc<dyn DynOp>] {
        &self.ops
    }

    /// The connector of that name.
    pub fn connector_named(&self, name: &str) -> Option<&Arc<dyn Connector>> {
        self.connectors.get(name)
    }

    /// The names of all connectors.
    pub fn connector_names(&self) -> impl Iterator<Item = &str> {
        self.connectors.keys().map(String::as_str)
    }

    /// Where facts come from.
    pub fn fact_source(&self) -> Option<&Arc<dyn FactSource>> {
        self.facts.as_ref()
    }
}
