//! What a host is asked to look at a checkout, and to make one.

use oneex_sdk::{Command, CommandOutput, OpError, Secret, quote};

use super::found::{Found, Place};
use super::version::Target;

/// Where the other repository is, and how it lets us in.
pub(crate) struct Look<'a> {
    /// The folder of the checkout.
    pub(crate) dest: &'a str,
    /// The address of the other repository.
    pub(crate) repo: &'a str,
    /// The name that git has for it.
    pub(crate) remote: &'a str,
    /// Whether the repository has no files checked out.
    pub(crate) bare: bool,
    /// Whether submodules count.
    pub(crate) recursive: bool,
    /// The file with the private key for SSH.
    pub(crate) key_file: Option<&'a str>,
    /// Whether the key of an SSH server that is not known yet is taken.
    pub(crate) accepts_new_key: bool,
    /// User and password, and the scheme and host that they are for.
    pub(crate) login: Option<(&'a str, &'a Secret<String>, &'a str)>,
}

/// Nothing is asked at a terminal. `remote_git` knows the password for one host; it comes by the environment, where
/// other users do not see it.
const ACCESS: &str = r#"export LC_ALL=C GIT_TERMINAL_PROMPT=0
ssh=${GIT_SSH_COMMAND:-$(git config --get core.sshCommand 2>/dev/null)}
export GIT_SSH_COMMAND="${ssh:-ssh} -o BatchMode=yes $ONEEX_GIT_SSH"
if [ -n "$ONEEX_GIT_LOGIN" ]; then
    answer='!f() { [ "$1" != get ] || printf "username=%s\npassword=%s\n" "$ONEEX_GIT_USER" "$ONEEX_GIT_PASSWORD"; }; f'
    remote_git() { git -c credential.helper= -c "credential.$ONEEX_GIT_LOGIN.helper=$answer" "$@"; }
else
    remote_git() { git "$@"; }
fi
"#;

/// Parameters: folder, address, remote, `bare`, `recursive`, what is not looked for where a repository is there
/// (`refresh` or nothing), and the references that the other repository is asked for.
const LOOK: &str = r#"command -v git >/dev/null 2>&1 || { echo none; exit 0; }
export GIT_OPTIONAL_LOCKS=0
dest=$1 repo=$2 remote=$3 bare=$4 recursive=$5 refresh=$6 tab='	'
shift 6
folder=$dest/.git
[ -z "$bare" ] || folder=$dest
if [ -e "$folder/HEAD" ] || [ -f "$folder" ]; then
    git_here() { git -C "$dest" "$@"; }
    own=$(git_here rev-parse --absolute-git-dir) || exit
    place=repository
    echo repository
    printf 'head\t%s\n' "$(git_here rev-parse -q --verify 'HEAD^{commit}')"
    printf 'url\t%s\n' "$(git_here config --get "remote.$remote.url")"
    [ ! -e "$own/shallow" ] || printf 'shallow\t\n'
    if [ -z "$bare" ]; then
        git_here status --porcelain --untracked-files=no --ignore-submodules=all | sed "s/^/modified$tab/"
        [ ! -e "$own/oneex-checkout" ] || printf 'cut\t\n'
    fi
    if [ -n "$recursive" ] && [ -f "$dest/.gitmodules" ]; then
        git_here submodule status --recursive | sed -n "/^[-+U]/s/^/submodule$tab/p"
    fi
elif [ -d "$dest" ]; then
    names=$(ls -A "$dest") || exit
    [ -z "$names" ] || { echo other; exit 0; }
    place=empty
    echo empty
elif [ -e "$dest" ] || [ -L "$dest" ]; then
    echo file
    exit 0
else
    place=absent
    echo absent
fi
[ -n "$refresh" ] || [ "$place" != repository ] || exit 0
[ $# -gt 0 ] || exit 0
echo remote
remote_git ls-remote -q --symref -- "$repo" "$@""#;

/// Parameters: folder, what is there, address, remote, reference or nothing, commit, depth, `single`, `bare`,
/// `recursive`, `force`, `verify`, a further refspec, and the commit that is checked out, where there is one.
///
/// A new checkout takes its place when it is whole. In one that is there, a file in the folder of git tells the next
/// run that this one was ended in the middle: what looks like changes of somebody is then ours.
const CHECKOUT: &str = r#"set -u
dest=$1 place=$2 repo=$3 remote=$4 reference=$5 commit=$6 depth=$7 single=$8 bare=$9
shift 9
recursive=$1 force=$2 verify=$3 refspec=$4 head=$5
work=$dest heads=refs/remotes/$remote
[ -z "$bare" ] || heads=refs/heads
here() { git -c advice.detachedHead=false -C "$work" "$@"; }
fetch() { remote_git -C "$work" fetch -q --force "$@"; }
fetch_all() {
    set -- "+refs/heads/*:$heads/*" "$@"
    shallow=$(here rev-parse --git-path shallow)
    case $shallow in /*) ;; *) shallow=$work/$shallow ;; esac
    if [ -e "$shallow" ]; then fetch --tags --unshallow "$remote" "$@"; else fetch --tags "$remote" "$@"; fi
}
fetch_wanted() {
    case $reference in
    refs/heads/*) wanted=$heads/${reference#refs/heads/} spec="+$reference:$wanted" ;;
    '') wanted=$commit spec=$commit ;;
    HEAD) wanted=$commit spec=HEAD ;;
    *) wanted=$reference spec="+$reference:$reference" ;;
    esac
    set -- ${refspec:+"$refspec"}
    if [ -n "$depth$single" ] && [ "${#commit}" -ge 40 ]; then
        if [ -n "$depth" ]; then
            fetch --depth "$depth" "$remote" "$spec" "$@" && return
        else
            fetch "$remote" "$spec" "$@" && return
        fi
        [ -z "$reference" ] || return
    fi
    case $reference in
    '' | refs/heads/* | refs/tags/*) fetch_all "$@" ;;
    *) fetch_all "$spec" "$@" ;;
    esac || return
    # Not every server gives a commit that no branch leads to, but some do.
    [ -n "$reference" ] || here cat-file -e "$commit^{commit}" 2>/dev/null || fetch "$remote" "$commit"
}
# A checkout of one branch does not follow others by itself.
follow() {
    case $(here config --get-all "remote.$remote.fetch") in
    *refs/heads/'*:'* | *"refs/heads/$1:"*) ;;
    *) here remote set-branches --add "$remote" "$1" ;;
    esac
}
switch() {
    case $reference in
    refs/heads/*)
        follow "${reference#refs/heads/}" &&
            here checkout -q ${force:+-f} --track -B "${reference#refs/heads/}" "$wanted" ;;
    *) here checkout -q ${force:+-f} --detach "$full" ;;
    esac
}
check_out() {
    full=$(here rev-parse -q --verify "$wanted^{commit}") || { echo "no such commit: $commit" >&2; return 3; }
    if [ -n "$verify" ]; then
        case $reference in
        refs/tags/*) here verify-tag "${reference#refs/tags/}" ;;
        *) here verify-commit "$full" ;;
        esac || return 4
    fi
    if [ -n "$bare" ]; then
        case $reference in
        refs/heads/*) here symbolic-ref HEAD "$reference" ;;
        *) here update-ref --no-deref HEAD "$full" ;;
        esac
        return
    fi
    folder=$(here rev-parse --absolute-git-dir) || return
    if [ -e "$folder/oneex-checkout" ]; then
        force=yes
        rm -f "$folder/index.lock"
    fi
    echo "$full" >"$folder/oneex-checkout" || return
    if [ -n "$force" ] && [ -n "$head" ]; then here reset -q --hard || return; fi
    said=$(switch 2>&1) || {
        printf '%s\n' "$said" >&2
        # What git refused is as it was; what broke in the middle, as on a full disk, is for the next run to finish.
        case $said in *'would be overwritten by checkout'*) rm -f "$folder/oneex-checkout" ;; esac
        return 1
    }
    if [ -n "$recursive" ] && [ -f "$work/.gitmodules" ]; then
        here submodule -q sync --recursive || return
        remote_git -C "$work" submodule -q update --init --recursive ${force:+--force} || return
    fi
    rm -f "$folder/oneex-checkout"
}
new() {
    rm -rf "$work" && mkdir -p "${dest%/*}/" || return
    # The empty folder's owner and mode are kept.
    if [ "$place" = empty ]; then cp -a "$dest" "$work" || return; fi
    git -c init.defaultBranch=main init -q ${bare:+--bare} "$work" || return
    case $single$depth/$reference in
    ?*/refs/heads/*) here remote add -t "${reference#refs/heads/}" "$remote" "$repo" ;;
    *) here remote add "$remote" "$repo" ;;
    esac || return
    fetch_wanted && check_out || return
    if [ "$place" = empty ]; then
        # In one step, where mv(1) can.
        mv -T "$work" "$dest" 2>/dev/null && return
        rmdir "$dest" || return
    fi
    if [ -e "$dest" ] || [ -L "$dest" ]; then echo "$dest has come to be there" >&2; return 1; fi
    mv "$work" "$dest"
}
if [ "$place" != repository ]; then
    name=${dest##*/}
    work=${dest%/*}/.$name.oneex-checkout
    new || { status=$?; rm -rf "$work"; exit "$status"; }
    work=$dest
else
    here remote set-url "$remote" "$repo" 2>/dev/null || here remote add "$remote" "$repo" || exit
    fetch_wanted && check_out || exit
fi
here rev-parse HEAD"#;

/// The status of [`CHECKOUT`] for a commit that is not there, and for one whose signature is not trusted.
const NO_COMMIT: i32 = 3;
const NOT_TRUSTED: i32 = 4;

fn word(yes: bool, word: &str) -> String {
    if yes { word.to_owned() } else { String::new() }
}

impl Look<'_> {
    /// The look; it also asks the other repository, unless a repository is there and `refresh` is false.
    pub(crate) fn command(&self, refresh: bool, references: &[String]) -> Command {
        let mut words = vec![self.dest.to_owned(), self.repo.to_owned(), self.remote.to_owned()];
        words.push(word(self.bare, "bare"));
        words.push(word(self.recursive, "recursive"));
        words.push(word(refresh, "refresh"));
        words.extend_from_slice(references);
        // What ssh learns of a server's key is not written down before something is changed.
        let mut ssh = vec!["-o", "UpdateHostKeys=no"];
        if self.accepts_new_key {
            ssh.extend(["-o", "UserKnownHostsFile=/dev/null ~/.ssh/known_hosts ~/.ssh/known_hosts2"]);
        }
        let text = LOOK.replacen(
            "export GIT_OPTIONAL_LOCKS=0\n",
            &format!("{ACCESS}export GIT_OPTIONAL_LOCKS=0\n"),
            1,
        );
        self.command_with(text, words, &ssh)
    }

    fn command_with(&self, text: String, words: Vec<String>, ssh: &[&str]) -> Command {
        let mut options: Vec<&str> = ssh.to_vec();
        if let Some(key) = self.key_file {
            options.extend(["-i", key, "-o", "IdentitiesOnly=yes"]);
        }
        if self.accepts_new_key {
            options.extend(["-o", "StrictHostKeyChecking=accept-new"]);
        }
        let options: Vec<String> = options.into_iter().map(quote).collect();
        let mut command = Command::script(text, words).env("ONEEX_GIT_SSH", options.join(" "));
        if let Some((user, password, origin)) = self.login {
            command = command
                .env("ONEEX_GIT_LOGIN", origin)
                .env("ONEEX_GIT_USER", user)
                .env("ONEEX_GIT_PASSWORD", password.expose());
        } else {
            command = command.env("ONEEX_GIT_LOGIN", "");
        }
        command.tidy()
    }
}

/// What is to be brought about.
pub(crate) struct Checkout<'a> {
    /// The repositories.
    pub(crate) look: Look<'a>,
    /// What is checked out.
    pub(crate) target: &'a Target,
    /// How many commits of its history are fetched.
    pub(crate) depth: Option<u32>,
    /// Whether other branches stay away.
    pub(crate) single_branch: bool,
    /// Whether what was changed on the host goes.
    pub(crate) force: bool,
    /// Whether only a signed commit or tag is checked out.
    pub(crate) verify: bool,
    /// What is fetched beside.
    pub(crate) refspec: &'a str,
}

impl Checkout<'_> {
    /// The command that does it, and prints the commit.
    pub(crate) fn command(&self, found: &Found) -> Command {
        let look = &self.look;
        let words = vec![
            look.dest.to_owned(),
            found.place.as_str().to_owned(),
            look.repo.to_owned(),
            look.remote.to_owned(),
            self.target.reference.clone(),
            self.target.commit.clone(),
            // The history that is there is not cut down.
            self.depth
                .filter(|_| found.place != Place::Repository || found.is_shallow)
                .map(|depth| depth.to_string())
                .unwrap_or_default(),
            word(self.single_branch, "single"),
            word(look.bare, "bare"),
            word(look.recursive, "recursive"),
            word(self.force, "force"),
            word(self.verify, "verify"),
            self.refspec.to_owned(),
            found.head.clone().unwrap_or_default(),
        ];
        look.command_with(format!("{ACCESS}{CHECKOUT}"), words, &[])
    }
}

/// What went wrong, in the words of people.
pub(crate) fn failure(look: &Look<'_>, output: CommandOutput) -> OpError {
    let said = output.stderr_text();
    let (dest, repo) = (look.dest, look.repo);
    let has = |texts: &[&str]| texts.iter().any(|text| said.contains(text));
    let error = if output.code() == NO_COMMIT || has(&["not our ref", "couldn't find remote ref"]) {
        OpError::failed(format!("`{repo}` has no such commit"))
            .hint("write all of its digits, where no branch and no tag leads to it")
    } else if output.code() == NOT_TRUSTED {
        OpError::denied(format!("the version of `{repo}` has no signature that the host trusts"))
            .hint("the host's git needs the signer's key: see `gpg.ssh.allowedSignersFile` in git-config(1)")
    } else if has(&["Host key verification failed"]) {
        OpError::denied(format!("the host does not know the key of the server of `{repo}`"))
            .hint("make it known with `known_host`, or take a new one with `accept_newhostkey: true`")
    } else if has(&["Authentication failed", "could not read Username", "Permission denied (", "error: 403"])
    {
        OpError::denied(format!("the server of `{repo}` refuses"))
            .hint("give `username` and `password`, or for SSH a `key_file`")
    } else if has(&[
        "Could not resolve host",
        "Connection refused",
        "Connection timed out",
        "Couldn't connect",
        "Failed to connect",
    ]) {
        OpError::failed(format!("the host does not reach the server of `{repo}`"))
            .hint("does the name resolve on the host, and does a firewall or proxy stand between?")
    } else if has(&["does not appear to be a git repository", "epository not found", "' not found"]) {
        OpError::failed(format!("there is no repository at `{repo}`"))
    } else if has(&["dubious ownership"]) {
        OpError::denied(format!("`{dest}` belongs to another user"))
            .hint("work as that user: `h.sudo(\"NAME\").git(…)`")
    } else if has(&["would be overwritten by checkout"]) {
        OpError::failed(format!("files in `{dest}` that the repository does not know are in its way"))
            .hint("move them away, or let them be replaced with `force: true`")
    } else if has(&["index.lock': File exists"]) {
        OpError::failed(format!("something else works with git in `{dest}`"))
            .hint("let it end; where nothing does, remove `.git/index.lock`")
    } else if has(&["ermission denied"]) {
        OpError::denied(format!("no permission for `{dest}`")).hint("does the task need `.sudo()`?")
    } else {
        let fatal = said.lines().find(|line| line.starts_with("fatal: ") || line.starts_with("error: "));
        let line = fatal.or_else(|| said.lines().rfind(|line| !line.trim().is_empty()));
        OpError::failed(format!("`git` failed for `{dest}`: {}", line.unwrap_or("it gave no reason").trim()))
    };
    error.command("git", output)
}
