//! `group`: that a group is there, and its number.

use oneex_sdk::{
    Change, Command, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::accounts::{GroupEntry, Presence, check_name, failure};

/// The operation `group`.
pub(crate) struct Group;

/// The options of `group`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The group's name.
    name: String,
    /// Its number; kept when left out, and the next free one for a new group.
    gid: Option<u32>,
    /// Takes the number of a new group from those of the system, login.defs(5).
    #[serde(default)]
    system: bool,
    /// `present` (the default) or `absent`.
    #[serde(default)]
    state: Presence,
}

/// Parameter: the name.
const LOOK: &str = r#"export LC_ALL=C
if command -v getent >/dev/null; then getent group "$1"; else grep "^$1:" /etc/group; fi
[ $? -le 2 ]"#;

/// Parameters: the name, then the program and its arguments.
const ACT: &str = r#"export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
name=$1; shift
"$@" </dev/null || exit
if command -v getent >/dev/null; then getent group "$name"; else grep "^$name:" /etc/group; fi
exit 0"#;

impl Op for Group {
    type Params = Params;
    type State = Option<GroupEntry>;

    const NAME: &'static str = "group";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Makes a group, changes its number, or removes it.

Files keep the number that they have when a group's changes. The primary group of a user cannot be removed.
The result has `gid`.

Sources: groupadd(8), groupmod(8), groupdel(8), group(5).";
    const POSITIONAL: &'static [&'static str] = &["name"];
    const LOCK: Option<&'static str> = Some("accounts");
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a group with a number of its own",
            code: "h.group(\"deploy\", #{ gid: 4100 });",
            proof: Proof::Plan,
        },
        Example {
            about: "a group that must not be there",
            code: "h.group(\"oneex-old\", #{ state: \"absent\" });",
            proof: Proof::Run,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Named(vec![format!("group:{}", params.name)])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Self::State> {
        check_name("group", &params.name)?;
        let output = reader.query(Command::script(LOOK, [&params.name]).tidy()).await?;
        if !output.ok() {
            return Err(OpError::failed("the groups of the host cannot be read").command("getent", output));
        }
        Ok(output.stdout_text().lines().find_map(GroupEntry::parse))
    }

    fn diff(&self, params: &Params, found: &Self::State) -> Change {
        let mut change = Change::none();
        params.state.differ(&mut change, found.is_some());
        if let (Presence::Present, Some(gid)) = (params.state, params.gid) {
            change.property("gid", found.as_ref().map(|group| group.gid.to_string()), Some(gid.to_string()));
        }
        change
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        found: &Self::State,
        _: &Change,
    ) -> OpResult<Output> {
        let program = match (params.state, found) {
            (Presence::Absent, _) => "groupdel",
            (Presence::Present, Some(_)) => "groupmod",
            (Presence::Present, None) => "groupadd",
        };
        let mut words = vec![params.name.clone(), program.to_owned()];
        if let (Presence::Present, Some(gid)) = (params.state, params.gid) {
            words.extend(["-g".to_owned(), gid.to_string()]);
        }
        if program == "groupadd" && params.system {
            words.push("-r".to_owned());
        }
        words.push(params.name.clone());
        let output = writer.run(Command::script(ACT, words)).await?;
        if !output.ok() {
            return Err(failure(program, &format!("group `{}`", params.name), output));
        }
        Ok(fields(output.stdout_text().lines().find_map(GroupEntry::parse).as_ref()))
    }

    fn output(&self, _: &Params, found: &Self::State) -> Output {
        fields(found.as_ref())
    }
}

fn fields(group: Option<&GroupEntry>) -> Output {
    group.map_or_else(Output::none, |group| Output::none().with("gid", group.gid))
}
