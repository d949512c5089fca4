//! `limits`: how much of what the sessions of a user may use.

use oneex_sdk::{Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::accounts::Presence;
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, look_and_edit};
use crate::host::system::{Limit, with_limit, without_limit};

/// The operation `limits`.
pub(crate) struct Limits;

/// Which of the two limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
enum LimitType {
    /// The one that a session begins with.
    #[serde(rename = "soft")]
    Soft,
    /// The one up to which a session may raise it.
    #[serde(rename = "hard")]
    Hard,
    /// Both.
    #[serde(rename = "-")]
    Both,
}

impl LimitType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Soft => "soft",
            Self::Hard => "hard",
            Self::Both => "-",
        }
    }
}

/// The value of a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a whole number, or `unlimited`")]
enum Value {
    /// A number in the item's own unit, limits.conf(5).
    Number(i64),
    /// `unlimited`, `infinity`, or a number as a text.
    Text(String),
}

/// The options of `limits`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// For whom: a user, `@group`, `*`, or a range of numbers.
    domain: String,
    /// What is limited: `nofile`, `nproc`, `memlock`, `core` and their like.
    limit_item: String,
    /// How much, in the item's own unit; `-1` and `unlimited` are no limit. Not needed with `absent`.
    value: Option<Value>,
    /// `soft`, `hard`, or `-` for both.
    #[serde(default = "both")]
    limit_type: LimitType,
    /// Whether the limit is to be there.
    #[serde(default)]
    state: Presence,
    /// The file; it is made where it is not there.
    #[serde(default = "file")]
    dest: String,
    /// A comment at the end of a line that is new or changed.
    comment: Option<String>,
    /// Keeps the old file beside the new one, under its name with `.`, a random suffix and `~`.
    #[serde(default)]
    backup: bool,
}

fn both() -> LimitType {
    LimitType::Both
}

fn file() -> String {
    "/etc/security/limits.d/oneex.conf".to_owned()
}

/// What limits.conf(5) knows.
const ITEMS: &[&str] = &[
    "core",
    "data",
    "fsize",
    "memlock",
    "nofile",
    "rss",
    "stack",
    "cpu",
    "nproc",
    "as",
    "maxlogins",
    "maxsyslogins",
    "nonewprivs",
    "priority",
    "locks",
    "sigpending",
    "msgqueue",
    "nice",
    "rtprio",
    "rttime",
    "chroot",
];

impl Params {
    fn value(&self) -> OpResult<String> {
        let text = match &self.value {
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Text(text)) => text.trim().to_owned(),
            None if self.state == Presence::Absent => "-".to_owned(),
            None => return Err(OpError::invalid("`limits` needs the option `value`")),
        };
        let is_word = matches!(text.as_str(), "unlimited" | "infinity" | "-");
        if !is_word && self.limit_item != "chroot" && text.parse::<i64>().is_err() {
            return Err(OpError::invalid(format!("`value`: `{text}` is no whole number"))
                .hint("`unlimited` is no limit"));
        }
        Ok(text)
    }

    fn check(&self) -> OpResult<()> {
        if !ITEMS.contains(&self.limit_item.as_str()) {
            let hint = match oneex_sdk::nearest(&self.limit_item, ITEMS.iter().copied()) {
                Some(right) => format!("did you mean `{right}`?"),
                None => format!("items are: {}", ITEMS.join(", ")),
            };
            let message = format!("`limit_item`: there is no `{}`", self.limit_item);
            return Err(OpError::invalid(message).hint(hint));
        }
        let is_word = |text: &str| {
            !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#')
        };
        if !is_word(&self.domain) {
            return Err(OpError::invalid(format!("`domain`: `{}` is nobody", self.domain)));
        }
        let value = self.value()?;
        if !is_word(&value) {
            return Err(OpError::invalid(format!("`value`: `{value}` cannot stand in the file")));
        }
        if self.comment.as_ref().is_some_and(|comment| comment.contains('\n')) {
            return Err(OpError::invalid("`comment` holds a line break"));
        }
        Ok(())
    }
}

impl Op for Limits {
    type Params = Params;
    /// Nothing where there is no file that could hold it.
    type State = Option<ContentState>;

    const NAME: &'static str = "limits";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Says how much of what the sessions of a user may use.

The limits hold for sessions that begin afterwards; services of systemd have their own. The last line of a limit in a
file counts: it takes the value, and others of the same limit go. The result has `path`.

Sources: limits.conf(5), pam_limits(8); Ansible's module `community.general.pam_limits` for names and meaning.";
    const POSITIONAL: &'static [&'static str] = &["domain", "limit_item", "value"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "open files of a group",
            code: r#"h.limits("@web", "nofile", 65536, #{ dest: `${dir}/limits.conf` });"#,
            proof: Proof::Run,
        },
        Example {
            about: "no core dumps, unless somebody asks for them",
            code: r#"h.limits("*", "core", 0, #{ limit_type: "soft", dest: `${dir}/limits.conf` });"#,
            proof: Proof::Run,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.dest.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Option<ContentState>> {
        params.check()?;
        let value = params.value()?;
        let is_removal = params.state == Presence::Absent;
        look_and_edit(reader, &params.dest, true, is_removal, |text| {
            let limit = Limit {
                domain: &params.domain,
                kind: params.limit_type.as_str(),
                item: &params.limit_item,
                value: &value,
            };
            if is_removal {
                without_limit(text, &limit)
            } else {
                with_limit(text, &limit, params.comment.as_deref())
            }
        })
        .await
    }

    fn diff(&self, _: &Params, state: &Option<ContentState>) -> Change {
        state.as_ref().map_or_else(Change::none, |state| state.differ(Attributes::default(), true))
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &Option<ContentState>,
        change: &Change,
    ) -> OpResult<Output> {
        let Some(state) = state else { return Ok(Output::none()) };
        state.apply(writer, change, Attributes::default(), params.backup, None).await
    }

    fn output(&self, _: &Params, state: &Option<ContentState>) -> Output {
        state.as_ref().map_or_else(Output::none, ContentState::output)
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::Limits;

    #[tokio::test]
    async fn decisions() {
        for (before, options, after) in [
            (None, json!({ "domain": "*", "value": -1 }), Some("*\t-\tnofile\t-1\n")),
            (
                Some("# x\n"),
                json!({ "domain": "@a_b", "value": "unlimited", "limit_type": "hard",
                        "comment": "$(id) 'x'" }),
                Some("# x\n@a_b\thard\tnofile\tunlimited\t# $(id) 'x'\n"),
            ),
            (Some("* - nofile 5\n"), json!({ "domain": "*", "value": 5 }), Some("* - nofile 5\n")),
            (Some("* - nofile 5\n"), json!({ "domain": "*", "state": "absent" }), Some("")),
            (None, json!({ "domain": "*", "state": "absent" }), None),
        ] {
            let host = TestHost::new();
            if let Some(before) = before {
                host.write("l", before);
            }
            let mut options = options;
            options["limit_item"] = json!("nofile");
            options["dest"] = json!(host.path("l"));
            let done = laws::ensures(Limits, &host, options.clone()).await.expect("it is edited");
            assert_eq!(done.changed, before != after, "{options}");
            assert_eq!(host.content("l"), after.map(|text| text.as_bytes().to_vec()), "{options}");
        }
    }

    #[tokio::test]
    async fn wrong_calls_are_named() {
        let host = TestHost::new();
        for (options, message) in [
            (json!({ "domain": "a b", "value": 1 }), "`domain`: `a b` is nobody"),
            (json!({ "domain": "a\n*", "value": 1 }), "is nobody"),
            (json!({ "domain": "#a", "value": 1 }), "is nobody"),
            (json!({ "domain": "a" }), "`limits` needs the option `value`"),
            (json!({ "domain": "a", "value": "many" }), "`value`: `many` is no whole number"),
            (json!({ "domain": "a", "value": 1, "limit_item": "nofiles" }), "there is no `nofiles`"),
            (json!({ "domain": "a", "value": 1, "comment": "a\nb" }), "`comment` holds a line break"),
            (json!({ "domain": "a", "value": [1] }), "must be a whole number, or `unlimited`"),
        ] {
            let mut options = options;
            options["dest"] = json!(host.path("l"));
            if options.get("limit_item").is_none() {
                options["limit_item"] = json!("nofile");
            }
            let error = laws::run(Limits, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
        assert_eq!(host.round_trips(), 0, "the host is not asked");
    }

    #[tokio::test]
    async fn a_cut_leaves_the_old_or_the_new() {
        let prepare = |host: &TestHost| json!({ "domain": "*", "limit_item": "nproc", "value": 9, "dest": host.write("l", "# x\n") });
        laws::survives_cuts(Limits, prepare, |host: &TestHost| host.content("l")).await;
    }
}
