//! What holds for all requests of a client.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use oneex_sdk::OpResult;

use super::proxy::Proxies;

/// What holds for all requests of a client.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Settings {
    /// How long a connection may take to be made; 10 s.
    pub connect_timeout: Duration,
    /// How long one attempt may take, its answer included; 30 s.
    pub timeout: Duration,
    /// How often a request that only reads is sent again; 2.
    pub retries: u32,
    /// The pause before the first repeat, doubled for each further one; 250 ms.
    pub backoff: Duration,
    /// How many redirects of one read are followed; 10.
    pub redirects: u32,
    /// The bytes of an answer's body above which it is refused; 16 MiB.
    pub body_limit: usize,
    /// A PEM file with authorities that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Trusts every certificate. Whoever is on the way can then read and change everything.
    pub insecure: bool,
    /// The proxies; none by default, whatever the environment says.
    pub proxies: Proxies,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            retries: 2,
            backoff: Duration::from_millis(250),
            redirects: 10,
            body_limit: 16 << 20,
            ca_file: None,
            insecure: false,
            proxies: Proxies::default(),
        }
    }
}

/// Settings that are made when the first request needs them: a value may come from a command that asks a
/// password store, and a run without requests must not ask it.
#[derive(Clone)]
pub struct LazySettings {
    make: Arc<dyn Fn() -> OpResult<Settings> + Send + Sync>,
    made: Arc<OnceLock<OpResult<Settings>>>,
}

impl LazySettings {
    /// Settings that `make` makes, once.
    pub fn new(make: impl Fn() -> OpResult<Settings> + Send + Sync + 'static) -> Self {
        Self { make: Arc::new(make), made: Arc::default() }
    }

    /// The settings, made on first use.
    pub fn get(&self) -> OpResult<Settings> {
        self.made.get_or_init(|| (self.make)()).clone()
    }
}

impl From<Settings> for LazySettings {
    fn from(settings: Settings) -> Self {
        Self::new(move || Ok(settings.clone()))
    }
}

impl Default for LazySettings {
    fn default() -> Self {
        Settings::default().into()
    }
}

impl std::fmt::Debug for LazySettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LazySettings").field("made", &self.made).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use oneex_sdk::OpError;

    use super::LazySettings;

    #[test]
    fn settings_are_made_once_and_failures_are_kept() {
        let calls = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&calls);
        let lazy = LazySettings::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
            Err(OpError::invalid("no"))
        });
        let copy = lazy.clone();
        assert_eq!(calls.load(Ordering::Relaxed), 0);
        assert_eq!(copy.get().map_err(|error| error.message), Err("no".to_owned()));
        assert!(lazy.get().is_err());
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }
}
