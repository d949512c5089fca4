//! Makes sure that a TOML file has a value, or has not.

use oneex_sdk::{Change, Example, Kind, Op, OpResult, Output, Proof, Reader, Resources, Writer};

use crate::host::content::ContentState;
use crate::host::documents::{Toml, ValueParams};

/// The operation `toml_value`.
pub(crate) struct TomlValue;

impl Op for TomlValue {
    type Params = ValueParams;
    /// Nothing where there is no file that could hold it.
    type State = Option<ContentState>;

    const NAME: &'static str = "toml_value";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Makes sure that a TOML file has a value, or has not.

All else stays byte for byte as it is: comments, order, layout, quotes. A new name goes behind the last one of its table,
and a new table behind the tables that it belongs to; tables on the way to it are made. A table goes with its lines and
with all tables below it. Dates are read and kept, and cannot be set; there is no `()`.

Sources: TOML 1.0.0.";
    const POSITIONAL: &'static [&'static str] = &["path", "key", "value"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "one setting",
            code: r#"h.toml_value(`${dir}/app.toml`, "server.port", 8080, #{ create: true });"#,
            proof: Proof::Run,
        },
        Example {
            about: "a name with a dot, and an array",
            code: r#"h.toml_value(`${dir}/app.toml`, ["log.level", "web"], ["info", "audit"], #{ create: true });"#,
            proof: Proof::Run,
        },
        Example {
            about: "no such table",
            code: r#"h.toml_value(#{ path: `${dir}/app.toml`, key: "server.debug", state: "absent" });"#,
            proof: Proof::Run,
        },
    ];

    fn resources(&self, params: &ValueParams) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &ValueParams) -> OpResult<Option<ContentState>> {
        params.read::<Toml>(reader).await
    }

    fn diff(&self, params: &ValueParams, state: &Option<ContentState>) -> Change {
        params.differ(state.as_ref())
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &ValueParams,
        state: &Option<ContentState>,
        change: &Change,
    ) -> OpResult<Output> {
        params.apply(writer, state.as_ref(), change).await
    }

    fn output(&self, _: &ValueParams, state: &Option<ContentState>) -> Output {
        state.as_ref().map_or_else(Output::none, ContentState::output)
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::TomlValue;

    #[tokio::test]
    async fn decisions() {
        let text = "# c\na = [1, { b = 2 }]   # first\n\n[t]\nx = 'y'\n";
        for (before, options, after) in [
            (None, json!({ "key": "a.b", "value": 1.5, "create": true }), Some("[a]\nb = 1.5\n".to_owned())),
            (Some(text), json!({ "key": "a.1.b", "value": 2 }), Some(text.to_owned())),
            (
                Some(text),
                json!({ "key": ["a", 1, "b"], "value": "$(id) 'x'\n" }),
                Some(text.replace("b = 2", "b = \"$(id) 'x'\\n\"")),
            ),
            (Some(text), json!({ "key": "t.z", "value": false }), Some(format!("{text}z = false\n"))),
            (
                Some(text),
                json!({ "key": "a", "state": "absent" }),
                Some(text.replace("a = [1, { b = 2 }]   # first\n", "")),
            ),
            (Some(text), json!({ "key": "x.y.z", "state": "absent" }), Some(text.to_owned())),
            (None, json!({ "key": "a", "state": "absent" }), None),
        ] {
            let host = TestHost::new();
            if let Some(before) = before {
                host.write("f", before);
            }
            let mut options = options;
            options["path"] = json!(host.path("f"));
            let done = laws::ensures(TomlValue, &host, options.clone()).await.expect("it is edited");
            assert_eq!(done.changed, before != after.as_deref(), "{options}");
            assert_eq!(
                host.content("f").map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
                after,
                "{options}"
            );
        }
    }

    #[tokio::test]
    async fn wrong_calls_are_named() {
        let host = TestHost::new();
        host.write("binary", b"\xff\xfe");
        host.write("f", "a = [1]\nd = 2020-01-01\n");
        host.write("broken", "a = \n");
        for (name, options, message) in [
            ("gone", json!({ "key": "a", "value": 1 }), "does not exist"),
            ("binary", json!({ "key": "a", "value": 1 }), "is not UTF-8 text"),
            ("broken", json!({ "key": "a", "value": 1 }), "broken`: line 1, column "),
            ("f", json!({ "key": "a" }), "the option `value` is missing"),
            ("f", json!({ "key": "a", "value": null }), "TOML has no value for `()`"),
            ("f", json!({ "key": "a.", "value": 1 }), "`key` has an empty part"),
            ("f", json!({ "key": "a.b", "value": 1 }), "f`: `a` is an array, not a map"),
            ("f", json!({ "key": "d.b", "value": 1 }), "`d` is a date or time, not a map"),
            ("f", json!({ "key": "a.0", "state": "absent" }), "`a.0` is a position"),
        ] {
            let mut options = options;
            options["path"] = json!(host.path(name));
            let error = laws::run(TomlValue, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
    }

    #[tokio::test]
    async fn a_cut_leaves_the_old_or_the_new() {
        let prepare = |host: &TestHost| json!({ "path": host.write("f", "a = 1\n"), "key": "a", "value": 2 });
        laws::survives_cuts(TomlValue, prepare, |host: &TestHost| host.content("f")).await;
    }
}
