//! Connections, facts and turns by host: one connection a host for the whole run.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use crate::ahead::Writes;
use oneex_sdk::{
    CancellationToken, Claim, Command, ErrorKind, HostInfo, OpError, OpResult, Registry, Traffic, Transport,
    Value,
};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// How long a host that could not be reached is not asked again: nodes that wait for it together
/// fail together.
const FAILURE_KEPT: Duration = Duration::from_secs(5);
/// The same for a host that was reached before, and is expected back.
const RETURN_KEPT: Duration = Duration::from_millis(800);

/// Connections, facts and turns by host.
pub struct Connections {
    hosts: Mutex<HashMap<Arc<str>, Arc<Slot>>>,
    /// Where hosts keep what outlives a connection.
    place: String,
}

#[derive(Default)]
struct Slot {
    link: AsyncMutex<Link>,
    facts: AsyncMutex<Option<Arc<Value>>>,
    writes: Arc<Writes>,
    turns: Mutex<HashMap<&'static str, Arc<AsyncMutex<()>>>>,
    /// Traffic of connections that were closed again, as by a reboot.
    past: Mutex<Traffic>,
    open: Mutex<Option<Arc<dyn Transport>>>,
}

#[derive(Default)]
struct Link {
    transport: Option<Arc<dyn Transport>>,
    failed: Option<(Instant, OpError)>,
    /// It was lost, and this is to be run on the next one.
    lost: Option<Vec<Command>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn add(a: Traffic, b: Traffic) -> Traffic {
    Traffic {
        round_trips: a.round_trips + b.round_trips,
        sent: a.sent + b.sent,
        received: a.received + b.received,
    }
}

/// Ends what a lost connection left. That this fails is no reason to do without the host; that the connection is lost
/// again is.
async fn clear_up(transport: &dyn Transport, left: &[Command], cancel: &CancellationToken) -> OpResult<()> {
    for command in left {
        match transport.run(command, cancel).await {
            Err(error) if matches!(error.kind, ErrorKind::Unreachable | ErrorKind::Cancelled) => {
                return Err(error);
            }
            Err(error) => tracing::debug!(%error, "what a lost connection left was not ended"),
            Ok(_) => {}
        }
    }
    Ok(())
}

/// A place for what outlives connections, that no other run has: the time at which it was made, in seconds since 1970,
/// and something random.
pub fn new_place() -> String {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    format!("{}-{:032x}", since.as_secs(), rand::random::<u128>())
}

impl Connections {
    /// No connections yet. `place` is where hosts keep what outlives one; a new one unless given.
    pub(super) fn new(place: Option<String>) -> Self {
        Self { hosts: Mutex::default(), place: place.unwrap_or_else(new_place) }
    }

    fn slot(&self, host: &str) -> Arc<Slot> {
        let mut hosts = lock(&self.hosts);
        match hosts.get(host) {
            Some(slot) => Arc::clone(slot),
            None => Arc::clone(hosts.entry(host.into()).or_default()),
        }
    }

    /// The connection to a host, opened on first use.
    pub(super) async fn transport(
        &self,
        registry: &Registry,
        info: &HostInfo,
        cancel: &CancellationToken,
    ) -> OpResult<Arc<dyn Transport>> {
        let slot = self.slot(&info.name);
        let mut link = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(OpError::cancelled()),
            link = slot.link.lock() => link,
        };
        if let Some(transport) = &link.transport {
            return Ok(Arc::clone(transport));
        }
        let kept = if link.lost.is_some() { RETURN_KEPT } else { FAILURE_KEPT };
        if let Some((_, error)) = link.failed.as_ref().filter(|(when, _)| when.elapsed() < kept) {
            return Err(error.clone());
        }
        let name = &info.target.connection;
        let connector = registry.connector_named(name).ok_or_else(|| {
            let error = OpError::invalid(format!("host `{}`: there is no connection `{name}`", info.name));
            let known: Vec<&str> = registry.connector_names().collect();
            error.hint(format!("connections are: {}", known.join(", ")))
        })?;
        match connector.connect(&info.target, cancel).await {
            Ok(transport) => {
                clear_up(&*transport, link.lost.as_deref().unwrap_or_default(), cancel).await?;
                (link.lost, link.failed) = (None, None);
                link.transport = Some(Arc::clone(&transport));
                *lock(&slot.open) = Some(Arc::clone(&transport));
                Ok(transport)
            }
            Err(error) => {
                if error.kind != ErrorKind::Cancelled {
                    link.failed = Some((Instant::now(), error.clone()));
                }
                Err(error)
            }
        }
    }

    /// Closes the connection to a host; the next use opens a new one.
    pub(super) async fn drop_transport(&self, host: &str) {
        let slot = self.slot(host);
        let transport = {
            let mut link = slot.link.lock().await;
            link.failed = None;
            link.transport.take()
        };
        *lock(&slot.open) = None;
        if let Some(transport) = transport {
            transport.close().await;
            let mut past = lock(&slot.past);
            *past = add(*past, transport.traffic());
        }
    }

    /// Takes note that a connection was lost: the next use opens a new one, which first ends what the lost one left
    /// running on the host.
    pub(super) async fn lost(&self, host: &str, transport: &Arc<dyn Transport>) {
        let slot = self.slot(host);
        {
            let mut link = slot.link.lock().await;
            // Who came first has taken note already.
            if !link.transport.as_ref().is_some_and(|open| Arc::ptr_eq(open, transport)) {
                return;
            }
            link.transport = None;
            link.lost.get_or_insert_default().extend(transport.aftermath());
            *lock(&slot.open) = None;
            let mut past = lock(&slot.past);
            *past = add(*past, transport.traffic());
        }
        transport.close().await;
    }

    /// What makes a command that has this id outlive its connection.
    pub(super) fn claim(&self, id: String, boot: Arc<OnceLock<String>>) -> Claim {
        Claim { place: self.place.clone(), id, boot }
    }

    /// The host's facts, gathered by `gather` on first use; who comes meanwhile waits for them.
    pub(super) async fn facts(
        &self,
        host: &str,
        gather: impl Future<Output = OpResult<Value>>,
    ) -> OpResult<Arc<Value>> {
        let slot = self.slot(host);
        let mut facts = slot.facts.lock().await;
        if let Some(facts) = &*facts {
            return Ok(Arc::clone(facts));
        }
        let gathered = Arc::new(gather.await?);
        *facts = Some(Arc::clone(&gathered));
        Ok(gathered)
    }

    /// Forgets the host's facts.
    pub(super) fn forget_facts(&self, host: &str) {
        let slot = self.slot(host);
        // Whoever gathers now gathers what is true now.
        if let Ok(mut facts) = slot.facts.try_lock() {
            *facts = None;
        }
    }

    /// The writes on the host so far.
    pub(crate) fn writes(&self, host: &str) -> Arc<Writes> {
        Arc::clone(&self.slot(host).writes)
    }

    /// Waits for the turn of an operation that others on the host must not overlap.
    pub(super) async fn turn(&self, host: &str, lock_name: &'static str) -> OwnedMutexGuard<()> {
        let slot = self.slot(host);
        let turn = Arc::clone(lock(&slot.turns).entry(lock_name).or_default());
        turn.lock_owned().await
    }

    /// What went over each host's connections so far.
    pub fn traffic(&self) -> BTreeMap<Arc<str>, Traffic> {
        let hosts = lock(&self.hosts);
        hosts
            .iter()
            .map(|(name, slot)| {
                let open = lock(&slot.open).as_ref().map(|transport| transport.traffic()).unwrap_or_default();
                (Arc::clone(name), add(*lock(&slot.past), open))
            })
            .collect()
    }

    /// Closes all connections.
    pub async fn close(&self) {
        let slots: Vec<Arc<Slot>> = lock(&self.hosts).values().cloned().collect();
        let transports = slots.iter().filter_map(|slot| lock(&slot.open).clone());
        futures_util::future::join_all(transports.map(|transport| async move { transport.close().await }))
            .await;
    }
}
