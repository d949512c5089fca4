//! Puts a file into its place: whole, or not at all.

use std::hash::{BuildHasher as _, Hasher as _};
use std::path::PathBuf;
use std::sync::Arc;

use oneex_sdk::{Command, Content, OpError, OpResult, Writer};

use super::attributes::Attributes;
use super::mode::octal;
use super::probe::{Found, Probe, failure, upload_failure};
use super::steps::Steps;

/// Functions of all scripts that put something into its place.
///
/// `sweep STAGED BEGIN` removes staged files of the same name that are older than `STAGED`, and all other staged
/// links: a run that was killed left them. The name of what is staged ends in sixteen hexadecimal digits, `BEGIN`
/// is what stands before these. `put STAGED PATH` renames; where a link to a folder is in the place, `mv` would
/// move into that folder, and only that of BusyBox, which refuses such a link and one that leads to itself, leaves a
/// moment without either. `there PATH` ends the
/// script unless the folder of `PATH` is there.
pub(crate) const FUNCTIONS: &str = r#"
sweep() {
    for old in "$2"????????????????; do
        case ${old##*.oneex-} in *[!0-9a-f]*) continue ;; esac
        if [ -L "$old" ]; then [ "$old" = "$1" ] || rm -f "$old"
        elif [ -f "$old" ] && [ "$old" -ot "$1" ]; then rm -f "$old"
        fi
    done
}
there() {
    folder=${1%/*}
    [ -d "${folder:-/}" ] || { echo "the folder \`${folder:-/}\` does not exist" >&2; exit 1; }
}
put() {
    if [ -L "$2" ] && [ ! -f "$2" ]; then
        case $(mv --help 2>&1) in *--no-target-directory*) mv -fT "$1" "$2"; return ;; esac
        rm -f "$2"
    fi
    mv -f "$1" "$2"
}
"#;

/// Parameters: path, staged name, source (`stdin`, `empty`, `staged`, `keep`), mode, owner, group, whether owner and
/// group are only kept, the checksum of what is there, that of what was uploaded, suffix of the backup, then the
/// validation's words.
///
/// Where a mode is wanted, the staged file is 0600 until its content is whole, so a secret is never readable on the
/// way; without one it is made as any new file is. dd(1) writes it and brings it to the disk; one that cannot do the
/// latter says so before it reads anything. Programs are what costs: owner and group are looked up only where the
/// shell cannot tell that they are right.
const SCRIPT: &str = r#"
set -eu
language=${LC_ALL-}
export LC_ALL=C
path=$1 staged=$2 source=$3 mode=$4 owner=$5 group=$6 kept=$7 expected=$8 uploaded=$9
shift 9
backup=$1
shift
give() {
    if [ "$kept" = yes ] && [ -O "$path" ] && [ -G "$path" ] && [ -O "$1" ] && [ -G "$1" ]; then return; fi
    if [ -n "$owner$group" ]; then
        now=$(stat -c '%u %g %U %G' "$1")
        set -- "$1" $now
        { [ -z "$owner" ] || [ "$owner" = "$2" ] || [ "$owner" = "$4" ] || chown -h "$owner" "$1" || [ "$kept" = yes ]; } &&
        { [ -z "$group" ] || [ "$group" = "$3" ] || [ "$group" = "$5" ] || chgrp -h "$group" "$1" || [ "$kept" = yes ]; }
    fi
}
if [ "$source" = keep ]; then
    give "$path"
    [ -z "$mode" ] || chmod "$mode" "$path"
    exit
fi
trap 'rm -f "$staged" 2>/dev/null' EXIT
trap 'exit 143' HUP INT TERM
there "$path"
written=
if [ "$source" = staged ] && [ -z "$mode" ]; then
    mode=$((0666 & ~0$(umask)))
    mode=$((mode >> 6))$((mode >> 3 & 7))$((mode & 7))
fi
[ -z "$mode" ] || umask 077
set -C
case $source in
empty) : >"$staged"; written=yes ;;
stdin)
    if said=$(dd bs=65536 conv=fsync 2>&1 >"$staged"); then
        written=yes
    else
        case $said in *conv*) unable=yes ;; *) unable= ;; esac
        if [ -z "$unable" ] || [ ! -f "$staged" ] || [ -s "$staged" ] || [ ! -O "$staged" ]; then
            printf '%s\n' "${said%%
*}" >&2
            exit 1
        fi
        cat >>"$staged"
    fi ;;
esac
set +C
if [ -n "$uploaded" ]; then
    sum=$(sha256sum <"$staged")
    [ "${sum%% *}" = "$uploaded" ] || { echo 'what arrived is not what was read before: was the source changed meanwhile?' >&2; exit 1; }
fi
give "$staged"
[ -z "$mode" ] || chmod "$mode" "$staged"
[ -n "$written" ] || sync "$staged" 2>/dev/null || sync
if [ "$#" -gt 0 ]; then
    (if [ -n "$language" ]; then LC_ALL=$language; else unset LC_ALL; fi; "$@" >&2) || { echo "the validation refused the new content (status $?)" >&2; exit 1; }
fi
if [ -d "$path" ] && ! [ -L "$path" ]; then
    echo 'a folder is there now' >&2
    exit 1
fi
if [ -n "$expected" ]; then
    sum=$(sha256sum <"$path")
    [ "${sum%% *}" = "$expected" ] || { echo 'the file was changed by someone else meanwhile' >&2; exit 1; }
fi
if [ -n "$backup" ] && [ -e "$path" ]; then
    cp -p "$path" "$path$backup"
fi
sweep "$staged" "${staged%????????????????}"
put "$staged" "$path"
trap - EXIT
"#;

/// What is said where a content is not the one that was read before.
const CHANGED: &str = "what arrived is not what was read before: was the source changed meanwhile?";

/// Above this, content is uploaded beside the script and not through its standard input.
const LARGEST_INLINE: usize = 256 << 10;

/// New content.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// Bytes in memory.
    Bytes(Arc<[u8]>),
    /// A file of the controller.
    File(PathBuf),
}

/// What is to be put where.
pub(crate) struct Placement<'a> {
    /// The place, and what was found there.
    pub(crate) probe: &'a Probe,
    /// The new content; without it only the attributes change.
    pub(crate) source: Option<Source>,
    /// Where a step before puts the new content, in place of a source: a path beside the place.
    pub(crate) staged: Option<&'a str>,
    /// The checksum of the new content, in hexadecimal digits.
    pub(crate) sha256: &'a str,
    /// Mode, owner and group; what is left out is kept.
    pub(crate) attributes: Attributes<'a>,
    /// Keeps a copy of the old file.
    pub(crate) backup: bool,
    /// A command that must accept the new file, whose name stands for `%s`.
    pub(crate) validate: Option<&'a str>,
}

impl Placement<'_> {
    /// Does it, and gives the path of the backup where one was made.
    pub(crate) async fn apply(self, writer: &dyn Writer) -> OpResult<Option<String>> {
        self.apply_between(writer, None).await
    }

    /// The same, with steps before and after.
    pub(crate) async fn apply_between(
        self,
        writer: &dyn Writer,
        steps: Option<&Steps<'_>>,
    ) -> OpResult<Option<String>> {
        let path = self.probe.path.as_str();
        let file = self.probe.file();
        let staged = self.staged.map_or_else(|| staged_name(path), |staged| Ok(staged.to_owned()))?;
        let validate = self.validate.map(|text| validation(text, &staged)).transpose()?.unwrap_or_default();
        let mut uploaded = "";
        let (word, stdin) = match &self.source {
            _ if self.staged.is_some() => ("staged", Vec::new()),
            None => ("keep", Vec::new()),
            Some(Source::Bytes(bytes)) if bytes.is_empty() => ("empty", Vec::new()),
            Some(Source::Bytes(bytes)) if bytes.len() <= LARGEST_INLINE => ("stdin", bytes.to_vec()),
            Some(source) => {
                let content = match source {
                    Source::Bytes(bytes) => Content::Bytes(Arc::clone(bytes)),
                    Source::File(from) => Content::File(from.clone()),
                };
                let arrived = match writer.upload(content, &staged).await {
                    Ok(sum) if sum.as_ref().is_none_or(|sum| sum == self.sha256) => Ok(sum),
                    Ok(_) => Err(OpError::failed(format!("`{path}`: {CHANGED}"))),
                    Err(error) => Err(upload_failure(path, error)),
                };
                match arrived {
                    Ok(sum) => uploaded = if sum.is_none() { self.sha256 } else { "" },
                    Err(error) => {
                        let script = format!("{FUNCTIONS}rm -f \"$1\"; there \"$2\"");
                        let swept = writer.run(Command::script(script, [staged.as_str(), path]).tidy()).await;
                        // The upload's own error is the one that counts, unless there is a better reason.
                        return Err(match swept {
                            Ok(output) if !output.ok() => failure(path, &output.stderr_text()),
                            _ => error,
                        });
                    }
                }
                ("staged", Vec::new())
            }
        };
        let is_kept = self.attributes.owner.is_none() && self.attributes.group.is_none();
        let kept = |wanted: Option<&str>, present: fn(&Found) -> u64| match (wanted, file) {
            (Some(wanted), _) => wanted.to_owned(),
            (None, Some(file)) => present(file).to_string(),
            (None, None) => String::new(),
        };
        let mode = self
            .attributes
            .bits(self.probe.found.as_ref().filter(|_| file.is_some() || word == "keep"), false);
        let mode = mode.or(file.map(|file| file.mode)).map(octal).unwrap_or_default();
        let owner = kept(self.attributes.owner, |file| file.uid);
        let group = kept(self.attributes.group, |file| file.gid);
        let expected = file.and_then(|file| file.sha256.clone()).unwrap_or_default();
        let suffix = staged.rsplit('-').next().unwrap_or_default();
        let backup = if self.backup && file.is_some() { format!(".{suffix}~") } else { String::new() };
        let kept_word = if is_kept { "yes" } else { "no" };
        let mut args: Vec<&str> =
            vec![path, &staged, word, &mode, &owner, &group, kept_word, &expected, uploaded, &backup];
        args.extend(validate.iter().map(String::as_str));
        // What a step starts may stay; a placement alone leaves nothing behind.
        let command = match steps {
            None => Command::script(format!("{FUNCTIONS}{SCRIPT}"), args).tidy(),
            Some(steps) => steps.command(SCRIPT, &args),
        };
        let output = writer.run(command.stdin(stdin)).await?;
        if !output.ok() {
            let said = output.stderr_text();
            return Err(match steps {
                _ if said.contains("the validation refused") => {
                    failure(path, &said).command(self.validate.unwrap_or_default(), output)
                }
                None => failure(path, &said),
                Some(steps) => steps.failure(path, output),
            });
        }
        Ok(Some(format!("{path}{backup}")).filter(|_| !backup.is_empty()))
    }
}

/// A new name in the same folder: `.NAME.oneex-XXXXXXXX`.
pub(crate) fn staged_name(path: &str) -> OpResult<String> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    if name.is_empty() {
        return Err(OpError::invalid(format!("`{path}` is the path of a folder, not of a file")));
    }
    // A name has at most 255 bytes, NAME_MAX of limits.h(0p).
    let short = &name[..name.floor_char_boundary(200)];
    let random = std::hash::RandomState::new().build_hasher().finish();
    Ok(format!("{folder}/.{short}.oneex-{random:016x}"))
}

/// The words of a validation, with the staged file's name in them.
fn validation(text: &str, staged: &str) -> OpResult<Vec<String>> {
    let wrong =
        |why: &str| OpError::invalid(format!("`validate`: {why}")).hint("write for example `visudo -cf %s`");
    let words = shlex::split(text).ok_or_else(|| wrong("the quotes do not match"))?;
    if !words.iter().any(|word| word.contains("%s")) {
        return Err(wrong("`%s`, which stands for the new file, is missing"));
    }
    Ok(words.iter().map(|word| word.replace("%s", staged)).collect())
}
