//! One jump host: which of the connections to it leads to a host.

use std::os::unix::net::UnixStream;
use std::sync::Arc;

use futures_util::future::select_all;
use oneex_sdk::OpResult;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::lane::Lane;
use super::lookouts::Lookouts;
use super::{Destination, Open};
use crate::ssh::SshTransport;
use crate::ssh::passage::Passage;
use crate::ssh::turn::Turn;

/// Connections that are being opened at a time through one jump host: all that they say goes through one process
/// there, and one thread here.
pub(super) const HANDSHAKES: usize = 16;

/// Connections that others go through: one, and another while that waits for a host which does not answer.
const LANES: usize = 2;

/// A jump host.
#[derive(Debug)]
pub(in crate::ssh) struct Bastion {
    lanes: [Lane; LANES],
    lookouts: Lookouts,
    handshakes: Arc<Semaphore>,
}

impl Default for Bastion {
    fn default() -> Self {
        Self {
            lanes: Default::default(),
            lookouts: Lookouts::default(),
            handshakes: Arc::new(Semaphore::new(HANDSHAKES)),
        }
    }
}

impl Bastion {
    /// Waits for a turn to log in to a host behind it; nothing where nobody gives turns any more.
    pub(in crate::ssh) async fn handshake(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.handshakes).acquire_owned().await.ok()
    }

    /// Connects to a host behind it; returns the connection that this goes through as well. `open` makes one.
    ///
    /// While all answer, all go through one connection. A host that does not keeps that from leading to others, as
    /// libssh2 opens one channel at a time. So those that come after it are asked first whether they answer, over
    /// connections that carry nothing, and those that do go through a second one.
    pub(in crate::ssh) async fn forward(
        &self,
        there: &Destination<'_>,
        open: Open<'_>,
    ) -> OpResult<(UnixStream, Arc<SshTransport>)> {
        let mut answers = false;
        loop {
            let lanes: [_; LANES] = std::array::from_fn(|index| self.lanes[index].current());
            let is_stuck = |lane: &Arc<SshTransport>| lane.turns().is_stuck();
            if !answers && lanes.iter().flatten().any(is_stuck) {
                self.lookouts.look(there, open).await?;
                answers = true;
                continue;
            }
            let unhindered = lanes.iter().flatten().find(|lane| !is_stuck(lane)).map(Arc::clone);
            let lane = match unhindered {
                Some(lane) => Some(lane),
                None => self.another(&lanes, open).await?,
            };
            let (lane, turn) = match lane {
                Some(lane) => tokio::select! {
                    biased;
                    turn = lane.turns().next() => (Arc::clone(&lane), turn?),
                    () = lane.turns().stuck() => continue,
                },
                None => first_free(lanes.iter().flatten()).await?,
            };
            return match lane.forward(there, turn).await {
                Ok(stream) => Ok((stream, lane)),
                Err(error) => Err(Passage::Jump(lane).explain(error)),
            };
        }
    }

    /// A connection beside those that are stuck; nothing where there is no room for it, or it cannot be opened.
    async fn another(
        &self,
        stuck: &[Option<Arc<SshTransport>>; LANES],
        open: Open<'_>,
    ) -> OpResult<Option<Arc<SshTransport>>> {
        let Some(vacant) = stuck.iter().position(Option::is_none) else { return Ok(None) };
        match self.lanes[vacant].get(open).await {
            Ok(opened) => Ok(Some(opened)),
            Err(error) if stuck.iter().all(Option::is_none) => Err(error),
            Err(error) => {
                tracing::debug!(%error, "there is no further connection to the jump host");
                Ok(None)
            }
        }
    }
}

/// Waits until one of them, which are all stuck, is not any more.
async fn first_free(lanes: impl Iterator<Item = &Arc<SshTransport>>) -> OpResult<(Arc<SshTransport>, Turn)> {
    let turns = lanes.map(|lane| Box::pin(async move { (Arc::clone(lane), lane.turns().next().await) }));
    let ((lane, turn), _, _) = select_all(turns).await;
    Ok((lane, turn?))
}
