//! Makes a folder, with its attributes.

use oneex_sdk::{
    Change, Command, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::attributes::Attributes;
use crate::host::mode::octal;
use crate::host::probe::{Depth, FileType, Probe, failure, probe};

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
}

fn yes() -> bool {
    true
}

impl Params {
    fn attributes(&self) -> Attributes<'_> {
        Attributes { mode: self.mode.as_ref(), owner: self.owner.as_deref(), group: self.group.as_deref() }
    }
}

/// Parameters: path, `parents` or nothing, mode, owner, group. The mode of a new folder is that of mkdir(1), unless it
/// has more than permissions, or the owner changes, which takes such bits away.
const SCRIPT: &str = r#"
set -eu
export LC_ALL=C
made=
if ! [ -d "$1" ]; then
    mkdir ${2:+-p} ${3:+-m "$3"} "$1"
    made=yes
fi
[ -z "$4" ] || chown "$4" "$1"
[ -z "$5" ] || chgrp "$5" "$1"
case $made$4$5$3 in
yes0*) exit ;;
esac
[ -z "$3" ] || chmod "$3" "$1"
"#;

impl Op for Directory {
    type Params = Params;
    type State = Probe;

    const NAME: &'static str = "directory";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Makes a folder, with its mode, owner and group.

Folders above it are made too, unless `parents` is false. A file in its place is an error.

Sources: mkdir(1p), chmod(1p), chown(1p).";
    const POSITIONAL: &'static [&'static str] = &["path"];
    const EXAMPLES: &'static [Example] = &[Example {
        about: "a folder for one user",
        code: r#"h.directory(`${dir}/a/b`, #{ mode: "0750" });"#,
        proof: Proof::Run,
    }];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Probe> {
        // With the slash at its end, a file in the place of the folder would look like nothing at all.
        let path = match params.path.trim_end_matches('/') {
            "" => params.path.as_str(),
            path => path,
        };
        let probe = probe(reader, path, true, Depth::Facts).await?;
        match &probe.found {
            Some(found) if found.file_type != FileType::Directory => {
                let what = found.file_type.as_str();
                Err(OpError::invalid(format!("`{}` is a {what}, not a folder", probe.path)))
            }
            _ => Ok(probe),
        }
    }

    fn diff(&self, params: &Params, state: &Probe) -> Change {
        let mut change = Change::none();
        let present = state.found.as_ref().map(|_| "directory".to_owned());
        change.property("state", present, Some("directory".to_owned()));
        params.attributes().differ(&mut change, state.found.as_ref(), true);
        change
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &Probe,
        _: &Change,
    ) -> OpResult<Output> {
        let bits = params.attributes().bits(state.found.as_ref(), true);
        let command = Command::script(
            SCRIPT,
            [
                state.path.clone(),
                if params.parents { "parents".to_owned() } else { String::new() },
                bits.map(octal).unwrap_or_default(),
                params.owner.clone().unwrap_or_default(),
                params.group.clone().unwrap_or_default(),
            ],
        );
        let output = writer.run(command.tidy()).await?;
        if output.ok() { Ok(Output::none()) } else { Err(failure(&state.path, &output.stderr_text())) }
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
        ] {
            let options = json!({ "path": host.path(name), "mode": mode });
            assert_eq!(
                laws::ensures(Directory, &host, options).await.expect(name).changed,
                changed,
                "{name}"
            );
        }
        assert_eq!(host.mode("a b/$(x)/c"), 0o2750);
    }

    #[tokio::test]
    async fn a_file_in_its_place_and_a_missing_parent_are_errors() {
        let host = TestHost::new();
        let error =
            laws::run(Directory, &host, json!({ "path": host.write("f", "") })).await.expect_err("a file");
        assert!(error.message.ends_with("is a file, not a folder"), "{}", error.message);
        let options = json!({ "path": host.path("x/y"), "parents": false });
        assert!(laws::run(Directory, &host, options).await.is_err());
    }
}
