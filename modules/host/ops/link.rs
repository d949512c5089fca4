//! Makes a symbolic link.

use oneex_sdk::{
    Change, Command, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::place::{FUNCTIONS, staged_name};
use crate::host::probe::{Depth, FileType, Probe, check_file_path, failure, probe};

/// The operation `link`.
pub(crate) struct Link;

/// The options of `link`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// What the link points to, taken as it is: absolute, or relative to the link's folder.
    target: String,
    /// The absolute path of the link itself.
    path: String,
    /// Replaces a regular file that is in the place of the link.
    #[serde(default)]
    force: bool,
}

/// Parameters: target, path, staged name.
const SCRIPT: &str = r#"
set -eu
export LC_ALL=C
trap 'rm -f "$3" 2>/dev/null' EXIT
sweep "$3" "${3%????????????????}"
there "$2"
ln -s -- "$1" "$3"
if [ -d "$2" ] && [ ! -L "$2" ]; then
    echo 'a folder is there now' >&2
    exit 1
fi
put "$3" "$2"
trap - EXIT
"#;

impl Op for Link {
    type Params = Params;
    type State = Probe;

    const NAME: &'static str = "link";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Makes a symbolic link: `h.link(target, path)`, in the order of `ln -s`.

A link that points elsewhere is replaced; a regular file only with `force`, a folder never. The target need not exist.

Sources: ln(1p), symlink(7).";
    const POSITIONAL: &'static [&'static str] = &["target", "path"];
    const EXAMPLES: &'static [Example] = &[Example {
        about: "the present release",
        code: r#"h.link("releases/42", `${dir}/current`);"#,
        proof: Proof::Run,
    }];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Probe> {
        if params.target.is_empty() {
            return Err(OpError::invalid("the target of a link cannot be empty"));
        }
        check_file_path(&params.path)?;
        let probe = probe(reader, &params.path, false, Depth::Facts).await?;
        match probe.found.as_ref().map(|found| found.file_type) {
            None | Some(FileType::Link) => Ok(probe),
            Some(FileType::File) if params.force => Ok(probe),
            Some(other) => {
                let error =
                    OpError::invalid(format!("`{}` is a {}, not a link", params.path, other.as_str()));
                Err(if other == FileType::File { error.hint("`force: true` replaces a file") } else { error })
            }
        }
    }

    fn diff(&self, params: &Params, state: &Probe) -> Change {
        let mut change = Change::none();
        let present =
            state.found.as_ref().map(|found| found.target.clone().unwrap_or_else(|| "a file".to_owned()));
        change.property("target", present, Some(params.target.clone()));
        change
    }

    async fn apply(&self, writer: &dyn Writer, params: &Params, _: &Probe, _: &Change) -> OpResult<Output> {
        let staged = staged_name(&params.path)?;
        let script = Command::script(format!("{FUNCTIONS}{SCRIPT}"), [&params.target, &params.path, &staged]);
        let output = writer.run(script.tidy()).await?;
        if output.ok() { Ok(Output::none()) } else { Err(failure(&params.path, &output.stderr_text())) }
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::Link;

    #[tokio::test]
    async fn links_are_made_replaced_and_kept() {
        let host = TestHost::new();
        std::fs::create_dir(host.path("folder")).expect("a folder");
        for (target, name, changed) in [
            ("folder", "l", true),
            ("folder", "l", false),
            ("-n $(x)\n", "l", true),
            ("/nowhere", "a b", true),
        ] {
            let options = json!({ "target": target, "path": host.path(name) });
            assert_eq!(laws::ensures(Link, &host, options).await.expect(name).changed, changed, "{target}");
            assert_eq!(std::fs::read_link(host.path(name)).expect("a link").to_str(), Some(target));
        }
        assert_eq!(std::fs::read_dir(host.path("folder")).expect("the folder").count(), 0);
    }

    #[tokio::test]
    async fn what_is_no_link_is_not_replaced_unasked() {
        let host = TestHost::new();
        let path = host.write("f", "x");
        let error = laws::run(Link, &host, json!({ "target": "y", "path": path })).await.expect_err("a file");
        assert_eq!(error.hint.as_deref(), Some("`force: true` replaces a file"));
        let done = laws::ensures(Link, &host, json!({ "target": "y", "path": path, "force": true })).await;
        assert!(done.expect("it is replaced").changed);
        let folder = json!({ "target": "y", "path": host.path(""), "force": true });
        assert!(laws::run(Link, &host, folder).await.is_err());
    }

    #[tokio::test]
    async fn a_cut_leaves_the_old_link_or_the_new() {
        // A link to a folder is what `mv` would move into.
        for old in ["nowhere", "folder"] {
            let prepare = |host: &TestHost| {
                std::fs::create_dir(host.path("folder")).expect("a folder");
                std::os::unix::fs::symlink(old, host.path("l")).expect("a link");
                json!({ "target": "new", "path": host.path("l") })
            };
            let observe = |host: &TestHost| {
                let inside = std::fs::read_dir(host.path("folder")).expect("the folder").count();
                (std::fs::read_link(host.path("l")).ok(), inside)
            };
            assert!(laws::survives_cuts(Link, prepare, observe).await >= 2);
        }
    }
}
