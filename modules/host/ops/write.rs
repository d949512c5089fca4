//! Gives a file a literal content.

use oneex_sdk::{Change, Example, Kind, Op, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, Wanted, look};

/// The operation `write`.
pub(crate) struct Write;

/// The options of `write`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The absolute path.
    path: String,
    /// The content.
    content: String,
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

impl Op for Write {
    type Params = Params;
    type State = ContentState;

    const NAME: &'static str = "write";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Gives a file a literal content.

The file is replaced whole or not at all, and is readable by nobody else until it has its mode. The folder must be
there already. The result has `path`, `sha256`, `size` and, with `backup`, the path of the old file.

Sources: rename(2), chmod(1p), Ansible's module `write` for the names of the options.";
    const POSITIONAL: &'static [&'static str] = &["path", "content"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a file with its mode",
            code: r#"h.write(`${dir}/motd`, "Welcome\n", #{ mode: "0644" });"#,
            proof: Proof::Run,
        },
        Example {
            about: "only where a program accepts it",
            code: r#"h.write(`${dir}/x.sh`, "exit 0\n", #{ validate: "sh -n %s" });"#,
            proof: Proof::Run,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<ContentState> {
        look(reader, &params.path, params.follow, Wanted::bytes(params.content.as_bytes())).await
    }

    fn diff(&self, params: &Params, state: &ContentState) -> Change {
        state.differ(params.attributes(), true)
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

#[cfg(test)]
mod tests {
    use oneex_sdk::{ErrorKind, json};
    use oneex_testkit::{TestHost, laws};

    use super::Write;

    #[tokio::test]
    async fn any_name_and_content_arrive_as_they_are() {
        for name in ["plain", "a b", "it's \"x\"", "new\nline\n", "-n", "$(id)", "*", "größe"] {
            let host = TestHost::new();
            let content = "$HOME `id` 'q'\r\n\\ no newline";
            let options = json!({ "path": host.path(name), "content": content, "mode": "0640" });
            let done = laws::ensures(Write, &host, options).await.expect(name);
            assert!(done.changed);
            assert_eq!(host.content(name).as_deref(), Some(content.as_bytes()));
            assert_eq!(host.mode(name), 0o640);
            assert_eq!(std::fs::read_dir(host.root()).expect("the folder").count(), 1, "nothing is left");
        }
    }

    #[tokio::test]
    async fn decisions() {
        for (present, options, diff) in [
            (None, json!({ "content": "" }), "content: + 0 bytes\n"),
            (Some("a\n"), json!({ "content": "a\n" }), ""),
            (Some("a\n"), json!({ "content": "a\n", "mode": "0600" }), "mode: 0644 → 0600\n"),
        ] {
            let host = TestHost::new();
            if let Some(present) = present {
                host.write("f", present);
            }
            let mut options = options;
            options["path"] = json!(host.path("f"));
            let change = laws::plan(Write, &host, options.clone()).await.expect("a plan");
            if present.is_some() {
                assert_eq!(change.to_text(), diff);
            } else {
                assert!(change.has("content"));
            }
            laws::ensures(Write, &host, options).await.expect("it is written");
        }
    }

    #[tokio::test]
    async fn a_refused_content_leaves_the_old_file() {
        let host = TestHost::new();
        let path = host.write("f", "old");
        let options = json!({ "path": path, "content": "new", "validate": "grep -q old %s" });
        let error = laws::run(Write, &host, options).await.expect_err("refused");
        assert!(error.message.contains("the validation refused the new content"), "{}", error.message);
        assert_eq!(host.content("f").as_deref(), Some(&b"old"[..]));
        assert_eq!(std::fs::read_dir(host.root()).expect("the folder").count(), 1, "nothing is left");
        let error = laws::run(Write, &host, json!({ "path": host.path(""), "content": "" })).await;
        assert_eq!(error.expect_err("a folder").kind, ErrorKind::Invalid);
    }

    #[tokio::test]
    async fn a_backup_keeps_the_old_content() {
        let host = TestHost::new();
        let path = host.write("f", "old");
        let done =
            laws::ensures(Write, &host, json!({ "path": path, "content": "new", "backup": true })).await;
        let done = done.expect("it is written");
        let backup = done.output.fields["backup"].as_str().expect("a path");
        assert_eq!(std::fs::read(backup).expect("the backup"), b"old");
    }

    #[tokio::test]
    async fn a_link_is_replaced_or_followed() {
        for follow in [false, true] {
            let host = TestHost::new();
            host.write("target", "old");
            std::os::unix::fs::symlink("target", host.path("link")).expect("a link");
            let options = json!({ "path": host.path("link"), "content": "new", "follow": follow });
            laws::ensures(Write, &host, options).await.expect("it is written");
            assert_eq!(host.content("target").as_deref(), Some(if follow { &b"new"[..] } else { b"old" }));
            assert_eq!(host.content("link").as_deref(), Some(&b"new"[..]));
        }
    }

    #[tokio::test]
    async fn a_cut_leaves_the_old_or_the_new() {
        let prepare =
            |host: &TestHost| json!({ "path": host.write("f", "old"), "content": "new", "mode": "0600" });
        let observe = |host: &TestHost| (host.content("f"), host.mode("f"));
        let places = laws::survives_cuts(Write, prepare, observe).await;
        assert!(places >= 4, "cut at {places} places only");
    }
}
