//! How many requests a server gets at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Url;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests that one server gets at once; the others wait for their turn. A fan-out over a fleet must
/// not be an attack on what it asks.
const AT_ONCE: usize = 8;

/// The turns of all servers; clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns {
    servers: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

impl Turns {
    /// Waits until the server of that address may be asked. The turn ends when what it gives is dropped.
    pub(super) async fn take(&self, url: &Url) -> Option<OwnedSemaphorePermit> {
        let server = {
            let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
            let origin = url.origin().ascii_serialization();
            Arc::clone(servers.entry(origin).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))))
        };
        // It is never closed.
        server.acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{AT_ONCE, Turns};

    /// Whether a turn is there at once.
    async fn is_free(turns: &Turns, url: &str) -> bool {
        let url = url.parse().expect("an address");
        tokio::select! {
            biased;
            _ = turns.take(&url) => true,
            () = std::future::ready(()) => false,
        }
    }

    #[tokio::test]
    async fn one_request_too_many_waits_and_another_server_does_not() {
        let turns = Turns::default();
        let mut taken = Vec::new();
        for number in 0..AT_ONCE {
            let url = format!("http://127.0.0.1:8080/{number}").parse().expect("an address");
            taken.push(turns.take(&url).await);
        }
        let next = "http://127.0.0.1:8080/more";
        assert!(!is_free(&turns.clone(), next).await);
        for other in ["http://127.0.0.1:8081/", "https://127.0.0.1:8080/", "http://127.0.0.2:8080/"] {
            assert!(is_free(&turns, other).await, "{other}");
        }
        taken.pop();
        assert!(is_free(&turns, next).await);
    }
}
