//! `user`: that a user is there, and what passwd(5), group(5) and shadow(5) say of it.

use oneex_sdk::{
    Change, Command, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Secret, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::accounts::{
    LOOK, Presence, UserEntry, UserState, check_field, check_hash, check_name, check_path, failure,
};

/// The operation `user`.
pub(crate) struct User;

/// The options of `user`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The login name.
    name: String,
    /// The number; kept when left out, and the next free one for a new user.
    uid: Option<u32>,
    /// The primary group, by name or number; kept when left out, and one of the user's name for a new user.
    group: Option<String>,
    /// The further groups, by name or number, all of them unless `append` is set; kept when left out.
    groups: Option<Vec<String>>,
    /// Adds `groups` to those that the user is in, and takes it out of none.
    #[serde(default)]
    append: bool,
    /// The home folder; kept when left out. Nothing is moved when it changes.
    home: Option<String>,
    /// Makes the home folder of a new user, from `/etc/skel`.
    #[serde(default = "yes")]
    create_home: bool,
    /// The login shell; kept when left out.
    shell: Option<String>,
    /// The comment, often the full name; kept when left out.
    comment: Option<String>,
    /// Takes the number of a new user from those of the system, login.defs(5).
    #[serde(default)]
    system: bool,
    /// The password as a hash of crypt(5); kept when left out. `"!"` lets nobody in by password.
    password: Option<Secret<String>>,
    /// `present` (the default) or `absent`.
    #[serde(default)]
    state: Presence,
    /// With `absent`: removes the home folder and the mail too.
    #[serde(default)]
    remove: bool,
}

fn yes() -> bool {
    true
}

impl Params {
    fn hash(&self) -> Option<&str> {
        self.password.as_ref().map(|password| password.expose().as_str())
    }

    /// The further groups that the user is in, and those that it is to be in, where they are named.
    fn further(&self, found: &UserState) -> Option<(Vec<String>, Vec<String>)> {
        let groups = self.groups.as_ref()?;
        Some(found.further(&self.name, self.group.as_deref(), groups, self.append))
    }

    fn check(&self) -> OpResult<()> {
        check_name("user", &self.name)?;
        for group in self.group.iter().chain(self.groups.iter().flatten()) {
            if group.is_empty() || group.chars().any(|c| !c.is_ascii_digit()) {
                check_name("group", group)?;
            }
        }
        self.comment.as_ref().map_or(Ok(()), |comment| check_field("comment", comment))?;
        self.home.as_ref().map_or(Ok(()), |home| check_path("home", home))?;
        self.shell.as_ref().map_or(Ok(()), |shell| check_path("shell", shell))?;
        self.hash().map_or(Ok(()), check_hash)
    }
}

/// Parameters: the name, a word where the input is for `chpasswd`, then the program and its arguments.
const ACT: &str = r#"export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
name=$1 password=$2
shift 2
if [ $# -gt 0 ]; then "$@" </dev/null || exit; fi
if [ -n "$password" ]; then chpasswd -e || exit; fi
if command -v getent >/dev/null; then getent passwd "$name"; else grep "^$name:" /etc/passwd; fi | sed 's/^/user /'
exit 0"#;

impl Op for User {
    type Params = Params;
    type State = UserState;

    const NAME: &'static str = "user";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Makes a user, changes what is said of it, or removes it.

What is not named stays as it is. A new user without `group` gets a group of its own name, which may be there
already. The groups that are named must be there. `password` is a hash, and never a plain password; it
travels as input, and the one that a host has stays there. The result has `uid`, `gid`, `home`, `shell` and
`comment`.

Sources: useradd(8), usermod(8), userdel(8), chpasswd(8), passwd(5), shadow(5), crypt(5).";
    const POSITIONAL: &'static [&'static str] = &["name"];
    const LOCK: Option<&'static str> = Some("accounts");
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a person who may use sudo",
            code: "h.user(\"ada\", #{ comment: \"Ada Lovelace\", shell: \"/bin/sh\", groups: [\"adm\"], append: true });",
            proof: Proof::Plan,
        },
        Example {
            about: "the user of a service, which nobody logs in as",
            code: "h.user(\"shop\", #{ system: true, create_home: false, home: \"/srv/shop\", shell: \"/usr/sbin/nologin\" });",
            proof: Proof::Plan,
        },
        Example {
            about: "a user who must not be there",
            code: "h.user(\"oneex-gone\", #{ state: \"absent\", remove: true });",
            proof: Proof::Run,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        let groups = params.group.iter().chain(params.groups.iter().flatten());
        let mut names = vec![format!("user:{}", params.name), format!("group:{}", params.name)];
        names.extend(groups.map(|group| format!("group:{group}")));
        Resources::Named(names)
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<UserState> {
        params.check()?;
        let groups = params.group.iter().chain(params.groups.iter().flatten());
        let words = std::iter::once(&params.name).chain(groups.clone());
        let input = params.hash().unwrap_or_default().to_owned();
        // `!` and `*` are words of shadow(5) and no secrets.
        if input.len() > 2 {
            reader.secrets().register(&input);
        }
        let output = reader.query(Command::script(LOOK, words).stdin(input).tidy()).await?;
        let printed = output.stdout_text();
        if !printed.ends_with("end\n") {
            return Err(OpError::failed("the users of the host cannot be read").command("getent", output));
        }
        if printed.lines().any(|line| line == "hidden") && params.state == Presence::Present {
            return Err(OpError::denied(format!("the password of `{}` cannot be read", params.name))
                .hint("shadow(5) needs root: does the task need `.sudo()`?"));
        }
        let found = UserState::parse(&printed, &params.name);
        let missing = groups.filter(|_| params.state == Presence::Present);
        if let Some(missing) = missing.into_iter().find(|word| found.group(word).is_none()) {
            return Err(OpError::failed(format!("there is no group `{missing}`"))
                .hint(format!("make it first: `h.group(\"{missing}\")`")));
        }
        Ok(found)
    }

    fn diff(&self, params: &Params, found: &UserState) -> Change {
        let mut change = Change::none();
        params.state.differ(&mut change, found.user.is_some());
        if params.state == Presence::Absent {
            return change;
        }
        let user = found.user.as_ref();
        if let Some(uid) = params.uid {
            change.property("uid", user.map(|user| user.uid.to_string()), Some(uid.to_string()));
        }
        if let Some(group) = &params.group {
            change.property("group", found.primary(), Some(found.name_of(group)));
        }
        if let Some((present, wanted)) = params.further(found) {
            let text = |names: &[String]| Some(names.join(", ")).filter(|text| !text.is_empty());
            change.property("groups", text(&present), text(&wanted));
        }
        let mut field = |what: &str, wanted: &Option<String>, present: fn(&UserEntry) -> &String| {
            if wanted.is_some() {
                change.property(what, user.map(present).cloned(), wanted.clone());
            }
        };
        field("home", &params.home, |user| &user.home);
        field("shell", &params.shell, |user| &user.shell);
        field("comment", &params.comment, |user| &user.comment);
        if params.password.is_some() && !found.same_password {
            change.property("password", user.map(|_| "another".to_owned()), Some("as given".to_owned()));
        }
        change
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        found: &UserState,
        change: &Change,
    ) -> OpResult<Output> {
        let words = words(params, found, change);
        let program = words.first().map_or("chpasswd", String::as_str).to_owned();
        let hash = params.hash().filter(|_| change.has("password"));
        let mut all = vec![params.name.clone(), hash.map_or("", |_| "password").to_owned()];
        all.extend(words);
        let input = hash.map(|hash| format!("{}:{hash}\n", params.name)).unwrap_or_default();
        let output = writer.run(Command::script(ACT, all).stdin(input)).await?;
        if !output.ok() {
            return Err(failure(&program, &format!("user `{}`", params.name), output));
        }
        Ok(fields(UserState::parse(&output.stdout_text(), &params.name).user.as_ref()))
    }

    fn output(&self, _: &Params, found: &UserState) -> Output {
        fields(found.user.as_ref())
    }
}

fn fields(user: Option<&UserEntry>) -> Output {
    let Some(user) = user else { return Output::none() };
    Output::none()
        .with("uid", user.uid)
        .with("gid", user.gid)
        .with("home", user.home.as_str())
        .with("shell", user.shell.as_str())
        .with("comment", user.comment.as_str())
}

/// The program that brings what differs, and its arguments; none where only the password does.
fn words(params: &Params, found: &UserState, change: &Change) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    if params.state == Presence::Absent {
        words.push("userdel".to_owned());
        words.extend(params.remove.then(|| "-r".to_owned()));
        words.push(params.name.clone());
        return words;
    }
    let is_new = found.user.is_none();
    let mut option = |what: &str, flag: &str, value: Option<String>| {
        words.extend(
            value.filter(|_| change.has(what)).into_iter().flat_map(|value| [flag.to_owned(), value]),
        );
    };
    option("uid", "-u", params.uid.map(|uid| uid.to_string()));
    option("group", "-g", params.group.as_ref().map(|group| found.name_of(group)));
    option("groups", "-G", params.further(found).map(|(_, wanted)| wanted.join(",")));
    option("home", "-d", params.home.clone());
    option("shell", "-s", params.shell.clone());
    option("comment", "-c", params.comment.clone());
    if is_new {
        // `useradd` would refuse to make a group that is there.
        if params.group.is_none() && found.group(&params.name).is_some() {
            words.extend(["-g".to_owned(), params.name.clone()]);
        }
        words.push(if params.create_home { "-m" } else { "-M" }.to_owned());
        words.extend(params.system.then(|| "-r".to_owned()));
    } else if words.is_empty() {
        return words;
    }
    words.insert(0, if is_new { "useradd" } else { "usermod" }.to_owned());
    words.push(params.name.clone());
    words
}
