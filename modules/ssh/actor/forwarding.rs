//! Opening connections to hosts behind this one, one at a time, as libssh2 wants it.

use std::os::unix::net::UnixStream;
use std::time::Instant;

use oneex_sdk::OpError;
use ssh2::Channel;

use super::Actor;
use super::relay::Relay;
use crate::ssh::error::{is_again, is_lost};
use crate::ssh::job::Forward;
use crate::ssh::shell::{Step, outbound};

/// A connection on its way.
pub(super) struct Forwarding {
    host: String,
    port: u16,
    until: Instant,
    /// Taken when it was answered; the host's answer is still waited for, as libssh2 can do nothing else.
    order: Option<Forward>,
}

impl Actor {
    /// Goes on with the connection that is being opened, or begins the next.
    pub(super) fn forward(&mut self) -> Result<Step, ssh2::Error> {
        let Some(forwarding) = &self.forwarding else { return Ok(self.begin_forward()) };
        match self.session.channel_direct_tcpip(&forwarding.host, forwarding.port, None) {
            Ok(channel) => {
                self.counters.round_trips(1);
                self.forwarded(channel);
                Ok(Step::Progress)
            }
            Err(error) if is_again(&error) => {
                Ok(if outbound(&self.session) { Step::Blocked } else { Step::Nothing })
            }
            Err(error) if is_lost(&error) => Err(error),
            Err(error) => {
                if let Some(Forwarding { host, port, order: Some(order), .. }) = self.forwarding.take() {
                    order.answer(Err(OpError::unreachable(format!(
                        "`{host}` port {port}: no connection through the jump host: {}",
                        error.message()
                    ))
                    .hint("check `AllowTcpForwarding` and the way to the host on the jump host")));
                }
                Ok(Step::Progress)
            }
        }
    }

    fn begin_forward(&mut self) -> Step {
        if self.opening.is_some() {
            return Step::Nothing;
        }
        while let Some(order) = self.forwards.pop_front() {
            if order.is_awaited() {
                self.forwarding = Some(Forwarding {
                    host: order.host.clone(),
                    port: order.port,
                    until: Instant::now() + order.limit,
                    order: Some(order),
                });
                return Step::Progress;
            }
        }
        Step::Nothing
    }

    fn forwarded(&mut self, mut channel: Channel) {
        let Some(order) = self.forwarding.take().and_then(|forwarding| forwarding.order) else {
            // Nobody waits any more.
            self.closing.push(channel);
            return;
        };
        let pair = UnixStream::pair().and_then(|(inner, outer)| {
            outer.set_nonblocking(true)?;
            Ok((inner, outer))
        });
        match pair {
            Ok((inner, outer)) => {
                self.next_relay += 1;
                self.relays.push(Relay::new(self.next_relay, channel, outer));
                order.answer(Ok(inner));
            }
            Err(error) => {
                let _ = channel.close();
                self.closing.push(channel);
                order.answer(Err(OpError::failed(format!("no socket is left: {error}"))));
            }
        }
    }

    /// Until when the host that is being connected to may take; none where nobody waits for it.
    pub(super) fn forward_deadline(&self) -> Option<Instant> {
        self.forwarding
            .as_ref()
            .filter(|forwarding| forwarding.order.is_some())
            .map(|forwarding| forwarding.until)
    }

    /// Answers for a host that takes too long, and gives back relays that are over; true when something was done.
    pub(super) fn tend_relays(&mut self) -> bool {
        let late = self.forward_deadline().is_some_and(|until| Instant::now() >= until);
        if late && let Some(forwarding) = &mut self.forwarding {
            let (host, port) = (&forwarding.host, forwarding.port);
            if let Some(order) = forwarding.order.take() {
                let limit = order.limit.as_secs_f32();
                let message = format!("`{host}` port {port} does not answer the jump host within {limit} s");
                order.answer(Err(OpError::unreachable(message)));
            }
        }
        let before = self.relays.len();
        let (over, open): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.relays).into_iter().partition(|relay| relay.over);
        self.relays = open;
        self.closing.extend(over.into_iter().map(|relay| relay.channel));
        late || self.relays.len() < before
    }

    /// Fails every connection that is asked for.
    pub(super) fn refuse_forwards(&mut self, error: &OpError) {
        let begun = self.forwarding.take().and_then(|forwarding| forwarding.order);
        for order in begun.into_iter().chain(self.forwards.drain(..)) {
            order.answer(Err(error.clone()));
        }
    }
}
