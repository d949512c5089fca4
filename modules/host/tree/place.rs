//! What of a folder differs on a host, and how it gets there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use oneex_sdk::{Change, Command, Content, OpError, OpResult, Writer};
use sha2::{Digest as _, Sha256};

use super::below::SHOWN;
use super::source::{Entry, EntryKind};
use crate::host::attributes::Attributes;
use crate::host::mode::{Mode, octal};
use crate::host::place::{FUNCTIONS, staged_name};
use crate::host::probe::{FileType, Found, failure, upload_failure};

/// Parameters: folder, bundle of new contents, owner, group, the last part of the names of staged files.
/// Standard input has a line for each thing: kind, mode, present owner and group, place in the bundle,
/// size, name and target, `-` for what there is not.
///
/// No line is followed through a symbolic link below the folder, so nothing outside of it is written.
const SCRIPT: &str = r#"
set -eu
export LC_ALL=C
root=$1 bundle=$2 owner=$3 group=$4 mark=$5
mask=$(umask) staged=$bundle
trap 'rm -f "$bundle" "$staged" 2>/dev/null' EXIT
trap 'exit 143' HUP INT TERM
refuse() { echo "$1" >&2; exit 1; }
plain() { case $1 in *\\*) value=$(printf '%b.' "$1"); value=${value%.} ;; *) value=$1 ;; esac; }
inside() {
    rest=$name at=$root
    while case $rest in */*) ;; *) false ;; esac; do
        at=$at/${rest%%/*} rest=${rest#*/}
        [ ! -L "$at" ] || refuse "a symbolic link is in place of the folder $at"
    done
}
own() {
    [ "$1" = - ] || chown -h "$1" "$3" || [ -z "$owner" ]
    [ "$2" = - ] || chgrp -h "$2" "$3" || [ -z "$group" ]
}
give() { own "${owner:-$uid}" "${group:-$gid}" "$1"; }
sweep "$bundle" "${bundle%????????????????}"
while read -r kind mode uid gid offset size name target; do
    plain "$name"; name=$value
    plain "$target"; target=$value
    path=$root/$name
    inside
    staged=${path%/*}/$mark
    case $kind in
    folder)
        [ ! -L "$path" ] || [ "$name" = . ] || refuse "a symbolic link is in place of the folder $path"
        [ "$name" != . ] || path=$root
        if [ -d "$path" ]; then :
        elif [ -L "$path" ]; then refuse "the symbolic link $path leads to no folder"
        elif [ "$mode" = - ]; then mkdir "$path"
        else mkdir -m 700 "$path"
        fi ;;
    file)
        (umask 077; set -C; : >"$staged")
        [ "$size" = 0 ] || tail -c "+$offset" "$bundle" 2>/dev/null | head -c "$size" >"$staged"
        [ "$(stat -c %s "$staged")" = "$size" ] || refuse "the content of $path did not arrive whole"
        [ "$mode" != - ] || mode=$(printf %o $((0666 & ~0$mask)))
        give "$staged"
        chmod "$mode" "$staged"
        sync "$staged" 2>/dev/null || sync
        [ ! -d "$path" ] || [ -L "$path" ] || refuse "a folder is there now: $path"
        sweep "$staged" "${staged%????????????????}"
        put "$staged" "$path" ;;
    link)
        sweep "$staged" "${staged%????????????????}"
        ln -s -- "$target" "$staged"
        give "$staged"
        [ ! -d "$path" ] || [ -L "$path" ] || refuse "a folder is there now: $path"
        put "$staged" "$path" ;;
    give)
        give "$path"
        [ "$mode" = - ] || [ -L "$path" ] || chmod "$mode" "$path" ;;
    esac
done
"#;

/// What is wanted of everything in a folder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'a> {
    /// Mode of the files, owner and group of all.
    pub(crate) attributes: Attributes<'a>,
    /// Mode of the folders.
    pub(crate) directory_mode: Option<&'a Mode>,
    /// Replaces the content of files that are there.
    pub(crate) force: bool,
}

/// A folder as it is to be, and what of it is on the host.
pub(crate) struct TreeState {
    root: String,
    entries: Vec<Entry>,
    found: BTreeMap<String, Found>,
    private: Mode,
}

impl TreeState {
    /// Compares `entries` with what was `found` at [`Self::path`] of each.
    pub(crate) fn new(root: String, entries: Vec<Entry>, found: BTreeMap<String, Found>) -> OpResult<Self> {
        let state = Self { root, entries, found, private: Mode::private() };
        let place = state.found.get(&state.root).map(|found| found.file_type);
        if let Some(what) = place.filter(|what| !matches!(what, FileType::Directory | FileType::Link)) {
            let message = format!("`{}` is a {}, not a folder", state.root, what.as_str());
            return Err(OpError::invalid(message).hint("`absent` removes it first"));
        }
        for entry in &state.entries {
            let wanted = match &entry.kind {
                EntryKind::Folder => FileType::Directory,
                EntryKind::File { .. } => FileType::File,
                EntryKind::Link(_) => FileType::Link,
            };
            let Some(found) = state.found(entry) else { continue };
            let is_folder = found.file_type == FileType::Directory;
            let is_special = !matches!(found.file_type, FileType::File | FileType::Link);
            if is_folder != (wanted == FileType::Directory) || (is_special && !is_folder) {
                let (path, what) = (Self::path(&state.root, entry), found.file_type.as_str());
                let message = format!("`{path}` is a {what}, not a {}", wanted.as_str());
                return Err(OpError::invalid(message).hint("`absent` removes it first"));
            }
        }
        Ok(state)
    }

    /// Where an entry goes.
    pub(crate) fn path(root: &str, entry: &Entry) -> String {
        format!("{root}/{}", entry.name)
    }

    fn found(&self, entry: &Entry) -> Option<&Found> {
        self.found.get(&Self::path(&self.root, entry))
    }

    /// How many files there are, and their size in bytes.
    pub(crate) fn size(&self) -> (u64, u64) {
        self.entries.iter().fold((0, 0), |(count, sum), entry| match &entry.kind {
            EntryKind::File { size, .. } => (count + 1, sum + size),
            _ => (count, sum),
        })
    }

    fn attributes<'a>(&'a self, entry: &'a Entry, wish: Wish<'a>) -> Attributes<'a> {
        let mode = match &entry.kind {
            EntryKind::Folder => wish.directory_mode.or(entry.mode.as_ref()),
            EntryKind::File { is_secret: true, .. } => wish.attributes.mode.or(Some(&self.private)),
            EntryKind::File { .. } => wish.attributes.mode.or(entry.mode.as_ref()),
            EntryKind::Link(_) => None,
        };
        Attributes { mode, ..wish.attributes }
    }

    /// What differs of one entry: whether it is to be made, and all its properties.
    fn entry(&self, entry: &Entry, wish: Wish<'_>) -> (bool, Change) {
        let found = self.found(entry);
        let shown = |size: &u64, sha256: &str| format!("{size} bytes, sha256 {sha256}");
        let present = |found: &Found| match (&found.target, &found.sha256) {
            (Some(target), _) => format!("→ {target}"),
            (None, Some(sha256)) => shown(&found.size, sha256),
            (None, None) => found.file_type.as_str().to_owned(),
        };
        let wanted = match &entry.kind {
            EntryKind::Folder => "directory".to_owned(),
            EntryKind::File { is_secret: true, size, sha256, .. } => match found {
                Some(found) if found.sha256.as_ref() == Some(sha256) => present(found),
                _ => format!("{size} bytes with a secret, not shown"),
            },
            EntryKind::File { size, sha256, .. } => shown(size, sha256),
            EntryKind::Link(target) => format!("→ {target}"),
        };
        let mut change = Change::none();
        if found.is_none() || wish.force {
            change.property("", found.map(present), Some(wanted));
        }
        let is_made = !change.is_empty();
        let is_kept = matches!(&entry.kind, EntryKind::File { .. } if found.is_some_and(|found| found.file_type == FileType::Link) && !wish.force);
        if !is_kept {
            let old = found.filter(|found| !is_made || found.file_type == FileType::File);
            let is_folder = entry.kind == EntryKind::Folder;
            self.attributes(entry, wish).differ(&mut change, old, is_folder);
        }
        (is_made, change)
    }

    /// What differs; of very many, how many more there are.
    pub(crate) fn differ(&self, wish: Wish<'_>) -> Change {
        let (mut all, mut left) = (Change::none(), 0_usize);
        for entry in &self.entries {
            let (_, change) = self.entry(entry, wish);
            if all.items.len() + change.items.len() > SHOWN {
                left += usize::from(!change.is_empty());
                continue;
            }
            all.items.extend(change.items.into_iter().map(|mut item| {
                item.what = format!("{} {}", entry.name, item.what).trim_end().to_owned();
                item
            }));
        }
        if left > 0 {
            all.property("others", None, Some(format!("{left} more files and folders")));
        }
        all
    }

    /// Makes it so: one upload of all new contents, and one command.
    pub(crate) async fn apply(&self, writer: &dyn Writer, wish: Wish<'_>) -> OpResult<()> {
        let bundle = staged_name(&self.root)?;
        let (lines, contents) = self.work(wish);
        let failed = |error: std::io::Error| OpError::failed(format!("new contents: {error}"));
        let pack = move || {
            let mut file = tempfile::NamedTempFile::new().map_err(failed)?;
            let mut buffer = vec![0; 1 << 16];
            for (from, sha256) in contents {
                let (mut content, mut sum) = (File::open(&from).map_err(failed)?, Sha256::new());
                loop {
                    let count = content.read(&mut buffer).map_err(failed)?;
                    if count == 0 {
                        break;
                    }
                    sum.update(&buffer[..count]);
                    file.write_all(&buffer[..count]).map_err(failed)?;
                }
                if format!("{:x}", sum.finalize()) != sha256 {
                    let message = format!("`{}` was changed while it was copied", from.display());
                    return Err(OpError::failed(message));
                }
            }
            file.flush().map_err(failed)?;
            Ok(file)
        };
        let packed = tokio::task::spawn_blocking(pack).await;
        let packed = packed.map_err(|error| OpError::failed(error.to_string()))??;
        if packed.as_file().metadata().map_err(failed)?.len() > 0 {
            let content = Content::File(packed.path().to_owned());
            if let Err(error) = writer.upload(content, &bundle).await {
                let script = format!("{FUNCTIONS}rm -f \"$1\"; there \"$2\"");
                let swept = writer.run(Command::script(script, [&bundle, &self.root])).await;
                // The upload's own error is the one that counts, unless there is a better reason.
                return Err(match swept {
                    Ok(output) if !output.ok() => failure(&self.root, &output.stderr_text()),
                    _ => upload_failure(&self.root, error),
                });
            }
        }
        let mark = bundle.rsplit('/').next().unwrap_or(&bundle);
        let [owner, group] =
            [wish.attributes.owner, wish.attributes.group].map(|each| each.unwrap_or_default());
        let script =
            Command::script(format!("{FUNCTIONS}{SCRIPT}"), [&self.root, &bundle, owner, group, mark]);
        let output = writer.run(script.stdin(lines).tidy()).await?;
        if output.ok() { Ok(()) } else { Err(failure(&self.root, &output.stderr_text())) }
    }

    /// The lines for the script, and the files whose contents make the bundle, with their checksums.
    fn work(&self, wish: Wish<'_>) -> (String, Vec<(PathBuf, String)>) {
        let (mut lines, mut last, mut contents, mut offset) = (String::new(), String::new(), Vec::new(), 1);
        for entry in &self.entries {
            let (is_made, change) = self.entry(entry, wish);
            if change.is_empty() {
                continue;
            }
            let found = self.found(entry);
            let old = found.filter(|found| !is_made || found.file_type == FileType::File);
            let is_folder = entry.kind == EntryKind::Folder;
            let bits = self.attributes(entry, wish).bits(old, is_folder);
            let kept = bits.or(old.filter(|_| is_made && !is_folder).map(|old| old.mode));
            // Of fewer than five digits, chmod(1) leaves the set-id bits of a folder.
            let mode = kept.map_or_else(|| "-".to_owned(), |bits| format!("0{}", octal(bits)));
            let [uid, gid] = [old.map(|old| old.uid), old.map(|old| old.gid)]
                .map(|id| id.map_or_else(|| "-".to_owned(), |id| id.to_string()));
            let name = escaped(&entry.name);
            let line = |kind: &str, offset: u64, size: u64, target: &str| {
                format!("{kind} {mode} {uid} {gid} {offset} {size} {name} {target}\n")
            };
            match &entry.kind {
                EntryKind::File { from, size, sha256, .. } if is_made => {
                    lines.push_str(&line("file", offset, *size, "-"));
                    contents.push((from.clone(), sha256.clone()));
                    offset += size;
                }
                EntryKind::Link(target) if is_made => {
                    lines.push_str(&line("link", 0, 0, &escaped(target)));
                }
                EntryKind::Folder => {
                    lines.push_str(&line("folder", 0, 0, "-"));
                    // A folder without `w` could not be filled: its attributes come last, innermost first.
                    last.insert_str(0, &line("give", 0, 0, "-"));
                }
                _ => lines.push_str(&line("give", 0, 0, "-")),
            }
        }
        (lines + &last, contents)
    }
}

/// A word for `read`: every byte that is not plain stands as printf(1p)'s `%b` reads it.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => {
                char::from(byte).to_string()
            }
            _ => format!("\\0{byte:03o}"),
        })
        .collect()
}
