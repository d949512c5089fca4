//! Archives with their contents in a folder of the controller.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use oneex_sdk::{OpError, OpResult};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::format::Format;
use super::member::{Member, MemberKind, parts};
use super::sparse::Sparse;

/// What an archive holds. Contents lie in files with numbers for names, so that no name of an archive means anything to
/// the controller; they go with it.
#[derive(Debug)]
pub(crate) struct Unpacked {
    folder: TempDir,
    pub(super) members: Vec<Member>,
    /// Whether its members say exactly when they were changed.
    pub(crate) has_times: bool,
}

/// Unpacks the archive at `path`. Hosts that are given the same one share it.
pub(crate) async fn unpack(path: &Path) -> OpResult<Arc<Unpacked>> {
    let path = path.to_owned();
    let work = tokio::task::spawn_blocking(move || shared(&path));
    work.await.map_err(|error| OpError::failed(error.to_string()))?
}

/// Unpacks an archive in memory, which people know as `name`.
pub(crate) async fn unpack_bytes(name: &str, bytes: Vec<u8>) -> OpResult<Arc<Unpacked>> {
    let name = name.to_owned();
    let work = tokio::task::spawn_blocking(move || {
        let failed = |error: io::Error| OpError::failed(format!("`{name}`: {error}"));
        let mut file = tempfile::tempfile().map_err(failed)?;
        file.write_all(&bytes).map_err(failed)?;
        io::Seek::rewind(&mut file).map_err(failed)?;
        read(&name, file).map(Arc::new)
    });
    work.await.map_err(|error| OpError::failed(error.to_string()))?
}

/// Which archives are unpacked now, by path; a changed file is another.
static KNOWN: Mutex<Option<HashMap<PathBuf, Place>>> = Mutex::new(None);

/// One archive: who unpacks it holds it, so that others wait. With it, what tells one state of the file from another.
type Place = Arc<Mutex<Option<([i64; 4], Weak<Unpacked>)>>>;

fn shared(path: &Path) -> OpResult<Arc<Unpacked>> {
    let place = {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get_or_insert_default();
        known.retain(|_, place| {
            let lock = place.try_lock();
            lock.map_or(true, |state| state.as_ref().is_none_or(|(_, weak)| weak.strong_count() > 0))
        });
        Arc::clone(known.entry(path.to_owned()).or_default())
    };
    let mut state = place.lock().unwrap_or_else(PoisonError::into_inner);
    let cannot = |error: io::Error| OpError::invalid(format!("`{}` cannot be read: {error}", path.display()));
    let file = File::open(path).map_err(cannot)?;
    let metadata = file.metadata().map_err(cannot)?;
    let stamp = [metadata.ino() as i64, metadata.mtime(), metadata.mtime_nsec(), metadata.size() as i64];
    if let Some((known, unpacked)) = state.as_ref()
        && *known == stamp
        && let Some(unpacked) = unpacked.upgrade()
    {
        return Ok(unpacked);
    }
    let unpacked = Arc::new(read(&path.display().to_string(), file)?);
    *state = Some((stamp, Arc::downgrade(&unpacked)));
    Ok(unpacked)
}

fn read(name: &str, mut file: File) -> OpResult<Unpacked> {
    let broken = |error: io::Error| OpError::invalid(format!("`{name}` is broken: {error}"));
    let folder = tempfile::Builder::new().prefix("oneex-archive-").tempdir();
    let folder = folder.map_err(|error| OpError::failed(format!("a folder for `{name}`: {error}")))?;
    let mut unpacked = Unpacked { folder, members: Vec::new(), has_times: true };
    match Format::of_file(&mut file).map_err(broken)? {
        None => {
            return Err(OpError::invalid(format!("`{name}` is no archive that is known"))
                .hint("known are tar, plain or packed by gzip, bzip2, xz or zstd, and zip"));
        }
        Some(Format::Zip) => unpacked.zip(name, file)?,
        Some(format) => unpacked.tar(name, format.unpacked(file))?,
    }
    Ok(unpacked)
}

impl Unpacked {
    fn tar(&mut self, name: &str, mut stream: Box<dyn Read>) -> OpResult<()> {
        let broken = |error: io::Error| OpError::invalid(format!("`{name}` is broken: {error}"));
        // The name of a whole archive is no member, and a header without a size.
        let mut start = Vec::new();
        Read::by_ref(&mut stream).take(512).read_to_end(&mut start).map_err(broken)?;
        if start.get(156) == Some(&b'V') {
            start.clear();
        }
        let mut archive = tar::Archive::new(io::Cursor::new(start).chain(stream));
        for entry in archive.entries().map_err(broken)? {
            let mut entry = entry.map_err(broken)?;
            let entry_type = entry.header().entry_type();
            if entry_type.is_pax_global_extensions() {
                continue;
            }
            let sparse = Sparse::of(&mut entry).map_err(broken)?;
            let parts = match &sparse {
                Some(sparse) => parts(&sparse.name)?,
                None => parts(&entry.path_bytes())?,
            };
            let link = entry.link_name_bytes().map(|target| target.into_owned()).unwrap_or_default();
            let mode = entry.header().mode().map_err(broken)? & 0o777;
            let modified = entry.header().mtime().map_err(broken)? as i64;
            // A folder may have a list of what it held, for copies of what was changed since.
            let kind = if entry_type.is_dir() || entry_type.as_byte() == b'D' {
                MemberKind::Folder
            } else if entry_type.is_symlink() {
                MemberKind::Link(text(&parts, link)?)
            } else if entry_type.is_hard_link() {
                MemberKind::SameAs(super::member::parts(&link)?)
            } else if let Some(sparse) = sparse {
                let mut content = sparse.content(&mut entry).map_err(broken)?;
                self.content(&mut content).map_err(broken)?
            } else if entry_type.is_file() || entry_type.is_contiguous() || entry_type.is_gnu_sparse() {
                let expected = entry.size();
                let kind = self.content(&mut entry).map_err(broken)?;
                if matches!(kind, MemberKind::File { size, .. } if size != expected) {
                    return Err(OpError::invalid(format!("`{name}` is broken: it ends too early")));
                }
                kind
            } else {
                return Err(special(&parts));
            };
            self.members.push(Member { parts, kind, mode: Some(mode), modified: Some(modified) });
        }
        // What packed it may have a sum at its end.
        io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(broken)?;
        Ok(())
    }

    fn zip(&mut self, name: &str, file: File) -> OpResult<()> {
        let broken = |error: &dyn std::fmt::Display| OpError::invalid(format!("`{name}` is broken: {error}"));
        let raw = file.try_clone().map_err(|error| broken(&error))?;
        let mut archive = zip::ZipArchive::new(file).map_err(|error| broken(&error))?;
        self.has_times = false;
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).map_err(|error| broken(&error))?;
            let path = entry.name().map_err(|error| broken(&error))?.into_owned();
            let made_by = system(&raw, entry.central_header_start()).map_err(|error| broken(&error))?;
            // What was packed on Windows has no modes and may have its separators.
            let mode = entry.unix_mode().filter(|_| made_by != FAT);
            let path = if mode.is_none() { path.replace('\\', "/") } else { path };
            let parts = parts(path.as_bytes())?;
            let kind = if entry.is_symlink() {
                let mut target = Vec::new();
                entry.read_to_end(&mut target).map_err(|error| broken(&error))?;
                MemberKind::Link(text(&parts, target)?)
            } else if entry.is_dir() || path.ends_with('/') {
                MemberKind::Folder
            } else if mode.is_some_and(|mode| !matches!(mode & 0o170_000, 0 | 0o100_000)) {
                return Err(special(&parts));
            } else {
                self.content(&mut entry).map_err(|error| broken(&error))?
            };
            let mode = mode.map(|mode| mode & 0o777);
            self.members.push(Member { parts, kind, mode, modified: None });
        }
        Ok(())
    }

    /// Puts a content into a file of its own.
    fn content(&self, from: &mut dyn Read) -> io::Result<MemberKind> {
        let path = self.folder.path().join(self.members.len().to_string());
        let mut file = File::create_new(&path)?;
        let (mut sum, mut size, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 16]);
        loop {
            let count = from.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            sum.update(&buffer[..count]);
            file.write_all(&buffer[..count])?;
            size += count as u64;
        }
        Ok(MemberKind::File { from: path, size, sha256: format!("{:x}", sum.finalize()) })
    }
}

/// MS-DOS and its like, of those that APPNOTE.TXT lists at 4.4.2.2.
const FAT: u8 = 0;

/// The system that a member of a zip was packed on: the second byte of `version made by` in its record.
fn system(file: &File, record: u64) -> io::Result<u8> {
    let mut start = [0; 6];
    file.read_exact_at(&mut start, record)?;
    if start[..4] != *b"PK\x01\x02" {
        return Err(io::Error::other("a record is not where it should be"));
    }
    Ok(start[5])
}

fn special(parts: &[String]) -> OpError {
    OpError::invalid(format!(
        "`{}` in the archive is no file, folder or link",
        parts.join("/").escape_debug()
    ))
}

fn text(parts: &[String], target: Vec<u8>) -> OpResult<String> {
    String::from_utf8(target).ok().filter(|target| !target.is_empty() && !target.contains('\0')).ok_or_else(
        || {
            let name = parts.join("/");
            OpError::invalid(format!("the link `{}` in the archive leads to no name", name.escape_debug()))
        },
    )
}
