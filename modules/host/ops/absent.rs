//! Removes what is at a path.

use oneex_sdk::{
    Change, Command, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::probe::{Depth, Probe, failure, probe};

/// The operation `absent`.
pub(crate) struct Absent;

/// The options of `absent`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The absolute path of a file, a link (which is not followed) or a folder, with all below it.
    path: String,
}

impl Op for Absent {
    type Params = Params;
    type State = Probe;

    const NAME: &'static str = "absent";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Removes a file, a link, or a folder with all below it.

A symbolic link is removed itself, not what it points to. The root folder is refused.

Sources: rm(1p).";
    const POSITIONAL: &'static [&'static str] = &["path"];
    const EXAMPLES: &'static [Example] =
        &[Example { about: "no such file", code: r#"h.absent(`${dir}/old`);"#, proof: Proof::Run }];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Probe> {
        let mut parts = params.path.split('/').filter(|part| !part.is_empty());
        if parts.clone().all(|part| part == ".") || parts.any(|part| part == "..") {
            let message = format!("`{}` is not removed: it may be the root folder, or above it", params.path);
            return Err(OpError::invalid(message).hint("write the path without `..`"));
        }
        probe(reader, params.path.trim_end_matches('/'), false, Depth::Facts).await
    }

    fn diff(&self, _: &Params, state: &Probe) -> Change {
        let mut change = Change::none();
        change.property("state", state.found.as_ref().map(|found| found.file_type.as_str().to_owned()), None);
        change
    }

    async fn apply(&self, writer: &dyn Writer, _: &Params, state: &Probe, _: &Change) -> OpResult<Output> {
        let output = writer.run(Command::argv(["rm", "-rf", &state.path]).env("LC_ALL", "C").tidy()).await?;
        if output.ok() { Ok(Output::none()) } else { Err(failure(&state.path, &output.stderr_text())) }
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{ErrorKind, json};
    use oneex_testkit::{TestHost, laws};

    use super::Absent;

    #[tokio::test]
    async fn files_folders_and_links_go() {
        let host = TestHost::new();
        host.write("kept", "x");
        host.write("a\nb $(x)", "");
        std::fs::create_dir_all(host.path("d/e")).expect("folders");
        std::os::unix::fs::symlink("kept", host.path("l")).expect("a link");
        for (name, changed) in
            [("a\nb $(x)", true), ("d/", true), ("l", true), ("gone", false), ("gone/x", false)]
        {
            let done = laws::ensures(Absent, &host, json!({ "path": host.path(name) })).await.expect(name);
            assert_eq!(done.changed, changed, "{name}");
        }
        assert_eq!(std::fs::read_dir(host.root()).expect("the folder").count(), 1);
    }

    #[tokio::test]
    async fn the_root_is_refused() {
        let host = TestHost::new();
        for path in ["/", "//", "/.", "/tmp/..", "/a/../..", ""] {
            let error = laws::plan(Absent, &host, json!({ "path": path })).await.expect_err(path);
            assert_eq!(error.kind, ErrorKind::Invalid, "{path}");
        }
    }
}
