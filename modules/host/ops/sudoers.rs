//! `sudoers`: what somebody may run as somebody else, in a file of its own.

use oneex_sdk::{
    Change, Command, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::accounts::{Presence, check_name};
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, Wanted, look};
use crate::host::many::OneOrMany;
use crate::host::probe::failure;

/// The operation `sudoers`.
pub(crate) struct Sudoers;

/// The options of `sudoers`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The name of the file. sudo reads no file whose name has a `.` or ends in `~`.
    name: String,
    /// The whole content, as sudoers(5) has it, in place of a rule that is made from the other options.
    content: Option<String>,
    /// The user who may.
    user: Option<String>,
    /// The group whose members may.
    group: Option<String>,
    /// What may be run: paths with their arguments as sudoers(5) has them, or `ALL`.
    #[serde(default)]
    commands: OneOrMany,
    /// The host on which the rule holds.
    #[serde(default = "all")]
    host: String,
    /// The user as whom commands may be run, and a group after `:`; anybody for `ALL`, and root when left out.
    runas: Option<String>,
    /// Asks for no password.
    #[serde(default = "yes")]
    nopassword: bool,
    /// Lets commands be given variables of the environment.
    #[serde(default)]
    setenv: bool,
    /// Lets commands run no others.
    #[serde(default)]
    noexec: bool,
    /// Whether the file is to be there.
    #[serde(default)]
    state: Presence,
    /// The folder that sudo includes.
    #[serde(default = "folder")]
    sudoers_path: String,
}

fn yes() -> bool {
    true
}

fn all() -> String {
    "ALL".to_owned()
}

fn folder() -> String {
    "/etc/sudoers.d".to_owned()
}

/// Refuses to put a file in place that would shut everybody out.
const VALIDATE: &str = r#"sh -c 'export PATH="$PATH:/usr/sbin:/usr/local/sbin"; exec visudo -cf "$0"' %s"#;

impl Params {
    fn path(&self) -> OpResult<String> {
        let name = self.name.as_str();
        let is_name = !name.is_empty() && name.chars().all(|c| !c.is_control() && c != '/');
        if !is_name || name.contains('.') || name.ends_with('~') {
            return Err(OpError::invalid(format!("`name`: sudo would not read a file `{name}`"))
                .hint("a name has no `/` and no `.`, and no `~` at its end"));
        }
        Ok(format!("{}/{name}", self.sudoers_path.trim_end_matches('/')))
    }

    /// The content of the file; nothing where it is not to be there.
    fn text(&self) -> OpResult<Option<String>> {
        if self.state == Presence::Absent {
            return Ok(None);
        }
        let commands = self.commands.as_slice();
        if let Some(content) = &self.content {
            if self.user.is_some() || self.group.is_some() || !commands.is_empty() {
                return Err(OpError::invalid("`content` excludes `user`, `group` and `commands`"));
            }
            let end = if content.ends_with('\n') { "" } else { "\n" };
            return Ok(Some(format!("{content}{end}")));
        }
        let who = match (&self.user, &self.group) {
            (Some(user), None) => {
                check_name("user", user)?;
                user.clone()
            }
            (None, Some(group)) => {
                check_name("group", group)?;
                format!("%{group}")
            }
            _ => {
                return Err(OpError::invalid("`sudoers` needs one of `user`, `group` and `content`"));
            }
        };
        if commands.is_empty() {
            return Err(OpError::invalid("`sudoers` needs the option `commands`")
                .hint("`commands: \"ALL\"` allows everything"));
        }
        let parts = commands.iter().chain([&self.host]).chain(&self.runas);
        for part in parts {
            if part.trim().is_empty() || part.chars().any(char::is_control) {
                return Err(OpError::invalid(format!("`{}` cannot stand in a rule of sudo", part.trim())));
            }
        }
        let mut rule = format!("{who} {}=", self.host);
        rule.extend(self.runas.iter().map(|runas| format!("({runas})")));
        for (is_set, tag) in
            [(self.noexec, "NOEXEC:"), (self.nopassword, "NOPASSWD:"), (self.setenv, "SETENV:")]
        {
            rule.push_str(if is_set { tag } else { "" });
        }
        Ok(Some(format!("{rule} {}\n", commands.join(", "))))
    }
}

/// What is there, and the mode that it is to have.
pub(crate) struct State {
    content: ContentState,
    mode: Mode,
}

impl State {
    fn attributes(&self) -> Attributes<'_> {
        Attributes { mode: Some(&self.mode), owner: Some("0"), group: Some("0") }
    }
}

impl Op for Sudoers {
    type Params = Params;
    type State = State;

    const NAME: &'static str = "sudoers";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Says what a user or a group may run with sudo, in a file of its own.

The file takes its place only where `visudo` accepts it, so that a mistake shuts nobody out. It belongs to root and has
the mode 0440. In commands `,`, `:`, `=` and `\\` have a meaning to sudo: write `\\` before them.

Sources: sudoers(5), visudo(8); Ansible's module `community.general.sudoers` for names and meaning.";
    const POSITIONAL: &'static [&'static str] = &["name"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a group that restarts a service, without a password",
            code: r#"h.sudoers("shop", #{ group: "shop", commands: "/usr/bin/systemctl restart shop", sudoers_path: dir });"#,
            proof: Proof::Run,
        },
        Example {
            about: "a whole file",
            code: r#"h.sudoers("admins", #{ content: "Defaults:%adm !lecture\n%adm ALL=(ALL:ALL) ALL\n", sudoers_path: dir });"#,
            proof: Proof::Run,
        },
        Example {
            about: "a rule that must not be there",
            code: r#"h.sudoers("oneex-gone", #{ state: "absent", sudoers_path: dir });"#,
            proof: Proof::Run,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![format!("{}/{}", params.sudoers_path.trim_end_matches('/'), params.name)])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<State> {
        let text = params.text()?.unwrap_or_default();
        let content = look(reader, &params.path()?, false, Wanted::bytes(text.into_bytes())).await?;
        Ok(State { content, mode: Mode::parse("0440").map_err(OpError::invalid)? })
    }

    fn diff(&self, params: &Params, state: &State) -> Change {
        if params.state == Presence::Present {
            return state.content.differ(state.attributes(), true);
        }
        let mut change = Change::none();
        params.state.differ(&mut change, state.content.probe.found.is_some());
        change
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &State,
        change: &Change,
    ) -> OpResult<Output> {
        if params.state == Presence::Absent {
            let path = state.content.probe.path.as_str();
            let output = writer.run(Command::argv(["rm", "-f", path]).env("LC_ALL", "C").tidy()).await?;
            return if output.ok() { Ok(Output::none()) } else { Err(failure(path, &output.stderr_text())) };
        }
        state.content.apply(writer, change, state.attributes(), false, Some(VALIDATE)).await
    }

    fn output(&self, params: &Params, state: &State) -> Output {
        if params.state == Presence::Present { state.content.output() } else { Output::none() }
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{Value, json};
    use oneex_testkit::{TestHost, laws};

    use super::Sudoers;

    fn with_folder(host: &TestHost, mut options: Value) -> Value {
        options["sudoers_path"] = json!(host.path(""));
        options
    }

    #[tokio::test]
    async fn decisions() {
        for (before, options, after) in [
            (None, json!({ "user": "ada", "commands": "ALL" }), Some("ada ALL=NOPASSWD: ALL\n")),
            (
                None,
                json!({ "group": "shop", "commands": ["/bin/a b", "/bin/c"], "runas": "www-data:adm",
                        "nopassword": false, "host": "web1" }),
                Some("%shop web1=(www-data:adm) /bin/a b, /bin/c\n"),
            ),
            (
                None,
                json!({ "user": "ada", "commands": "/bin/a", "runas": "ALL", "setenv": true, "noexec": true }),
                Some("ada ALL=(ALL)NOEXEC:NOPASSWD:SETENV: /bin/a\n"),
            ),
            (Some("old"), json!({ "content": "# 'x' $(id) *" }), Some("# 'x' $(id) *\n")),
            (Some("# same\n"), json!({ "content": "# same\n" }), Some("# same\n")),
            (Some("old"), json!({ "state": "absent" }), None),
            (None, json!({ "state": "absent" }), None),
        ] {
            let host = TestHost::new();
            if let Some(before) = before {
                let path = host.write("rule", before);
                let mode = std::os::unix::fs::PermissionsExt::from_mode(0o440);
                std::fs::set_permissions(path, mode).expect("a mode");
            }
            let mut options = with_folder(&host, options);
            options["name"] = json!("rule");
            let done = laws::ensures(Sudoers, &host, options.clone()).await.expect("it is done");
            assert_eq!(done.changed, before != after, "{options}");
            assert_eq!(host.content("rule"), after.map(|text| text.as_bytes().to_vec()), "{options}");
            if after.is_some() {
                assert_eq!(host.mode("rule"), 0o440);
            }
            assert!(host.round_trips() <= 5, "{options}: {}", host.round_trips());
        }
    }

    #[tokio::test]
    async fn what_visudo_refuses_takes_no_place() {
        let host = TestHost::new();
        host.write("rule", "# old\n");
        let before = laws::snapshot(host.root());
        for options in [
            json!({ "name": "rule", "content": "ada ALL=(ALL ALL" }),
            json!({ "name": "rule", "user": "ada", "commands": "relative" }),
            json!({ "name": "rule", "user": "ada", "commands": "/bin/x", "runas": "a b" }),
        ] {
            let error = laws::run(Sudoers, &host, with_folder(&host, options)).await.expect_err("refused");
            assert!(error.message.contains("the validation refused the new content"), "{}", error.message);
            let mut after = laws::snapshot(host.root());
            // The time at which the folder changed tells of the staged file alone.
            after.insert(host.root().to_owned(), before[host.root()].clone());
            assert_eq!(after, before);
        }
    }

    #[tokio::test]
    async fn wrong_calls_are_named() {
        let host = TestHost::new();
        for (options, message) in [
            (json!({ "name": "a.b", "user": "ada", "commands": "ALL" }), "sudo would not read a file `a.b`"),
            (json!({ "name": "a~", "user": "ada", "commands": "ALL" }), "sudo would not read a file `a~`"),
            (json!({ "name": "../x", "state": "absent" }), "sudo would not read a file `../x`"),
            (json!({ "name": "x", "commands": "ALL" }), "needs one of `user`, `group` and `content`"),
            (
                json!({ "name": "x", "user": "a", "group": "b", "commands": "ALL" }),
                "needs one of `user`, `group` and `content`",
            ),
            (json!({ "name": "x", "user": "ada" }), "`sudoers` needs the option `commands`"),
            (json!({ "name": "x", "user": "a b", "commands": "ALL" }), "cannot be the name of a user"),
            (
                json!({ "name": "x", "user": "a", "commands": "/bin/a\nb ALL=ALL" }),
                "cannot stand in a rule of sudo",
            ),
            (
                json!({ "name": "x", "user": "a", "content": "b" }),
                "`content` excludes `user`, `group` and `commands`",
            ),
        ] {
            let error = laws::run(Sudoers, &host, with_folder(&host, options)).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
    }

    #[tokio::test]
    async fn a_cut_leaves_the_old_or_the_new() {
        let prepare = |host: &TestHost| {
            host.write("rule", "# old\n");
            with_folder(host, json!({ "name": "rule", "user": "ada", "commands": "ALL" }))
        };
        laws::survives_cuts(Sudoers, prepare, |host: &TestHost| host.content("rule")).await;
    }
}
