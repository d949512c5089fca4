//! `sysctl`: a setting of the kernel, in force and in a file.

use oneex_sdk::{Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::accounts::Presence;
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, Question, look_and_ask};
use crate::host::probe::check_file_path;
use crate::host::steps::Steps;
use crate::host::system::{
    Tool, check_setting_name, plain_value, setting_place, with_setting, without_setting,
};

/// The operation `sysctl`.
pub(crate) struct Sysctl;

/// A value: most are numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a number or a text")]
enum Value {
    /// A number.
    Number(i64),
    /// A text, such as several numbers.
    Text(String),
}

/// The options of `sysctl`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The setting's name: `net.ipv4.ip_forward`.
    name: String,
    /// Its value; several numbers with blanks between them. Not needed with `absent`.
    value: Option<Value>,
    /// Whether the file says it. What is in force stays as it is when a line goes.
    #[serde(default)]
    state: Presence,
    /// The file that keeps it over a restart; it is made where it is not there.
    #[serde(default = "file")]
    sysctl_file: String,
    /// Compares the value that is in force too, and sets it.
    #[serde(default = "yes")]
    sysctl_set: bool,
    /// Sets everything that the file says once its content has changed.
    #[serde(default)]
    reload: bool,
    /// Lets a setting pass that the kernel does not know.
    #[serde(default)]
    ignoreerrors: bool,
}

fn yes() -> bool {
    true
}

fn file() -> String {
    "/etc/sysctl.d/99-oneex.conf".to_owned()
}

impl Params {
    fn value(&self) -> OpResult<String> {
        check_setting_name(&self.name)?;
        let value = match &self.value {
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Text(text)) => text.trim().to_owned(),
            None if self.state == Presence::Absent => return Ok(String::new()),
            None => return Err(OpError::invalid("`sysctl` needs the option `value`")),
        };
        if value.is_empty() || value.contains(|c: char| c.is_control() && c != '\t') {
            return Err(OpError::invalid("`value` cannot be empty or hold a line break"));
        }
        Ok(value)
    }

    /// Whether the value in force counts.
    fn is_live(&self) -> bool {
        self.sysctl_set && self.state == Presence::Present
    }
}

/// What the file says, and what is in force.
pub(crate) struct State {
    /// Nothing where no file is there and none is wanted.
    content: Option<ContentState>,
    /// Nothing where it does not count.
    live: Option<String>,
    wanted: String,
}

/// Parameters: the place of the setting below `/proc/sys`, and whether it counts.
const LOOK: &str = r#"[ "$2" = live ] || return
set -f
if [ ! -e "/proc/sys/$1" ]; then echo unknown; return; fi
if value=$(cat "/proc/sys/$1" 2>/dev/null); then echo "live" $value; else echo unreadable; fi"#;

/// Parameters: the setting with its value, or nothing; the file to be read, or nothing; `-e`, or nothing.
const ACT: &str = r#"if [ -n "$1" ]; then sysctl -q $3 -w "$1" >/dev/null || return; fi
if [ -n "$2" ]; then sysctl -q $3 -p "$2" >/dev/null || return; fi"#;

const TOOL: Tool = Tool { name: "sysctl", packages: "`procps` or `procps-ng`" };

impl Op for Sysctl {
    type Params = Params;
    type State = State;

    const NAME: &'static str = "sysctl";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Gives the kernel a setting, now and after every restart.

Both are compared: the value that is in force, and the line of a file that is read at the start. The last line of a
setting in a file counts: it takes the value, and others of it go. Files whose names come later may say otherwise.

Sources: sysctl(8), sysctl.d(5), proc(5); Ansible's module `ansible.posix.sysctl` for names and meaning.";
    const POSITIONAL: &'static [&'static str] = &["name", "value"];
    const EXAMPLES: &'static [Example] = &[
        Example { about: "a router", code: r#"h.sysctl("net.ipv4.ip_forward", 1);"#, proof: Proof::Plan },
        Example {
            about: "for the next start alone",
            code: r#"h.sysctl("vm.swappiness", 10, #{ sysctl_set: false, sysctl_file: `${dir}/90-memory.conf` });"#,
            proof: Proof::Run,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![
            params.sysctl_file.clone(),
            format!("/proc/sys/{}", setting_place(&params.name)),
        ])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<State> {
        let wanted = params.value()?;
        check_file_path(&params.sysctl_file)?;
        let place = setting_place(&params.name);
        let live = if params.is_live() { "live" } else { "" };
        let question = Question { script: LOOK, words: vec![&place, live] };
        let answer = look_and_ask(reader, &params.sysctl_file, true, question).await?;
        let name = &params.name;
        if answer.said == "unreadable\n" {
            return Err(OpError::denied(format!("the value of `{name}` cannot be read"))
                .hint("does the task need `.sudo()`?"));
        }
        if answer.said == "unknown\n" && !params.ignoreerrors {
            return Err(OpError::failed(format!("the kernel has no setting `{name}`"))
                .hint("is its module loaded? `ignoreerrors: true` lets it pass"));
        }
        let is_known = answer.said != "unknown\n";
        let live = (params.is_live() && is_known)
            .then(|| plain_value(answer.values("live").next().unwrap_or_default()));
        let content = answer.edited(reader, |text| {
            Ok(match params.state {
                Presence::Present => with_setting(text, name, &wanted),
                Presence::Absent => without_setting(text, name),
            })
        })?;
        Ok(State { content, live, wanted })
    }

    fn diff(&self, _: &Params, state: &State) -> Change {
        let mut change = Change::none();
        if let Some(live) = &state.live {
            change.property("value", Some(live.clone()), Some(plain_value(&state.wanted)));
        }
        if let Some(content) = &state.content {
            change.items.extend(content.differ(Attributes::default(), true).items);
        }
        change
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &State,
        change: &Change,
    ) -> OpResult<Output> {
        let word = |is_set: bool, word: String| if is_set { word } else { String::new() };
        let assignment = format!("{}={}", setting_place(&params.name), state.wanted);
        let is_placed = change.has("content");
        let steps = Steps {
            before: "",
            after: ACT,
            words: vec![
                word(change.has("value"), assignment),
                word(is_placed && params.reload, params.sysctl_file.clone()),
                word(params.ignoreerrors, "-e".to_owned()),
            ],
            tool: TOOL,
            env: Vec::new(),
            subject: format!("`{}`", params.name),
        };
        match &state.content {
            Some(content) if is_placed => {
                content
                    .apply_between(writer, change, Attributes::default(), false, None, Some(&steps))
                    .await?;
            }
            _ => steps.run(writer).await?,
        }
        Ok(self.output(params, state))
    }

    fn output(&self, _: &Params, state: &State) -> Output {
        match state.wanted.as_str() {
            "" => Output::none(),
            value => Output::none().with("value", value),
        }
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;
    use oneex_testkit::{FakeHost, TestHost, laws};

    use super::Sysctl;

    #[tokio::test]
    async fn decisions_over_the_file() {
        for (before, options, after) in [
            (None, json!({ "value": 10 }), Some("vm.swappiness=10\n")),
            (Some("# x\nvm/swappiness = 60"), json!({ "value": "10" }), Some("# x\nvm.swappiness=10")),
            (Some("vm.swappiness = 10\n"), json!({ "value": 10 }), Some("vm.swappiness = 10\n")),
            (Some("vm.swappiness=1\na=2\n"), json!({ "state": "absent" }), Some("a=2\n")),
            (None, json!({ "state": "absent" }), None),
        ] {
            let host = TestHost::new();
            if let Some(before) = before {
                host.write("s", before);
            }
            let mut options = options;
            options["name"] = json!("vm.swappiness");
            options["sysctl_set"] = json!(false);
            options["sysctl_file"] = json!(host.path("s"));
            let done = laws::ensures(Sysctl, &host, options.clone()).await.expect("it is edited");
            assert_eq!(done.changed, before != after, "{options}");
            assert_eq!(host.content("s"), after.map(|text| text.as_bytes().to_vec()), "{options}");
            assert_eq!(host.round_trips(), 4 + u64::from(done.changed));
        }
    }

    #[tokio::test]
    async fn decisions_over_what_is_in_force() {
        for (said, options, expected) in [
            ("live 1 2\n", json!({ "value": "1\t2" }), Ok("")),
            ("live 0\n", json!({ "value": 1 }), Ok("value: 0 → 1\n")),
            ("live\n", json!({ "value": "x" }), Ok("value:  → x\n")),
            ("unknown\n", json!({ "value": 1 }), Err("the kernel has no setting `a.b`")),
            ("unknown\n", json!({ "value": 1, "ignoreerrors": true }), Ok("")),
            ("unreadable\n", json!({ "value": 1 }), Err("the value of `a.b` cannot be read")),
        ] {
            let content =
                format!("a.b={}\n", options["value"].to_string().trim_matches('"').replace("\\t", " "));
            let facts = "stat 81a4 0 0 6 0 0 0 1 1 1 root root";
            let host = FakeHost::new().answer("ask", &format!("{said}--\nL2Y=\n{facts}\ncontent\n{content}"));
            let mut options = options;
            options["name"] = json!("a.b");
            let change = laws::plan(Sysctl, &host, options.clone()).await;
            let found =
                change.as_ref().map(|change| change.to_text()).map_err(|error| error.message.as_str());
            assert_eq!(found.as_deref().map_err(|message| *message), expected, "{options}");
        }
    }

    #[tokio::test]
    async fn wrong_calls_are_named() {
        let host = TestHost::new();
        for (options, message) in [
            (json!({ "name": "a.b" }), "`sysctl` needs the option `value`"),
            (json!({ "name": "a b", "value": 1 }), "`a b` is not the name of a kernel setting"),
            (json!({ "name": "../x", "value": 1 }), "is not the name of a kernel setting"),
            (json!({ "name": "a", "value": "1\nb=2" }), "`value` cannot be empty or hold a line break"),
            (json!({ "name": "a", "value": true }), "must be a number or a text"),
            (json!({ "name": "oneex.none", "value": 1 }), "the kernel has no setting `oneex.none`"),
            (json!({ "name": "a", "value": 1, "sysctl_file": "x" }), "`x` is not an absolute path"),
        ] {
            let error = laws::run(Sysctl, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
    }

    #[tokio::test]
    async fn a_cut_leaves_the_old_or_the_new() {
        let prepare = |host: &TestHost| {
            let path = host.write("s", "a=1\n");
            json!({ "name": "vm.swappiness", "value": 10, "sysctl_set": false, "sysctl_file": path })
        };
        laws::survives_cuts(Sysctl, prepare, |host: &TestHost| host.content("s")).await;
    }
}
