//! A file system so small that a test can fill it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system in memory; gone when it is dropped.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one of so many bytes on `folder`.
    ///
    /// # Panics
    /// When it cannot be mounted, which only root can.
    pub fn mount(folder: &Path, bytes: u64) -> Self {
        let size = format!("size={bytes},mode=0755");
        let done =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "oneex-test"]).arg(folder).output();
        let done = done.expect("`mount` runs");
        assert!(done.status.success(), "a test needs root: {}", String::from_utf8_lossy(&done.stderr));
        Self(folder.to_owned())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A panic here would hide that of the test.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
