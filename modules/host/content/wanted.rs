//! A wanted content. A file of the controller is read once, however many hosts are to have it.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use oneex_sdk::{OpError, OpResult, SecretSink};
use sha2::{Digest as _, Sha256};

use super::LARGEST_SHOWN;
use crate::host::place::Source;

/// A wanted content.
pub(crate) struct Wanted {
    pub(super) source: Source,
    sha256: Arc<str>,
    size: u64,
}

impl Wanted {
    /// Bytes in memory.
    pub(crate) fn bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        let sha256 = format!("{:x}", Sha256::digest(&bytes)).into();
        Self { size: bytes.len() as u64, sha256, source: Source::Bytes(bytes) }
    }

    /// Its checksum, in hexadecimal digits.
    pub(crate) fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Its size in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Says whether it holds a secret; a file that is too large to be shown is not searched.
    pub(crate) fn is_secret(&self, secrets: &dyn SecretSink) -> bool {
        match &self.source {
            Source::Bytes(bytes) => secrets.holds_secret(bytes),
            Source::File(_) => false,
        }
    }

    /// A file of the controller; kept in memory only where it is small.
    pub(crate) async fn file(path: &Path) -> OpResult<Self> {
        let path = path.to_owned();
        let reading = tokio::task::spawn_blocking(move || {
            read(&path)
                .map_err(|error| OpError::invalid(format!("`{}` cannot be read: {error}", path.display())))
        });
        reading.await.map_err(|error| OpError::failed(error.to_string()))?
    }
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp([i64; 4], [u64; 3]);

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let times = [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()];
        Self(times, [metadata.dev(), metadata.ino(), metadata.len()])
    }
}

/// What is known of a file: its checksum, and its content as long as somebody has it.
struct Known {
    stamp: Stamp,
    sha256: Arc<str>,
    bytes: Option<Weak<[u8]>>,
}

/// One file; who reads it holds it, so that others wait.
type Place = Arc<Mutex<Option<Known>>>;

/// The files that were read, by their paths: hundreds of hosts may be given the same one.
static PLACES: Mutex<Option<HashMap<PathBuf, Place>>> = Mutex::new(None);
/// Files that are remembered.
const MOST: usize = 1024;

fn place(path: &Path) -> Place {
    let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    let places = places.get_or_insert_default();
    if places.len() >= MOST && !places.contains_key(path) {
        places.clear();
    }
    Arc::clone(places.entry(path.to_owned()).or_default())
}

/// Reads a file, or takes it from who reads it too. Who comes while it is read waits.
fn read(path: &Path) -> io::Result<Wanted> {
    let place = place(path);
    let mut known = place.lock().unwrap_or_else(PoisonError::into_inner);
    let mut file = File::open(path)?;
    let stamp = Stamp::of(&file.metadata()?);
    if let Some(one) = known.as_ref().filter(|one| one.stamp == stamp) {
        let sha256 = Arc::clone(&one.sha256);
        let size = stamp.1[2];
        match &one.bytes {
            None => return Ok(Wanted { source: Source::File(path.to_owned()), sha256, size }),
            Some(bytes) => {
                if let Some(bytes) = bytes.upgrade() {
                    return Ok(Wanted { source: Source::Bytes(bytes), sha256, size });
                }
            }
        }
    }
    let wanted = if stamp.1[2] <= LARGEST_SHOWN {
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut file, &mut bytes)?;
        Wanted::bytes(bytes)
    } else {
        let mut hash = Sha256::new();
        let size = io::copy(&mut file, &mut hash)?;
        let sha256 = format!("{:x}", hash.finalize()).into();
        Wanted { source: Source::File(path.to_owned()), sha256, size }
    };
    // What changed while it was read is read again by the next.
    if Stamp::of(&file.metadata()?) == stamp {
        let bytes = match &wanted.source {
            Source::Bytes(bytes) => Some(Arc::downgrade(bytes)),
            Source::File(_) => None,
        };
        *known = Some(Known { stamp, sha256: Arc::clone(&wanted.sha256), bytes });
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{LARGEST_SHOWN, Wanted, read};
    use crate::host::place::Source;

    fn bytes(wanted: &Wanted) -> Option<&Arc<[u8]>> {
        match &wanted.source {
            Source::Bytes(bytes) => Some(bytes),
            Source::File(_) => None,
        }
    }

    #[test]
    fn a_file_is_read_once_and_again_when_it_changes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("f");
        let write = |text: &str| std::fs::write(&path, text).expect("it is written");
        write("one");
        let (first, again) = (read(&path).expect("it is read"), read(&path).expect("it is read"));
        assert!(Arc::ptr_eq(bytes(&first).expect("small"), bytes(&again).expect("small")), "it is shared");
        assert_eq!(first.sha256(), Wanted::bytes(*b"one").sha256());
        // A file that takes its place is another, whatever its size and its times.
        let other = folder.path().join("g");
        std::fs::write(&other, "two").expect("it is written");
        let times = std::fs::metadata(&path).expect("it is there").modified().expect("a time");
        std::fs::File::options()
            .write(true)
            .open(&other)
            .and_then(|file| file.set_modified(times))
            .expect("a time");
        std::fs::rename(&other, &path).expect("it is renamed");
        let changed = read(&path).expect("it is read");
        assert_eq!(bytes(&changed).map(|bytes| &**bytes), Some(&b"two"[..]));
        drop((first, again, changed));
        assert_eq!(bytes(&read(&path).expect("it is read")).map(|bytes| &**bytes), Some(&b"two"[..]));
        std::fs::remove_file(&path).expect("it is removed");
        assert!(read(&path).is_err());
    }

    #[test]
    fn a_large_file_is_not_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("f");
        let content = vec![b'x'; usize::try_from(LARGEST_SHOWN).expect("it fits") + 1];
        std::fs::write(&path, &content).expect("it is written");
        for _ in 0..2 {
            let wanted = read(&path).expect("it is read");
            assert!(bytes(&wanted).is_none());
            assert_eq!(
                (wanted.sha256(), wanted.size()),
                (Wanted::bytes(content.clone()).sha256(), LARGEST_SHOWN + 1)
            );
        }
    }
}
