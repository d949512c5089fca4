//! A graph of one task, made without a script: what `oneex exec` and `oneex facts` run.

use std::sync::Arc;

use oneex_engine::diag::{Position, SourceMap};
use oneex_engine::graph::{Amount, Graph, HostsFrom, Notifies, Task, TaskId, TaskKind};
use oneex_engine::inventory::HostSet;
use oneex_engine::run::{Arg, Code, Failure, Interrupt, NodeContext, OpCall, Returned, facts, perform};
use oneex_sdk::{DynOp, ErrorKind, Value};

use crate::error::CommandError;

/// The command line, as the place that a task was declared at.
fn place() -> Position {
    Position { file: "<command line>".into(), line: 0, column: 0 }
}

/// A graph of one task with this body on these hosts. One host that fails stops no other.
pub(crate) fn graph(name: &str, hosts: HostSet, body: Arc<dyn Code>) -> Result<Graph, CommandError> {
    let task = Task {
        id: TaskId(0),
        name: name.into(),
        kind: TaskKind::Task,
        position: place(),
        block: None,
        on: Some(HostsFrom::Set(hosts)),
        each: None,
        needs: Vec::new(),
        after: Vec::new(),
        after_any: Vec::new(),
        when: Vec::new(),
        batch: None,
        max_fail: Amount::Count(0),
        throttle: None,
        exclusive: Vec::new(),
        retry: None,
        timeout: None,
        sudo: None,
        tags: Vec::new(),
        allow_empty: false,
        adds_hosts: Vec::new(),
        sensitive: false,
        doc: String::new(),
        body: Some(body),
        rescue: None,
        always: None,
        notifies: Notifies::default(),
    };
    Ok(Graph::build(vec![task], Vec::new(), Vec::new(), &SourceMap::default())?)
}

/// The node's host.
fn host<'a>(args: &[Arg<'a>]) -> Result<&'a str, Interrupt> {
    match args.first() {
        Some(Arg::Host(host)) => Ok(host),
        _ => Err(Interrupt::Failed(Box::new(Failure::new(ErrorKind::Invalid, "the task has no host")))),
    }
}

/// A body that calls one operation on its host and returns the result's fields.
pub(crate) struct Operation {
    /// The operation.
    pub(crate) op: Arc<dyn DynOp>,
    /// Its options.
    pub(crate) options: Value,
    /// The user that it runs as.
    pub(crate) user: Option<String>,
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Operation").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Code for Operation {
    fn call(&self, context: &Arc<NodeContext>, args: &[Arg<'_>]) -> Result<Returned, Interrupt> {
        let call = OpCall {
            op: &self.op,
            host: Some(host(args)?.into()),
            user: self.user.clone(),
            options: self.options.clone(),
            position: place(),
            place: "body/1/1",
            judge: None,
        };
        let outcome = perform(context, call)?;
        Ok(Returned { value: Value::Object(outcome.fields), unknown: false })
    }
}

/// A body that gathers its host's facts and returns them.
#[derive(Debug)]
pub(crate) struct Facts;

impl Code for Facts {
    fn call(&self, context: &Arc<NodeContext>, args: &[Arg<'_>]) -> Result<Returned, Interrupt> {
        let found = facts(context, host(args)?, None, "body/1/1")?;
        Ok(Returned { value: Value::clone(&found), unknown: false })
    }
}
