//! Gives a file the rendered text of a template.

use oneex_sdk::{Change, Example, Kind, Map, Op, OpResult, Output, Proof, Reader, Resources, Value, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, Wanted, look};

/// The operation `template`.
pub(crate) struct Template;

/// The options of `template`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The template's name, looked for in `templates/` beside the script, then beside the runbook.
    src: String,
    /// The absolute path on the host.
    path: String,
    /// Variables for the template, over those of the host.
    #[serde(default)]
    vars: Map<String, Value>,
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

impl Op for Template {
    type Params = Params;
    type State = ContentState;

    const NAME: &'static str = "template";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Gives a file the rendered text of a template.

Templates are Jinja, with the host's variables and facts, and `vars` over them.

The file is replaced whole or not at all, and is readable by nobody else until it has its mode. The folder must be
there already. The result has `path`, `sha256`, `size` and, with `backup`, the path of the old file.

Sources: rename(2), chmod(1p), Ansible's module `template` for the names of the options.";
    const POSITIONAL: &'static [&'static str] = &["src", "path"];
    const EXAMPLES: &'static [Example] = &[Example {
        about: "a template of the project",
        code: r#"h.template("shop.conf.j2", `${dir}/shop.conf`, #{ mode: "0644", vars: #{ port: 8080 } });"#,
        proof: Proof::Check,
    }];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<ContentState> {
        let text = reader.render(&params.src, &params.vars).await?;
        look(reader, &params.path, params.follow, Wanted::bytes(text.into_bytes())).await
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
    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::Template;

    #[tokio::test]
    async fn the_rendered_text_is_what_the_file_holds() {
        let host = TestHost::new();
        host.project_write("templates/a.j2", "port {{ port }}\n");
        let options =
            json!({ "src": "a.j2", "path": host.path("a"), "vars": { "port": 80 }, "mode": "0600" });
        assert!(laws::ensures(Template, &host, options).await.expect("it is written").changed);
        assert_eq!(host.content("a").as_deref(), Some(&b"port 80\n"[..]));
        let error = laws::run(Template, &host, json!({ "src": "b.j2", "path": host.path("b") })).await;
        assert_eq!(error.expect_err("no template").message, "there is no `b.j2` in `templates/`");
    }
}
