//! What of an archive is wanted on a host, and where it goes.

use std::collections::{BTreeMap, HashMap};

use oneex_sdk::{OpError, OpResult};

use super::member::{Member, MemberKind, leads_out};
use super::unpacked::Unpacked;
use crate::host::mode::{Mode, octal};
use crate::host::tree::{Entry, EntryKind, Globs};

/// Which members are wanted.
pub(crate) struct Selection<'a> {
    /// How many folders are taken from the beginning of each path.
    pub(crate) strip: usize,
    /// Only these and what is below them; all where there are none.
    pub(crate) include: &'a Globs,
    /// Not these and what is below them.
    pub(crate) exclude: &'a Globs,
    /// The mode of files, on top of that of the archive.
    pub(crate) mode: Option<&'a Mode>,
    /// The same of folders.
    pub(crate) directory_mode: Option<&'a Mode>,
}

/// The wanted members of an archive, each folder before what it holds, with the time of its last change. What comes later
/// in an archive replaces what came before under the same name. What would be written through a link, and a link that
/// leads out of the folder, is refused.
pub(crate) fn select(archive: &Unpacked, selection: &Selection<'_>) -> OpResult<Vec<(Entry, Option<i64>)>> {
    let mut contents: HashMap<&[String], &MemberKind> = HashMap::new();
    let mut wanted: BTreeMap<Vec<String>, (EntryKind, Option<Mode>, Option<i64>)> = BTreeMap::new();
    wanted.insert(Vec::new(), (EntryKind::Folder, None, None));
    for member in &archive.members {
        let kind = match &member.kind {
            MemberKind::SameAs(parts) => contents.get(parts.as_slice()).copied().ok_or_else(|| {
                let (name, to) = (member.parts.join("/"), parts.join("/"));
                OpError::invalid(format!("`{name}` in the archive is the same as `{to}`, which is not there"))
            })?,
            kind => kind,
        };
        contents.insert(&member.parts, kind);
        let Some(parts) = member.parts.get(selection.strip..).filter(|parts| !parts.is_empty()) else {
            continue;
        };
        if !is_wanted(parts, selection) {
            continue;
        }
        for above in 1..parts.len() {
            // A folder that the archive does not name by itself.
            wanted.entry(parts[..above].to_vec()).or_insert((EntryKind::Folder, None, None));
        }
        let entry = entry_kind(kind)?;
        let mode = wanted_mode(member, &entry, selection)?;
        wanted.insert(parts.to_vec(), (entry, mode, member.modified));
    }
    let link = |at: &[String]| match wanted.get(at) {
        Some((EntryKind::Link(target), ..)) => Some(target.as_str()),
        _ => None,
    };
    for (parts, (kind, ..)) in &wanted {
        if let (EntryKind::Link(target), Some((_, folder))) = (kind, parts.split_last())
            && leads_out(folder, target, link)
        {
            let message = format!("the link `{}` in the archive leads out of the folder", parts.join("/"));
            return Err(OpError::invalid(message).hint("leave it out with `exclude`"));
        }
        for above in 1..parts.len() {
            let is_folder = wanted.get(&parts[..above]).is_none_or(|(kind, _, _)| *kind == EntryKind::Folder);
            if !is_folder {
                let (name, link) = (parts.join("/"), parts[..above].join("/"));
                return Err(OpError::invalid(format!(
                    "`{name}` in the archive is below `{link}`, which is no folder"
                )));
            }
        }
    }
    let entries = wanted.into_iter().map(|(parts, (kind, mode, modified))| {
        let name = if parts.is_empty() { ".".to_owned() } else { parts.join("/") };
        (Entry { name, kind, mode }, modified)
    });
    Ok(entries.collect())
}

fn is_wanted(parts: &[String], selection: &Selection<'_>) -> bool {
    let hits = |globs: &Globs| (1..=parts.len()).any(|end| globs.fit(&parts[..end].join("/")));
    (selection.include.is_empty() || hits(selection.include)) && !hits(selection.exclude)
}

fn entry_kind(kind: &MemberKind) -> OpResult<EntryKind> {
    Ok(match kind {
        MemberKind::Folder => EntryKind::Folder,
        MemberKind::File { from, size, sha256 } => {
            EntryKind::File { from: from.clone(), size: *size, sha256: sha256.clone(), is_secret: false }
        }
        MemberKind::Link(target) => EntryKind::Link(target.clone()),
        MemberKind::SameAs(_) => return Err(OpError::invalid("an archive names the same file in a circle")),
    })
}

/// The mode of the archive, with what is asked for on top.
fn wanted_mode(member: &Member, entry: &EntryKind, selection: &Selection<'_>) -> OpResult<Option<Mode>> {
    let is_folder = *entry == EntryKind::Folder;
    let asked = if is_folder { selection.directory_mode } else { selection.mode };
    let bits = match (asked, member.mode) {
        (Some(mode), base) => {
            Some(mode.bits(base.unwrap_or(if is_folder { 0o755 } else { 0o644 }), is_folder))
        }
        (None, base) => base,
    };
    bits.map(|bits| Mode::parse(&octal(bits)).map_err(OpError::invalid)).transpose()
}
