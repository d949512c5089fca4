//! Makes a file or a folder with a name that nobody else has.

use oneex_sdk::{
    Change, Command, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::probe::{check_path, failure};

/// The operation `tempfile`.
pub(crate) struct Tempfile;

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum State {
    /// An empty file, with mode 0600.
    #[default]
    File,
    /// An empty folder, with mode 0700.
    Directory,
}

/// The options of `tempfile`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The absolute path of the folder that it is made in; left out it is `TMPDIR` of the host's user, or `/tmp`.
    path: Option<String>,
    /// What its name begins with.
    #[serde(default = "prefix")]
    prefix: String,
    /// What its name ends with.
    #[serde(default)]
    suffix: String,
    /// Whether a `file` is made or a `directory`.
    #[serde(default)]
    state: State,
}

fn prefix() -> String {
    "oneex.".to_owned()
}

/// Parameters: folder, name, `file` or `directory`. Prints the path; a dot keeps the line breaks at its end.
const SCRIPT: &str = r#"
set -eu
export LC_ALL=C
umask 077
folder=${1:-${TMPDIR:-/tmp}}
[ -d "$folder" ] || { echo "the folder \`$folder\` does not exist" >&2; exit 1; }
path=${folder%/}/$2
if [ "$3" = directory ]; then mkdir "$path"; else (set -C; : >"$path"); fi
printf '%s.' "$path"
"#;

impl Op for Tempfile {
    type Params = Params;
    type State = ();

    const NAME: &'static str = "tempfile";
    const KIND: Kind = Kind::Action;
    const MANUAL: &'static str = "\
Makes a file or a folder with a name that nobody else has, and gives its `path`.

It is empty, and for the host's user alone. Nothing removes it: `absent` does, in an `always` of the task.

Sources: mkstemp(3), Ansible's module `tempfile` for the names of the options.";
    const POSITIONAL: &'static [&'static str] = &[];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a folder to work in",
            code: r#"let work = h.tempfile(#{ state: "directory", path: dir }).path;
h.write(`${work}/data`, "x");
h.absent(work);"#,
            proof: Proof::Run,
        },
        Example {
            about: "a file whose name says what it is",
            code: r#"h.tempfile(#{ path: dir, prefix: "dump-", suffix: ".sql" });"#,
            proof: Proof::Run,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        params.path.as_ref().map_or(Resources::Nothing, |path| Resources::Paths(vec![path.clone()]))
    }

    async fn read(&self, _: &dyn Reader, params: &Params) -> OpResult<()> {
        if let Some(path) = &params.path {
            check_path(path)?;
        }
        for (option, text) in [("prefix", &params.prefix), ("suffix", &params.suffix)] {
            if text.contains(['/', '\0']) {
                return Err(OpError::invalid(format!("`{option}` is part of a name, and holds a `/`"))
                    .hint("`path` is the folder"));
            }
        }
        Ok(())
    }

    fn diff(&self, _: &Params, (): &()) -> Change {
        Change::action()
    }

    async fn apply(&self, writer: &dyn Writer, params: &Params, (): &(), _: &Change) -> OpResult<Output> {
        let folder = params.path.clone().unwrap_or_default();
        let name = format!("{}{:032x}{}", params.prefix, rand::random::<u128>(), params.suffix);
        let word = if params.state == State::Directory { "directory" } else { "file" };
        let output = writer.run(Command::script(SCRIPT, [folder.as_str(), &name, word]).tidy()).await?;
        if !output.ok() {
            let place = if folder.is_empty() { &name } else { &folder };
            return Err(failure(place, &output.stderr_text()));
        }
        let said = output.stdout_text();
        let path = said.strip_suffix('.').ok_or_else(|| {
            OpError::failed(format!("`{name}`: the host answered in a way that is not understood"))
        })?;
        Ok(Output::none().with("path", path).changed(true))
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::Tempfile;

    #[tokio::test]
    async fn each_is_new_and_private() {
        for folder in ["plain", "a b", "-n", "$(touch pwned)", "end\n"] {
            let host = TestHost::new();
            std::fs::create_dir(host.path(folder)).expect("a folder");
            let mut seen = std::collections::BTreeSet::new();
            for (options, mode, is_folder) in [
                (json!({}), 0o600, false),
                (json!({ "state": "directory" }), 0o700, true),
                (json!({ "prefix": "-p $(x)\n", "suffix": ".it's\n" }), 0o600, false),
                (json!({ "prefix": "", "state": "file" }), 0o600, false),
            ] {
                let mut options = options;
                options["path"] = json!(host.path(folder));
                let before = host.round_trips();
                let done = laws::run(Tempfile, &host, options.clone()).await.expect("it is made");
                assert!(done.changed && host.round_trips() - before == 1);
                let path = done.output.fields["path"].as_str().expect("a path").to_owned();
                let inside =
                    path.strip_prefix(&format!("{}/", host.path(folder))).expect("it is in the folder");
                assert!(inside.starts_with(options["prefix"].as_str().unwrap_or("oneex.")), "{inside:?}");
                assert!(inside.ends_with(options["suffix"].as_str().unwrap_or_default()), "{inside:?}");
                let metadata = std::fs::symlink_metadata(&path).expect("it is there");
                assert_eq!(metadata.is_dir(), is_folder);
                assert_eq!(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o7777, mode);
                assert!(seen.insert(path), "a name came twice");
            }
            assert_eq!(std::fs::read_dir(host.path(folder)).expect("the folder").count(), 4);
            assert_eq!(std::fs::read_dir(host.root()).expect("the folder").count(), 1);
        }
    }

    #[tokio::test]
    async fn without_a_folder_it_is_where_temporary_files_are() {
        let host = TestHost::new().with_private(&["/tmp"]);
        let done = laws::run(Tempfile, &host, json!({})).await.expect("it is made");
        let path = done.output.fields["path"].as_str().expect("a path").to_owned();
        let folder = std::env::var("TMPDIR").unwrap_or_else(|_| "/tmp".to_owned());
        assert!(path.starts_with(&folder), "{path}");
        if folder == "/tmp" {
            assert!(host.root().join(path.trim_start_matches('/')).is_file(), "{path}");
        }
    }

    #[tokio::test]
    async fn wrong_calls_are_named() {
        let host = TestHost::new();
        for (options, message) in [
            (json!({ "path": "tmp" }), "is not an absolute path"),
            (json!({ "path": host.path("gone") }), "does not exist"),
            (json!({ "prefix": "a/b" }), "`prefix` is part of a name"),
            (json!({ "suffix": "/" }), "`suffix` is part of a name"),
        ] {
            let error = laws::run(Tempfile, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
    }
}
