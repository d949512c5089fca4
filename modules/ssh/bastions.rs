//! The connections to jump hosts: one for all that go through it, and more only where one of these never answers.

mod bastion;
mod lane;
mod lookouts;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oneex_sdk::{BoxFuture, OpResult};

use self::bastion::Bastion;
use super::SshTransport;

/// Everything by which two jump hosts differ: how each is written, from this machine on, and where it is looked
/// up.
pub(super) type Route = (Vec<super::Jump>, super::ConfigSource);

/// Opens a connection to a jump host.
type Open<'a> = &'a (dyn Fn() -> BoxFuture<'a, OpResult<SshTransport>> + Send + Sync);

/// Where a connection through a jump host leads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Destination<'a> {
    /// The name or address, as the jump host understands it.
    pub(super) host: &'a str,
    pub(super) port: u16,
    /// How long connecting may take once it is its turn.
    pub(super) limit: Duration,
}

/// The jump hosts, by their routes.
#[derive(Debug, Clone, Default)]
pub(super) struct Bastions(Arc<Mutex<HashMap<Route, Arc<Bastion>>>>);

impl Bastions {
    /// The one at the end of that route.
    pub(super) fn of(&self, route: Route) -> Arc<Bastion> {
        let mut bastions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(bastions.entry(route).or_default())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::bastion::HANDSHAKES;
    use super::{Bastions, Route};
    use crate::ssh::{ConfigSource, Jump};

    fn route(host: &str) -> Route {
        (vec![Jump { user: None, host: host.into(), port: None }], ConfigSource::None)
    }

    #[test]
    fn logins_at_a_time_are_counted_for_each_jump_host() {
        let bastions = Bastions::default();
        let turn = |host: &str| bastions.of(route(host)).handshake().now_or_never().flatten();
        let mut taken: Vec<_> = (0..HANDSHAKES).map(|_| turn("a").expect("there is room")).collect();
        assert!(turn("a").is_none(), "one more has to wait");
        assert!(turn("b").is_some(), "another jump host has turns of its own");
        taken.pop();
        assert!(turn("a").is_some(), "a turn that is over is the next one's");
    }
}
