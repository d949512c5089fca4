//! Makes sure that a file of sections has an option, or has not.

use oneex_sdk::{Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::accounts::Presence;
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, look_and_edit};
use crate::host::documents::{IniCondition, IniEdit, IniValues, Scalar, with_option, without_option};

/// The operation `ini`.
pub(crate) struct Ini;

/// The options of `ini`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The absolute path; a symbolic link is followed.
    path: String,
    /// The section, without its brackets; left out it is what stands before the first one.
    section: Option<String>,
    /// Of several sections with the name, the first one that has these options; where none has them all, `present` makes
    /// one with them, and `absent` is done.
    #[serde(default)]
    section_has_values: Vec<Condition>,
    /// The option; left out it is the section itself.
    option: Option<String>,
    /// The value, which is not with `values`.
    value: Option<Scalar>,
    /// The values of an option that is there several times, one line each.
    #[serde(default)]
    values: Vec<Scalar>,
    /// Takes every other line of the option out of the section; with `absent` whatever value a line has.
    #[serde(default = "yes")]
    exclusive: bool,
    /// Whether the option, or the section, is to be there.
    #[serde(default)]
    state: Presence,
    /// Lets an option stand without `=` and a value.
    #[serde(default)]
    allow_no_value: bool,
    /// Writes `option=value` and not `option = value`.
    #[serde(default)]
    no_extra_spaces: bool,
    /// Leaves a line as it is that only differs in the blanks around `=`.
    #[serde(default)]
    ignore_spaces: bool,
    /// Makes a line with `#` or `;` before the option the option's, and does not add another.
    #[serde(default = "yes")]
    modify_inactive_option: bool,
    /// Makes the file where there is none; otherwise that is an error.
    #[serde(default = "yes")]
    create: bool,
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

/// What a section has.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Condition {
    /// The option.
    option: String,
    /// Its value; any will do without it.
    value: Option<Scalar>,
    /// Several values, of which it has one.
    #[serde(default)]
    values: Vec<Scalar>,
}

impl Condition {
    fn texts(&self) -> IniValues {
        self.value.iter().chain(&self.values).map(|value| value.text().trim().to_owned()).collect()
    }
}

fn yes() -> bool {
    true
}

impl Params {
    fn attributes(&self) -> Attributes<'_> {
        Attributes { mode: self.mode.as_ref(), owner: self.owner.as_deref(), group: self.group.as_deref() }
    }

    fn edit(&self) -> OpResult<IniEdit<'_>> {
        let mut values = IniValues::new();
        for value in self.value.iter().chain(&self.values).map(|value| value.text().trim().to_owned()) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        let is_present = self.state == Presence::Present;
        let named = [("section", self.section.as_deref()), ("option", self.option.as_deref())];
        let wanted = self.section_has_values.iter();
        let wanted: Vec<String> =
            wanted.flat_map(|one| one.texts().into_iter().chain([one.option.clone()])).collect();
        let conditions = wanted.iter().map(|text| ("section_has_values", Some(text.as_str())));
        for (option, text) in named
            .into_iter()
            .chain(conditions)
            .chain(values.iter().map(|value| ("value", Some(value.as_str()))))
        {
            if text.is_some_and(|text| text.contains(['\n', '\r', '\0'])) {
                return Err(OpError::invalid(format!("`{option}` holds a line break")));
            }
            if !["value", "section_has_values"].contains(&option)
                && text.is_some_and(|text| text.trim().is_empty())
            {
                return Err(OpError::invalid(format!("`{option}` is empty")));
            }
        }
        if self.section.as_ref().is_some_and(|section| section.contains(['[', ']'])) {
            return Err(OpError::invalid("`section` is the name without brackets"));
        }
        if self
            .option
            .as_ref()
            .is_some_and(|name| name.contains('=') || name.trim().starts_with(['[', '#', ';']))
        {
            return Err(OpError::invalid("`option` is no name of an option"));
        }
        if self.value.is_some() && !self.values.is_empty() {
            return Err(OpError::invalid("`value` and `values` exclude each other"));
        }
        if self.section.is_none() && self.option.is_none() {
            return Err(OpError::invalid("`ini` needs the option `section` or `option`"));
        }
        if self.option.is_none() && !values.is_empty() {
            return Err(OpError::invalid("a value needs the option `option`"));
        }
        if is_present && self.option.is_some() && values.is_empty() && !self.allow_no_value {
            return Err(OpError::invalid("`ini` needs the option `value`")
                .hint("`allow_no_value: true` writes an option without one"));
        }
        if !is_present && self.option.is_some() && values.is_empty() && !self.exclusive {
            return Err(OpError::invalid("`exclusive: false` needs the value that is removed"));
        }
        let conditions = self.conditions(&values)?;
        Ok(IniEdit {
            section: self.section.as_deref().map(str::trim),
            conditions,
            option: self.option.as_deref().map(str::trim),
            values,
            exclusive: self.exclusive,
            allow_no_value: self.allow_no_value,
            no_extra_spaces: self.no_extra_spaces,
            ignore_spaces: self.ignore_spaces,
            modify_inactive_option: self.modify_inactive_option,
        })
    }
}

impl Params {
    /// What the section has, and still has afterwards.
    fn conditions(&self, wanted: &[String]) -> OpResult<Vec<IniCondition<'_>>> {
        let is_present = self.state == Presence::Present;
        let mut all = Vec::new();
        for condition in &self.section_has_values {
            let (option, values) = (condition.option.trim(), condition.texts());
            let wrong = |message: String| Err(OpError::invalid(format!("`section_has_values`: {message}")));
            if self.section.is_none() || option.is_empty() || option.contains('=') {
                return wrong("it needs `section`, and the name of an option".to_owned());
            }
            if condition.value.is_some() && !condition.values.is_empty() {
                return wrong("`value` and `values` exclude each other".to_owned());
            }
            let is_own = self.option.as_deref().map(str::trim) == Some(option);
            if is_present && values.is_empty() && !self.allow_no_value && !is_own {
                return wrong(format!("`{option}` needs a value, with which a new section would get it"));
            }
            let is_kept = values.is_empty() || values.iter().any(|value| wanted.contains(value));
            if is_present && is_own && self.exclusive && !is_kept {
                return wrong(format!("no section would have `{option}` with that value afterwards"));
            }
            all.push(IniCondition { option, values });
        }
        Ok(all)
    }
}

impl Op for Ini {
    type Params = Params;
    /// Nothing where there is no file that could hold it.
    type State = Option<ContentState>;

    const NAME: &'static str = "ini";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Makes sure that a file of sections has an option with a value, or has not.

A line that is there is changed, also one that `#` or `;` makes a comment; a new one goes behind the section's last
option, and a new section to the end. Without `option` it is about the section. All else stays byte for byte as it is:
comments, order, blank lines, `\\r\\n`, a missing last line break. Blanks around names and values carry nothing.

Sources: Ansible's module `ini_file` of `community.general` for names and meaning.";
    const POSITIONAL: &'static [&'static str] = &["path"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "one setting",
            code: r#"h.ini(`${dir}/app.ini`, #{ section: "server", option: "port", value: 8080 });"#,
            proof: Proof::Run,
        },
        Example {
            about: "an option that is there twice, as units of systemd have them",
            code: r#"h.ini(`${dir}/app.service`, #{ section: "Unit", option: "After", values: ["network.target", "time-sync.target"], no_extra_spaces: true });"#,
            proof: Proof::Run,
        },
        Example {
            about: "no such section",
            code: r#"h.ini(`${dir}/app.ini`, #{ section: "old", state: "absent" });"#,
            proof: Proof::Run,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Option<ContentState>> {
        let edit = params.edit()?;
        let is_removal = params.state == Presence::Absent;
        look_and_edit(reader, &params.path, params.create, is_removal, |text| {
            if is_removal { without_option(text, &edit) } else { with_option(text, &edit) }
        })
        .await
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

    use super::Ini;

    #[tokio::test]
    async fn decisions() {
        for (before, options, after) in [
            (None, json!({ "section": "s", "option": "a", "value": true }), Some("[s]\na = true\n")),
            (
                Some("[s]\na = 1\n"),
                json!({ "section": "s", "option": "a", "value": 1 }),
                Some("[s]\na = 1\n"),
            ),
            (
                Some("# c\r\n[s]\r\na=1"),
                json!({ "section": "s", "option": "a", "value": 2.5 }),
                Some("# c\r\n[s]\r\na = 2.5"),
            ),
            (Some("a=1\n"), json!({ "option": "a", "value": " $(id) 'x' " }), Some("a = $(id) 'x'\n")),
            (Some("[s]\na=1\n"), json!({ "section": "s", "option": "a", "state": "absent" }), Some("[s]\n")),
            (Some("[s]\na=1\n"), json!({ "section": "s", "state": "absent" }), Some("")),
            (None, json!({ "section": "s", "state": "absent" }), None),
            (
                Some("[s]\nip = 1\n[s]\nip = 2\n"),
                json!({
                    "section": "s", "option": "key", "value": "x",
                    "section_has_values": [{ "option": "ip", "value": 2 }],
                }),
                Some("[s]\nip = 1\n[s]\nip = 2\nkey = x\n"),
            ),
            (
                Some("[s]\nip = 1\n[s]\nip = 2\n"),
                json!({ "section": "s", "state": "absent", "section_has_values": [{ "option": "ip", "values": [3, 1] }] }),
                Some("[s]\nip = 2\n"),
            ),
            (
                Some("[s]\n"),
                json!({ "section": "s", "option": "-n", "allow_no_value": true }),
                Some("[s]\n-n\n"),
            ),
        ] {
            let host = TestHost::new();
            if let Some(before) = before {
                host.write("f", before);
            }
            let mut options = options;
            options["path"] = json!(host.path("f"));
            let done = laws::ensures(Ini, &host, options.clone()).await.expect("it is edited");
            assert_eq!(done.changed, before != after, "{options}");
            assert_eq!(host.content("f"), after.map(|text| text.as_bytes().to_vec()), "{options}");
        }
    }

    #[tokio::test]
    async fn wrong_calls_are_named() {
        let host = TestHost::new();
        host.write("binary", b"\xff\xfe");
        for (options, message) in [
            (json!({ "path": host.path("gone"), "section": "s", "create": false }), "does not exist"),
            (json!({ "path": host.path("binary"), "section": "s" }), "is not UTF-8 text"),
            (json!({}), "`ini` needs the option `section` or `option`"),
            (json!({ "section": "s", "value": 1 }), "a value needs the option `option`"),
            (json!({ "option": "a" }), "`ini` needs the option `value`"),
            (json!({ "option": "a", "value": 1, "values": [2] }), "exclude each other"),
            (json!({ "option": "a", "value": "1\n2" }), "`value` holds a line break"),
            (json!({ "option": "a=b", "value": 1 }), "`option` is no name of an option"),
            (
                json!({ "section": "s", "section_has_values": [{ "option": "a" }] }),
                "`a` needs a value, with which",
            ),
            (
                json!({ "option": "a", "value": 1, "section_has_values": [{ "option": "a", "value": 1 }] }),
                "it needs `section`",
            ),
            (
                json!({ "section": "s", "option": "a", "value": 1, "section_has_values": [{ "option": "a", "value": 2 }] }),
                "no section would have `a` with that value afterwards",
            ),
            (
                json!({ "section": "s", "section_has_values": [{ "option": "a", "value": "1\n[t]" }] }),
                "`section_has_values` holds a line break",
            ),
            (json!({ "section": "[s]" }), "`section` is the name without brackets"),
            (json!({ "section": " " }), "`section` is empty"),
            (
                json!({ "option": "a", "state": "absent", "exclusive": false }),
                "needs the value that is removed",
            ),
        ] {
            let mut options = options;
            if options.get("path").is_none() {
                options["path"] = json!(host.path("f"));
            }
            let error = laws::run(Ini, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
    }

    #[tokio::test]
    async fn a_cut_leaves_the_old_or_the_new() {
        let prepare = |host: &TestHost| json!({ "path": host.write("f", "[s]\na = 1\n"), "section": "s", "option": "a", "value": 2 });
        laws::survives_cuts(Ini, prepare, |host: &TestHost| host.content("f")).await;
    }
}
