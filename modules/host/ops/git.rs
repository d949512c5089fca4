//! `git`: the files of a repository, at a version.

use oneex_sdk::{
    Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Secret, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::git::{Checkout, Found, Look, Place, Target, Version, failure, origin, shown_url};
use crate::host::probe::check_path;

/// The operation `git`.
pub(crate) struct Git;

/// The options of `git`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The address of the repository, as git-clone(1) takes it, without a password.
    repo: String,
    /// The absolute path of the folder on the host; it is made where it is not there.
    dest: String,
    /// A branch, a tag, a commit, or a whole reference such as `refs/pull/7/head`. `HEAD` is the main branch.
    #[serde(default = "head")]
    version: String,
    /// The name that git has for the other repository.
    #[serde(default = "origin_name")]
    remote: String,
    /// Makes the checkout where nothing is there.
    #[serde(default = "yes")]
    clone: bool,
    /// Brings a checkout that is there to the version.
    #[serde(default = "yes")]
    update: bool,
    /// Throws away what was changed on the host in files of the repository; otherwise that is an error.
    #[serde(default)]
    force: bool,
    /// How many commits of the history a new checkout gets; all of it when left out.
    depth: Option<u32>,
    /// Fetches no other branches and tags.
    #[serde(default)]
    single_branch: bool,
    /// A repository without files that are checked out.
    #[serde(default)]
    bare: bool,
    /// Checks out submodules, and theirs, at the commits that the repository names.
    #[serde(default = "yes")]
    recursive: bool,
    /// What is fetched beside: `+refs/pull/*:refs/heads/*`, as git-fetch(1) has it.
    refspec: Option<String>,
    /// Checks out nothing that has no signature which the host's git trusts.
    #[serde(default)]
    verify_commit: bool,
    /// The user, for repositories over HTTP.
    username: Option<String>,
    /// The password or token, for repositories over HTTP. It reaches git by its environment, and no file.
    password: Option<Secret<String>>,
    /// The file on the host with the private key, for repositories over SSH.
    key_file: Option<String>,
    /// Takes the key of an SSH server that the host does not know yet. One that has changed stays refused.
    #[serde(default)]
    accept_newhostkey: bool,
    /// What others may not do with the files, such as `"0027"`.
    umask: Option<Mode>,
}

fn yes() -> bool {
    true
}

fn head() -> String {
    "HEAD".to_owned()
}

fn origin_name() -> String {
    "origin".to_owned()
}

impl Params {
    fn dest(&self) -> &str {
        self.dest.trim_end_matches('/')
    }

    fn login(&self) -> OpResult<Option<(&str, &Secret<String>, &str)>> {
        let origin = origin(&self.repo)?;
        let (user, password) = match (&self.username, &self.password) {
            (None, None) => return Ok(None),
            (Some(user), Some(password)) => (user.as_str(), password),
            (None, Some(_)) => return Err(OpError::invalid("`password` needs the option `username`")),
            (Some(_), None) => return Err(OpError::invalid("`username` needs the option `password`")),
        };
        let Some(origin) = origin else {
            return Err(OpError::invalid("`username` and `password` are for repositories over HTTP")
                .hint("for SSH, put the user into the address and give a `key_file`"));
        };
        if user.contains(['\n', '\0']) || password.expose().contains(['\n', '\0']) {
            return Err(OpError::invalid("`username` and `password` cannot have more than a line"));
        }
        Ok(Some((user, password, origin)))
    }

    /// How the repositories are reached. What cannot be right is `invalid`.
    fn look(&self) -> OpResult<Look<'_>> {
        check_path(&self.dest)?;
        if self.dest().is_empty() {
            return Err(OpError::invalid("`dest`: `/` cannot be a checkout"));
        }
        if self.repo.is_empty() || self.repo.starts_with('-') || self.repo.contains(char::is_control) {
            return Err(OpError::invalid(format!("`repo`: `{}` is no address of a repository", self.repo)));
        }
        let is_word = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        if self.remote.is_empty() || self.remote.starts_with('-') || !self.remote.chars().all(is_word) {
            return Err(OpError::invalid(format!("`remote`: `{}` cannot be its name", self.remote)));
        }
        if self.depth == Some(0) {
            return Err(OpError::invalid("`depth` is at least 1").hint("leave it out for the whole history"));
        }
        if self
            .refspec
            .as_ref()
            .is_some_and(|refspec| refspec.starts_with('-') || refspec.contains(char::is_whitespace))
        {
            return Err(
                OpError::invalid("`refspec` is no refspec").hint("write one: `+refs/pull/*:refs/heads/*`")
            );
        }
        Ok(Look {
            dest: self.dest(),
            repo: &self.repo,
            remote: &self.remote,
            bare: self.bare,
            recursive: self.recursive && !self.bare,
            key_file: self.key_file.as_deref(),
            accepts_new_key: self.accept_newhostkey,
            login: self.login()?,
        })
    }
}

/// What is there, and what is wanted.
pub(crate) struct State {
    found: Found,
    /// Nothing where neither is to be made.
    target: Option<Target>,
}

impl Op for Git {
    type Params = Params;
    type State = State;

    const NAME: &'static str = "git";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Brings the files of a git repository to a host, at a branch, a tag or a commit.

The host's git asks the other repository what the version is now, also for a plan; a whole commit that is there needs no
asking. A new checkout takes its place when it is whole. A branch is checked out as a branch and follows the other one:
commits that were only made on the host are then left aside, and stay in the reflog. Files that were changed on the host
are an error unless `force` is set; files that git does not know are kept. A checkout that was ended in the middle is
finished by the next run.

It returns `before` and `after`, the commits.

Sources: git-clone(1), git-fetch(1), git-checkout(1), git-ls-remote(1), gitcredentials(7); Ansible's module
`ansible.builtin.git` for names and meaning.";
    const POSITIONAL: &'static [&'static str] = &["repo", "dest"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a released version",
            code: r#"h.git("https://git.example.org/shop.git", "/srv/shop", #{ version: "v2.1", depth: 1 });"#,
            proof: Proof::Check,
        },
        Example {
            about: "the main branch, with a key of its own; the service starts anew with new files",
            code: r#"let shop = h.sudo("shop").git("git@git.example.org:shop.git", "/srv/shop", #{ key_file: "/srv/.ssh/deploy" });
if shop.changed { h.service("shop", #{ state: "restarted" }); }"#,
            proof: Proof::Check,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.dest().to_owned()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<State> {
        let version = Version::parse(&params.version)?;
        let look = params.look()?;
        if let Some(password) = &params.password {
            reader.secrets().register(password.expose());
        }
        let output = reader.query(look.command(params.update, &version.asked())).await?;
        if !output.ok() {
            return Err(failure(&look, output));
        }
        let found = Found::parse(look.dest, &output.stdout_text())?;
        let is_asked = if found.place == Place::Repository { params.update } else { params.clone };
        if !is_asked {
            return Ok(State { found, target: None });
        }
        let Some(target) = version.resolve(&found.remote) else {
            let message = if version == Version::Head {
                format!("`{}` has no commit yet", params.repo)
            } else {
                format!("`{}` has no branch, tag or commit `{}`", params.repo, params.version)
            };
            return Err(OpError::failed(message));
        };
        if found.modified > 0 && !found.cut_short && !params.force {
            let example = found.example.as_deref().unwrap_or_default();
            let files = if found.modified == 1 { "file was" } else { "files were" };
            return Err(OpError::failed(format!(
                "{} {files} changed in `{}`, such as `{example}`",
                found.modified, look.dest
            ))
            .hint("look at them with `git diff`; `force: true` throws such changes away"));
        }
        Ok(State { found, target: Some(target) })
    }

    fn diff(&self, params: &Params, state: &State) -> Change {
        let mut change = Change::none();
        let (found, Some(target)) = (&state.found, &state.target) else { return change };
        let is_there = found.head.as_deref().is_some_and(|head| target.is(head));
        if !is_there {
            let before = found.head.as_deref().map(|head| Target::commit(head).shown());
            change.property("version", before, Some(target.shown()));
        }
        if found.place != Place::Repository {
            return change;
        }
        let of = |text: &str| Some(text.to_owned());
        change.property("repository", found.url.as_deref().map(shown_url), Some(shown_url(&params.repo)));
        if found.cut_short {
            change.property("checkout", of("cut short"), of("whole"));
        } else if found.modified > 0 {
            change.property("files", Some(format!("{} changed", found.modified)), of("as in the repository"));
        }
        if found.submodules > 0 && is_there {
            change.property(
                "submodules",
                Some(format!("{} at others", found.submodules)),
                of("at their commits"),
            );
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
        let Some(target) = &state.target else { return Ok(Output::none()) };
        let checkout = Checkout {
            look: params.look()?,
            target,
            depth: params.depth,
            single_branch: params.single_branch,
            force: params.force,
            verify: params.verify_commit,
            refspec: params.refspec.as_deref().unwrap_or_default(),
        };
        writer.progress(&format!("checking out {}", target.shown()));
        let mut command = checkout.command(&state.found);
        command.umask = params.umask.as_ref().map(|mode| mode.bits(0, false));
        let output = writer.run(command).await?;
        if !output.ok() {
            return Err(failure(&checkout.look, output));
        }
        Ok(commits(state.found.head.as_deref(), Some(output.stdout_text().trim())))
    }

    fn output(&self, _: &Params, state: &State) -> Output {
        let head = state.found.head.as_deref();
        commits(head, head)
    }
}

fn commits(before: Option<&str>, after: Option<&str>) -> Output {
    Output::none().with("before", before).with("after", after)
}
