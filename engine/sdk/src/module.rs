//! What modules bring into a run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{BoxFuture, Connector, DynOp, Op, OpResult, Reader, Value};

/// Gathers what a host says of itself, in one round trip.
pub trait FactSource: Send + Sync {
    /// Gathers all facts as one map.
    fn gather<'a>(&'a self, reader: &'a dyn Reader) -> BoxFuture<'a, OpResult<Value>>;

    /// The documented facts: name and meaning.
    fn documented(&self) -> &'static [(&'static str, &'static str)];
}

/// Counts what a module asked of the APIs it talks to, over the whole run.
#[derive(Debug, Default)]
pub struct Meter {
    requests: AtomicU64,
    writes: AtomicU64,
}

impl Meter {
    /// Counts one request that was sent, repeats included; `write` says whether it may change something.
    pub fn count(&self, write: bool) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if write {
            self.writes.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The requests that were sent so far, writes among them.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The requests so far that may have changed something.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }
}

/// Everything that the modules bring: the command line fills it and hands it to the engine.
#[derive(Default, Clone)]
pub struct Registry {
    ops: Vec<Arc<dyn DynOp>>,
    connectors: BTreeMap<String, Arc<dyn Connector>>,
    facts: Option<Arc<dyn FactSource>>,
    meters: BTreeMap<String, Arc<Meter>>,
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

    /// Adds the meter of a module that talks to an API, under the module's name.
    pub fn meter(&mut self, module: &str, meter: Arc<Meter>) -> &mut Self {
        self.meters.insert(module.to_owned(), meter);
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

    /// The meters of the modules that talk to an API, by module.
    pub fn meters(&self) -> impl Iterator<Item = (&str, &Meter)> {
        self.meters.iter().map(|(module, meter)| (module.as_str(), meter.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Meter, Registry};

    #[test]
    fn a_meter_is_read_where_it_was_registered() {
        let meter = Arc::new(Meter::default());
        let mut registry = Registry::default();
        registry.meter("http", Arc::clone(&meter));
        meter.count(false);
        meter.count(true);
        let seen: Vec<_> =
            registry.meters().map(|(name, meter)| (name, meter.requests(), meter.writes())).collect();
        assert_eq!(seen, [("http", 2, 1)]);
    }
}
