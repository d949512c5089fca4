//! Makes sure that an access control list has an entry, or has not.

use oneex_sdk::{
    Change, Command, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::access_list::{List, bits};
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

/// Prints `folder` or `file`, then the list with names, then with numbers; `=` stands between. Parameter: the path.
const LOOK: &str = r#"
set -eu
export LC_ALL=C
command -v getfacl >/dev/null || exit 3
if [ -d "$1" ]; then echo folder; else echo file; fi
echo =
getfacl -pcE -- "$1"
echo =
getfacl -pcnE -- "$1"
"#;

impl Op for Acl {
    type Params = Params;
    type State = List;

    const NAME: &'static str = "acl";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Makes sure that an access control list has an entry, or has not.

The other entries stay. Where something changes, and where the mask hides permissions of the entry, the mask becomes
what setfacl(1) makes of it, so that the entry has an effect. The result has `acl`, all entries as they were found. On
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
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<List> {
        check_path(&params.path)?;
        params.check()?;
        let output = reader.query(Command::script(LOOK, [&params.path]).tidy()).await?;
        match output.code() {
            0 => List::parse(&output.stdout_text()).ok_or_else(|| {
                OpError::failed(format!(
                    "`{}`: the host answered in a way that is not understood",
                    params.path
                ))
            }),
            3 => {
                Err(OpError::failed("there is no `getfacl` on the host").hint("the package `acl` brings it"))
            }
            _ => Err(explained(&params.path, &output.stderr_text())),
        }
    }

    fn diff(&self, params: &Params, list: &List) -> Change {
        let mut change = Change::none();
        let present = list.permissions(&params.entry()).map(str::to_owned);
        let wanted = params.wanted(list);
        let hiding = wanted.as_ref().and_then(|wanted| list.hiding_mask(&params.entry(), wanted));
        change.property(params.entry().trim_end_matches(':'), present, wanted);
        if let Some((mask, needed)) = hiding {
            change.property(if params.default { "default:mask" } else { "mask" }, Some(mask), Some(needed));
        }
        change
    }

    async fn apply(&self, writer: &dyn Writer, params: &Params, list: &List, _: &Change) -> OpResult<Output> {
        let (option, entry) = match params.wanted(list) {
            Some(permissions) => ("-m", format!("{}:{permissions}", params.entry())),
            None => ("-x", params.entry()),
        };
        let command = Command::argv(["setfacl", option, &entry, "--", &params.path]);
        let output = writer.run(command.env("LC_ALL", "C").tidy()).await?;
        if output.ok() {
            Ok(self.output(params, list))
        } else {
            Err(explained(&params.path, &output.stderr_text()))
        }
    }

    fn output(&self, _: &Params, list: &List) -> Output {
        Output::none().with("acl", list.names())
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

#[cfg(test)]
mod tests {
    use oneex_sdk::{Value, json};
    use oneex_testkit::{TestHost, laws};

    use super::Acl;

    fn listed(host: &TestHost, name: &str) -> String {
        let output = std::process::Command::new("getfacl").args(["-pcE", "--", &host.path(name)]).output();
        String::from_utf8(output.expect("getfacl runs").stdout).expect("text")
    }

    async fn ensure(host: &TestHost, name: &str, options: &Value) -> bool {
        let mut options = options.clone();
        options["path"] = json!(host.path(name));
        laws::ensures(Acl, host, options.clone())
            .await
            .unwrap_or_else(|error| panic!("{options}: {error}"))
            .changed
    }

    #[tokio::test]
    async fn entries_are_set_and_removed() {
        let host = TestHost::new();
        std::fs::create_dir(host.path("d")).expect("a folder");
        host.write("f", "");
        for (name, options, changed, line) in [
            (
                "f",
                json!({ "etype": "user", "entity": "daemon", "permissions": "rX" }),
                true,
                "user:daemon:r--\n",
            ),
            (
                "f",
                json!({ "etype": "user", "entity": "daemon", "permissions": "4" }),
                false,
                "user:daemon:r--\n",
            ),
            ("f", json!({ "etype": "user", "entity": "1", "permissions": "r" }), false, "user:daemon:r--\n"),
            (
                "f",
                json!({ "etype": "user", "entity": "daemon", "permissions": "rwx" }),
                true,
                "user:daemon:rwx\n",
            ),
            (
                "f",
                json!({ "etype": "group", "entity": "54321", "permissions": "X" }),
                true,
                "group:54321:--x\n",
            ),
            (
                "f",
                json!({ "etype": "user", "entity": "daemon", "state": "absent" }),
                true,
                "group:54321:--x\n",
            ),
            (
                "f",
                json!({ "etype": "user", "entity": "daemon", "state": "absent" }),
                false,
                "group:54321:--x\n",
            ),
            ("f", json!({ "etype": "mask", "permissions": "r" }), true, "mask::r--\n"),
            // The mask hides it.
            ("f", json!({ "etype": "group", "entity": "54321", "permissions": "X" }), true, "mask::r-x\n"),
            ("f", json!({ "etype": "other", "permissions": "0" }), true, "other::---\n"),
            (
                "d",
                json!({ "etype": "group", "entity": "daemon", "permissions": "rX" }),
                true,
                "group:daemon:r-x\n",
            ),
            (
                "d",
                json!({ "etype": "user", "entity": "daemon", "permissions": "rw", "default": true }),
                true,
                "default:user:daemon:rw-\n",
            ),
            (
                "d",
                json!({ "etype": "user", "entity": "daemon", "state": "absent", "default": true }),
                true,
                "group:daemon:r-x\n",
            ),
        ] {
            assert_eq!(ensure(&host, name, &options).await, changed, "{options}");
            let list = listed(&host, name);
            assert!(list.contains(line), "{options}: {list}");
            if options["state"] == "absent" {
                assert!(
                    !list.lines().any(|line| line
                        .starts_with(&format!("{}:daemon", options["etype"].as_str().expect("a word")))),
                    "{list}"
                );
            }
        }
    }

    #[tokio::test]
    async fn any_name_is_what_it_is() {
        for name in ["a b", "-n", "$(touch pwned)", "new\nline", "it's *", "--\n", "end\n"] {
            let host = TestHost::new();
            host.write(name, "");
            assert!(
                ensure(&host, name, &json!({ "etype": "user", "entity": "daemon", "permissions": "r" }))
                    .await
            );
            assert!(listed(&host, name).contains("user:daemon:r--\n"), "{name:?}");
            assert!(host.content("pwned").is_none());
        }
    }

    #[tokio::test]
    async fn wrong_calls_are_named() {
        let host = TestHost::new();
        host.write("f", "");
        for (options, message) in [
            (json!({ "etype": "user" }), "`acl` needs the option `permissions`"),
            (json!({ "etype": "user", "permissions": "q" }), "`q` is not made of `rwxX`"),
            (json!({ "etype": "user", "permissions": "" }), "is not made of `rwxX`"),
            (json!({ "etype": "user", "permissions": "8" }), "is not made of `rwxX`"),
            (json!({ "etype": "mask", "entity": "x", "permissions": "r" }), "`mask` is for nobody by name"),
            (json!({ "etype": "user", "state": "absent" }), "is always there"),
            (json!({ "etype": "user", "entity": "a:b", "permissions": "r" }), "`a:b` is no user"),
            (json!({ "etype": "user", "entity": "a,u:b:rw", "permissions": "r" }), "is no user"),
            (
                json!({ "etype": "user", "entity": "no-such-user", "permissions": "r" }),
                "no such user or group",
            ),
            (json!({ "etype": "user", "entity": "daemon", "permissions": "r", "default": true }), "f`"),
            (
                json!({ "etype": "user", "permissions": "r", "path": host.path("gone") }),
                "gone` does not exist",
            ),
            (json!({ "etype": "user", "permissions": "r", "path": "f" }), "is not an absolute path"),
        ] {
            let mut options = options;
            if options.get("path").is_none() {
                options["path"] = json!(host.path("f"));
            }
            let error = laws::run(Acl, &host, options.clone()).await.expect_err(message);
            assert!(error.message.contains(message), "{options}: {}", error.message);
        }
    }

    #[tokio::test]
    async fn a_cut_leaves_the_old_or_the_new() {
        for state in ["present", "absent"] {
            let prepare = |host: &TestHost| {
                let path = host.write("f", "");
                let setfacl =
                    std::process::Command::new("setfacl").args(["-m", "u:daemon:r", &path]).status();
                assert!(setfacl.expect("setfacl runs").success());
                let permissions = (state == "present").then_some("rw");
                json!({ "path": path, "etype": "user", "entity": "daemon", "permissions": permissions, "state": state })
            };
            let places = laws::survives_cuts(Acl, prepare, |host: &TestHost| listed(host, "f")).await;
            assert_eq!(places, 0, "one program does it");
        }
    }
}
