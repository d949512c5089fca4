//! Replaces what a regular expression fits.

use oneex_sdk::{Change, Example, Kind, Op, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, look_and_try_edit};
use crate::host::documents::Replacement;

/// The operation `replace`.
pub(crate) struct Replace;

/// The options of `replace`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The absolute path of a file that is there; a symbolic link is followed.
    path: String,
    /// The regular expression; `^` and `$` fit at line breaks, `.` fits none unless it has `(?s)`.
    regexp: String,
    /// What stands in its place: `$1` and `${name}` are groups, `$$` is a dollar. Without it all that fits is removed.
    #[serde(default)]
    replace: String,
    /// Only behind the first match of this regular expression, whose `.` fits line breaks; nothing is replaced where
    /// there is none.
    after: Option<String>,
    /// Only before the last match of this regular expression; with `after`, before the first match behind that.
    before: Option<String>,
    /// The file mode, such as `"0644"` or `"u=rw,go=r"`; kept when left out.
    mode: Option<Mode>,
    /// The owner, by name or number; kept when left out.
    owner: Option<String>,
    /// The group, by name or number; kept when left out.
    group: Option<String>,
    /// Keeps the old file beside the new one, under its name with `.`, a random suffix and `~`.
    #[serde(default)]
    backup: bool,
    /// A command that must accept the new file before it takes its place; `%s` stands for its name.
    validate: Option<String>,
}

impl Params {
    fn attributes(&self) -> Attributes<'_> {
        Attributes { mode: self.mode.as_ref(), owner: self.owner.as_deref(), group: self.group.as_deref() }
    }

    fn replacement(&self) -> Replacement<'_> {
        Replacement {
            regexp: &self.regexp,
            replace: &self.replace,
            after: self.after.as_deref(),
            before: self.before.as_deref(),
        }
    }
}

impl Op for Replace {
    type Params = Params;
    /// Nothing never comes: what is not there is an error.
    type State = Option<ContentState>;

    const NAME: &'static str = "replace";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Replaces all that a regular expression fits.

All else stays byte for byte as it is. The expression must not fit what it makes: that would be replaced again by each
run, and is an error. In a file with `\\r\\n`, that is one line break to `^`, `$` and `.`. Regular expressions are those
of the Rust crate `regex`.

Sources: Ansible's module `replace` for names and meaning.";
    const POSITIONAL: &'static [&'static str] = &["path", "regexp", "replace"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a name that has changed",
            code: r#"h.replace("/etc/app.conf", "old\\.example\\.org", "new.example.org");"#,
            proof: Proof::Check,
        },
        Example {
            about: "comments out what is between two lines",
            code: r##"h.replace("/etc/apache2/site.conf", "^([^#\n].*)$", "# $1", #{ after: "<Location /x>\n", before: "</Location>" });"##,
            proof: Proof::Check,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Option<ContentState>> {
        let replacement = params.replacement();
        replacement.check()?;
        look_and_try_edit(reader, &params.path, false, false, |text| replacement.apply(text)).await.map_err(
            |mut error| {
                // There is nothing to replace in a file that this would make.
                error.hint = error.hint.filter(|hint| !hint.starts_with("`create: true`"));
                error
            },
        )
    }

    fn diff(&self, params: &Params, state: &Option<ContentState>) -> Change {
        state.as_ref().map_or_else(Change::none, |state| state.differ(params.attributes(), true))
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &Option<ContentState>,
        change: &Change,
    ) -> OpResult<Output> {
        let Some(state) = state else { return Ok(Output::none()) };
        state.apply(writer, change, params.attributes(), params.backup, params.validate.as_deref()).await
    }

    fn output(&self, _: &Params, state: &Option<ContentState>) -> Output {
        state.as_ref().map_or_else(Output::none, ContentState::output)
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::Replace;

    #[tokio::test]
    async fn decisions() {
        for (before, options, after) in [
            ("a b\na", json!({ "regexp": "a", "replace": "x" }), "x b\nx"),
            (
                "p = 1 # c\r\nq",
                json!({ "regexp": "^(p) = .*?( #.*)?$", "replace": "$1=2$2" }),
                "p=2 # c\r\nq",
            ),
            ("a\nb\n", json!({ "regexp": "^b\n" }), "a\n"),
            (
                "x",
                json!({ "regexp": "x", "replace": "$$(touch pwned) `id` 'q' \"r\"" }),
                "$(touch pwned) `id` 'q' \"r\"",
            ),
            ("a", json!({ "regexp": "b", "replace": "c" }), "a"),
            (
                "a\nS\na\nE\na\n",
                json!({ "regexp": "a", "replace": "b", "after": "S", "before": "E" }),
                "a\nS\nb\nE\na\n",
            ),
        ] {
            let host = TestHost::new();
            let mut options = options;
            options["path"] = json!(host.write("f", before));
            let done = laws::ensures(Replace, &host, options.clone()).await.expect("it is edited");
            assert_eq!(done.changed, before != after, "{options}");
            assert_eq!(host.content("f").as_deref(), Some(after.as_bytes()), "{options}");
        }
    }

    #[tokio::test]
    async fn a_link_stays_and_a_backup_is_kept() {
        let host = TestHost::new();
        host.write("real", "a");
        std::os::unix::fs::symlink("real", host.path("l")).expect("a link");
        let options =
            json!({ "path": host.path("l"), "regexp": "a", "replace": "b", "backup": true, "mode": "0600" });
        let done = laws::ensures(Replace, &host, options).await.expect("it is replaced");
        assert!(host.root().join("l").is_symlink());
        assert_eq!((host.content("real").as_deref(), host.mode("real")), (Some(&b"b"[..]), 0o600));
        let kept = done.output.fields["backup"].as_str().expect("a path");
        assert_eq!(std::fs::read(kept).expect("the old file"), b"a");
    }

    #[tokio::test]
    async fn a_validation_that_fails_leaves_the_old() {
        let host = TestHost::new();
        let path = host.write("f", "a");
        let options = json!({ "path": path, "regexp": "a", "replace": "b", "validate": "grep -q a %s" });
        let error = laws::run(Replace, &host, options).await.expect_err("it is refused");
        assert!(error.message.contains("the validation refused"), "{}", error.message);
        assert_eq!(host.content("f").as_deref(), Some(&b"a"[..]));
    }

    #[tokio::test]
    async fn wrong_calls_are_named() {
        let host = TestHost::new();
        host.write("binary", b"\xff\xfe");
        host.write("f", "a");
        for (name, options, message) in [
            ("gone", json!({ "regexp": "a" }), "does not exist"),
            ("binary", json!({ "regexp": "a" }), "is not UTF-8 text"),
            ("f", json!({ "regexp": "(" }), "`regexp`: "),
            ("f", json!({ "regexp": "a", "after": "(" }), "`after`: "),
            ("f", json!({ "regexp": "a", "before": "[" }), "`before`: "),
            ("f", json!({ "regexp": "a", "replace": "$1" }), "`regexp` has no group `1`"),
            ("f", json!({ "regexp": "a", "replace": "aa" }), "each run would change it again"),
        ] {
            let mut options = options;
            options["path"] = json!(host.path(name));
            let error = laws::run(Replace, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
            assert!(error.hint.is_none_or(|hint| !hint.contains("create")), "there is no such option");
        }
    }

    #[tokio::test]
    async fn a_cut_leaves_the_old_or_the_new() {
        let prepare =
            |host: &TestHost| json!({ "path": host.write("f", "a\n"), "regexp": "a", "replace": "b" });
        laws::survives_cuts(Replace, prepare, |host: &TestHost| host.content("f")).await;
    }
}
