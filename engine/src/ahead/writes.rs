//! Whether a host was written on since something was read there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The writes on one host.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    epoch: AtomicU64,
    going_on: AtomicUsize,
}

impl Writes {
    /// The number of writes that have begun: what was read at another one may be stale.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// True while something is being written.
    pub(crate) fn is_written(&self) -> bool {
        self.going_on.load(Ordering::SeqCst) > 0
    }

    /// Something is written from now on, until what this returns is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Writing {
        // First that somebody writes, then the epoch: a reader that sees the old epoch sees no answer of the new.
        self.going_on.fetch_add(1, Ordering::SeqCst);
        self.epoch.fetch_add(1, Ordering::SeqCst);
        Writing(Arc::clone(self))
    }
}

/// Something that is being written.
#[derive(Debug)]
pub(crate) struct Writing(Arc<Writes>);

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.going_on.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Writes;

    #[test]
    fn each_write_begins_an_epoch() {
        let writes = Arc::new(Writes::default());
        assert_eq!((writes.epoch(), writes.is_written()), (0, false));
        let (first, second) = (writes.begin(), writes.begin());
        assert_eq!((writes.epoch(), writes.is_written()), (2, true));
        drop(first);
        assert!(writes.is_written());
        drop(second);
        assert_eq!((writes.epoch(), writes.is_written()), (2, false));
    }
}
