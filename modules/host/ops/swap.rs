//! `swap`: a file that the kernel swaps to.

use oneex_sdk::{
    Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer, parse_size,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::accounts::Presence;
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, Question, look_and_ask};
use crate::host::place::staged_name;
use crate::host::probe::check_file_path;
use crate::host::steps::Steps;
use crate::host::system::{FstabEntry, Swap as Line, Tool, with_mount, without_mount};

/// The operation `swap`.
pub(crate) struct Swap;

/// The options of `swap`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The file.
    path: String,
    /// Its size, such as `"2G"`; up to whole MiB. Not needed with `absent`.
    size: Option<String>,
    /// Whether the kernel swaps to it, now and after every restart. With `absent` the file goes too.
    #[serde(default)]
    state: Presence,
    /// Which one is used first, 0 to 32767: the highest; the kernel chooses when left out.
    priority: Option<u16>,
    /// The file that says it for every restart.
    #[serde(default = "file")]
    fstab: String,
}

fn file() -> String {
    "/etc/fstab".to_owned()
}

const MEBIBYTE: u64 = 1 << 20;

impl Params {
    /// The size in MiB; nothing where it is to go.
    fn mebibytes(&self) -> OpResult<Option<u64>> {
        check_file_path(&self.path)?;
        if self.path.contains(char::is_control) {
            return Err(OpError::invalid("fstab cannot hold control characters"));
        }
        if self.path.starts_with("/dev/") {
            return Err(OpError::invalid(format!("`{}` is a device, and not a file", self.path))
                .hint("`mkswap` and a line of fstab are all that a device needs"));
        }
        if self.priority.is_some_and(|priority| priority > 32767) {
            return Err(OpError::invalid("`priority` is 32767 at most"));
        }
        let size = match (&self.size, self.state) {
            (_, Presence::Absent) => return Ok(None),
            (None, _) => return Err(OpError::invalid("`swap` needs the option `size`")),
            (Some(size), _) => parse_size(size).map_err(|why| OpError::invalid(format!("`size`: {why}")))?,
        };
        if size < MEBIBYTE {
            return Err(OpError::invalid("`size` is a MiB at least"));
        }
        Ok(Some(size.div_ceil(MEBIBYTE)))
    }

    fn entry(&self) -> FstabEntry {
        let options = self.priority.map_or("sw".to_owned(), |priority| format!("sw,pri={priority}"));
        FstabEntry {
            source: self.path.clone(),
            path: "none".to_owned(),
            fstype: "swap".to_owned(),
            options,
            dump: 0,
            pass: 0,
        }
    }
}

/// What there is.
pub(crate) struct State {
    /// The line of fstab; nothing where no file is there and none is wanted.
    content: Option<ContentState>,
    /// The size of the file in bytes.
    size: Option<u64>,
    /// Its priority, where the kernel swaps to it.
    active: Option<i64>,
}

/// Parameter: the file.
const LOOK: &str = r#"if [ -d "$1" ]; then echo folder
elif [ -e "$1" ]; then echo "size $(stat -c %s "$1")"; fi
sed 's/^/swap /' /proc/swaps"#;

/// Parameters: the file, its size in MiB, a name for the new one beside it, what is done before and after, and its
/// priority. A file that has holes cannot be swapped to, nor one that is copied when it is written.
const BEFORE: &str = r#"case $4 in *off*) swapoff "$1" || return ;; esac
case $4 in *make*)
    trap 'rm -f "$3"' EXIT
    (umask 077; : >"$3") || return
    chattr +C "$3" 2>/dev/null
    said=$(dd if=/dev/zero of="$3" bs=1048576 count="$2" 2>&1) || {
        printf '%s\n' "${said%%
*}" >&2
        return 1
    }
    mkswap "$3" >/dev/null || return
    put "$3" "$1" || return
    trap - EXIT ;;
esac"#;

const AFTER: &str = r#"case $5 in
on) if [ -n "$6" ]; then swapon -p "$6" "$1"; else swapon "$1"; fi ;;
remove) rm -f "$1" ;;
esac"#;

const TOOL: Tool = Tool { name: "swapon", packages: "`mount`, `util-linux` or `busybox`" };

impl Op for Swap {
    type Params = Params;
    type State = State;

    const NAME: &'static str = "swap";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Gives the kernel a file to swap to, now and after every restart.

The file is written whole, so that it takes its size on the disk, and nobody else can read it. Where its size differs,
the kernel stops to swap to it while it is made anew; for that there must be enough memory.

Sources: mkswap(8), swapon(8), proc(5), fstab(5).";
    const POSITIONAL: &'static [&'static str] = &["path", "size"];
    const LOCK: Option<&'static str> = Some("mounts");
    const EXAMPLES: &'static [Example] = &[
        Example { about: "two GiB", code: r#"h.swap("/swapfile", "2G");"#, proof: Proof::Check },
        Example {
            about: "none any more",
            code: r#"h.swap("/srv/oneex-none", #{ state: "absent" });"#,
            proof: Proof::Run,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone(), params.fstab.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<State> {
        let size = params.mebibytes()?;
        let question = Question { script: LOOK, words: vec![&params.path] };
        let answer = look_and_ask(reader, &params.fstab, true, question).await?;
        if answer.said.lines().any(|line| line == "folder") {
            return Err(OpError::invalid(format!("`{}` is a folder", params.path)));
        }
        let found = answer.values("size").next().and_then(|size| size.parse().ok());
        let lines = answer.values("swap").filter_map(Line::parse);
        let active = lines.into_iter().find(|line| line.path == params.path).map(|line| line.priority);
        let content = answer.edited(reader, |text| {
            Ok(match size {
                Some(_) => with_mount(text, &params.entry()),
                None => without_mount(text, "none", Some(&params.path)),
            })
        })?;
        Ok(State { content, size: found, active })
    }

    fn diff(&self, params: &Params, state: &State) -> Change {
        let mut change = Change::none();
        let size = |bytes: u64| match bytes % MEBIBYTE {
            0 => format!("{} MiB", bytes / MEBIBYTE),
            _ => format!("{bytes} bytes"),
        };
        let wanted = params.mebibytes().ok().flatten().map(|size| size * MEBIBYTE);
        change.property("size", state.size.map(size), wanted.map(size));
        let word = |is_active| Some(if is_active { "active" } else { "not active" }.to_owned());
        change.property("state", word(state.active.is_some()), word(params.state == Presence::Present));
        if let (Some(active), Some(priority), Presence::Present) =
            (state.active, params.priority, params.state)
        {
            change.property("priority", Some(active.to_string()), Some(priority.to_string()));
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
        let size = params.mebibytes()?;
        let makes = size.is_some() && change.has("size");
        let restarts = makes || change.has("priority") || params.state == Presence::Absent;
        let mut before = Vec::new();
        before.extend((restarts && state.active.is_some()).then_some("off"));
        before.extend(makes.then_some("make"));
        let after = match size {
            None if change.has("size") => "remove",
            None => "",
            Some(_) if restarts || change.has("state") => "on",
            Some(_) => "",
        };
        if makes {
            writer.progress(&format!("writing {}", params.path));
        }
        let words = vec![
            params.path.clone(),
            size.unwrap_or_default().to_string(),
            staged_name(&params.path)?,
            before.join(" "),
            after.to_owned(),
            params.priority.map(|priority| priority.to_string()).unwrap_or_default(),
        ];
        let subject = format!("`{}`", params.path);
        let steps = Steps { before: BEFORE, after: AFTER, words, tool: TOOL, subject, env: Vec::new() };
        match &state.content {
            Some(content) if change.has("content") => {
                let attributes = Attributes::default();
                content.apply_between(writer, change, attributes, false, None, Some(&steps)).await?;
            }
            _ => steps.run(writer).await?,
        }
        Ok(Output::none())
    }
}
