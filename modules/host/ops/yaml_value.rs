//! Makes sure that a YAML file has a value, or has not.

use oneex_sdk::{Change, Example, Kind, Op, OpResult, Output, Proof, Reader, Resources, Writer};

use crate::host::content::ContentState;
use crate::host::documents::{ValueParams, Yaml};

/// The operation `yaml_value`.
pub(crate) struct YamlValue;

impl Op for YamlValue {
    type Params = ValueParams;
    /// Nothing where there is no file that could hold it.
    type State = Option<ContentState>;

    const NAME: &'static str = "yaml_value";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Makes sure that a YAML file has a value, or has not.

All else stays byte for byte as it is: comments, order, indentation, quotes. A new entry goes behind the last one of its
map, as the file is indented; maps on the way to it are made. Texts that some reader would take for something else, as
`yes` and `1:30`, get quotes. Anchors stay, aliases are not followed. A file of several documents is an error, and so is a
value with a tag.

Sources: YAML 1.2.2.";
    const POSITIONAL: &'static [&'static str] = &["path", "key", "value"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "one setting",
            code: r#"h.yaml_value(`${dir}/app.yaml`, "server.port", 8080, #{ create: true });"#,
            proof: Proof::Run,
        },
        Example {
            about: "an array in a map",
            code: r#"h.yaml_value(`${dir}/app.yaml`, ["log.level", "web"], ["info", "audit"], #{ create: true });"#,
            proof: Proof::Run,
        },
        Example {
            about: "no such setting",
            code: r#"h.yaml_value(#{ path: `${dir}/app.yaml`, key: "server.debug", state: "absent" });"#,
            proof: Proof::Run,
        },
    ];

    fn resources(&self, params: &ValueParams) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &ValueParams) -> OpResult<Option<ContentState>> {
        params.read::<Yaml>(reader).await
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

    use super::YamlValue;

    #[tokio::test]
    async fn decisions() {
        let text = "# c\na:\n- x   # first\n- b: ~\n";
        for (before, options, after) in [
            (None, json!({ "key": "a.b", "value": 1.5, "create": true }), Some("a:\n  b: 1.5\n".to_owned())),
            (Some(text), json!({ "key": "a.1.b", "value": null }), Some(text.to_owned())),
            (
                Some(text),
                json!({ "key": ["a", 1, "b"], "value": "$(id) 'x'\n" }),
                Some(text.replace('~', "\"$(id) 'x'\\n\"")),
            ),
            (Some(text), json!({ "key": "a.2", "value": "no" }), Some(format!("{text}- \"no\"\n"))),
            (Some(text), json!({ "key": "a.1.b", "state": "absent" }), Some(text.replace("b: ~", "{}"))),
            (Some(text), json!({ "key": "x.y.z", "state": "absent" }), Some(text.to_owned())),
            (None, json!({ "key": "a", "state": "absent" }), None),
        ] {
            let host = TestHost::new();
            if let Some(before) = before {
                host.write("f", before);
            }
            let mut options = options;
            options["path"] = json!(host.path("f"));
            let done = laws::ensures(YamlValue, &host, options.clone()).await.expect("it is edited");
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
        host.write("f", "a: [1]\nt: !x 1\n");
        host.write("broken", "a: [1\n");
        for (name, options, message) in [
            ("gone", json!({ "key": "a", "value": 1 }), "does not exist"),
            ("binary", json!({ "key": "a", "value": 1 }), "is not UTF-8 text"),
            ("broken", json!({ "key": "a", "value": 1 }), "broken`: line "),
            ("f", json!({ "key": "a" }), "the option `value` is missing"),
            ("f", json!({ "key": "", "value": 1 }), "`key` has an empty part"),
            ("f", json!({ "key": "a.b", "value": 1 }), "f`: `a` is an array, not a map"),
            (
                "f",
                json!({ "key": "a.0", "state": "absent" }),
                "`a.0` is a position, which the next item would take",
            ),
            ("f", json!({ "key": "t", "value": 1 }), "`t` cannot be edited without touching"),
        ] {
            let mut options = options;
            options["path"] = json!(host.path(name));
            let error = laws::run(YamlValue, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
    }

    #[tokio::test]
    async fn a_cut_leaves_the_old_or_the_new() {
        let prepare = |host: &TestHost| json!({ "path": host.write("f", "a: 1\n"), "key": "a", "value": 2 });
        laws::survives_cuts(YamlValue, prepare, |host: &TestHost| host.content("f")).await;
    }
}
