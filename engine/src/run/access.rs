//! The one place where operations meet the world: `read`, `diff` and, in a run, `apply`.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use oneex_sdk::{
    Call, Change, DynOp, ErrorKind, HostInfo, Kind, Looked, Map, OpError, OpResult, Output, Reader,
    Resources, SecretSink, Value,
};

use super::claims::Claims;
use super::life::masked;
use super::steady::Losses;
use super::subject::subject;
use super::view::View;
use super::{Failure, Interrupt, Mode, NodeContext, OpStatus, RunEvent, drawn};
use crate::diag::Position;
use crate::inventory::Inventory;
use crate::journal::Intent;
use crate::plan::Author;
use crate::redact::MASK;

/// Finds files of the project for operations.
pub trait ProjectFiles: Send + Sync {
    /// Finds `name` in `folder` (`files`, `templates`) beside the script `source`, then beside the
    /// runbook, then in the project.
    fn find(&self, source: &str, folder: &str, name: &str) -> OpResult<PathBuf>;
}

/// A call of an operation, as the script makes it.
pub struct OpCall<'a> {
    /// The operation.
    pub op: &'a Arc<dyn DynOp>,
    /// The host; the controller for a function of a namespace.
    pub host: Option<Arc<str>>,
    /// The user that it runs as.
    pub user: Option<String>,
    /// The options.
    pub options: Value,
    /// Where the script calls.
    pub position: Position,
    /// Where in the life of the node that is, see [`super::Branch`].
    pub place: &'a str,
    /// Says whether an action that was done changed something, from its result; without it the operation does.
    pub judge: Option<&'a Judge<'a>>,
}

/// See [`OpCall::judge`].
pub type Judge<'a> = dyn Fn(&OpOutcome) -> Result<bool, Interrupt> + 'a;

/// What came of a call.
#[derive(Debug, Clone)]
pub struct OpOutcome {
    /// True where something changed; under `plan`, where it would.
    pub changed: bool,
    /// What changed, or would.
    pub change: Change,
    /// The result's own fields.
    pub fields: Map<String, Value>,
    /// Under `plan`, what of the result only a run can know.
    pub unknown: Option<String>,
}

/// Calls an operation for a node: blocks until it is done, the node is cancelled, or it fails.
pub fn perform(node: &Arc<NodeContext>, call: OpCall<'_>) -> Result<OpOutcome, Interrupt> {
    if node.cancel.is_cancelled() {
        return Err(Interrupt::Cancelled);
    }
    let mut performing = Performing::new(node, &call)?;
    if let Some(outcome) = performing.recalled()? {
        if outcome.changed {
            node.mark_changed();
        }
        return Ok(outcome);
    }
    let events = &node.run.events;
    events.emit(RunEvent::OperationStarted {
        node: node.node.clone(),
        op: performing.number,
        name: performing.name.clone(),
        target: performing.target.to_string(),
    });
    node.run.counters.operations.fetch_add(1, Ordering::Relaxed);
    let begun = Instant::now();
    let result = performing.perform().and_then(|done| performing.judged(done, call.judge));
    tracing::debug!(
        op = performing.number,
        name = performing.name,
        target = &*performing.target,
        took = ?begun.elapsed(),
        changed = result.as_ref().ok().map(|(_, outcome)| outcome.changed),
        "operation"
    );
    performing.report(&result, begun.elapsed().as_secs_f64());
    performing.drop_cancelled(&result);
    match result {
        Ok((_, outcome)) => {
            if outcome.changed {
                node.mark_changed();
                node.run.counters.changed.fetch_add(1, Ordering::Relaxed);
            }
            Ok(outcome)
        }
        Err(interrupt) => Err(interrupt),
    }
}

/// The facts of a host, gathered on first use. `place` is where in the life of the node they are asked for.
pub fn facts(
    node: &Arc<NodeContext>,
    host: &str,
    user: Option<&str>,
    place: &str,
) -> Result<Arc<Value>, Interrupt> {
    let told = drawn(node, place, "facts", || {
        let facts = gathered(node, host, user)?;
        // As a text it stands beside the records, and once where several nodes ask.
        Ok(if node.run.chronicle.is_some() { Value::from(facts.to_string()) } else { (*facts).clone() })
    })?;
    match told {
        Value::String(text) => Ok(Arc::new(serde_json::from_str(&text).unwrap_or_default())),
        facts => Ok(Arc::new(facts)),
    }
}

fn gathered(node: &Arc<NodeContext>, host: &str, user: Option<&str>) -> Result<Arc<Value>, Interrupt> {
    let info = known_host(node, host)?;
    if is_planned(node, host) {
        return Err(Interrupt::KnownAfterRun(format!("the facts of `{host}`, which does not exist yet")));
    }
    let view = View {
        node: Arc::clone(node),
        user: user.map(str::to_owned).or_else(|| info.target.sudo_user.clone()),
        info,
        op: 0,
        source: Arc::from(node.run.name.as_str()),
        foreseen: false,
        lasting: false,
        claims: Claims::default(),
        has_read: AtomicBool::new(false),
        lost: Mutex::default(),
    };
    node.run.runtime.block_on(view.facts()).map_err(|error| interrupt_of(error, "facts", host, None))
}

/// Forgets the facts of a host.
pub fn forget_facts(node: &NodeContext, host: &str) {
    node.run.connections.forget_facts(host);
}

/// Asks the guards for a host that a task adds, before it can be found. A plan adds it in memory only.
pub fn admit(node: &Arc<NodeContext>, host: &str) -> Result<(), Interrupt> {
    if node.run.mode == Mode::Plan {
        return Ok(());
    }
    let asked = node.run.runtime.block_on(node.run.guards.may_change(Some(host)));
    asked.map_err(|error| interrupt_of(error, "add_host", host, None))
}

fn known_host(node: &NodeContext, host: &str) -> Result<Arc<HostInfo>, Interrupt> {
    let failed = |message: String, hint: Option<&str>| {
        let mut failure = Failure::new(ErrorKind::Invalid, message);
        failure.hints.extend(hint.map(str::to_owned));
        Interrupt::Failed(Box::new(failure))
    };
    let info = Inventory::reach(&node.run.inventory, host)
        .ok_or_else(|| failed(format!("there is no host `{host}` in the inventory"), None))?
        .map_err(|error| failed(error.to_string(), error.hint()))?;
    let passwords = [&info.target.password, &info.target.sudo_password];
    for password in passwords.into_iter().flatten() {
        // A template may have made it, so that loading the inventory could not make it known.
        if !node.run.redactor.is_tainted(password.expose()) {
            node.run.redactor.register(password.expose());
        }
    }
    Ok(info)
}

fn is_planned(node: &NodeContext, host: &str) -> bool {
    node.run.inventory.read().unwrap_or_else(std::sync::PoisonError::into_inner).is_planned(host)
}

fn interrupt_of(mut error: OpError, operation: &str, target: &str, position: Option<Position>) -> Interrupt {
    if error.kind == ErrorKind::Cancelled {
        return Interrupt::Cancelled;
    }
    // A template's own place says more than that of the call, which the script adds.
    let place = error.place.take().map(|place| {
        let (file, line, column) = *place;
        Position { file: file.into(), line, column }
    });
    let mut failure = Failure::of(error);
    failure.operation = Some(operation.to_owned());
    failure.target = Some(target.to_owned());
    failure.position = place.or(position);
    Interrupt::Failed(Box::new(failure))
}

/// One call on its way.
pub(super) struct Performing<'a> {
    pub(super) node: &'a Arc<NodeContext>,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) lock: Option<&'static str>,
    pub(super) bound: Box<dyn Call>,
    pub(super) subject: String,
    pub(super) args: Value,
    pub(super) target: Arc<str>,
    /// False for a function of a namespace.
    pub(super) on_host: bool,
    pub(super) number: u64,
    pub(super) position: &'a Position,
    pub(super) place: &'a str,
    pub(super) view: View,
    /// It was begun in the earlier part of the run, and its target is asked what became of it.
    pub(super) asked_again: Option<Box<Intent>>,
    /// It was begun in the earlier part of the run: where nothing is left to be done, that is why.
    pub(super) begun: bool,
    /// It was written down that it changes something.
    pub(super) intended: AtomicBool,
}

impl<'a> Performing<'a> {
    fn new(node: &'a Arc<NodeContext>, call: &'a OpCall<'_>) -> Result<Self, Interrupt> {
        let manual = call.op.manual();
        let name = manual.full_name();
        let host: Arc<str> = call.host.clone().unwrap_or_else(|| "localhost".into());
        let at = Some(call.position.clone());
        let bound =
            call.op.bind(call.options.clone()).map_err(|error| interrupt_of(error, &name, &host, at))?;
        let args = bound.shown();
        let subject = subject(&args, manual.positional);
        let target: Arc<str> = match (&call.host, args.get("url").and_then(Value::as_str)) {
            (None, Some(url)) => url.into(),
            _ => Arc::clone(&host),
        };
        let number = node.run.next_op.fetch_add(1, Ordering::Relaxed) + 1;
        let info = known_host(node, &host)?;
        let view = View {
            node: Arc::clone(node),
            user: call.user.clone().or_else(|| info.target.sudo_user.clone()),
            info,
            op: number,
            source: Arc::clone(&call.position.file),
            foreseen: manual.kind == Kind::Ensure,
            // What others have to wait for is nothing to be cut off either, as the work of a package manager.
            lasting: manual.kind == Kind::Action || manual.lock.is_some(),
            claims: Claims::default(),
            has_read: AtomicBool::new(false),
            lost: Mutex::default(),
        };
        Ok(Self {
            node,
            name,
            kind: manual.kind,
            lock: manual.lock,
            bound,
            subject,
            args,
            target,
            on_host: call.host.is_some(),
            number,
            position: &call.position,
            place: call.place,
            view,
            asked_again: None,
            begun: false,
            intended: AtomicBool::new(false),
        })
    }

    fn perform(&mut self) -> Result<(OpStatus, OpOutcome), Interrupt> {
        let host = self.view.info.name.as_str();
        if is_planned(self.node, host) {
            return Err(Interrupt::KnownAfterRun(format!("`{host}` does not exist yet")));
        }
        let node = Arc::clone(self.node);
        node.run.runtime.block_on(async {
            tokio::select! {
                biased;
                result = self.turned() => result,
                // Operations end by themselves when they are cancelled; this is for one that does
                // not, and gives it the time to end its command on the host.
                () = Self::overdue(&node) => Err(Interrupt::Cancelled),
            }
        })
    }

    async fn overdue(node: &NodeContext) {
        const GRACE: std::time::Duration = std::time::Duration::from_secs(10);
        node.cancel.cancelled().await;
        tokio::time::sleep(GRACE).await;
    }

    async fn turned(&mut self) -> Result<(OpStatus, OpOutcome), Interrupt> {
        let turn = async {
            match self.lock {
                Some(lock) => Some(self.node.run.connections.turn(&self.view.info.name, lock).await),
                None => None,
            }
        };
        let _turn = tokio::select! {
            biased;
            () = self.node.cancel.cancelled() => return Err(Interrupt::Cancelled),
            turn = turn => turn,
        };
        match self.node.run.mode {
            Mode::Run => match self.run().await {
                Err(error) if error.is_fate_unknown && self.asked_again.is_some() => self.unknown().await,
                result => result.map_err(|error| self.interrupt(error)),
            },
            Mode::Plan => self.plan().await,
        }
    }

    pub(super) fn interrupt(&self, error: OpError) -> Interrupt {
        interrupt_of(error, &self.name, &self.target, Some(self.position.clone()))
    }

    /// Runs it; an ensure that the connection is lost of is looked at again. What was written before may be there
    /// then: it is a change of this call all the same.
    pub(super) async fn run(&self) -> OpResult<(OpStatus, OpOutcome)> {
        let (mut losses, mut written) = (Losses::default(), None);
        loop {
            let result = self.once(&mut written).await;
            let lost = self.view.lost.lock().unwrap_or_else(PoisonError::into_inner).take();
            let (Some(transport), Kind::Ensure) = (lost, self.kind) else { return result };
            if let Some(done) = self.view.bear(&transport, &mut losses, result).await? {
                return Ok(done);
            }
        }
    }

    async fn once(&self, written: &mut Option<Change>) -> OpResult<(OpStatus, OpOutcome)> {
        let looked = self.bound.look(&self.view).await?;
        if looked.change.is_empty() {
            if let Some(change) = written.take() {
                return Ok((OpStatus::Changed, outcome(change, looked.output, true, None)));
            }
            let changed = looked.output.changed.unwrap_or(self.begun);
            let status = if changed { OpStatus::Changed } else { OpStatus::Ok };
            return Ok((status, outcome(looked.change, looked.output, changed, None)));
        }
        if self.node.cancel.is_cancelled() {
            return Err(OpError::cancelled());
        }
        let on_host = self.on_host.then_some(self.view.info.name.as_str());
        self.node.run.guards.may_change(on_host).await?;
        self.intend(&looked.change).await?;
        // An action that asks the host first, as for what it creates, acts in the first run and rarely again.
        if let (Kind::Action, Some(ahead), false) =
            (self.kind, &self.node.ahead, self.view.has_read.load(Ordering::Relaxed))
        {
            ahead.acts(&self.view.info.name);
        }
        let writing = self.node.run.connections.writes(&self.view.info.name).begin();
        *written = Some(looked.change.clone());
        let output = self.bound.apply(&self.view, &looked).await?;
        drop(writing);
        let changed = output.changed.unwrap_or(true);
        if changed && self.lock == Some("packages") {
            self.node.run.connections.forget_facts(&self.view.info.name);
        }
        let status = match (changed, self.kind) {
            (false, _) => OpStatus::Ok,
            (true, Kind::Action) => OpStatus::Done,
            (true, _) => OpStatus::Changed,
        };
        Ok((status, outcome(looked.change, output, changed, None)))
    }

    /// Reads, compares, and notes what would change; writes nothing.
    async fn plan(&self) -> Result<(OpStatus, OpOutcome), Interrupt> {
        let resources = self.bound.resources();
        let assumes = self.assumes(&resources);
        let looked = match self.bound.look(&self.view).await {
            Ok(looked) => looked,
            Err(error) if error.kind == ErrorKind::Cancelled => return Err(Interrupt::Cancelled),
            Err(error) => {
                let run = &self.node.run;
                let may_bring =
                    || run.pending.may_bring(&self.view.info.name, &resources, &self.author(), &run.graph);
                return Err(match assumes.or_else(may_bring) {
                    Some(change) => Interrupt::KnownAfterRun(format!(
                        "it assumes {change}, and fails as things are: {error}"
                    )),
                    None => self.interrupt(error),
                });
            }
        };
        if assumes.is_none() && !looked.change.unknown {
            self.node.run.counters.certain.fetch_add(1, Ordering::Relaxed);
        }
        Ok(self.planned(looked, resources))
    }

    fn author(&self) -> Author {
        Author { node: self.node.node.clone(), task: self.node.task }
    }

    /// What this call depends on that has not happened; from the first such on, all of the node does.
    fn assumes(&self, resources: &Resources) -> Option<String> {
        let mut assumes = self.node.assumes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if assumes.is_none() {
            let run = &self.node.run;
            *assumes = run.pending.assumed_by(&self.view.info.name, resources, &self.author(), &run.graph);
        }
        assumes.clone()
    }

    fn planned(&self, looked: Looked, resources: Resources) -> (OpStatus, OpOutcome) {
        if looked.change.is_empty() {
            return (OpStatus::NoChange, outcome(looked.change, looked.output, false, None));
        }
        let what = format!("{} {}", self.name, self.subject).trim().to_owned();
        let host: Arc<str> = self.view.info.name.as_str().into();
        self.node.run.pending.add(&host, resources, self.author(), format!("`{what}`"));
        if looked.change.unknown {
            let unknown = Some(format!("the action `{what}`"));
            (OpStatus::Action, outcome(looked.change, looked.output, false, unknown))
        } else {
            (OpStatus::WillChange, outcome(looked.change, looked.output, true, None))
        }
    }

    /// Asks who knows better whether it changed something. Nobody is asked of what was not done.
    fn judged(
        &self,
        (status, outcome): (OpStatus, OpOutcome),
        judge: Option<&Judge<'_>>,
    ) -> Result<(OpStatus, OpOutcome), Interrupt> {
        let (OpStatus::Done, Some(judge)) = (status, judge) else { return Ok((status, outcome)) };
        let changed = judge(&outcome)?;
        let status = if changed { OpStatus::Done } else { OpStatus::Ok };
        Ok((status, OpOutcome { changed, ..outcome }))
    }

    fn report(&self, result: &Result<(OpStatus, OpOutcome), Interrupt>, duration: f64) {
        let sensitive = self.node.sensitive;
        let hide = |value: Value| if sensitive { Value::from(MASK) } else { value };
        let (status, change, output, failure) = match result {
            Ok((status, outcome)) => {
                let change = (!outcome.change.items.is_empty()).then(|| outcome.change.clone());
                (*status, change, hide(Value::Object(outcome.fields.clone())), None)
            }
            Err(Interrupt::Failed(failure)) => {
                let failure = (**failure).clone();
                let failure = if sensitive { masked(failure) } else { failure };
                (OpStatus::Failed, None, Value::Null, Some(failure))
            }
            Err(_) => return,
        };
        let assumes = self.node.assumes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        self.seal(result);
        self.node.run.events.emit(RunEvent::Operation {
            node: self.node.node.clone(),
            op: self.number,
            name: self.name.clone(),
            kind: self.kind.as_str(),
            target: self.target.to_string(),
            subject: if sensitive { MASK.to_owned() } else { self.subject.clone() },
            args: hide(self.args.clone()),
            status,
            change: change.map(|change| if sensitive { hidden(&change) } else { change }),
            assumes,
            failure,
            output,
            duration,
            position: Some(self.position.clone()),
            place: self.place.to_owned(),
        });
    }
}

fn outcome(change: Change, output: Output, changed: bool, unknown: Option<String>) -> OpOutcome {
    OpOutcome { changed, change, fields: output.fields, unknown }
}

/// A sensitive change: what differs is named, the values are not.
fn hidden(change: &Change) -> Change {
    let mut change = change.clone();
    for item in &mut change.items {
        for text in [&mut item.before, &mut item.after, &mut item.diff].into_iter().flatten() {
            *text = MASK.to_owned();
        }
    }
    change
}
