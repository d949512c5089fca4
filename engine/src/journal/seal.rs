//! What the redactor masked and a resumed run must know all the same, for nobody else to read.
//!
//! ChaCha20-Poly1305 (RFC 8439) by a key in a file of its own, outside the journal: who has the journal alone has no
//! secret. What is sealed is bound to its run and its name there, so that nothing can be put in another's place.

use std::fmt;
use std::fs::DirBuilder;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};

use super::{JournalError, JournalResult};

const KEY: usize = 32;

/// What seals and opens.
pub struct SealKey(LessSafeKey);

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(…)")
    }
}

fn failed(path: &Path, why: impl fmt::Display) -> JournalError {
    JournalError::Sealed(format!("the key `{}`: {why}", path.display()))
}

impl SealKey {
    /// The key in this file.
    ///
    /// # Errors
    ///
    /// It is not there, it is no key, or others may read it.
    pub fn read(path: &Path) -> JournalResult<Self> {
        let text = read_private(path)?;
        let bytes =
            bytes_of(text.trim()).ok_or_else(|| failed(path, "it does not hold 64 hexadecimal digits"))?;
        Self::of(&bytes).ok_or_else(|| failed(path, "it is no key"))
    }

    /// The key in this file, which is made where it is not there.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`]; or it cannot be made.
    pub fn read_or_make(path: &Path) -> JournalResult<Self> {
        if !path.exists() {
            let mut key = [0; KEY];
            SystemRandom::new().fill(&mut key).map_err(|_| failed(path, "there are no random numbers"))?;
            write_private(path, &super::chain::shown(&key))?;
        }
        Self::read(path)
    }

    fn of(key: &[u8]) -> Option<Self> {
        UnboundKey::new(&CHACHA20_POLY1305, key).ok().map(|key| Self(LessSafeKey::new(key)))
    }

    /// Seals `content` as `name` of a run.
    ///
    /// # Errors
    ///
    /// The system has no random numbers.
    pub(super) fn seal(&self, run: &str, name: &str, content: &[u8]) -> JournalResult<Vec<u8>> {
        let failed = |_| JournalError::Sealed("there are no random numbers".to_owned());
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(failed)?;
        let mut sealed = content.to_vec();
        let bound = Aad::from(bound_to(run, name));
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound, &mut sealed)
            .map_err(failed)?;
        Ok([&nonce, sealed.as_slice()].concat())
    }

    /// Opens what was sealed as `name` of a run.
    ///
    /// # Errors
    ///
    /// Another key sealed it, it was changed, or it is another's.
    pub(super) fn open(&self, run: &str, name: &str, sealed: &[u8]) -> JournalResult<Vec<u8>> {
        let failed = || JournalError::Sealed(format!("`{name}` was sealed with another key, or was changed"));
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or_else(failed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| failed())?;
        let mut content = rest.to_vec();
        let length = self
            .0
            .open_in_place(nonce, Aad::from(bound_to(run, name)), &mut content)
            .map_err(|_| failed())?
            .len();
        content.truncate(length);
        Ok(content)
    }
}

/// The text of a file that nobody else may read.
pub(super) fn read_private(path: &Path) -> JournalResult<String> {
    let mut text = String::new();
    let mut file = std::fs::File::open(path).map_err(|error| failed(path, error))?;
    let mode = file.metadata().map_err(|error| failed(path, error))?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(failed(path, format!("others may read it (mode {mode:04o}, 0600 is right)")));
    }
    file.read_to_string(&mut text).map_err(|error| failed(path, error))?;
    Ok(text)
}

/// Makes a file that nobody else may read, unless somebody else just did: the whole file takes its name, or nothing does.
pub(super) fn write_private(path: &Path, text: &str) -> JournalResult<()> {
    let made = || -> std::io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        // Made so, it is for its owner alone.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        writeln!(file, "{text}")?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Err(error) if error.error.kind() != ErrorKind::AlreadyExists => Err(error.error),
            _ => Ok(()),
        }
    };
    made().map_err(|error| failed(path, error))
}

fn bound_to(run: &str, name: &str) -> Vec<u8> {
    [run.as_bytes(), &[0], name.as_bytes()].concat()
}

fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let is_key = text.len() == 2 * KEY && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    is_key.then(|| (0..KEY).map(|at| byte(2 * at)).collect()).flatten()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::SealKey;

    #[test]
    fn the_key_is_made_once_and_for_nobody_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state/oneex/journal.key");
        assert!(SealKey::read(&path).is_err());
        let keys: Vec<SealKey> = std::thread::scope(|scope| {
            let make = || SealKey::read_or_make(&path).expect("it is made");
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(make)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        let sealed = keys[0].seal("run", "op 1", b"canary").expect("sealed");
        assert!(
            keys.iter().all(|key| key.open("run", "op 1", &sealed).is_ok_and(|content| content == b"canary"))
        );
        assert_eq!(std::fs::read_dir(path.parent().expect("a folder")).expect("a folder").count(), 1);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("a mode");
        let error = SealKey::read_or_make(&path).expect_err("others may read it").to_string();
        assert!(error.ends_with("others may read it (mode 0640, 0600 is right)"), "{error}");
    }

    #[test]
    fn what_is_no_key_is_not_taken_for_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        for (text, is_key) in [
            ("0f".repeat(32), true),
            ("0f".repeat(32) + "\n", true),
            ("0f".repeat(31), false),
            ("+f".repeat(32), false),
            (String::new(), false),
        ] {
            std::fs::write(&path, &text).expect("a file");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("a mode");
            assert_eq!(SealKey::read(&path).is_ok(), is_key, "{text}");
        }
    }

    #[test]
    fn nothing_takes_the_place_of_another() {
        let key = SealKey::of(&[7; 32]).expect("a key");
        let sealed = key.seal("run", "op 1", b"canary").expect("sealed");
        assert!(!sealed.windows(6).any(|part| part == b"canary"));
        assert_ne!(key.seal("run", "op 1", b"canary").expect("sealed"), sealed, "no two are the same");
        assert_eq!(key.open("run", "op 1", &sealed).expect("ours"), b"canary");
        assert!(key.open("run", "op 2", &sealed).is_err());
        assert!(key.open("nur", "op 1", &sealed).is_err());
        assert!(SealKey::of(&[8; 32]).expect("a key").open("run", "op 1", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open("run", "op 1", &changed).is_err(), "{at}");
            assert!(key.open("run", "op 1", &sealed[..at]).is_err(), "{at}");
        }
    }
}
