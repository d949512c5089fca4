//! Makes sure that a file is there, with its attributes, whatever it holds.

use oneex_sdk::{Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::attributes::Attributes;
use crate::host::place::{Placement, Source};
use crate::host::probe::{Depth, FileType, Probe, check_file_path, probe};

/// The operation `file`.
pub(crate) struct File;

/// The options of `file`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The absolute path; a symbolic link is followed.
    path: String,
    /// The mode, such as `"0644"`; kept when left out, and 0666 less the umask for a new file.
    mode: Option<Mode>,
    /// The owner, by name or number; kept when left out.
    owner: Option<String>,
    /// The group, by name or number; kept when left out.
    group: Option<String>,
    /// Makes an empty file where there is none; otherwise that is an error.
    #[serde(default = "yes")]
    create: bool,
}

fn yes() -> bool {
    true
}

impl Params {
    fn attributes(&self) -> Attributes<'_> {
        Attributes { mode: self.mode.as_ref(), owner: self.owner.as_deref(), group: self.group.as_deref() }
    }
}

impl Op for File {
    type Params = Params;
    type State = Probe;

    const NAME: &'static str = "file";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Makes sure that a file is there, with its mode, owner and group.

Its content is left as it is; a new file is empty. `write`, `copy` and `template` give a content.

Sources: chmod(1p), chown(1p).";
    const POSITIONAL: &'static [&'static str] = &["path"];
    const EXAMPLES: &'static [Example] = &[Example {
        about: "a log that only its owner reads",
        code: r#"h.file(`${dir}/private.log`, #{ mode: "0600" });"#,
        proof: Proof::Run,
    }];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Probe> {
        check_file_path(&params.path)?;
        let probe = probe(reader, &params.path, true, Depth::Facts).await?;
        match &probe.found {
            None if !params.create => Err(OpError::invalid(format!("`{}` does not exist", probe.path))),
            Some(found) if found.file_type != FileType::File => Err(OpError::invalid(format!(
                "`{}` is a {}, not a file",
                probe.path,
                found.file_type.as_str()
            ))),
            _ => Ok(probe),
        }
    }

    fn diff(&self, params: &Params, state: &Probe) -> Change {
        let mut change = Change::none();
        change.property("state", state.found.as_ref().map(|_| "file".to_owned()), Some("file".to_owned()));
        params.attributes().differ(&mut change, state.found.as_ref(), false);
        change
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &Probe,
        change: &Change,
    ) -> OpResult<Output> {
        let source = change.has("state").then(|| Source::Bytes([].into()));
        let attributes = params.attributes();
        let placement = Placement {
            probe: state,
            source,
            staged: None,
            sha256: "",
            attributes,
            backup: false,
            validate: None,
        };
        placement.apply(writer).await?;
        Ok(Output::none())
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::File;

    #[tokio::test]
    async fn the_content_stays_and_the_attributes_change() {
        let host = TestHost::new();
        host.write("f", "kept");
        for (name, mode, changed) in [
            ("f", None, false),
            ("f", Some("0600"), true),
            ("f", Some("u+x"), true),
            ("new $x", Some("0640"), true),
        ] {
            let options = json!({ "path": host.path(name), "mode": mode });
            assert_eq!(laws::ensures(File, &host, options).await.expect(name).changed, changed, "{name}");
        }
        assert_eq!((host.content("f").as_deref(), host.mode("f")), (Some(&b"kept"[..]), 0o700));
        assert_eq!((host.content("new $x").as_deref(), host.mode("new $x")), (Some(&b""[..]), 0o640));
        let gone = json!({ "path": host.path("gone"), "create": false });
        assert!(laws::run(File, &host, gone).await.expect_err("no file").message.ends_with("does not exist"));
    }
}
