//! Copies a file of the project to a host.

use oneex_sdk::{Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, Wanted, look};

/// The operation `copy`.
pub(crate) struct Copy;

/// The options of `copy`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The file's name, looked for in `files/` beside the script, then beside the runbook; or an absolute path.
    src: String,
    /// The absolute path on the host.
    path: String,
    /// Replaces the content of a file that is there already.
    #[serde(default = "yes")]
    force: bool,
    /// The file mode, such as `"0644"` or `"u=rw,go=r"`; kept when left out, and 0666 less the umask for a new file.
    mode: Option<Mode>,
    /// The owner, by name or number; kept when left out.
    owner: Option<String>,
    /// The group, by name or number; kept when left out.
    group: Option<String>,
    /// Keeps the old file beside the new one, under its name with `.` a random suffix and `~`.
    #[serde(default)]
    backup: bool,
    /// A command that must accept the new file before it takes its place; `%s` stands for its name.
    validate: Option<String>,
    /// Writes to what a symbolic link points to, and not in place of the link.
    #[serde(default)]
    follow: bool,
}

impl Params {
    fn attributes(&self) -> Attributes<'_> {
        Attributes { mode: self.mode.as_ref(), owner: self.owner.as_deref(), group: self.group.as_deref() }
    }
}

impl Op for Copy {
    type Params = Params;
    type State = ContentState;

    const NAME: &'static str = "copy";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Copies a file of the project to a host.

Without `force` a file that is there keeps its content.

The file is replaced whole or not at all, and is readable by nobody else until it has its mode. The folder must be
there already. The result has `path`, `sha256`, `size` and, with `backup`, the path of the old file.

Sources: rename(2), chmod(1p), Ansible's module `copy` for the names of the options.";
    const POSITIONAL: &'static [&'static str] = &["src", "path"];
    const EXAMPLES: &'static [Example] = &[Example {
        about: "a file of `files/`",
        code: r#"h.copy("motd", `${dir}/motd`, #{ mode: "0644" });"#,
        proof: Proof::Check,
    }];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<ContentState> {
        let source = reader.project_file("files", &params.src)?;
        if source.is_dir() {
            let message = format!("`{}` is a folder: `copy` takes files", params.src);
            return Err(OpError::invalid(message).hint("name its files one by one, in a loop"));
        }
        look(reader, &params.path, params.follow, Wanted::file(&source).await?).await
    }

    fn diff(&self, params: &Params, state: &ContentState) -> Change {
        state.differ(params.attributes(), params.force)
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &ContentState,
        change: &Change,
    ) -> OpResult<Output> {
        state.apply(writer, change, params.attributes(), params.backup, params.validate.as_deref()).await
    }

    fn output(&self, _: &Params, state: &ContentState) -> Output {
        state.output()
    }
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::Copy;

    #[tokio::test]
    async fn small_and_large_files_arrive_whole() {
        for size in [0, 10, 2 << 20] {
            let host = TestHost::new();
            let bytes: Vec<u8> = (0..size).map(|at: usize| (at % 251) as u8).collect();
            host.project_write("files/x", &bytes);
            let options = json!({ "src": "x", "path": host.path("y"), "mode": "0755" });
            assert!(laws::ensures(Copy, &host, options).await.expect("it is copied").changed);
            assert!(host.content("y") == Some(bytes), "{size} bytes");
            assert_eq!(host.mode("y"), 0o755);
        }
    }

    #[tokio::test]
    async fn without_force_a_present_file_stays() {
        let host = TestHost::new();
        host.project_write("files/x", "new");
        let options = json!({ "src": "x", "path": host.write("y", "old"), "force": false });
        assert!(!laws::ensures(Copy, &host, options).await.expect("nothing is to be done").changed);
        assert_eq!(host.content("y").as_deref(), Some(&b"old"[..]));
    }
}
