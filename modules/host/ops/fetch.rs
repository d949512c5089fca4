//! Brings a file of a host to the controller.

use std::path::PathBuf;

use oneex_sdk::{Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::content::Wanted;
use crate::host::probe::{Depth, FileType, Found, check_file_path, probe};

/// The operation `fetch`.
pub(crate) struct Fetch;

/// The options of `fetch`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The absolute path on the host; symbolic links are followed.
    path: String,
    /// The absolute path on the controller; with `/` at its end, a folder that gets `HOST/PATH`.
    to: String,
}

/// The host's file, and the checksum of the controller's.
pub(crate) struct State {
    found: Found,
    to: PathBuf,
    present: Option<String>,
}

impl Op for Fetch {
    type Params = Params;
    type State = State;

    const NAME: &'static str = "fetch";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Brings a file of a host to the controller.

Nothing is transferred where the checksums agree. The controller's file is replaced whole or not at all; the folders
above it are made. The result has `to`, `sha256` and `size`.

Sources: Ansible's module `fetch` for the meaning.";
    const POSITIONAL: &'static [&'static str] = &["path", "to"];
    const EXAMPLES: &'static [Example] = &[Example {
        about: "the same file of every host, each in a folder of its own",
        code: r#"h.fetch("/etc/os-release", `${dir}/fetched/`);"#,
        proof: Proof::Plan,
    }];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<State> {
        if !params.to.starts_with('/') {
            let message = format!("`to`: `{}` is not an absolute path of the controller", params.to);
            return Err(OpError::invalid(message));
        }
        let to = if params.to.ends_with('/') {
            if params.path.split('/').any(|part| part == "..") {
                let message = format!("`{}` would not stay below `{}`", params.path, params.to);
                return Err(OpError::invalid(message).hint("write the path without `..`"));
            }
            PathBuf::from(&params.to).join(&reader.host().name).join(params.path.trim_start_matches('/'))
        } else {
            PathBuf::from(&params.to)
        };
        let path = &params.path;
        check_file_path(path)?;
        let found = probe(reader, path, true, Depth::Checksum).await?.found;
        let found = found.ok_or_else(|| OpError::invalid(format!("`{path}` does not exist")))?;
        if found.file_type != FileType::File {
            return Err(OpError::invalid(format!("`{path}` is a {}, not a file", found.file_type.as_str())));
        }
        let present = if to.exists() { Some(Wanted::file(&to).await?.sha256().to_owned()) } else { None };
        Ok(State { found, to, present })
    }

    fn diff(&self, _: &Params, state: &State) -> Change {
        let mut change = Change::none();
        change.property("content", state.present.clone(), state.found.sha256.clone());
        change
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &State,
        _: &Change,
    ) -> OpResult<Output> {
        if let Some(folder) = state.to.parent() {
            tokio::fs::create_dir_all(folder).await.map_err(|error| {
                OpError::invalid(format!("the folder `{}` cannot be made: {error}", folder.display()))
            })?;
        }
        writer.fetch(&params.path, &state.to).await?;
        Ok(self.output(params, state))
    }

    fn output(&self, _: &Params, state: &State) -> Output {
        Output::none()
            .with("to", state.to.to_string_lossy())
            .with("sha256", state.found.sha256.clone())
            .with("size", state.found.size)
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::Fetch;

    #[tokio::test]
    async fn the_file_comes_once() {
        let host = TestHost::new();
        let path = host.write("a b", "x");
        for to in [host.path("copies/b"), format!("{}/", host.path("by-host"))] {
            let options = json!({ "path": path, "to": to });
            let done = laws::ensures(Fetch, &host, options).await.expect("it is fetched");
            assert!(done.changed);
            assert_eq!(std::fs::read(done.output.fields["to"].as_str().expect("a path")).expect("it"), b"x");
        }
        let error = laws::run(Fetch, &host, json!({ "path": path, "to": "x" })).await.expect_err("relative");
        assert_eq!(error.message, "`to`: `x` is not an absolute path of the controller");
    }
}
