//! `mount`: what is mounted where, now and after a restart.

use oneex_sdk::{Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, Question, look_and_ask};
use crate::host::many::OneOrMany;
use crate::host::probe::check_path;
use crate::host::steps::Steps;
use crate::host::system::{FstabEntry, Tool, encode_field, unfulfilled, with_mount, without_mount};

/// The operation `mount`.
pub(crate) struct Mount;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wanted {
    /// It is mounted, and in fstab.
    Mounted,
    /// It is in fstab; whether it is mounted does not count.
    Present,
    /// It is not mounted; what fstab says does not count.
    Unmounted,
    /// It is neither mounted nor in fstab. The folder stays.
    Absent,
    /// It is mounted anew with the options that fstab says, always.
    Remounted,
}

/// The options of `mount`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The folder where it is mounted; made where it is not there and something is mounted.
    path: String,
    /// What is mounted: a device, `UUID=…`, `LABEL=…`, `host:/path`.
    src: Option<String>,
    /// The type of the file system.
    fstype: Option<String>,
    /// The options: a text with commas, or an array.
    #[serde(default)]
    opts: OneOrMany,
    /// Whether dump(8) saves it.
    #[serde(default)]
    dump: u32,
    /// When fsck(8) checks it at the start: 0 for never, 1 for the root, 2 for others.
    #[serde(default)]
    passno: u32,
    /// What is wanted: `mounted`, `present`, `unmounted`, `absent` or `remounted`.
    state: Wanted,
    /// The file.
    #[serde(default = "file")]
    fstab: String,
    /// Keeps the old file beside the new one, under its name with `.`, a random suffix and `~`.
    #[serde(default)]
    backup: bool,
}

fn file() -> String {
    "/etc/fstab".to_owned()
}

impl Params {
    fn path(&self) -> &str {
        match self.path.trim_end_matches('/') {
            "" => "/",
            path => path,
        }
    }

    /// The line that fstab is to have; nothing where it is to have none, or any.
    fn entry(&self) -> OpResult<Option<FstabEntry>> {
        check_path(&self.path)?;
        let texts = [Some(&self.path), self.src.as_ref(), self.fstype.as_ref()];
        if texts.into_iter().flatten().chain(self.opts.as_slice()).any(|text| text.contains(char::is_control))
        {
            return Err(OpError::invalid("fstab cannot hold control characters"));
        }
        let is_there = matches!(self.state, Wanted::Mounted | Wanted::Present);
        let (source, fstype) = match (&self.src, &self.fstype) {
            _ if !is_there => return Ok(None),
            (Some(source), Some(fstype)) if !source.is_empty() && !fstype.is_empty() => (source, fstype),
            (None, _) => return Err(OpError::invalid("`mount` needs the option `src`")),
            _ => return Err(OpError::invalid("`mount` needs the option `fstype`")),
        };
        let options = self.opts.as_slice().join(",");
        Ok(Some(FstabEntry {
            source: source.clone(),
            path: self.path().to_owned(),
            fstype: fstype.clone(),
            options: if options.is_empty() { "defaults".to_owned() } else { options },
            dump: self.dump,
            pass: self.passno,
        }))
    }

    /// Whether what the kernel calls the source can be compared with `src`.
    fn is_source_known(&self) -> bool {
        let options = self.opts.as_slice().join(",");
        let is_other = options.split(',').any(|word| matches!(word, "bind" | "rbind" | "loop"));
        let (source, fstype) = (self.src.as_deref().unwrap_or_default(), self.fstype.as_deref());
        let is_device = source.starts_with("/dev/") || source.contains('=');
        !is_other && (is_device || fstype.is_some_and(|fstype| fstype.starts_with("nfs")))
    }
}

/// What the kernel says of the place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Live {
    options: String,
    source: String,
}

/// What there is.
pub(crate) struct State {
    /// Nothing where fstab does not count, or there is none and none is wanted.
    content: Option<ContentState>,
    live: Option<Live>,
    /// The device that `src` is.
    source: Option<String>,
}

/// Parameters: the path, the path as the kernel writes it, and the source. The last mount of a place is the one
/// that is seen there. `\040` becomes `\0040`, which printf(1p) reads.
const LOOK: &str = r#"real=$(readlink -f "$1") && [ "$real" != "$1" ] && printf 'real %s\n' "$real"
device() {
    case $1 in /dev/*) [ -e "$1" ] && readlink -f "$1" && return ;; esac
    printf '%s\n' "$1"
}
case $3 in
UUID=* | LABEL=* | PARTUUID=* | PARTLABEL=*) found=$(findfs "$3" 2>/dev/null) && printf 'source %s\n' "$(device "$found")" ;;
/dev/*) if [ -e "$3" ]; then printf 'source %s\n' "$(device "$3")"; else echo missing; fi ;;
*) printf 'source %s\n' "$3" ;;
esac
live=
while read -r id parent number root place rest; do
    [ "$place" != "$2" ] || live=$rest
done </proc/self/mountinfo
[ -n "$live" ] || return 0
tail=${live#* - }
tail=${tail#* }
source=${tail%% *}
printf 'options %s,%s\n' "${live%% *}" "${tail#* }"
printf 'mounted %s\n' "$(device "$(printf %b "$(printf %s "$source" | sed 's/\\/\\0/g')")")""#;

/// Parameters: the path, what is done with it before, and what after, the file, and whether that changed.
const BEFORE: &str = r#"case $2 in
*unmount*) umount "$1" || return ;;
esac
case $3 in
'' | keep) ;;
*) [ -d "$1" ] || mkdir -p "$1" || return ;;
esac"#;

const AFTER: &str = r#"if [ "$5" = changed ] && [ "$4" = /etc/fstab ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
bring() { if [ "$4" = /etc/fstab ]; then mount "$1"; else mount -T "$4" "$1"; fi; }
again() {
    if [ "$4" = /etc/fstab ]; then mount -o remount "$1"; else mount -T "$4" -o remount "$1"; fi
}
case $3 in
mount) bring "$@" ;;
remount) again "$@" || { umount "$1" && bring "$@"; } ;;
esac"#;

const TOOL: Tool = Tool { name: "mount", packages: "`mount` or `util-linux`" };

impl State {
    /// What is to be done before the file is placed, and after.
    fn steps(&self, params: &Params, change: &Change) -> (&'static str, &'static str) {
        let is_file_new = change.has("content");
        match params.state {
            Wanted::Present => ("", ""),
            Wanted::Unmounted | Wanted::Absent if change.has("state") => ("unmount", ""),
            Wanted::Unmounted | Wanted::Absent => ("", ""),
            Wanted::Mounted if change.has("source") => ("unmount", "mount"),
            Wanted::Mounted if change.has("state") => ("", "mount"),
            Wanted::Mounted if change.has("options") || is_file_new => ("", "remount"),
            Wanted::Mounted => ("", ""),
            Wanted::Remounted if self.live.is_some() => ("", "remount"),
            Wanted::Remounted => ("", "mount"),
        }
    }
}

impl Op for Mount {
    type Params = Params;
    type State = State;

    const NAME: &'static str = "mount";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Says what is mounted where, now and after a restart.

Both are compared: the line of fstab, by what its options mean and not how they are written, and what the kernel has
mounted in the place: its device, and of the options that are given `ro`, `nosuid`, `nodev`, `noexec`, `noatime` and
their opposites. A mount whose line changes is mounted anew. A folder stays where nothing is mounted any more.

Sources: fstab(5), mount(8), umount(8), proc(5); Ansible's module `ansible.posix.mount` for names and meaning.";
    const POSITIONAL: &'static [&'static str] = &["path"];
    const LOCK: Option<&'static str> = Some("mounts");
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a disk",
            code: r#"h.mount("/srv/data", #{ src: "UUID=7d3c1a52-0d3b-4c0e-9a55-0f6b2d6f1c11", fstype: "ext4", opts: "noatime", passno: 2, state: "mounted" });"#,
            proof: Proof::Check,
        },
        Example {
            about: "a line of fstab alone",
            code: r#"h.write(`${dir}/fstab`, "");
h.mount("/srv/scratch", #{ src: "tmpfs", fstype: "tmpfs", opts: ["size=64m", "nodev"], state: "present", fstab: `${dir}/fstab` });"#,
            proof: Proof::Check,
        },
        Example {
            about: "nothing there",
            code: r#"h.mount("/srv/oneex-gone", #{ state: "unmounted" });"#,
            proof: Proof::Run,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path().to_owned(), params.fstab.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<State> {
        let entry = params.entry()?;
        let encoded = encode_field(params.path());
        let words = vec![params.path(), &encoded, params.src.as_deref().unwrap_or_default()];
        let answer = look_and_ask(reader, &params.fstab, true, Question { script: LOOK, words }).await?;
        let value = |word: &str| answer.values(word).next().map(str::to_owned);
        if let Some(real) = value("real") {
            let message = format!("`{}` leads over a symbolic link to `{real}`", params.path);
            return Err(OpError::invalid(message).hint("mount it there"));
        }
        let is_missing = answer.said.lines().any(|line| line == "missing");
        if is_missing && params.state == Wanted::Mounted {
            let source = params.src.as_deref().unwrap_or_default();
            return Err(OpError::failed(format!("there is no device `{source}`"))
                .hint("`state: \"present\"` alone writes its line"));
        }
        let source = value("source").filter(|source| !source.is_empty());
        let live =
            value("options").map(|options| Live { options, source: value("mounted").unwrap_or_default() });
        let content = answer.edited(reader, |text| {
            Ok(match (&entry, params.state) {
                (Some(entry), _) => with_mount(text, entry),
                (None, Wanted::Absent) => without_mount(text, params.path(), None),
                (None, _) => text.to_owned(),
            })
        })?;
        Ok(State { content, live, source })
    }

    fn diff(&self, params: &Params, state: &State) -> Change {
        let mut change = Change::none();
        let word = |is_mounted| Some(if is_mounted { "mounted" } else { "not mounted" }.to_owned());
        let is_mounted = state.live.is_some();
        match params.state {
            Wanted::Present => &mut change,
            Wanted::Mounted => change.property("state", word(is_mounted), word(true)),
            Wanted::Unmounted | Wanted::Absent => change.property("state", word(is_mounted), word(false)),
            Wanted::Remounted => change.property("state", word(is_mounted), Some("remounted".to_owned())),
        };
        if let (Wanted::Mounted, Some(live)) = (params.state, &state.live) {
            // A `UUID=…` that the host cannot resolve says nothing of what is mounted.
            if let Some(source) = state.source.as_ref().filter(|_| params.is_source_known()) {
                let plain = |source: &str| Some(source.trim_end_matches('/').to_owned());
                change.property("source", plain(&live.source), plain(source));
            }
            if let Some((present, wanted)) = unfulfilled(&params.opts.as_slice().join(","), &live.options) {
                change.property("options", Some(present), Some(wanted));
            }
        }
        if let Some(content) = &state.content {
            change.items.extend(content.differ(Attributes::default(), true).items);
        }
        change
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &State,
        change: &Change,
    ) -> OpResult<Output> {
        let (before, after) = state.steps(params, change);
        let is_placed = change.has("content");
        let word = if is_placed { "changed" } else { "" };
        let words = [params.path(), before, after, &params.fstab, word].map(str::to_owned).to_vec();
        let subject = format!("`{}`", params.path());
        let steps = Steps { before: BEFORE, after: AFTER, words, tool: TOOL, subject, env: Vec::new() };
        match &state.content {
            Some(content) if is_placed => {
                let attributes = Attributes::default();
                content.apply_between(writer, change, attributes, params.backup, None, Some(&steps)).await?;
            }
            _ => steps.run(writer).await?,
        }
        writer.forget_facts();
        Ok(Output::none())
    }
}
