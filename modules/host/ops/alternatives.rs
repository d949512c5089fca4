//! `alternatives`: which of several programs has the common name.

use oneex_sdk::{
    Change, Command, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::probe::check_file_path;
use crate::host::system::{Alternatives as Group, Tool, tool_failure};

/// The operation `alternatives`.
pub(crate) struct Alternatives;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    /// The program is one of the group, and has the common name.
    #[default]
    Selected,
    /// The program is one of the group.
    Present,
    /// The one with the highest priority has the common name.
    Auto,
    /// The program is none of the group.
    Absent,
}

/// The options of `alternatives`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The group's name: `editor`.
    name: String,
    /// The program's path; with `auto` it may be left out.
    path: Option<String>,
    /// The path of the common name; needed where the group is new.
    link: Option<String>,
    /// The program's priority; kept when left out, and 50 for one that is new in the group.
    priority: Option<i64>,
    /// What is wanted: `selected`, `present`, `auto` or `absent`.
    #[serde(default)]
    state: Wanted,
}

impl Params {
    fn check(&self) -> OpResult<()> {
        let good = |c: char| c.is_ascii_graphic() && c != '/';
        if self.name.is_empty() || self.name.starts_with('-') || !self.name.chars().all(good) {
            return Err(OpError::invalid(format!("`{}` is not the name of alternatives", self.name)));
        }
        for path in self.path.iter().chain(&self.link) {
            check_file_path(path)?;
        }
        if self.path.is_none() && self.state != Wanted::Auto {
            return Err(OpError::invalid("`alternatives` needs the option `path`"));
        }
        Ok(())
    }
}

/// Parameter: the group.
const LOOK: &str = r#"export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
command -v update-alternatives >/dev/null || exit 127
update-alternatives --query "$1" 2>/dev/null || update-alternatives --display "$1" 2>/dev/null || :"#;

/// Parameters: the group, the program, its link and its priority, then what is done.
const ACT: &str = r#"export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
name=$1 path=$2 link=$3 priority=$4
shift 4
for verb in "$@"; do
    case $verb in
    install) update-alternatives --install "$link" "$name" "$path" "$priority" ;;
    set) update-alternatives --set "$name" "$path" ;;
    auto) update-alternatives --auto "$name" ;;
    remove) update-alternatives --remove "$name" "$path" ;;
    esac >/dev/null || exit
done"#;

const TOOL: Tool = Tool { name: "update-alternatives", packages: "`dpkg`, `alternatives` or `chkconfig`" };

impl Op for Alternatives {
    type Params = Params;
    type State = Option<Group>;

    const NAME: &'static str = "alternatives";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Says which of several programs that do the same has the common name: which `editor`, which `java`.

A program that is none of the group yet is added, with its priority. `auto` lets the one with the highest priority
have the name, and is how groups begin.

Sources: update-alternatives(1); Ansible's module `community.general.alternatives` for names and meaning.";
    const POSITIONAL: &'static [&'static str] = &["name", "path"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "the editor of everybody",
            code: r#"h.alternatives("editor", "/usr/bin/vim.basic");"#,
            proof: Proof::Check,
        },
        Example {
            about: "a program of one's own among the others",
            code: r#"h.alternatives("java", "/opt/jdk/bin/java", #{ link: "/usr/bin/java", priority: 9000, state: "present" });"#,
            proof: Proof::Check,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Named(vec![format!("alternatives:{}", params.name)])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Option<Group>> {
        params.check()?;
        let output = reader.query(Command::script(LOOK, [&params.name]).tidy()).await?;
        if !output.ok() {
            return Err(tool_failure(TOOL, &format!("`{}`", params.name), output));
        }
        let group = Group::parse(&output.stdout_text());
        if group.is_none()
            && params.state != Wanted::Absent
            && (params.link.is_none() || params.path.is_none())
        {
            return Err(OpError::failed(format!("there are no alternatives `{}`", params.name))
                .hint("with `path` and `link` the group is made"));
        }
        Ok(group)
    }

    fn diff(&self, params: &Params, group: &Option<Group>) -> Change {
        let mut change = Change::none();
        let none = Group { is_auto: true, ..Group::default() };
        let found = group.as_ref().unwrap_or(&none);
        if let Some(path) = &params.path {
            let present = found.priority(path);
            let wanted = match params.state {
                Wanted::Absent => None,
                _ => Some(params.priority.or(present).unwrap_or(50)),
            };
            let text = |priority: i64| format!("priority {priority}");
            change.property(&format!("alternative {path}"), present.map(text), wanted.map(text));
            if params.state == Wanted::Selected {
                change.property("selected", found.value.clone(), Some(path.clone()));
            }
        }
        if let (Some(link), Some(present)) = (&params.link, &found.link)
            && params.state != Wanted::Absent
        {
            change.property("link", Some(present.clone()), Some(link.clone()));
        }
        if params.state == Wanted::Auto {
            let word = |is_auto| Some(if is_auto { "automatic" } else { "by hand" }.to_owned());
            change.property("choice", word(found.is_auto), word(true));
        }
        change
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        group: &Option<Group>,
        change: &Change,
    ) -> OpResult<Output> {
        let path = params.path.as_deref().unwrap_or_default();
        let link = params.link.clone().or_else(|| group.as_ref()?.link.clone());
        let is_member = change.has(&format!("alternative {path}"));
        let installs = params.state != Wanted::Absent && (is_member || change.has("link"));
        let link = match link {
            None if installs => {
                return Err(OpError::invalid("`alternatives` needs the option `link`")
                    .hint("the host's tool does not say which link the group has"));
            }
            link => link.unwrap_or_default(),
        };
        let present = group.as_ref().and_then(|group| group.priority(path));
        let priority = params.priority.or(present).unwrap_or(50).to_string();
        let mut words = vec![params.name.as_str(), path, &link, &priority];
        words.extend(installs.then_some("install"));
        words.extend((params.state == Wanted::Absent).then_some("remove"));
        words.extend(change.has("selected").then_some("set"));
        words.extend(change.has("choice").then_some("auto"));
        let output = writer.run(Command::script(ACT, words).tidy()).await?;
        if output.ok() {
            Ok(Output::none())
        } else {
            Err(tool_failure(TOOL, &format!("`{}`", params.name), output))
        }
    }
}
