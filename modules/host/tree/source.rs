//! What a folder of the controller holds.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use oneex_sdk::{OpError, OpResult, SecretSink};

use crate::host::content::Wanted;
use crate::host::mode::Mode;

/// One thing of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The path below the folder, with `/` between its parts; `.` for the folder itself.
    pub(crate) name: String,
    pub(crate) kind: EntryKind,
    /// The mode that it brings with it, where nobody asks for another.
    pub(crate) mode: Option<Mode>,
}

/// What it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Folder,
    File {
        from: PathBuf,
        size: u64,
        sha256: String,
        is_secret: bool,
    },
    /// A symbolic link, with what it points to as it is written there.
    Link(String),
}

/// Globs of what is meant in a folder.
pub(crate) struct Globs {
    names: GlobSet,
    paths: GlobSet,
}

impl Globs {
    /// The globs of an option. One without `/` is for names at any depth, one with `/` for paths below the folder.
    pub(crate) fn new(option: &str, globs: &[String]) -> OpResult<Self> {
        let (mut names, mut paths) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        let wrong = |error: globset::Error| OpError::invalid(format!("`{option}`: {error}"));
        for glob in globs {
            let bare = glob.trim_matches('/');
            let compiled = GlobBuilder::new(bare).literal_separator(true).build().map_err(wrong)?;
            if glob.trim_end_matches('/').contains('/') {
                paths.add(compiled)
            } else {
                names.add(compiled)
            };
        }
        Ok(Self { names: names.build().map_err(wrong)?, paths: paths.build().map_err(wrong)? })
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.paths.is_empty()
    }

    /// Whether one of them fits `path`.
    pub(crate) fn fit(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.names.is_match(name) || self.paths.is_match(path)
    }
}

/// Everything below `folder`, itself first and each folder before what it holds; files bring their modes with them where
/// `preserves` says so.
pub(crate) async fn entries(
    folder: &Path,
    excluded: Globs,
    preserves: bool,
    secrets: &dyn SecretSink,
) -> OpResult<Vec<Entry>> {
    let root = folder.to_owned();
    let walking = tokio::task::spawn_blocking(move || {
        let mut found = vec![Entry { name: ".".to_owned(), kind: EntryKind::Folder, mode: None }];
        walk(&root, "", (&excluded, preserves), &mut found)?;
        Ok::<_, OpError>(found)
    });
    let mut found = walking.await.map_err(|error| OpError::failed(error.to_string()))??;
    for entry in &mut found {
        if let EntryKind::File { from, size, sha256, is_secret } = &mut entry.kind {
            let wanted = Wanted::file(from).await?;
            *size = wanted.size();
            *is_secret = wanted.is_secret(secrets);
            wanted.sha256().clone_into(sha256);
        }
    }
    Ok(found)
}

fn walk(
    folder: &Path,
    prefix: &str,
    (excluded, preserves): (&Globs, bool),
    found: &mut Vec<Entry>,
) -> OpResult<()> {
    let wrong = |path: &Path, error: &dyn std::fmt::Display| {
        OpError::invalid(format!("`{}` cannot be read: {error}", path.display()))
    };
    let listed = std::fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let mut listed = listed.map_err(|error| wrong(folder, &error))?;
    listed.sort_by_key(std::fs::DirEntry::file_name);
    for each in listed {
        let from = each.path();
        let name = each.file_name().into_string().map_err(|_| wrong(&from, &"its name is not UTF-8"))?;
        let name = format!("{prefix}{name}");
        if excluded.fit(&name) {
            continue;
        }
        let file_type = each.file_type().map_err(|error| wrong(&from, &error))?;
        if file_type.is_dir() {
            found.push(Entry { name: name.clone(), kind: EntryKind::Folder, mode: None });
            walk(&from, &format!("{name}/"), (excluded, preserves), found)?;
        } else if file_type.is_symlink() {
            let target = std::fs::read_link(&from).map_err(|error| wrong(&from, &error))?;
            let target = target.into_os_string().into_string();
            let target = target.map_err(|_| wrong(&from, &"its target is not UTF-8"))?;
            found.push(Entry { name, kind: EntryKind::Link(target), mode: None });
        } else if file_type.is_file() {
            let metadata = each.metadata().map_err(|error| wrong(&from, &error))?;
            let mode = preserves.then(|| Mode::of_bits(metadata.mode()));
            let kind = EntryKind::File { from, size: 0, sha256: String::new(), is_secret: false };
            found.push(Entry { name, kind, mode });
        } else {
            return Err(wrong(&from, &"it is no file, folder or link").hint("leave it out by `exclude`"));
        }
    }
    Ok(())
}
