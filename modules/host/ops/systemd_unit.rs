//! `systemd_unit`: a unit with its file, and what systemd makes of it.

use oneex_sdk::{Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, Question, look_and_ask};
use crate::host::services::{ACT_SYSTEMD, Found, check_name, parse};
use crate::host::steps::Steps;
use crate::host::system::Tool;

/// The operation `systemd_unit`.
pub(crate) struct SystemdUnit;

/// What is wanted of the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wanted {
    /// Its file is there; whether it runs does not count.
    Present,
    /// Its file is there, and it runs.
    Started,
    /// Its file is there, and it does not run.
    Stopped,
    /// Its file is not there. It is stopped and disabled first, unless the file is a drop-in.
    Absent,
}

/// The options of `systemd_unit`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The unit's name with its ending: `shop.service`, `backup.timer`.
    name: String,
    /// The content of the file, as systemd.unit(5) and its kin have it. Not needed with `absent`.
    content: Option<String>,
    /// Makes the file a drop-in of this name, which changes a unit that comes from elsewhere: `limits` is the file
    /// `/etc/systemd/system/NAME.d/limits.conf`.
    drop_in: Option<String>,
    /// What is wanted: `present`, `started`, `stopped` or `absent`.
    #[serde(default = "present")]
    state: Wanted,
    /// Whether it is started with the host; left as it is when left out.
    enabled: Option<bool>,
    /// Restarts the unit where it runs and its files have changed.
    #[serde(default)]
    restart: bool,
}

fn present() -> Wanted {
    Wanted::Present
}

/// The kinds of units that files make, systemd.unit(5).
const ENDINGS: &[&str] = &[
    "service",
    "socket",
    "device",
    "mount",
    "automount",
    "swap",
    "target",
    "path",
    "timer",
    "slice",
    "scope",
];

impl Params {
    /// The folder of a drop-in, where it is one, and the path of the file.
    fn place(&self) -> OpResult<(Option<String>, String)> {
        check_name(&self.name)?;
        let ending = self.name.rsplit_once('.').map(|(_, ending)| ending).unwrap_or_default();
        if !ENDINGS.contains(&ending) {
            return Err(OpError::invalid(format!("`{}` is not the whole name of a unit", self.name))
                .hint("write its kind too: `shop.service`, `backup.timer`"));
        }
        let unit = format!("/etc/systemd/system/{}", self.name);
        let Some(drop_in) = &self.drop_in else { return Ok((None, unit)) };
        let name = drop_in.strip_suffix(".conf").unwrap_or(drop_in);
        check_name(name).map_err(|_| OpError::invalid(format!("`drop_in`: `{name}` cannot be its name")))?;
        Ok((Some(format!("{unit}.d")), format!("{unit}.d/{name}.conf")))
    }

    fn text(&self) -> OpResult<String> {
        match &self.content {
            None if self.state == Wanted::Absent => Ok(String::new()),
            None => Err(OpError::invalid("`systemd_unit` needs the option `content`")
                .hint("`service` starts and enables a unit whose file comes from elsewhere")),
            Some(_) if self.state == Wanted::Absent => {
                Err(OpError::invalid("`content` and `state: \"absent\"` exclude each other"))
            }
            Some(text) if !text.contains('[') => Err(OpError::invalid("`content` has no section")
                .hint("settings of a unit stand below `[Unit]`, `[Service]` and their like")),
            Some(text) if text.ends_with('\n') => Ok(text.clone()),
            Some(text) => Ok(format!("{text}\n")),
        }
    }
}

/// The file, and what systemd says of the unit.
pub(crate) struct State {
    /// Nothing where no file is there and none is wanted.
    content: Option<ContentState>,
    found: Found,
}

/// Parameter: the unit.
const LOOK: &str = r#"[ -d /run/systemd/system ] || { echo none; return; }
echo systemd
systemctl show -p LoadState,ActiveState,UnitFileState,NeedDaemonReload -- "$1""#;

/// Parameters: the folder of a drop-in, the unit, verbs before, verbs after, and whether the unit goes. One that failed
/// once would be listed for ever.
const BEFORE: &str = r#"[ -z "$1" ] || [ -d "$1" ] || mkdir -p "$1" || return
[ -z "$3" ] || act "$2" $3"#;

const AFTER: &str = r#"[ -z "$1" ] || rmdir "$1" 2>/dev/null
[ -z "$4" ] || act "$2" $4 || return
[ "$5" != gone ] || systemctl reset-failed -- "$2" 2>/dev/null || :"#;

const TOOL: Tool = Tool { name: "systemctl", packages: "`systemd`" };

/// The verbs of systemctl(1) before the file is placed or removed, and after.
pub(crate) fn verbs(
    params: &Params,
    found: &Found,
    change: &Change,
) -> (Vec<&'static str>, Vec<&'static str>) {
    let is_file_new = change.has("content") || change.has("file");
    if params.state == Wanted::Absent && params.drop_in.is_none() {
        let mut before = Vec::new();
        before.extend(found.running.then_some("stop"));
        before.extend((found.enabled == Some(true)).then_some("disable"));
        return (before, vec!["daemon-reload"]);
    }
    let mut after = Vec::new();
    after.extend((is_file_new || found.stale).then_some("daemon-reload"));
    if change.has("enabled") {
        after.push(if params.enabled == Some(true) { "enable" } else { "disable" });
    } else if is_file_new && params.enabled == Some(true) && found.enabled == Some(true) {
        // Its `[Install]` may say something else now.
        after.push("reenable");
    }
    match params.state {
        Wanted::Started if change.has("state") => after.push("start"),
        Wanted::Stopped if change.has("state") => after.push("stop"),
        _ if params.restart && is_file_new && found.running => after.push("restart"),
        _ => {}
    }
    (Vec::new(), after)
}

impl Op for SystemdUnit {
    type Params = Params;
    type State = State;

    const NAME: &'static str = "systemd_unit";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Gives systemd a unit: a service, a timer, a socket, with its file.

systemd reads its files again where one has changed, and only there. The unit is then enabled, started, stopped, or
with `restart` started anew where it runs. A drop-in changes some settings of a unit that a package brings; the other
settings stay the package's. `service` is for units whose files come from elsewhere, and masks them.

Sources: systemd.unit(5), systemd.service(5), systemd.timer(5), systemctl(1).";
    const POSITIONAL: &'static [&'static str] = &["name", "content"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a service",
            code: r#"h.systemd_unit("shop.service", `[Unit]
Description=The shop
[Service]
ExecStart=/usr/bin/shop --port 8080
DynamicUser=yes
[Install]
WantedBy=multi-user.target
`, #{ enabled: true, state: "started", restart: true });"#,
            proof: Proof::Check,
        },
        Example {
            about: "a timer for a service",
            code: r#"h.systemd_unit("backup.timer", "[Timer]\nOnCalendar=daily\nPersistent=yes\n[Install]\nWantedBy=timers.target\n", #{ enabled: true, state: "started" });"#,
            proof: Proof::Check,
        },
        Example {
            about: "more open files for a package's service",
            code: r#"h.systemd_unit("nginx.service", "[Service]\nLimitNOFILE=65536\n", #{ drop_in: "limits", restart: true });"#,
            proof: Proof::Check,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        let path = params.place().map(|(_, path)| path).unwrap_or_default();
        Resources::Paths(vec![path])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<State> {
        let (_, path) = params.place()?;
        let text = params.text()?;
        let question = Question { script: LOOK, words: vec![&params.name] };
        let answer = look_and_ask(reader, &path, false, question).await?;
        let is_mask =
            answer.probe.found.as_ref().and_then(|found| found.target.as_deref()) == Some("/dev/null");
        if is_mask && params.state != Wanted::Absent {
            return Err(OpError::failed(format!("the unit `{}` is masked", params.name))
                .hint(format!("unmask it first: `h.service(\"{}\", #{{ masked: false }})`", params.name)));
        }
        let found = parse(&answer.said).filter(Found::is_systemd);
        let found = found.ok_or_else(|| OpError::failed("systemd does not run on the host"))?;
        let content = answer.edited(reader, |_| Ok(text))?;
        Ok(State { content, found })
    }

    fn diff(&self, params: &Params, state: &State) -> Change {
        let mut change = Change::none();
        let found = &state.found;
        let word = |yes: bool, one: &str, other: &str| Some(if yes { one } else { other }.to_owned());
        if params.state == Wanted::Absent {
            let is_there = state.content.as_ref().is_some_and(|content| content.probe.found.is_some());
            change.property("file", word(is_there, "present", "absent"), word(false, "present", "absent"));
            return change;
        }
        if let Some(content) = &state.content {
            change.items.extend(content.differ(Attributes::default(), true).items);
        }
        // A unit that has no file yet has neither an `[Install]` that systemd knows nor one that it does not.
        if let Some(wanted) = params.enabled
            && (found.enabled.is_some() || !found.exists || change.has("content"))
        {
            change.property(
                "enabled",
                word(found.enabled == Some(true), "yes", "no"),
                word(wanted, "yes", "no"),
            );
        }
        let running = word(found.running, "started", "stopped");
        match params.state {
            Wanted::Started => change.property("state", running, Some("started".to_owned())),
            Wanted::Stopped => change.property("state", running, Some("stopped".to_owned())),
            Wanted::Present | Wanted::Absent => &mut change,
        };
        if found.stale && !change.has("content") {
            change.property("unit files", Some("changed on disk".to_owned()), Some("read".to_owned()));
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
        let (folder, path) = params.place()?;
        let (before, after) = verbs(params, &state.found, change);
        writer.progress(&[before.as_slice(), &after, &[&params.name]].concat().join(" "));
        let act = format!("act() {{ (\n{ACT_SYSTEMD}\n) }}\n");
        let (before_text, after_text) = (format!("{act}{BEFORE}"), format!("{act}{AFTER}"));
        let is_gone = params.state == Wanted::Absent && params.drop_in.is_none();
        let words = vec![
            folder.unwrap_or_default(),
            params.name.clone(),
            before.join(" "),
            after.join(" "),
            if is_gone { "gone" } else { "" }.to_owned(),
        ];
        let subject = format!("the unit `{}`", params.name);
        let steps =
            Steps { before: &before_text, after: &after_text, words, tool: TOOL, subject, env: Vec::new() };
        match &state.content {
            _ if params.state == Wanted::Absent => {
                steps.run_and_remove(writer, &path).await?;
                Ok(Output::none())
            }
            Some(content) if change.has("content") => {
                content.apply_between(writer, change, Attributes::default(), false, None, Some(&steps)).await
            }
            _ => steps.run(writer).await.map(|()| Output::none()),
        }
    }

    fn output(&self, params: &Params, state: &State) -> Output {
        let content = state.content.as_ref().filter(|_| params.state != Wanted::Absent);
        content.map_or_else(Output::none, ContentState::output)
    }
}
