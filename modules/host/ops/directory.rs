//! Makes a folder, with its attributes, and gives them to all below it.

use oneex_sdk::{
    Change, Command, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::attributes::Attributes;
use crate::host::mode::octal;
use crate::host::probe::{Depth, FileType, Probe, failure, probe};
use crate::host::tree::{Below, differ_below, look_below, work_below};

/// The operation `directory`.
pub(crate) struct Directory;

/// The options of `directory`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The absolute path; a symbolic link to a folder is followed.
    path: String,
    /// The mode, such as `"0755"`; kept when left out, and 0777 less the umask for a new folder.
    mode: Option<Mode>,
    /// The owner, by name or number; kept when left out.
    owner: Option<String>,
    /// The group, by name or number; kept when left out.
    group: Option<String>,
    /// Makes the folders above it too; these get no attributes.
    #[serde(default = "yes")]
    parents: bool,
    /// Gives mode, owner and group to all below it too; `X` in a mode is `x` for folders and for what somebody may
    /// execute.
    #[serde(default)]
    recurse: bool,
}

fn yes() -> bool {
    true
}

impl Params {
    fn attributes(&self) -> Attributes<'_> {
        Attributes { mode: self.mode.as_ref(), owner: self.owner.as_deref(), group: self.group.as_deref() }
    }
}

/// What there is.
pub(crate) struct State {
    folder: Probe,
    /// What is below it, where that counts.
    below: Vec<Below>,
}

/// Parameters: path, `parents` or nothing, mode, owner, group, `below` or nothing. Standard input has what is done below
/// the folder: a program, what it gets, and paths in base64. A folder that became a link in the meantime is not
/// entered, nor is the mode of what it leads to changed. The mode of a new folder is that of mkdir(1), unless it has more
/// than permissions, or the owner changes, which takes such bits away. Five digits take set-id bits away, chmod(1).
const SCRIPT: &str = r#"
set -eu
export LC_ALL=C
made=
each='
program=$1 what=$2
shift 2
for path; do
    at=${path%/*}
    while [ "$at" != . ]; do
        [ ! -L "$at" ] || { echo "a symbolic link is in place of the folder $at" >&2; exit 1; }
        at=${at%/*}
    done
done
[ "$program" != chmod ] || for path; do
    [ ! -L "$path" ] || { echo "a symbolic link is there now: $path" >&2; exit 1; }
done
case $program in
chmod) exec chmod "$what" "$@" ;;
*) exec "$program" -h "$what" "$@" ;;
esac'
if [ -n "$6" ]; then
    cd "$1/"
    while read -r program what paths; do
        printf %s "$paths" | base64 -d | xargs -0 sh -c "$each" sh "$program" "$what"
    done
    cd /
fi
if ! [ -d "$1" ]; then
    mkdir ${2:+-p} ${3:+-m "$3"} "$1"
    made=yes
fi
[ -z "$4" ] || chown "$4" "$1"
[ -z "$5" ] || chgrp "$5" "$1"
case $made$4$5$3 in
yes00*) exit ;;
esac
[ -z "$3" ] || chmod "$3" "$1"
"#;

impl Op for Directory {
    type Params = Params;
    type State = State;

    const NAME: &'static str = "directory";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Makes a folder, with its mode, owner and group.

Folders above it are made too, unless `parents` is false. A file in its place is an error.

With `recurse` all that is below it gets the same mode, owner and group. No link is followed there: the link itself gets
the owner and the group. Another owner or group takes the set-id bits of files away, unless `mode` says otherwise.

Sources: mkdir(1p), chmod(1p), chown(1p), chown(2); Ansible's module `file` for names and meaning.";
    const POSITIONAL: &'static [&'static str] = &["path"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a folder for one user",
            code: r#"h.directory(`${dir}/a/b`, #{ mode: "0750" });"#,
            proof: Proof::Run,
        },
        Example {
            about: "a folder that nobody else reads, with all that is in it",
            code: r#"h.directory(`${dir}/a`, #{ mode: "u=rwX,go=", recurse: true });"#,
            proof: Proof::Run,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<State> {
        // With the slash at its end, a file in the place of the folder would look like nothing at all.
        let path = match params.path.trim_end_matches('/') {
            "" if params.recurse => return Err(OpError::invalid("`recurse` is not for the whole host")),
            "" => params.path.as_str(),
            path => path,
        };
        let wants_any = params.mode.is_some() || params.owner.is_some() || params.group.is_some();
        let (folder, below) = if params.recurse && wants_any {
            look_below(reader, path).await?
        } else {
            (probe(reader, path, true, Depth::Facts).await?, Vec::new())
        };
        match &folder.found {
            Some(found) if found.file_type != FileType::Directory => {
                let what = found.file_type.as_str();
                Err(OpError::invalid(format!("`{}` is a {what}, not a folder", folder.path)))
            }
            _ => Ok(State { folder, below }),
        }
    }

    fn diff(&self, params: &Params, state: &State) -> Change {
        let mut change = Change::none();
        let found = state.folder.found.as_ref();
        change.property("state", found.map(|_| "directory".to_owned()), Some("directory".to_owned()));
        params.attributes().differ(&mut change, found, true);
        change.items.extend(differ_below(&state.below, params.attributes()).items);
        change
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &State,
        _: &Change,
    ) -> OpResult<Output> {
        let path = &state.folder.path;
        let bits = params.attributes().bits(state.folder.found.as_ref(), true);
        let work = work_below(&state.below, params.attributes());
        let word = |is_set: bool, word: &str| if is_set { word.to_owned() } else { String::new() };
        let command = Command::script(
            SCRIPT,
            [
                path.clone(),
                word(params.parents, "parents"),
                bits.map(|bits| format!("0{}", octal(bits))).unwrap_or_default(),
                params.owner.clone().unwrap_or_default(),
                params.group.clone().unwrap_or_default(),
                word(!work.is_empty(), "below"),
            ],
        );
        let command = if work.is_empty() { command } else { command.stdin(work) };
        let output = writer.run(command.tidy()).await?;
        if output.ok() { Ok(Output::none()) } else { Err(failure(path, &output.stderr_text())) }
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::Directory;

    #[tokio::test]
    async fn folders_are_made_and_kept() {
        let host = TestHost::new();
        std::fs::create_dir(host.path("there")).expect("a folder");
        std::os::unix::fs::symlink("there", host.path("link")).expect("a link");
        for (name, mode, changed) in [
            ("a b/$(x)/c", Some("2750"), true),
            ("there", None, false),
            ("there", Some("0700"), true),
            ("link", Some("u=rwx,go="), false),
            ("a b/$(x)/c", Some("0750"), true),
        ] {
            let options = json!({ "path": host.path(name), "mode": mode });
            assert_eq!(
                laws::ensures(Directory, &host, options).await.expect(name).changed,
                changed,
                "{name}"
            );
        }
        assert_eq!(host.mode("a b/$(x)/c"), 0o750);
    }

    fn chmod(host: &TestHost, name: &str, mode: u32) {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(host.path(name), mode).expect("a mode");
    }

    /// A folder `d` with a file, a program, a folder that is closed, hostile names, and links that lead out of it.
    fn plant(host: &TestHost) -> Vec<&'static str> {
        for folder in ["d", "d/in", "out"] {
            std::fs::create_dir(host.path(folder)).expect("a folder");
        }
        let names = vec!["d/f", "d/in/run", "d/in/a b $(id) 'x'", "d/new\nline", "d/-n", "d/*", "d/\n--"];
        for name in names.iter().chain(&["out/f"]) {
            host.write(name, "");
            chmod(host, name, if name.ends_with("run") { 0o755 } else { 0o644 });
        }
        std::os::unix::fs::symlink("../out/f", host.path("d/link")).expect("a link");
        std::os::unix::fs::symlink("../out", host.path("d/in/out")).expect("a link");
        names
    }

    #[tokio::test]
    async fn all_below_gets_the_attributes_and_nothing_else_does() {
        let host = TestHost::new();
        let names = plant(&host);
        let options = json!({ "path": host.path("d"), "mode": "u=rwX,go=", "recurse": true });
        let done = laws::ensures(Directory, &host, options.clone()).await.expect("it is done");
        assert_eq!(done.change.items.len(), names.len() + 2, "{}", done.change.to_text());
        for name in names {
            assert_eq!(host.mode(name), if name.ends_with("run") { 0o700 } else { 0o600 }, "{name:?}");
        }
        assert_eq!(
            [host.mode("d"), host.mode("d/in"), host.mode("out"), host.mode("out/f")],
            [0o700, 0o700, 0o755, 0o644]
        );
        chmod(&host, "d/f", 0o640);
        let done = laws::ensures(Directory, &host, options).await.expect("it is done");
        assert_eq!(done.change.to_text(), "f mode: 0640 → 0600\n");
    }

    #[tokio::test]
    async fn owners_are_given_to_links_too_and_not_to_what_they_lead_to() {
        let host = TestHost::new();
        plant(&host);
        chmod(&host, "d/in/run", 0o6755);
        std::os::unix::fs::symlink("d", host.path("to d")).expect("a link");
        let options = json!({ "path": host.path("to d"), "owner": "daemon", "group": "1", "recurse": true });
        let done = laws::ensures(Directory, &host, options).await.expect("it is done");
        assert!(done.change.to_text().contains("in/run mode: 6755 → 0755\n"), "{}", done.change.to_text());
        let owner = |name: &str| {
            let metadata = std::fs::symlink_metadata(host.path(name)).expect("metadata");
            (std::os::unix::fs::MetadataExt::uid(&metadata), std::os::unix::fs::MetadataExt::gid(&metadata))
        };
        for name in ["d", "d/f", "d/link", "d/in/out", "d/in/run", "d/-n"] {
            assert_eq!(owner(name), (1, 1), "{name}");
        }
        for name in ["to d", "out", "out/f"] {
            assert_eq!(owner(name), (0, 0), "{name}");
        }
        assert_eq!(host.mode("d/in/run"), 0o755);
    }

    #[tokio::test]
    async fn a_folder_that_becomes_a_link_is_not_entered() {
        let host = TestHost::new();
        plant(&host);
        host.write("out/run", "");
        chmod(&host, "out/run", 0o755);
        let options = json!({ "path": host.path("d"), "mode": "0700", "owner": "daemon", "recurse": true });
        let call = oneex_sdk::erase(Directory).bind(options).expect("options that fit");
        let looked = call.look(&host).await.expect("the state");
        std::fs::remove_dir_all(host.path("d/in")).expect("it is removed");
        std::os::unix::fs::symlink("../out", host.path("d/in")).expect("a link");
        let error = call.apply(&host, &looked).await.expect_err("a link");
        assert!(
            error.message.contains("a symbolic link is in place of the folder ./in"),
            "{}",
            error.message
        );
        assert_eq!([host.mode("out"), host.mode("out/run")], [0o755; 2]);
    }

    #[tokio::test]
    async fn a_cut_leaves_each_old_or_new() {
        for name in ["d", "d/f", "d/in", "d/in/run"] {
            let prepare = |host: &TestHost| {
                plant(host);
                json!({ "path": host.path("d"), "mode": "u=rwX,go=", "recurse": true })
            };
            assert!(laws::survives_cuts(Directory, prepare, |host: &TestHost| host.mode(name)).await > 0);
        }
    }

    #[tokio::test]
    async fn a_file_in_its_place_and_a_missing_parent_are_errors() {
        let host = TestHost::new();
        let error =
            laws::run(Directory, &host, json!({ "path": host.write("f", "") })).await.expect_err("a file");
        assert!(error.message.ends_with("is a file, not a folder"), "{}", error.message);
        let options = json!({ "path": host.path("x/y"), "parents": false });
        assert!(laws::run(Directory, &host, options).await.is_err());
        for (path, message) in
            [("f", "is a file, not a folder"), ("/", "`recurse` is not for the whole host")]
        {
            let path = if path == "/" { path.to_owned() } else { host.path(path) };
            let options = json!({ "path": path, "mode": "0700", "recurse": true });
            let error = laws::run(Directory, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
    }
}
