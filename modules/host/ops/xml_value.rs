//! Makes sure that an XML file has an element or attribute with a value, or has not.

use oneex_sdk::{Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::accounts::Presence;
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, look_and_try_edit};
use crate::host::documents::{Scalar, with_node, without_node};

/// The operation `xml_value`.
pub(crate) struct XmlValue;

/// The options of `xml_value`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The absolute path of a file that is there; a symbolic link is followed.
    path: String,
    /// The element or attribute, from the root element on: names with `/` between them, and in brackets a position
    /// from 1, `@name='value'` or `name='value'`; `/@name` at the end is an attribute. Prefixes are part of names.
    xpath: String,
    /// The text of the element, or the value of the attribute; left out, the element is to be there.
    value: Option<Scalar>,
    /// Whether it is to be there.
    #[serde(default)]
    state: Presence,
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
}

impl Op for XmlValue {
    type Params = Params;
    /// Nothing where there is no file that could hold it.
    type State = Option<ContentState>;

    const NAME: &'static str = "xml_value";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Makes sure that an XML file has an element or attribute with a value, or has not.

All else stays byte for byte as it is: comments, order, layout, quotes. All that the path leads to is set. Where it leads
to nothing, what is missing of it is made behind the last element there, with the attributes and elements that its
predicates ask for. An element that holds others cannot be given a text.

Sources: XML 1.0, XPath 1.0, Ansible's module `xml` of `community.general` for the names of the options.";
    const POSITIONAL: &'static [&'static str] = &["path", "xpath", "value"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "an attribute of one of several elements",
            code: r#"h.xml_value("/etc/tomcat/server.xml", "/Server/Service[@name='Catalina']/Connector[1]/@port", 8080);"#,
            proof: Proof::Check,
        },
        Example {
            about: "no such element",
            code: r#"h.xml_value(#{ path: "/etc/app.xml", xpath: "/app/debug", state: "absent" });"#,
            proof: Proof::Check,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Option<ContentState>> {
        let is_removal = params.state == Presence::Absent;
        let value = params.value.as_ref().map(Scalar::text);
        if value.is_none() && !is_removal && params.xpath.contains("/@") {
            let end = params.xpath.rsplit('/').next().unwrap_or_default();
            if end.starts_with('@') {
                return Err(OpError::invalid("`xml_value` needs the option `value` for an attribute"));
            }
        }
        let look = look_and_try_edit(reader, &params.path, false, is_removal, |text| {
            if is_removal {
                without_node(text, &params.xpath)
            } else {
                with_node(text, &params.xpath, value.as_deref())
            }
        });
        look.await.map_err(|mut error| {
            // There is no document that this could make.
            error.hint = error.hint.filter(|hint| !hint.starts_with("`create: true`"));
            error
        })
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

    use super::XmlValue;

    #[tokio::test]
    async fn decisions() {
        let text = "<!-- c -->\n<a>\n  <b n='1'>x</b>\n</a>";
        for (before, options, after) in [
            (Some(text), json!({ "xpath": "/a/b", "value": "x" }), Some(text.to_owned())),
            (Some(text), json!({ "xpath": "/a/b/@n", "value": 2 }), Some(text.replace("'1'", "'2'"))),
            (
                Some(text),
                json!({ "xpath": "/a/b", "value": "$(id) <'\n" }),
                Some(text.replace(">x<", ">$(id) &lt;'\n<")),
            ),
            (
                Some(text),
                json!({ "xpath": "/a/c", "value": true }),
                Some(text.replace("\n</a>", "\n  <c>true</c>\n</a>")),
            ),
            (
                Some(text),
                json!({ "xpath": "/a/b", "state": "absent" }),
                Some(text.replace("  <b n='1'>x</b>\n", "")),
            ),
            (None, json!({ "xpath": "/a/b", "state": "absent" }), None),
        ] {
            let host = TestHost::new();
            if let Some(before) = before {
                host.write("f", before);
            }
            let mut options = options;
            options["path"] = json!(host.path("f"));
            let done = laws::ensures(XmlValue, &host, options.clone()).await.expect("it is edited");
            assert_eq!(done.changed, before != after.as_deref(), "{options}");
            assert_eq!(host.content("f"), after.map(String::into_bytes), "{options}");
        }
    }

    #[tokio::test]
    async fn wrong_calls_are_named() {
        let host = TestHost::new();
        host.write("binary", b"\xff\xfe");
        host.write("f", "<a><b/></a>");
        for (name, options, message) in [
            ("gone", json!({ "xpath": "/a" }), "does not exist"),
            ("binary", json!({ "xpath": "/a" }), "is not UTF-8 text"),
            ("f", json!({ "xpath": "a" }), "`xpath`: `a` is not understood"),
            ("f", json!({ "xpath": "/a/@n" }), "needs the option `value` for an attribute"),
            ("f", json!({ "xpath": "/a", "value": 1 }), "f`: `/a` holds elements"),
            ("f", json!({ "xpath": "/a", "state": "absent" }), "is the root element"),
        ] {
            let mut options = options;
            options["path"] = json!(host.path(name));
            let error = laws::run(XmlValue, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
    }

    #[tokio::test]
    async fn a_cut_leaves_the_old_or_the_new() {
        let prepare = |host: &TestHost| json!({ "path": host.write("f", "<a/>"), "xpath": "/a", "value": 2 });
        laws::survives_cuts(XmlValue, prepare, |host: &TestHost| host.content("f")).await;
    }
}
