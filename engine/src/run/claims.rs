//! What the commands of one call are known by on the host.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use sha2::{Digest as _, Sha256};

/// What no boot of a host is called.
const ANOTHER: &str = "another";

/// What the commands of one call are known by on the host: the first by the name of the call, the others by what
/// follows from it. So who knows the name can ask for each of them.
#[derive(Debug)]
pub(super) struct Claims {
    name: String,
    next: AtomicU32,
    /// The host was booted since: a command that it does not know may have run all the same.
    booted: bool,
}

impl Default for Claims {
    fn default() -> Self {
        Self::again(&format!("{:032x}", rand::random::<u128>()), false)
    }
}

impl Claims {
    /// Those of a call that was made before, on a host that was `booted` since or not.
    pub(super) fn again(name: &str, booted: bool) -> Self {
        Self { name: name.to_owned(), next: AtomicU32::new(0), booted }
    }

    /// The name of the call.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The id of the next command, and the boot that it belongs to, which the first contact sets where it is not.
    pub(super) fn next(&self) -> (String, Arc<OnceLock<String>>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let boot = OnceLock::new();
        if self.booted && number == 0 {
            let _ = boot.set(ANOTHER.to_owned());
        }
        if number == 0 {
            return (self.name.clone(), Arc::new(boot));
        }
        let digest = Sha256::digest(format!("{}/{number}", self.name));
        let id = digest.iter().take(16).fold(String::new(), |id, byte| format!("{id}{byte:02x}"));
        (id, Arc::new(boot))
    }
}

#[cfg(test)]
mod tests {
    use super::Claims;

    #[test]
    fn the_same_call_has_the_same_ids() {
        let claims = Claims::default();
        let ids: Vec<String> = (0..3).map(|_| claims.next().0).collect();
        assert_eq!(ids[0], claims.name());
        assert!(ids.iter().all(|id| id.len() == 32) && ids[0] != ids[1] && ids[1] != ids[2]);
        let again = Claims::again(claims.name(), true);
        let (first, boot) = again.next();
        assert_eq!(first, ids[0]);
        assert!(boot.get().is_some_and(|boot| !boot.is_empty()), "no boot of a host");
        assert_eq!((again.next().0, again.next().0), (ids[1].clone(), ids[2].clone()));
        assert_ne!(Claims::default().name(), claims.name());
    }
}
