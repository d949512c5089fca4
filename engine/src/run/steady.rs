//! Calls of a host that bear the loss of the connection.
//!
//! What only reads is asked again. A command with a claim is sent again, which finds the one that was sent before. An
//! ensure is looked at again from its beginning, by who calls it. The rest fails, as its fate is not known.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oneex_sdk::{ErrorKind, OpError, OpResult, Transport};

use super::view::View;

/// Losses that one call bears: more have a reason that does not go away, as a command that ends the server.
const MOST: u32 = 3;
/// How often a host that was lost is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// The losses that a call has borne.
#[derive(Debug, Default)]
pub(super) struct Losses(u32);

impl View {
    /// Gives back the result of a call over `transport`; nothing, once the host is there again, where the connection
    /// was lost meanwhile and the call may be made again.
    pub(super) async fn bear<T>(
        &self,
        transport: &Arc<dyn Transport>,
        losses: &mut Losses,
        result: OpResult<T>,
    ) -> OpResult<Option<T>> {
        let lost = match result {
            Err(error) if error.kind == ErrorKind::Unreachable => error,
            result => return result.map(Some),
        };
        losses.0 += 1;
        let patience = transport.patience();
        self.node.run.connections.lost(&self.info.name, transport).await;
        if losses.0 > MOST || patience.is_zero() {
            return Err(lost);
        }
        oneex_sdk::Reader::progress(self, &format!("{}: connecting again", lost.message));
        let begun = Instant::now();
        loop {
            let error = match self.transport().await {
                Ok(_) => return Ok(None),
                Err(error) if is_passing(&error) => error,
                Err(error) => return Err(error),
            };
            if begun.elapsed() > patience {
                let seconds = patience.as_secs();
                let message =
                    format!("{}, and within {seconds} s it was not there again: {error}", lost.message);
                return Err(OpError { message, ..error });
            }
            tokio::select! {
                () = self.node.cancel.cancelled() => return Err(OpError::cancelled()),
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }
}

/// A host that cannot be reached may be there in a moment; one that refuses will refuse again.
fn is_passing(error: &OpError) -> bool {
    matches!(error.kind, ErrorKind::Unreachable | ErrorKind::Timeout)
}
