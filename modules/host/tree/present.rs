//! What is at many paths of a host, in one round trip.

use std::collections::{BTreeMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oneex_sdk::{Command, OpError, OpResult, Reader};

use crate::host::probe::{FileType, Found, failure, parse_facts};

/// Reads paths that end in NUL. For each two hundred of them come the facts of what is there, which end
/// in `//` (no path holds two slashes), then the targets of links, then the checksums of files.
const SCRIPT: &str = r#"
export LC_ALL=C
xargs -0 -n 200 sh -c '
stat -c "s %f %u %g %s %Y %X %Z %i %d %h %U %G %n//" "$@"
count=$#
for path; do
    if [ -L "$path" ]; then
        printf "t "
        readlink "$path" | base64 | tr -d "\n"
        echo
    elif [ -f "$path" ]; then
        set -- "$@" "$path"
    fi
done
shift "$count"
[ "$#" = 0 ] || sha256sum "$@" || exit 255
' sh
"#;

/// Looks at `paths`, which are absolute and hold no two slashes side by side; links are not followed.
/// What is not there is not in the answer.
pub(crate) async fn look(reader: &dyn Reader, paths: &[String]) -> OpResult<BTreeMap<String, Found>> {
    let first = paths.first().map(|path| path.trim_end_matches("/.")).unwrap_or_default();
    let list: Vec<u8> = paths.iter().flat_map(|path| path.bytes().chain([0])).collect();
    let mut command = Command::script(SCRIPT, Vec::<String>::new()).tidy();
    command.keep = list.len().saturating_mul(4).saturating_add(paths.len().saturating_mul(1 << 10));
    let output = reader.query(command.stdin(list)).await?;
    let stderr = output.stderr_text();
    // What is not there is told on standard error too, and is no failure.
    let refused = stderr.lines().find(|line| line.contains("ermission denied"));
    let broken = stderr.lines().rfind(|line| !output.ok() && !line.starts_with("xargs:"));
    if let Some(line) = refused.or(broken).or((!output.ok()).then_some("")) {
        return Err(failure(first, line));
    }
    parse(&output.stdout_text()).ok_or_else(|| {
        OpError::failed(format!("`{first}`: the host answered in a way that is not understood"))
    })
}

fn parse(mut text: &str) -> Option<BTreeMap<String, Found>> {
    let mut all = BTreeMap::new();
    let (mut links, mut files) = (VecDeque::new(), VecDeque::new());
    while !text.is_empty() {
        if let Some(rest) = text.strip_prefix("s ") {
            let (record, after) = rest.split_once("//\n")?;
            let (at, _) = record.match_indices(' ').nth(11)?;
            let (found, path) = (parse_facts(&record[..at])?, record[at + 1..].to_owned());
            match found.file_type {
                FileType::Link => links.push_back(path.clone()),
                FileType::File => files.push_back(path.clone()),
                _ => {}
            }
            all.insert(path, found);
            text = after;
            continue;
        }
        let (line, after) = text.split_once('\n')?;
        if let Some(coded) = line.strip_prefix("t ") {
            let target = String::from_utf8(STANDARD.decode(coded).ok()?).ok()?;
            let target = target.strip_suffix('\n').unwrap_or(&target).to_owned();
            all.get_mut(&links.pop_front()?)?.target = Some(target);
        } else {
            // GNU's sha256sum begins a line with a backslash where the name holds a line break.
            let sum = line.trim_start_matches('\\').get(..64)?;
            all.get_mut(&files.pop_front()?)?.sha256 = Some(sum.to_owned());
        }
        text = after;
    }
    (links.is_empty() && files.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use oneex_testkit::TestHost;

    use super::look;

    #[tokio::test]
    async fn many_names_are_looked_at_in_one_round_trip() {
        let host = TestHost::new();
        let mut paths = vec![format!("{}/.", host.path("x").trim_end_matches("/x"))];
        for at in 0..450 {
            paths.push(host.write(&format!("{at} $(id)\n"), format!("{at}")));
        }
        std::os::unix::fs::symlink("to\n'", host.path("l")).expect("a link");
        paths.extend([host.path("l"), host.path("gone"), host.path("0 $(id)\n/below")]);
        let found = look(&host, &paths).await.expect("an answer");
        assert_eq!((host.round_trips(), found.len()), (1, 452));
        assert_eq!(found[&host.path("l")].target.as_deref(), Some("to\n'"));
        let sums: std::collections::BTreeSet<_> =
            found.values().filter_map(|found| found.sha256.as_ref()).collect();
        assert_eq!(sums.len(), 450);
    }
}
