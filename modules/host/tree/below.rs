//! All that is below a folder of a host, and its attributes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oneex_sdk::{Change, ChangeItem, Command, OpError, OpResult, Reader};

use crate::host::attributes::Attributes;
use crate::host::mode::octal;
use crate::host::probe::{self, FileType, Found, Probe, failure, leads_somewhere, parse, parse_facts};

/// Prints what is below the folder `$1` in base64, each with its facts and its path, which `//` ends: no path holds two
/// slashes. Then what went wrong; that something goes while it looks is no failure. No link is followed but `$1` itself.
const SCRIPT: &str = r#"
export LC_ALL=C
below() { find . -exec stat -c '%f %u %g %s %Y %X %Z %i %d %h %U %G/%n//' {} + </dev/null; }
wrong() { grep -v 'No such file'; }
if [ -d "$1" ]; then
    cd "$1/" || exit
    printf 'below '
    { wrong=$({ below | base64 | tr -d '\n' >&3; } 2>&1 | wrong); } 3>&1
    echo
    printf %s "$wrong" | base64 | tr -d '\n'
    echo
    cd /
fi
echo --
set -- "$1" follow nothing '' 0 0
"#;

/// Lines of a list of changes that are shown.
pub(super) const SHOWN: usize = 1000;
/// Paths for one call of a program.
const CHUNK: usize = 200;

/// What is below a folder: a path that begins with `./`, and what is there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Below {
    name: String,
    found: Found,
}

/// Looks at a folder and all below it, in one round trip; nothing is below what is no folder.
pub(crate) async fn look_below(reader: &dyn Reader, path: &str) -> OpResult<(Probe, Vec<Below>)> {
    probe::check_path(path)?;
    let mut command = Command::script(format!("{SCRIPT}{}", probe::SCRIPT), [path]).tidy();
    command.keep = 1 << 28;
    let output = reader.query(command).await?;
    if !output.ok() {
        return Err(failure(path, &output.stderr_text()));
    }
    let wrong = || OpError::failed(format!("`{path}`: the host answered in a way that is not understood"));
    let Some(rest) = output.stdout.strip_prefix(b"below ") else {
        let rest = output.stdout.strip_prefix(b"--\n").ok_or_else(wrong)?;
        return Ok((leads_somewhere(path, parse(path, rest)?)?, Vec::new()));
    };
    let mut lines = rest.splitn(4, |byte| *byte == b'\n');
    let mut decoded = || {
        let bytes = STANDARD.decode(lines.next()?).ok()?;
        String::from_utf8(bytes).ok()
    };
    let (list, said) = (decoded().ok_or_else(wrong)?, decoded().ok_or_else(wrong)?);
    if !said.is_empty() {
        return Err(failure(path, &said));
    }
    let rest = lines.nth(1).ok_or_else(wrong)?;
    let all = list.split_terminator("//\n").map(read).collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
    let probe = leads_somewhere(path, parse(path, rest)?)?;
    Ok((probe, all.into_iter().filter(|below| below.name != ".").collect()))
}

fn read(record: &str) -> Option<Below> {
    let (facts, name) = record.split_once('/')?;
    Some(Below { name: name.to_owned(), found: parse_facts(facts)? })
}

/// What is done to one path: its owner, its group, and then its mode.
#[derive(Debug, PartialEq, Eq)]
struct Steps {
    owner: bool,
    group: bool,
    mode: Option<u32>,
}

impl Below {
    /// What differs, and what is done. A link has no mode of its own. Another owner or group takes the set-id bits of
    /// a file away, chown(2), so that its mode is set after that.
    fn decide(&self, wanted: Attributes<'_>) -> (Change, Steps) {
        let found = &self.found;
        let is_folder = found.file_type == FileType::Directory;
        let mode = wanted.mode.filter(|_| found.file_type != FileType::Link);
        let mut change = Change::none();
        Attributes { mode: None, ..wanted }.differ(&mut change, Some(found), is_folder);
        let (owner, group) = (change.has("owner"), change.has("group"));
        let lost = match found.mode & 0o010 {
            _ if found.file_type != FileType::File || !(owner || group) => 0,
            0 => 0o4000,
            _ => 0o6000,
        };
        let kept = found.mode & !lost;
        let bits = mode.map_or(kept, |mode| mode.bits(kept, is_folder));
        change.property("mode", Some(octal(found.mode)), Some(octal(bits)));
        (change, Steps { owner, group, mode: Some(bits).filter(|bits| *bits != kept) })
    }
}

/// What differs of all, shown by their paths below the folder; of very many, how many more there are.
pub(crate) fn differ_below(all: &[Below], wanted: Attributes<'_>) -> Change {
    let mut change = Change::none();
    let mut left = 0_usize;
    for below in all {
        let (one, _) = below.decide(wanted);
        if change.items.len() + one.items.len() > SHOWN {
            left += usize::from(!one.is_empty());
            continue;
        }
        let name = below.name.trim_start_matches("./");
        let named = |item: ChangeItem| ChangeItem { what: format!("{name} {}", item.what), ..item };
        change.items.extend(one.items.into_iter().map(named));
    }
    if left > 0 {
        change.property("others", None, Some(format!("{left} more files and folders")));
    }
    change
}

/// The work as lines: `chown`, `chgrp` or `chmod`, what it gets, and paths in base64, each with a NUL at its end. What is
/// inside comes before what it is in, which may not be entered any more afterwards.
pub(crate) fn work_below(all: &[Below], wanted: Attributes<'_>) -> String {
    let mut todo: Vec<(&str, String, &str)> = Vec::new();
    let mut modes = Vec::new();
    for below in all {
        let (_, steps) = below.decide(wanted);
        let name = below.name.as_str();
        let mut add = |is_so: bool, verb, what: Option<&str>| {
            todo.extend(what.filter(|_| is_so).map(|what| (verb, what.to_owned(), name)));
        };
        add(steps.owner, "chown", wanted.owner);
        add(steps.group, "chgrp", wanted.group);
        modes.extend(steps.mode.map(|bits| ("chmod", format!("0{}", octal(bits)), name)));
    }
    todo.sort_by_key(|(verb, _, _)| *verb == "chgrp");
    // In the order of a walk, a folder is before what it holds.
    todo.extend(modes.into_iter().rev());
    let mut lines = String::new();
    for same in todo.chunk_by(|one, other| (one.0, &one.1) == (other.0, &other.1)) {
        for chunk in same.chunks(CHUNK) {
            let (verb, what, _) = &chunk[0];
            let paths: Vec<u8> = chunk.iter().flat_map(|(_, _, name)| name.bytes().chain([0])).collect();
            lines.push_str(&format!("{verb} {what} {}\n", STANDARD.encode(paths)));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::{Below, differ_below, read, work_below};
    use crate::host::Mode;
    use crate::host::attributes::Attributes;

    /// `raw` is type and mode as stat(1) prints them with `%f`.
    fn below(raw: u32, uid: u32, name: &str) -> Below {
        let owner = if uid == 0 { "root" } else { "daemon" };
        read(&format!("{raw:x} {uid} {uid} 0 0 0 0 1 1 1 {owner} {owner}/{name}")).expect("a record")
    }

    #[test]
    fn decisions() {
        let all = [
            below(0o040_755, 0, "./d"),
            below(0o100_644, 0, "./d/f x"),
            below(0o104_755, 1, "./d/run"),
            below(0o120_777, 1, "./link"),
        ];
        for (mode, owner, text, work) in [
            (None, None, "", vec![]),
            (Some("a+rX"), None, "", vec![]),
            (
                Some("go-rwx"),
                None,
                "d mode: 0755 → 0700\nd/f x mode: 0644 → 0600\nd/run mode: 4755 → 4700\n",
                vec!["chmod 04700 ./d/run", "chmod 00600 ./d/f x", "chmod 00700 ./d"],
            ),
            (
                None,
                Some("root"),
                "d/run owner: daemon → root\nd/run mode: 4755 → 0755\nlink owner: daemon → root\n",
                vec!["chown root ./d/run,./link"],
            ),
            (
                Some("u+s"),
                Some("0"),
                "d mode: 0755 → 4755\nd/f x mode: 0644 → 4644\nd/run owner: daemon → 0\nlink owner: daemon → 0\n",
                vec![
                    "chown 0 ./d/run,./link",
                    "chmod 04755 ./d/run",
                    "chmod 04644 ./d/f x",
                    "chmod 04755 ./d",
                ],
            ),
        ] {
            let parsed = mode.map(|mode| Mode::parse(mode).expect("a mode"));
            let wanted = Attributes { mode: parsed.as_ref(), owner, group: None };
            assert_eq!(differ_below(&all, wanted).to_text(), text, "{mode:?} {owner:?}");
            let lines = work_below(&all, wanted);
            let lines: Vec<String> = lines
                .lines()
                .map(|line| {
                    let (head, paths) = line.rsplit_once(' ').expect("three words");
                    let paths = STANDARD.decode(paths).expect("base64");
                    let paths = String::from_utf8(paths).expect("text");
                    format!("{head} {}", paths.trim_end_matches('\0').replace('\0', ","))
                })
                .collect();
            assert_eq!(lines, work, "{mode:?} {owner:?}");
        }
    }

    #[test]
    fn of_very_many_the_first_are_shown_and_all_are_done() {
        let all: Vec<Below> = (0..1500).map(|at| below(0o100_644, 0, &format!("./{at}"))).collect();
        let mode = Mode::parse("0600").expect("a mode");
        let wanted = Attributes { mode: Some(&mode), owner: None, group: None };
        let change = differ_below(&all, wanted);
        assert_eq!(change.items.len(), 1001);
        assert!(change.to_text().ends_with("others: + 500 more files and folders\n"));
        assert_eq!(work_below(&all, wanted).lines().count(), 8);
    }
}
