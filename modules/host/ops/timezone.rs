//! `timezone`: which time the clocks of a host show.

use oneex_sdk::{Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, Question, look_and_ask};
use crate::host::place::staged_name;
use crate::host::steps::Steps;
use crate::host::system::Tool;

/// The operation `timezone`.
pub(crate) struct Timezone;

/// The options of `timezone`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The name of the zone: `Europe/Berlin`, `UTC`.
    name: String,
}

/// What there is.
pub(crate) struct State {
    /// The zone that `/etc/localtime` is; nothing where it is none that has a name.
    present: Option<String>,
    /// `/etc/timezone`, where the system has it.
    content: Option<ContentState>,
}

const ZONES: &str = "/usr/share/zoneinfo/";

/// Parameter: the zone.
const LOOK: &str = r#"[ -f "/usr/share/zoneinfo/$1" ] || echo missing
[ -d /usr/share/zoneinfo ] || echo no-zones
if [ -L /etc/localtime ]; then printf 'zone %s\n' "$(readlink /etc/localtime)"; fi
if [ -e /etc/timezone ] || [ -e /etc/debian_version ]; then echo file; fi"#;

/// Parameters: the zone, and a name for the new link beside the old one.
const ACT: &str = r#"trap 'rm -f "$2"' EXIT
ln -s "/usr/share/zoneinfo/$1" "$2" || return
put "$2" /etc/localtime || return
trap - EXIT"#;

const TOOL: Tool = Tool { name: "ln", packages: "`coreutils`" };

impl Op for Timezone {
    type Params = Params;
    type State = State;

    const NAME: &'static str = "timezone";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Says which time the clocks of a host show.

`/etc/localtime` becomes a link to the zone, and `/etc/timezone` its name where the system has that file. Programs that
run already show the new time once they are started again.

Sources: localtime(5), tzset(3), timedatectl(1); Ansible's module `community.general.timezone` for names.";
    const POSITIONAL: &'static [&'static str] = &["name"];
    const EXAMPLES: &'static [Example] = &[
        Example { about: "servers show one time", code: r#"h.timezone("UTC");"#, proof: Proof::Plan },
        Example { about: "a place", code: r#"h.timezone("Europe/Berlin");"#, proof: Proof::Check },
    ];

    fn resources(&self, _: &Params) -> Resources {
        Resources::Paths(vec!["/etc/localtime".to_owned(), "/etc/timezone".to_owned()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<State> {
        let name = &params.name;
        let good = |c: char| c.is_ascii_alphanumeric() || "_+-/".contains(c);
        if name.is_empty() || name.starts_with(['/', '-']) || name.ends_with('/') || !name.chars().all(good) {
            return Err(OpError::invalid(format!("`{name}` is not the name of a time zone"))
                .hint("write for example `Europe/Berlin`"));
        }
        let question = Question { script: LOOK, words: vec![name] };
        let answer = look_and_ask(reader, "/etc/timezone", true, question).await?;
        let has = |word: &str| answer.said.lines().any(|line| line == word);
        if has("no-zones") {
            return Err(
                OpError::failed("the host has no time zones").hint("they come with the package `tzdata`")
            );
        }
        if has("missing") {
            return Err(OpError::failed(format!("the host has no time zone `{name}`"))
                .hint("`find /usr/share/zoneinfo` lists them"));
        }
        let present = answer.values("zone").next().and_then(|target| {
            let zone = target.split_once("zoneinfo/").map(|(_, zone)| zone)?;
            Some(zone.to_owned())
        });
        let content = if has("file") {
            let text = format!("{name}\n");
            answer.edited(reader, |now| Ok(if now.trim() == name { now.to_owned() } else { text }))?
        } else {
            None
        };
        Ok(State { present, content })
    }

    fn diff(&self, params: &Params, state: &State) -> Change {
        let mut change = Change::none();
        change.property("zone", state.present.clone(), Some(params.name.clone()));
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
        let steps = Steps {
            before: "",
            after: if change.has("zone") { ACT } else { "" },
            words: vec![params.name.clone(), staged_name("/etc/localtime")?],
            tool: TOOL,
            env: Vec::new(),
            subject: format!("`{ZONES}{}`", params.name),
        };
        match &state.content {
            Some(content) if change.has("content") => {
                let attributes = Attributes::default();
                content.apply_between(writer, change, attributes, false, None, Some(&steps)).await?;
            }
            _ => steps.run(writer).await?,
        }
        writer.forget_facts();
        Ok(Output::none())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::Timezone;

    fn host(link: Option<&str>, file: Option<&str>) -> TestHost {
        let host = TestHost::new().with_private(&["/etc", "/usr/share/zoneinfo"]);
        let zones = host.root().join("usr/share/zoneinfo");
        std::fs::create_dir(zones.join("Europe")).expect("a folder");
        for zone in ["UTC", "Europe/Berlin"] {
            std::fs::write(zones.join(zone), zone).expect("a zone");
        }
        if let Some(target) = link {
            symlink(target, host.path("etc/localtime")).expect("a link");
        }
        if let Some(text) = file {
            host.write("etc/timezone", text);
        }
        host
    }

    #[tokio::test]
    async fn decisions() {
        for (link, file, changed, after) in [
            (Some("/usr/share/zoneinfo/UTC"), Some("UTC\n"), true, Some("Europe/Berlin\n")),
            (
                Some("../usr/share/zoneinfo/Europe/Berlin"),
                Some("Europe/Berlin"),
                false,
                Some("Europe/Berlin"),
            ),
            (Some("/usr/share/zoneinfo/Europe/Berlin"), Some("UTC\n"), true, Some("Europe/Berlin\n")),
            // A system that has no such file gets none.
            (None, None, true, None),
            (Some("/gone"), None, true, None),
        ] {
            let host = host(link, file);
            let done = laws::ensures(Timezone, &host, json!({ "name": "Europe/Berlin" })).await;
            assert_eq!(done.expect("it is done").changed, changed, "{link:?} {file:?}");
            let target = std::fs::read_link(host.path("etc/localtime")).expect("a link");
            assert!(target.ends_with("usr/share/zoneinfo/Europe/Berlin"), "{target:?}");
            assert_eq!(host.content("etc/timezone").as_deref(), after.map(str::as_bytes));
            let names = std::fs::read_dir(host.path("etc")).expect("a folder").count();
            assert_eq!(names, 1 + usize::from(after.is_some()), "nothing is left");
        }
        // A copy of a zone is replaced by a link to one.
        let host = host(None, None);
        host.write("etc/localtime", "UTC");
        laws::ensures(Timezone, &host, json!({ "name": "UTC" })).await.expect("it is done");
        assert!(std::fs::read_link(host.path("etc/localtime")).is_ok());
    }

    #[tokio::test]
    async fn wrong_calls_are_named() {
        let host = host(None, None);
        for (name, message) in [
            ("", "`` is not the name of a time zone"),
            ("../../../etc/passwd", "is not the name of a time zone"),
            ("-x", "is not the name of a time zone"),
            ("$(id)", "is not the name of a time zone"),
            ("Mars/Olympus", "the host has no time zone `Mars/Olympus`"),
            ("Europe", "the host has no time zone `Europe`"),
        ] {
            let error = laws::run(Timezone, &host, json!({ "name": name })).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
    }
}
