//! `authorized_keys`: the keys that let somebody in as a user over SSH.

use oneex_sdk::{Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::accounts::{Presence, check_name};
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, Question, look_and_ask};
use crate::host::many::OneOrMany;
use crate::host::steps::Steps;
use crate::host::system::{AuthorizedKey, Tool, check_options, with_keys, without_keys};

/// The operation `authorized_keys`.
pub(crate) struct AuthorizedKeys;

/// The options of `authorized_keys`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The user whom the keys let in, and whose the file is.
    user: String,
    /// The public keys as the files `….pub` have them, each with what may stand before and after it: one text or
    /// an array, with one key a line. Comments and empty lines are left out.
    key: OneOrMany,
    /// Whether they are to let somebody in.
    #[serde(default)]
    state: Presence,
    /// Takes out everything but these keys and comments.
    #[serde(default)]
    exclusive: bool,
    /// What the keys may be used for, as sshd(8) has it; takes the place of what stands before a key.
    key_options: Option<String>,
    /// Takes the place of what stands after a key.
    comment: Option<String>,
    /// The file; `.ssh/authorized_keys` of the user's home folder when left out.
    path: Option<String>,
    /// Makes `.ssh` of the home folder where it is not there, with the mode 0700 and the user as its owner. With
    /// `path` no folder is touched.
    #[serde(default = "yes")]
    manage_dir: bool,
    /// Edits what a symbolic link leads to; without it a link in the place of the file is an error, since the
    /// user may lead it anywhere.
    #[serde(default)]
    follow: bool,
}

fn yes() -> bool {
    true
}

impl Params {
    fn keys(&self) -> OpResult<Vec<AuthorizedKey>> {
        check_name("user", &self.user)?;
        self.key_options.as_deref().map_or(Ok(()), check_options)?;
        if self.comment.as_ref().is_some_and(|comment| comment.contains('\n')) {
            return Err(OpError::invalid("`comment` holds a line break"));
        }
        let mut keys = Vec::new();
        for text in self.key.as_slice() {
            keys.extend(AuthorizedKey::parse_all(text)?);
        }
        if keys.is_empty() {
            return Err(OpError::invalid("`key` holds no key"));
        }
        for key in &mut keys {
            if let Some(options) = &self.key_options {
                key.options.clone_from(options);
            }
            if let Some(comment) = &self.comment {
                key.comment = comment.trim().to_owned();
            }
        }
        Ok(keys)
    }
}

/// What there is, and what is wanted.
pub(crate) struct State {
    uid: String,
    gid: String,
    /// Mode, owner and group of the folder, where it is one that is managed.
    folder: Option<Option<(String, String, String)>>,
    /// Its path, whatever the file in it leads to.
    folder_path: String,
    /// Nothing where no file is there and none is wanted.
    content: Option<ContentState>,
    mode: Mode,
}

impl State {
    fn attributes(&self, params: &Params) -> Attributes<'_> {
        if params.state == Presence::Absent {
            return Attributes::default();
        }
        Attributes { mode: Some(&self.mode), owner: Some(&self.uid), group: Some(&self.gid) }
    }

    /// The mode and the owner of the folder: as they are, and as they are to be.
    fn folder_texts(&self) -> Option<(Option<String>, String)> {
        let text = |mode: &str, uid: &str, gid: &str| format!("{mode} {uid}:{gid}");
        let present = self.folder.as_ref()?.as_ref();
        Some((present.map(|(mode, uid, gid)| text(mode, uid, gid)), text("700", &self.uid, &self.gid)))
    }
}

/// Parameters: the user, and the path where one is given.
const LOOK: &str = r#"if command -v getent >/dev/null; then line=$(getent passwd "$1"); else line=$(grep "^$1:" /etc/passwd); fi
[ -n "$line" ] || { echo nobody; return; }
at=$2
set -f; old=$IFS; IFS=:; set -- $line; IFS=$old; set +f
echo "user $3 $4"
[ -z "$at" ] || return
[ -n "$6" ] || { echo homeless; return; }
folder=${6%/}/.ssh
at=$folder/authorized_keys
echo "home $folder"
if [ -L "$folder" ]; then echo link; elif [ -d "$folder" ]; then echo "folder $(stat -c '%a %u %g' "$folder")"; fi"#;

/// Parameters: the folder, and the numbers of its owner and its group.
const MAKE_FOLDER: &str = r#"[ -d "$1" ] || mkdir -m 0700 "$1" || exit
[ "$(stat -c %u:%g "$1")" = "$2:$3" ] || chown "$2:$3" "$1" || exit
chmod 0700 "$1""#;

impl Op for AuthorizedKeys {
    type Params = Params;
    type State = State;

    const NAME: &'static str = "authorized_keys";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Says which keys let somebody in as a user over SSH.

A key that is there already gets the options and the comment that are given, in its own line; a second line with the
same key goes, since it would allow what the first forbids. All other lines stay, unless `exclusive` is set. The file
belongs to the user and is readable by nobody else.

Sources: sshd(8); Ansible's module `authorized_key` for names and meaning.";
    const POSITIONAL: &'static [&'static str] = &["user", "key"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a person and a backup, which may do one thing only",
            code: r#"h.authorized_keys("root", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB ada", #{ path: `${dir}/keys` });
h.authorized_keys("root", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC backup", #{
    path: `${dir}/keys`, key_options: "restrict,command=\"/usr/bin/backup\"",
});"#,
            proof: Proof::Run,
        },
        Example {
            about: "these and no others",
            code: r#"h.authorized_keys("ops", ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB ada"], #{ exclusive: true });"#,
            proof: Proof::Check,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        match &params.path {
            Some(path) => Resources::Paths(vec![path.clone()]),
            None => Resources::Named(vec![
                format!("authorized_keys:{}", params.user),
                format!("user:{}", params.user),
            ]),
        }
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<State> {
        let keys = params.keys()?;
        let given = params.path.as_deref().unwrap_or_default();
        if params.path.is_some() {
            crate::host::probe::check_file_path(given)?;
        }
        let question = Question { script: LOOK, words: vec![&params.user, given] };
        let answer = look_and_ask(reader, "", params.follow, question).await?;
        let numbers = answer.values("user").next().and_then(|value| value.split_once(' '));
        let Some((uid, gid)) = numbers.map(|(uid, gid)| (uid.to_owned(), gid.to_owned())) else {
            return Err(OpError::failed(format!("there is no user `{}`", params.user))
                .hint(format!("make it first: `h.user(\"{}\")`", params.user)));
        };
        if answer.said.lines().any(|line| line == "homeless") {
            return Err(OpError::failed(format!("the user `{}` has no home folder", params.user)));
        }
        if let Some(target) = answer.probe.found.as_ref().and_then(|found| found.target.as_deref()) {
            let message = format!("`{}` is a symbolic link to `{target}`", answer.probe.path);
            return Err(OpError::invalid(message).hint("`follow: true` edits what it leads to"));
        }
        let is_managed = params.manage_dir && params.path.is_none() && params.state == Presence::Present;
        let is_link = answer.said.lines().any(|line| line == "link");
        let folder = answer.values("folder").next().map(|value| {
            let mut words = value.split(' ').map(str::to_owned);
            let mut word = || words.next().unwrap_or_default();
            (word(), word(), word())
        });
        let folder_path = answer.values("home").next().unwrap_or_default().to_owned();
        let content = answer.edited(reader, |text| {
            Ok(match params.state {
                Presence::Present => with_keys(text, &keys, params.exclusive),
                Presence::Absent => without_keys(text, &keys),
            })
        })?;
        let folder = (is_managed && !is_link).then_some(folder);
        Ok(State { uid, gid, folder, folder_path, content, mode: Mode::private() })
    }

    fn diff(&self, params: &Params, state: &State) -> Change {
        let Some(content) = &state.content else { return Change::none() };
        let mut change = Change::none();
        if let Some((present, wanted)) = state.folder_texts() {
            change.property("folder", present, Some(wanted));
        }
        change.items.extend(content.differ(state.attributes(params), true).items);
        change
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &State,
        change: &Change,
    ) -> OpResult<Output> {
        let Some(content) = &state.content else { return Ok(Output::none()) };
        let attributes = state.attributes(params);
        if !change.has("folder") {
            return content.apply(writer, change, attributes, false, None).await;
        }
        let folder = &state.folder_path;
        let steps = Steps {
            before: MAKE_FOLDER,
            after: "",
            words: vec![folder.clone(), state.uid.clone(), state.gid.clone()],
            tool: Tool { name: "mkdir", packages: "`coreutils`" },
            env: Vec::new(),
            subject: format!("the folder `{folder}`"),
        };
        content.apply_between(writer, change, attributes, false, None, Some(&steps)).await
    }

    fn output(&self, _: &Params, state: &State) -> Output {
        state.content.as_ref().map_or_else(Output::none, ContentState::output)
    }
}
