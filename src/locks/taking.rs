//! Taking the lock of a run: waiting for it, and saying who has it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use oneex_engine::graph::Graph;
use oneex_engine::inventory::Inventory;
use oneex_engine::lock::{BootClock, Holder, Keeper, LockError, Scope, known_hosts};
use oneex_engine::run::{Guard, RunContext, RunOptions, Stop, new_id};
use oneex_sdk::visible;
use tokio::runtime::Handle;

use super::{Locking, Who};
use crate::context::Context;
use crate::error::CommandError;
use crate::term::Output;

/// How often a lock that another has is asked for.
const GLANCE: Duration = Duration::from_millis(500);

/// The run that wants a lock.
pub(crate) struct Wanted<'a> {
    /// Its id.
    pub(crate) run: &'a str,
    /// What people call it.
    pub(crate) name: &'a str,
    /// Its environment.
    pub(crate) environment: Option<&'a str>,
    /// Its tasks.
    pub(crate) graph: &'a Graph,
    /// Its hosts.
    pub(crate) inventory: &'a RwLock<Inventory>,
    /// Which part of it runs.
    pub(crate) options: &'a RunOptions,
}

impl Wanted<'_> {
    fn hosts(&self) -> Result<Scope, CommandError> {
        let selection = self.graph.select(self.options)?;
        let inventory = self.inventory.read().unwrap_or_else(PoisonError::into_inner);
        let hosts = known_hosts(self.graph, &selection, self.options.limit.as_ref(), &inventory);
        Ok(Scope::hosts(self.environment, hosts))
    }
}

/// The lock of a run; it is given back when this is dropped.
pub(crate) struct HeldLock {
    keeper: Arc<Keeper>,
    locking: Locking,
    runtime: Handle,
    stderr: Output,
}

impl HeldLock {
    /// Lets no change of the run begin without the lock.
    pub(crate) fn guard(&self, run: &RunContext) {
        run.guards.add(Arc::clone(&self.keeper) as Arc<dyn Guard>);
    }
}

impl Locking {
    /// Takes the lock for a run, and goes on holding it.
    ///
    /// # Errors
    ///
    /// Another has it, the store cannot be asked, or a person does not want to wait.
    pub(crate) fn take(
        self,
        context: &Context,
        wanted: &Wanted<'_>,
        runtime: &Handle,
        stop: &Stop,
    ) -> Result<HeldLock, CommandError> {
        let scope = if self.only_hosts { wanted.hosts()? } else { Scope::environment(wanted.environment) };
        let Who { user, machine, process, job } = Who::of(context);
        let holder = Holder {
            run: wanted.run.to_owned(),
            owner: new_id(),
            name: wanted.name.to_owned(),
            user,
            machine,
            process,
            job,
            since: Timestamp::now(),
            scope,
            expires: None,
        };
        let keeper = runtime.block_on(self.wait(&holder, stop, &context.stderr))?;
        keeper.renew_on(runtime);
        Ok(HeldLock { keeper, locking: self, runtime: runtime.clone(), stderr: context.stderr.clone() })
    }

    async fn wait(&self, wanted: &Holder, stop: &Stop, stderr: &Output) -> Result<Arc<Keeper>, CommandError> {
        let deadline = Instant::now() + self.wait;
        let mut told: Vec<String> = Vec::new();
        loop {
            let taken = Keeper::take(Arc::clone(&self.store), Arc::new(BootClock), wanted).await;
            let holders = match taken {
                Ok(Ok(keeper)) => return Ok(keeper),
                Ok(Err(holders)) => holders,
                // Who waits for another run waits for a store too that went away meanwhile.
                Err(LockError::Unavailable(error)) if !told.is_empty() && Instant::now() < deadline => {
                    tracing::debug!(%error, "the lock cannot be asked for");
                    Vec::new()
                }
                Err(error) => return Err(self.unavailable(&error)),
            };
            if !holders.is_empty() {
                if Instant::now() >= deadline {
                    return Err(refused(wanted, &holders));
                }
                let owners: Vec<String> = holders.iter().map(|holder| holder.owner.clone()).collect();
                if told != owners {
                    tell(&holders, deadline, stderr);
                    told = owners;
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            tokio::select! {
                () = stop.graceful().cancelled() => return Err(CommandError::interrupted()),
                () = tokio::time::sleep(GLANCE.min(left)) => {}
            }
        }
    }

    fn unavailable(&self, error: &LockError) -> CommandError {
        CommandError::failed(format!("the lock in {} cannot be taken: {error}", self.store.place()))
            .hint("nothing was run; `--lock none` runs without it, where nobody else is at work")
    }
}

/// Says for whom a run waits.
fn tell(holders: &[Holder], deadline: Instant, stderr: &Output) {
    let left = deadline.saturating_duration_since(Instant::now());
    let left = Duration::from_secs(left.as_secs_f64().round() as u64);
    let left = jiff::SignedDuration::try_from(left).unwrap_or(jiff::SignedDuration::MAX);
    let who: Vec<String> = holders.iter().map(ToString::to_string).collect();
    stderr.line(&visible(&format!("waiting up to {left:#} for the lock: {}", who.join("; "))));
}

fn refused(wanted: &Holder, holders: &[Holder]) -> CommandError {
    if let Some(own) = holders.iter().find(|holder| holder.run == wanted.run) {
        let error = CommandError::locked(format!("the run {} goes on in another process", own.run))
            .hint(own.to_string())
            .hint("wait for its end, or stop it with Ctrl-C");
        return match own.expires {
            Some(ends) => error.hint(format!(
                "where it was killed, its lock ends at {ends:.0}; `--lock-wait` waits for that"
            )),
            None => error,
        };
    }
    let of_others = holders.iter().map(|holder| match &holder.scope {
        scope if *scope == wanted.scope => holder.to_string(),
        scope => format!("{holder} has {scope}"),
    });
    let error = CommandError::locked(format!("{} cannot be locked: another run has it", wanted.scope));
    of_others.fold(error, CommandError::hint).hint(
        "nothing was run; `--lock-wait 10m` waits for the lock, `oneex lock show` lists all of them, and \
         `oneex lock break` takes one from a run that hangs",
    )
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        if let Err(error) = self.runtime.block_on(self.keeper.release()) {
            let place = self.locking.store.place();
            let warning = format!("the lock in {place} could not be given back: {error}");
            CommandError::failed(warning)
                .hint(format!("it is free {} s after its last renewal", self.locking.store.ttl().as_secs()))
                .show(&self.stderr);
        }
    }
}
