//! Makes sure that an access control list has an entry, or has not.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oneex_sdk::{
    Change, ChangeItem, Command, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources,
    Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::access_list::{Below, List, bits};
use crate::host::accounts::Presence;
use crate::host::probe::{check_path, failure};

/// The operation `acl`.
pub(crate) struct Acl;

/// Whom an entry is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum EntryType {
    /// A user; the owner without an entity.
    User,
    /// A group; that of the file without an entity.
    Group,
    /// The most that all but owner and others get.
    Mask,
    /// Everybody else.
    Other,
}

impl EntryType {
    fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Mask => "mask",
            Self::Other => "other",
        }
    }
}

/// The options of `acl`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The absolute path of a file or folder; a symbolic link is followed.
    path: String,
    /// The user or group, by name or number; left out it is the owner, or the group of the file.
    #[serde(default)]
    entity: String,
    /// Whom the entry is for: `user`, `group`, `mask` or `other`.
    etype: EntryType,
    /// What is allowed: letters of `rwx`, `X` for `x` where somebody has it or it is a folder, or a digit from 0 to 7.
    permissions: Option<String>,
    /// Whether the entry is the one that new files of a folder get.
    #[serde(default)]
    default: bool,
    /// Whether the entry is to be there.
    #[serde(default)]
    state: Presence,
    /// Takes all that is below the folder too; no symbolic link is followed there. With `default` it is about folders.
    #[serde(default)]
    recursive: bool,
}

impl Params {
    /// The entry without its permissions, as setfacl(1) takes it.
    fn entry(&self) -> String {
        let default = if self.default { "default:" } else { "" };
        format!("{default}{}:{}", self.etype.as_str(), self.entity)
    }

    fn check(&self) -> OpResult<()> {
        let is_named = matches!(self.etype, EntryType::User | EntryType::Group);
        let is_wrong = |c: char| c.is_whitespace() || c.is_control() || ":,\\#".contains(c);
        if self.entity.contains(is_wrong) || self.entity.starts_with('-') {
            let name = self.entity.escape_debug();
            return Err(OpError::invalid(format!("`entity`: `{name}` is no user and no group")));
        }
        if !self.entity.is_empty() && !is_named {
            return Err(OpError::invalid(format!("`{}` is for nobody by name", self.etype.as_str())));
        }
        match (self.state, &self.permissions) {
            (Presence::Present, None) => Err(OpError::invalid("`acl` needs the option `permissions`")),
            (Presence::Present, Some(text)) => bits(text, true).map(drop),
            (Presence::Absent, _)
                if self.entity.is_empty() && self.etype != EntryType::Mask && !self.default =>
            {
                let message = format!("the entry `{}` of a file is always there", self.etype.as_str());
                Err(OpError::invalid(message))
            }
            (Presence::Absent, _) => Ok(()),
        }
    }

    /// The permissions as an entry shows them; nothing where there is to be none.
    fn wanted(&self, list: &List) -> Option<String> {
        let text = self.permissions.as_deref().filter(|_| self.state == Presence::Present)?;
        bits(text, list.is_executable).ok()
    }
}

/// Prints `folder` or `file`, then the list with names, then with numbers; `=` stands between. With `all` and a folder it
/// prints `all`, then the lists of folders and of all else with names, and the same with numbers. Parameters: the path, and
/// `all` or nothing.
const LOOK: &str = r#"
set -eu
export LC_ALL=C
command -v getfacl >/dev/null || exit 3
if [ -n "$2" ] && [ -d "$1" ]; then
    echo all
    cd "$1/"
    find . -type d -exec getfacl -pE -- {} +
    echo =
    find . ! -type d ! -type l -exec getfacl -pE -- {} +
    echo =
    find . -type d -exec getfacl -pEn -- {} +
    echo =
    find . ! -type d ! -type l -exec getfacl -pEn -- {} +
    exit
fi
if [ -d "$1" ]; then echo folder; else echo file; fi
echo =
getfacl -pcE -- "$1"
echo =
getfacl -pcnE -- "$1"
"#;

/// Parameter: the folder. Standard input has an option of setfacl(1), its entry, and paths in base64, each with a NUL at
/// its end. Symbolic links are passed over.
const CHANGE: &str = r#"
set -eu
export LC_ALL=C
cd "$1/"
while read -r option entry paths; do
    printf %s "$paths" | base64 -d | xargs -0 setfacl -P "$option" "$entry" --
done
"#;

/// Lines of a list of changes that are shown.
const SHOWN: usize = 1000;
/// Paths for one call of setfacl(1).
const CHUNK: usize = 200;

impl Params {
    /// What differs of one list.
    fn differ(&self, list: &List) -> Change {
        let mut change = Change::none();
        let present = list.permissions(&self.entry()).map(str::to_owned);
        let wanted = self.wanted(list);
        let hiding = wanted.as_ref().and_then(|wanted| list.hiding_mask(&self.entry(), wanted));
        change.property(self.entry().trim_end_matches(':'), present, wanted);
        if let Some((mask, needed)) = hiding {
            change.property(if self.default { "default:mask" } else { "mask" }, Some(mask), Some(needed));
        }
        change
    }

    /// The option of setfacl(1) that makes a list what it is to be, and the entry.
    fn option(&self, list: &List) -> (&'static str, String) {
        match self.wanted(list) {
            Some(permissions) => ("-m", format!("{}:{permissions}", self.entry())),
            None => ("-x", self.entry()),
        }
    }

    /// The lists that do not fit; only folders have entries for what is new in them.
    fn wrong<'a>(&self, all: &'a [Below]) -> impl Iterator<Item = (&'a Below, Change)> {
        let counts = all.iter().filter(|below| below.is_folder || !self.default);
        let differing = counts.map(|below| (below, self.differ(&below.list)));
        differing.filter(|(_, change)| !change.is_empty())
    }

    /// The lines for [`CHANGE`].
    fn work(&self, all: &[Below]) -> String {
        let mut groups = BTreeMap::<_, Vec<&str>>::new();
        for (below, _) in self.wrong(all) {
            groups.entry(self.option(&below.list)).or_default().push(&below.path);
        }
        let mut lines = String::new();
        for ((option, entry), paths) in groups {
            for chunk in paths.chunks(CHUNK) {
                let paths: Vec<u8> = chunk.iter().flat_map(|path| path.bytes().chain([0])).collect();
                lines.push_str(&format!("{option} {entry} {}\n", STANDARD.encode(paths)));
            }
        }
        lines
    }
}

/// What there is: one list, or those of a folder and all below it.
pub(crate) enum State {
    One(List),
    All(Vec<Below>),
}

impl Op for Acl {
    type Params = Params;
    type State = State;

    const NAME: &'static str = "acl";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Makes sure that an access control list has an entry, or has not.

The other entries stay. Where something changes, and where the mask hides permissions of the entry, the mask becomes
what setfacl(1) makes of it, so that the entry has an effect. The result has `acl`, all entries as they were found; with `recursive` they are those of the folder itself. On
the host it needs `getfacl` and `setfacl`, of the package `acl`.

Sources: acl(5), setfacl(1), Ansible's module `acl` of `ansible.posix` for the names of the options.";
    const POSITIONAL: &'static [&'static str] = &["path"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a user who may read a log",
            code: r#"h.acl("/var/log/app.log", #{ etype: "user", entity: "adm", permissions: "r" });"#,
            proof: Proof::Check,
        },
        Example {
            about: "what new files of a folder get",
            code: r#"h.acl("/srv/shared", #{ etype: "group", entity: "staff", permissions: "rwX", "default": true });"#,
            proof: Proof::Check,
        },
        Example {
            about: "what is in it already",
            code: r#"h.acl("/srv/shared", #{ etype: "group", entity: "staff", permissions: "rwX", recursive: true });"#,
            proof: Proof::Check,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<State> {
        check_path(&params.path)?;
        params.check()?;
        let all = if params.recursive { "all" } else { "" };
        let mut command = Command::script(LOOK, [params.path.as_str(), all]).tidy();
        command.keep = if params.recursive { 1 << 28 } else { command.keep };
        let output = reader.query(command).await?;
        let wrong = || {
            OpError::failed(format!("`{}`: the host answered in a way that is not understood", params.path))
        };
        match output.code() {
            0 => {
                let text = output.stdout_text();
                match text.strip_prefix("all\n") {
                    Some(lists) => List::parse_all(lists).filter(|all| !all.is_empty()).map(State::All),
                    None => List::parse(&text).map(State::One),
                }
                .ok_or_else(wrong)
            }
            3 => {
                Err(OpError::failed("there is no `getfacl` on the host").hint("the package `acl` brings it"))
            }
            _ => Err(explained(&params.path, &output.stderr_text())),
        }
    }

    fn diff(&self, params: &Params, state: &State) -> Change {
        let all = match state {
            State::One(list) => return params.differ(list),
            State::All(all) => all,
        };
        let (mut change, mut left) = (Change::none(), 0_usize);
        for (below, one) in params.wrong(all) {
            if change.items.len() + one.items.len() > SHOWN {
                left += 1;
                continue;
            }
            let name = below.path.trim_start_matches("./");
            let named = |item: ChangeItem| ChangeItem { what: format!("{name} {}", item.what), ..item };
            change.items.extend(one.items.into_iter().map(named));
        }
        if left > 0 {
            change.property("others", None, Some(format!("{left} more files and folders")));
        }
        change
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &State,
        _: &Change,
    ) -> OpResult<Output> {
        let command = match state {
            State::One(list) => {
                let (option, entry) = params.option(list);
                Command::argv(["setfacl", option, &entry, "--", &params.path]).env("LC_ALL", "C")
            }
            State::All(all) => Command::script(CHANGE, [&params.path]).stdin(params.work(all)),
        };
        let output = writer.run(command.tidy()).await?;
        if output.ok() {
            Ok(self.output(params, state))
        } else {
            Err(explained(&params.path, &output.stderr_text()))
        }
    }

    fn output(&self, _: &Params, state: &State) -> Output {
        let list = match state {
            State::One(list) => Some(list),
            State::All(all) => all.iter().find(|below| below.path == ".").map(|below| &below.list),
        };
        Output::none().with("acl", list.map(List::names).unwrap_or_default())
    }
}

/// What the tools say, which begins with their names and the path.
fn explained(path: &str, stderr: &str) -> OpError {
    if stderr.contains("No such file or directory") {
        return OpError::invalid(format!("`{path}` does not exist"));
    }
    if stderr.contains("Invalid argument near character") {
        return OpError::invalid("`entity`: the host has no such user or group");
    }
    if stderr.contains("Operation not supported") {
        return OpError::failed(format!("`{path}`: its file system has no access control lists"));
    }
    failure(path, stderr)
}
