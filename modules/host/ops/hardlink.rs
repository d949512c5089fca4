//! Makes a hard link.

use oneex_sdk::{
    Change, Command, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::place::{FUNCTIONS, staged_name};
use crate::host::probe::{FileType, Found, check_file_path, failure, parse_facts};

/// The operation `hardlink`.
pub(crate) struct Hardlink;

/// The options of `hardlink`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The absolute path of the file that gets another name.
    target: String,
    /// The absolute path of the new name, on the same file system.
    path: String,
    /// Replaces another file, or a symbolic link, that is in the place of the new name.
    #[serde(default)]
    force: bool,
}

/// What is at the two paths.
pub(crate) struct State {
    target: Found,
    present: Option<Found>,
}

/// Prints a line for each of its parameters.
const LOOK: &str = r#"
export LC_ALL=C
for path in "$@"; do
    if [ -e "$path" ] || [ -L "$path" ]; then stat -c '%f %u %g %s %Y %X %Z %i %d %h %U %G' "$path" || exit 1
    else echo absent
    fi
done
"#;

/// Parameters: target, path, staged name. What a killed run left is the target too, and younger than nothing.
const SCRIPT: &str = r#"
set -eu
export LC_ALL=C
trap 'rm -f "$3" 2>/dev/null' EXIT
there "$2"
for old in "${3%????????????????}"????????????????; do
    case ${old##*.oneex-} in *[!0-9a-f]*) continue ;; esac
    if [ -L "$old" ] || [ "$old" -ef "$1" ]; then rm -f "$old"; fi
done
ln "$1" "$3"
if [ -d "$2" ] && [ ! -L "$2" ]; then
    echo 'a folder is there now' >&2
    exit 1
fi
put "$3" "$2"
trap - EXIT
"#;

impl Op for Hardlink {
    type Params = Params;
    type State = State;

    const NAME: &'static str = "hardlink";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Makes a hard link: `h.hardlink(target, path)`, in the order of `ln`.

Both names are then the same file, which must be there and be no folder and no symbolic link. Another file in the
place of the new name is replaced only with `force`, a folder never.

Sources: ln(1p), link(2), Ansible's module `file` with `state: hard`.";
    const POSITIONAL: &'static [&'static str] = &["target", "path"];
    const EXAMPLES: &'static [Example] = &[Example {
        about: "a second name for a file",
        code: r#"h.file(`${dir}/data`);
h.hardlink(`${dir}/data`, `${dir}/data-1`);"#,
        proof: Proof::Check,
    }];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.target.clone(), params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<State> {
        check_file_path(&params.target)?;
        check_file_path(&params.path)?;
        let output = reader.query(Command::script(LOOK, [&params.target, &params.path]).tidy()).await?;
        if !output.ok() {
            return Err(failure(&params.target, &output.stderr_text()));
        }
        let said = output.stdout_text();
        let found: Vec<Option<Found>> = said.lines().map(parse_facts).collect();
        let target = found.first().cloned().flatten();
        let present = found.get(1).cloned().flatten();
        let Some(target) = target else {
            return Err(OpError::invalid(format!("`{}` does not exist", params.target)));
        };
        if target.file_type != FileType::File {
            let what = target.file_type.as_str();
            return Err(OpError::invalid(format!("`{}` is a {what}, not a file", params.target)));
        }
        match &present {
            Some(found) if is_same(found, &target) || params.force && is_replaceable(found) => {}
            Some(found) => {
                let what = found.file_type.as_str();
                let error = OpError::invalid(format!("`{}` is a {what} already", params.path));
                let hint = "`force: true` replaces it";
                return Err(if is_replaceable(found) { error.hint(hint) } else { error });
            }
            None => {}
        }
        Ok(State { target, present })
    }

    fn diff(&self, params: &Params, state: &State) -> Change {
        let mut change = Change::none();
        let name = |found: &Found| match found.file_type {
            _ if is_same(found, &state.target) => params.target.clone(),
            FileType::Link => "a link".to_owned(),
            _ => "another file".to_owned(),
        };
        change.property("target", state.present.as_ref().map(name), Some(params.target.clone()));
        change
    }

    async fn apply(&self, writer: &dyn Writer, params: &Params, _: &State, _: &Change) -> OpResult<Output> {
        let staged = staged_name(&params.path)?;
        let script = Command::script(format!("{FUNCTIONS}{SCRIPT}"), [&params.target, &params.path, &staged]);
        let output = writer.run(script.tidy()).await?;
        if output.ok() { Ok(Output::none()) } else { Err(failure(&params.path, &output.stderr_text())) }
    }
}

fn is_same(one: &Found, other: &Found) -> bool {
    one.inode == other.inode && one.device == other.device
}

fn is_replaceable(found: &Found) -> bool {
    matches!(found.file_type, FileType::File | FileType::Link)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::Hardlink;

    fn inode(host: &TestHost, name: &str) -> u64 {
        std::fs::symlink_metadata(host.path(name)).expect("it is there").ino()
    }

    #[tokio::test]
    async fn decisions() {
        for (prepare, force, is_changed) in [
            ("nothing", false, true),
            ("same", false, false),
            ("other", true, true),
            ("link", true, true),
            ("link to a folder", true, true),
        ] {
            for name in ["n", "a b", "-n", "$(touch pwned)", "new\nline", "it's *"] {
                let host = TestHost::new();
                let target = host.write(&format!("{name} target"), "x");
                std::fs::create_dir(host.path("folder")).expect("a folder");
                let path = host.path(name);
                match prepare {
                    "same" => std::fs::hard_link(&target, &path).expect("a link"),
                    "other" => drop(host.write(name, "y")),
                    "link" => std::os::unix::fs::symlink("nowhere", &path).expect("a link"),
                    "link to a folder" => std::os::unix::fs::symlink("folder", &path).expect("a link"),
                    _ => {}
                }
                let options = json!({ "target": target, "path": path, "force": force });
                let done = laws::ensures(Hardlink, &host, options).await.expect(prepare);
                assert_eq!(done.changed, is_changed, "{prepare}, {name:?}");
                assert_eq!(
                    inode(&host, name),
                    inode(&host, &format!("{name} target")),
                    "{prepare}, {name:?}"
                );
                assert_eq!(
                    std::fs::read_dir(host.root()).expect("the folder").count(),
                    3,
                    "{prepare}, {name:?}"
                );
                assert_eq!(std::fs::read_dir(host.path("folder")).expect("the folder").count(), 0);
            }
        }
    }

    #[tokio::test]
    async fn wrong_calls_are_named() {
        let host = TestHost::new();
        host.write("f", "");
        host.write("g", "");
        std::os::unix::fs::symlink("f", host.path("l")).expect("a link");
        for (target, path, force, message, hint) in [
            ("gone", "n", false, "gone` does not exist", None),
            ("l", "n", false, "l` is a link, not a file", None),
            ("", "n", false, "is the path of a folder", None),
            ("f", "g", false, "g` is a file already", Some("`force: true` replaces it")),
            ("f", "no/g", false, "the folder", Some("`directory` makes it")),
        ] {
            let options = json!({ "target": host.path(target), "path": host.path(path), "force": force });
            let error = laws::run(Hardlink, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
            assert_eq!(error.hint.as_deref(), hint);
        }
        std::fs::create_dir(host.path("folder")).expect("a folder");
        let options = json!({ "target": host.path("f"), "path": host.path("folder"), "force": true });
        let error = laws::run(Hardlink, &host, options).await.expect_err("a folder");
        assert!(
            error.message.ends_with("is a directory already") && error.hint.is_none(),
            "{}",
            error.message
        );
    }

    #[tokio::test]
    async fn a_cut_leaves_the_old_or_the_new() {
        let prepare = |host: &TestHost| {
            let target = host.write("t", "new");
            json!({ "target": target, "path": host.write("n", "old"), "force": true })
        };
        assert!(laws::survives_cuts(Hardlink, prepare, |host: &TestHost| host.content("n")).await >= 2);
    }
}
