//! Makes sure that a JSON file has a value, or has not.

use oneex_sdk::{Change, Example, Kind, Op, OpResult, Output, Proof, Reader, Resources, Writer};

use crate::host::content::ContentState;
use crate::host::documents::{Json, ValueParams};

/// The operation `json_value`.
pub(crate) struct JsonValue;

impl Op for JsonValue {
    type Params = ValueParams;
    /// Nothing where there is no file that could hold it.
    type State = Option<ContentState>;

    const NAME: &'static str = "json_value";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Makes sure that a JSON file has a value, or has not.

All else stays byte for byte as it is: order, indentation, and the comments and trailing commas that some files of
settings have. A new entry goes behind the last one of its map, on a line of its own where that one has one; maps on the
way to it are made. Of several entries with a name the last counts. `()` is `null`.

Sources: RFC 8259.";
    const POSITIONAL: &'static [&'static str] = &["path", "key", "value"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "one setting",
            code: r#"h.json_value(`${dir}/app.json`, "server.port", 8080, #{ create: true });"#,
            proof: Proof::Run,
        },
        Example {
            about: "a name with a dot, and a whole map",
            code: r#"h.json_value(`${dir}/app.json`, ["log.level", "web"], #{ "default": "info", sampled: true }, #{ create: true });"#,
            proof: Proof::Run,
        },
        Example {
            about: "no such setting",
            code: r#"h.json_value(#{ path: `${dir}/app.json`, key: "server.debug", state: "absent" });"#,
            proof: Proof::Run,
        },
    ];

    fn resources(&self, params: &ValueParams) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &ValueParams) -> OpResult<Option<ContentState>> {
        params.read::<Json>(reader).await
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

    use super::JsonValue;

    #[tokio::test]
    async fn decisions() {
        let text = "{\n  // c\n  \"a\": [1, {\"b\": null}],\n}";
        for (before, options, after) in [
            (
                None,
                json!({ "key": "a.b", "value": 1.5, "create": true }),
                Some("{\n  \"a\": {\n    \"b\": 1.5\n  }\n}\n".to_owned()),
            ),
            (Some(text), json!({ "key": "a.1.b", "value": null }), Some(text.to_owned())),
            (
                Some(text),
                json!({ "key": ["a", 1, "b"], "value": "$(id) 'x' \"y\"\n" }),
                Some(text.replace("null", "\"$(id) 'x' \\\"y\\\"\\n\"")),
            ),
            (Some(text), json!({ "key": "a.2", "value": true }), Some(text.replace("}],", "}, true],"))),
            (Some(text), json!({ "key": "a", "state": "absent" }), Some("{\n  // c\n}".to_owned())),
            (Some(text), json!({ "key": "x.y.z", "state": "absent" }), Some(text.to_owned())),
            (None, json!({ "key": "a", "state": "absent" }), None),
        ] {
            let host = TestHost::new();
            if let Some(before) = before {
                host.write("f", before);
            }
            let mut options = options;
            options["path"] = json!(host.path("f"));
            let done = laws::ensures(JsonValue, &host, options.clone()).await.expect("it is edited");
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
        host.write("f", "{\"a\": [1], \"n\": 5}");
        host.write("broken", "{\n  \"a\" 1}");
        for (name, options, message) in [
            ("gone", json!({ "key": "a", "value": 1 }), "does not exist"),
            ("binary", json!({ "key": "a", "value": 1 }), "is not UTF-8 text"),
            (
                "broken",
                json!({ "key": "a", "value": 1 }),
                "broken`: line 2, column 7: not JSON: `:` is expected here",
            ),
            ("f", json!({ "key": "a" }), "the option `value` is missing"),
            ("f", json!({ "key": "a..b", "value": 1 }), "`key` has an empty part"),
            ("f", json!({ "key": [], "value": 1 }), "`key` has an empty part"),
            ("f", json!({ "key": true, "value": 1 }), "a string with dots, or an array"),
            ("f", json!({ "key": "a.b", "value": 1 }), "f`: `a` is an array, not a map"),
            ("f", json!({ "key": "a.3", "value": 1 }), "`a` has 1 items, so that there is no place 3"),
            ("f", json!({ "key": "n.b", "value": 1 }), "`n` is a number, not a map"),
            ("f", json!({ "key": [0], "value": 1 }), "the document is a map, not an array"),
        ] {
            let mut options = options;
            options["path"] = json!(host.path(name));
            let error = laws::run(JsonValue, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
    }

    #[tokio::test]
    async fn a_cut_leaves_the_old_or_the_new() {
        let prepare = |host: &TestHost| json!({ "path": host.write("f", "{}"), "key": "a", "value": 2 });
        laws::survives_cuts(JsonValue, prepare, |host: &TestHost| host.content("f")).await;
    }
}
