//! Looks at one path of a host in one round trip.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oneex_sdk::{Command, ErrorKind, OpError, OpResult, Reader};
use sha2::{Digest as _, Sha256};

use crate::shell::SUM;

/// Answers on lines of a word and a value; what may hold any byte comes last, to the end, after its word alone. A
/// program costs the host more than anything else here, so that there is none for what is not there, one for what is,
/// and one more for its content or, where that is long, its checksum. Where many paths are looked at together, one
/// stat(1) tells of all that are there.
pub(crate) const SCRIPT: &str = r#"
export LC_ALL=C
format='%f %u %g %s %Y %X %Z %i %d %h %U %G' all= tab='	' line='
'
# The end of the links at $1, which need not be there itself. The `readlink -f` of BusyBox would look for what is
# not there below its own folder.
followed() {
    if [ -e "$1" ]; then readlink -f "$1"; return; fi
    at=$1 turns=0
    while [ -L "$at" ]; do
        turns=$((turns + 1))
        [ "$turns" -le 40 ] && to=$(readlink "$at" && echo .) || return 1
        to=${to%??}
        while :; do case $to in ?*/) to=${to%/} ;; *) break ;; esac; done
        case $to in /*) at=$to ;; *) at=${at%/*}/$to ;; esac
    done
    folder=$(cd "${at%/*}/" 2>/dev/null && pwd -P && echo .) || return 1
    folder=${folder%??}
    printf '%s\n' "${folder%/}/${at##*/}"
}
# Nothing is at $1, for certain: its folder can be searched, and nothing is wrong with its name.
missing() {
    [ ! -e "$1" ] && [ ! -L "$1" ] || return 1
    folder=${1%/*}/ name=${1##*/}
    [ -d "$folder" ] && [ -x "$folder" ] && [ "${#name}" -le 60 ]
}
# The last program of an answer. That of a single one takes the place of the shell.
last() { if [ -n "${oneex_each-}" ]; then "$@"; else exec "$@"; fi; }
# What stat(1) says of each path that is there, which a tab and the path end.
gather() {
    left=$#
    while [ "$left" -gt 0 ]; do
        path=$1 follow=$2
        shift 6
        left=$((left - 6))
        case $path in *"$tab"* | *"$line"*) continue ;; esac
        if [ -L "$path" ] && [ "$follow" = follow ]; then continue; fi
        if [ -e "$path" ] || [ -L "$path" ]; then set -- "$@" "$path"; fi
    done
    [ $# -lt 2 ] || all=$line$(stat -c "$format$tab%n" "$@" 2>/dev/null)$line
}
facts() {
    case $all in *"$tab$1$line"*)
        facts=${all%%"$tab$1$line"*} facts=${facts##*"$line"}
        return ;;
    esac
    facts=$(stat -c "$format" "$1" 2>&1)
}
look() {
    path=$1 depth=$3 known=$4 limit=$5 short=$6
    if [ "$2" = follow ] && [ -L "$path" ]; then
        real=$(followed "$path" && echo .) && path=${real%??}
        printf 'path '; printf %s "$path" | base64 | tr -d '\n'; echo
    fi
    if missing "$path"; then echo absent; return; fi
    if ! facts "$path"; then
        case $facts in
        *'No such file'* | *'Not a directory'*) echo absent ;;
        *) echo error; printf %s "$facts" ;;
        esac
        return 0
    fi
    echo "stat $facts"
    if [ -L "$path" ]; then
        echo target; last readlink "$path"
    elif [ -f "$path" ] && [ "$depth" != nothing ]; then
        size=${facts#* * * } size=${size%% *}
        if [ "$size" -gt "$short" ] && { [ "$depth" != content ] || [ -n "$known" ] || [ "$size" -gt "$limit" ]; }; then
            sum=$(sum "$size" <"$path" || sha256sum <"$path") || return 1
            sum=${sum%% *}
            echo "sha256 $sum"
            [ "$depth" = content ] && [ "$sum" != "$known" ] && [ "$size" -le "$limit" ] || return 0
        fi
        echo content; last cat "$path"
    fi
}
if [ -z "${oneex_each-}" ]; then look "$@"; exit; fi
gather "$@"
while [ $# -gt 0 ]; do
    look "$@"
    answered "$?"
    shift 6
done
"#;

/// Files of so many bytes are sent rather than summed up on the host: that is one small program less to load there.
const SHORT: u64 = 4096;

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FileType {
    File,
    Directory,
    Link,
    Fifo,
    Socket,
    Block,
    Character,
}

impl FileType {
    /// Takes it from `st_mode`, inode(7).
    pub(crate) fn of(raw: u32) -> Self {
        match raw & 0o170_000 {
            0o040_000 => Self::Directory,
            0o120_000 => Self::Link,
            0o010_000 => Self::Fifo,
            0o140_000 => Self::Socket,
            0o060_000 => Self::Block,
            0o020_000 => Self::Character,
            _ => Self::File,
        }
    }

    /// The word that people see.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Link => "link",
            Self::Fifo => "fifo",
            Self::Socket => "socket",
            Self::Block => "block",
            Self::Character => "character",
        }
    }
}

/// How much of a file's content is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Depth<'a> {
    /// Nothing.
    Facts,
    /// The checksum.
    Checksum,
    /// The checksum and, where that is not the known one, up to so many bytes.
    Content { unless: &'a str, limit: u64 },
}

/// What was found at a path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub(crate) file_type: FileType,
    /// Permission bits, set-id and sticky bits included.
    pub(crate) mode: u32,
    pub(crate) uid: u64,
    pub(crate) gid: u64,
    /// The names of owner and group; `UNKNOWN` without one.
    pub(crate) owner: String,
    pub(crate) group: String,
    pub(crate) size: u64,
    /// Seconds since 1970.
    pub(crate) mtime: i64,
    pub(crate) atime: i64,
    pub(crate) ctime: i64,
    pub(crate) inode: u64,
    pub(crate) device: u64,
    pub(crate) links: u64,
    /// Where a symbolic link points.
    pub(crate) target: Option<String>,
    pub(crate) sha256: Option<String>,
    pub(crate) content: Option<Vec<u8>>,
}

/// A path, and what is there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Probe {
    /// The path itself; with symbolic links followed where that was asked for.
    pub(crate) path: String,
    pub(crate) found: Option<Found>,
}

impl Probe {
    /// Fails unless there is nothing, or a regular file.
    pub(crate) fn expect_file(&self) -> OpResult<()> {
        match &self.found {
            Some(found) if !matches!(found.file_type, FileType::File | FileType::Link) => Err(
                OpError::invalid(format!("`{}` is a {}, not a file", self.path, found.file_type.as_str())),
            ),
            _ => Ok(()),
        }
    }

    /// What is there, where that is a regular file: a link that is not followed is none.
    pub(crate) fn file(&self) -> Option<&Found> {
        self.found.as_ref().filter(|found| found.file_type == FileType::File)
    }
}

/// Refuses what is no absolute path.
pub(crate) fn check_path(path: &str) -> OpResult<()> {
    if path.contains('\0') {
        return Err(OpError::invalid("a path cannot hold a NUL"));
    }
    if path.starts_with('/') {
        return Ok(());
    }
    Err(OpError::invalid(format!("`{path}` is not an absolute path")).hint("paths on hosts begin with `/`"))
}

/// Refuses what is no absolute path, or can only be that of a folder.
pub(crate) fn check_file_path(path: &str) -> OpResult<()> {
    check_path(path)?;
    if path.ends_with('/') {
        return Err(OpError::invalid(format!("`{path}` is the path of a folder, not of a file")));
    }
    Ok(())
}

/// Looks at `path`. With `follow` a link that leads to nothing that could be made in its stead is an error.
pub(crate) async fn probe(
    reader: &dyn Reader,
    path: &str,
    follow: bool,
    depth: Depth<'_>,
) -> OpResult<Probe> {
    let probe = probe_all(reader, path, follow, depth).await?;
    if follow { leads_somewhere(path, probe) } else { Ok(probe) }
}

/// Refuses a link that is still there once links were followed.
pub(crate) fn leads_somewhere(path: &str, probe: Probe) -> OpResult<Probe> {
    match probe.found.as_ref().and_then(|found| found.target.as_deref()) {
        Some(target) => {
            let message = format!("`{path}` is a symbolic link to `{target}`, which leads nowhere");
            Err(OpError::invalid(message).hint("remove the link, or make what it leads to"))
        }
        None => Ok(probe),
    }
}

/// Looks at `path`; with `follow` it still finds the link where that leads nowhere.
pub(crate) async fn probe_all(
    reader: &dyn Reader,
    path: &str,
    follow: bool,
    depth: Depth<'_>,
) -> OpResult<Probe> {
    check_path(path)?;
    let (word, known, limit, short) = match depth {
        Depth::Facts => ("nothing", "", 0, SHORT),
        Depth::Checksum => ("checksum", "", 0, SHORT),
        Depth::Content { unless, limit } => ("content", unless, limit, SHORT.min(limit)),
    };
    let follow = if follow { "follow" } else { "stay" };
    let (most, short) = (limit.to_string(), short.to_string());
    let mut command = Command::script(format!("{SUM}{SCRIPT}"), [path, follow, word, known, &most, &short])
        .tidy()
        .repeats();
    command.keep = usize::try_from(limit).unwrap_or(usize::MAX / 2).saturating_add(64 << 10);
    let output = reader.query(command).await?;
    if !output.ok() {
        return Err(failure(path, &output.stderr_text()));
    }
    let mut probe = parse(path, &output.stdout)?;
    if let (Depth::Checksum, Some(found)) = (depth, &mut probe.found) {
        found.content = None;
    }
    Ok(probe)
}

/// What a system says of a path, as `strerror` words it in the C locale, and what to do about it.
const CAUSES: &[(&str, Option<&str>)] = &[
    ("Permission denied", Some("does the task need `.sudo()`?")),
    ("Operation not permitted", Some("does the task need `.sudo()`?")),
    ("Read-only file system", Some("is the file system mounted for reading alone?")),
    ("No space left on device", Some("free some space there, and run it again")),
    ("Disk quota exceeded", Some("the user's quota is used up")),
    ("File name too long", None),
    ("Too many levels of symbolic links", None),
    ("Not a directory", None),
];

/// The failure of a script on `path`: the system's word for it, or the last line of standard error.
pub(crate) fn failure(path: &str, stderr: &str) -> OpError {
    let line = stderr.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("the host's shell was ended");
    let line = line.trim_start_matches("sh: ");
    // `41: `, where a shell tells the line of the script; BusyBox says `line 41: `.
    let is_number =
        |text: &str| text.strip_prefix("line ").unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit());
    let line = line.split_once(": ").filter(|(number, _)| is_number(number)).map_or(line, |(_, rest)| rest);
    known_failure(path, line).unwrap_or_else(|| {
        let error = OpError::failed(format!("`{path}`: {line}"));
        let is_missing = line.starts_with("the folder `") && line.ends_with("does not exist");
        if is_missing {
            error.hint("`directory` makes it")
        } else if line.ends_with("sha256sum: not found") {
            error.hint("contents are compared with it: coreutils and BusyBox bring it")
        } else {
            error
        }
    })
}

/// The failure to upload what was for `path`, whose own name says nothing to anybody.
pub(crate) fn upload_failure(path: &str, error: OpError) -> OpError {
    if error.kind != ErrorKind::Failed {
        return error;
    }
    let stderr = error.command.as_ref().map(|failed| failed.output.stderr_text()).unwrap_or_default();
    known_failure(path, &error.message).or_else(|| known_failure(path, &stderr)).unwrap_or(error)
}

/// Which program said it, of which temporary name, is of no use.
fn known_failure(path: &str, text: &str) -> Option<OpError> {
    let (cause, hint) = CAUSES.iter().find(|(cause, _)| text.contains(cause))?;
    let message = format!("`{path}`: {cause}");
    let is_denied = matches!(*cause, "Permission denied" | "Operation not permitted");
    let error = if is_denied { OpError::denied(message) } else { OpError::failed(message) };
    Some(match hint {
        Some(hint) => error.hint(*hint),
        None => error,
    })
}

/// Reads an answer of [`SCRIPT`].
pub(crate) fn parse(path: &str, mut answer: &[u8]) -> OpResult<Probe> {
    let wrong = || OpError::failed(format!("`{path}`: the host answered in a way that is not understood"));
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| wrong());
    let mut probe = Probe { path: path.to_owned(), found: None };
    while !answer.is_empty() {
        let end = memchr::memchr(b'\n', answer).ok_or_else(wrong)?;
        let line = std::str::from_utf8(&answer[..end]).map_err(|_| wrong())?;
        answer = &answer[end + 1..];
        match line.split_once(' ').unwrap_or((line, "")) {
            ("path", value) => probe.path = text(&STANDARD.decode(value).map_err(|_| wrong())?)?,
            ("stat", value) => probe.found = Some(parse_facts(value).ok_or_else(wrong)?),
            ("sha256", value) => {
                probe.found.as_mut().ok_or_else(wrong)?.sha256 = Some(value.to_owned());
            }
            ("absent", "") => {}
            ("error", "") => return Err(failure(path, &text(std::mem::take(&mut answer))?)),
            ("target", "") => {
                let target = text(std::mem::take(&mut answer))?;
                let target = target.strip_suffix('\n').unwrap_or(&target).to_owned();
                probe.found.as_mut().ok_or_else(wrong)?.target = Some(target);
            }
            ("content", "") => {
                let found = probe.found.as_mut().ok_or_else(wrong)?;
                let content = std::mem::take(&mut answer).to_vec();
                found.sha256.get_or_insert_with(|| format!("{:x}", Sha256::digest(&content)));
                found.content = Some(content);
            }
            _ => return Err(wrong()),
        }
    }
    Ok(probe)
}

/// Reads what stat(1) printed for `%f %u %g %s %Y %X %Z %i %d %h %U %G`.
pub(crate) fn parse_facts(line: &str) -> Option<Found> {
    let mut words = line.splitn(12, ' ');
    let raw = u32::from_str_radix(words.next()?, 16).ok()?;
    let mut number = || words.next()?.parse::<i64>().ok();
    let (uid, gid, size) = (number()?, number()?, number()?);
    let (mtime, atime, ctime) = (number()?, number()?, number()?);
    let (inode, device, links) = (number()?, number()?, number()?);
    Some(Found {
        file_type: FileType::of(raw),
        mode: raw & 0o7777,
        uid: uid.try_into().ok()?,
        gid: gid.try_into().ok()?,
        owner: words.next()?.to_owned(),
        group: words.next()?.to_owned(),
        size: size.try_into().ok()?,
        mtime,
        atime,
        ctime,
        inode: inode.try_into().ok()?,
        device: device.try_into().ok()?,
        links: links.try_into().ok()?,
        target: None,
        sha256: None,
        content: None,
    })
}

#[cfg(test)]
mod tests;
