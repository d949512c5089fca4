//! `unarchive`: what an archive holds, on a host.

use std::sync::Arc;

use oneex_sdk::{
    Change, Command, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::archive::{Selection, Unpacked, select, unpack, unpack_bytes};
use crate::host::attributes::Attributes;
use crate::host::many::OneOrMany;
use crate::host::probe::{FileType, check_file_path, check_path, failure};
use crate::host::tree::{self, Entry, Globs, TreeState, Wish};

/// The operation `unarchive`.
pub(crate) struct Unarchive;

/// The options of `unarchive`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The name of the archive, looked for in `files/` beside the script, then beside the runbook; or an absolute path.
    src: String,
    /// The absolute path of the folder on the host. It must be there.
    dest: String,
    /// Takes the archive from the host, where `src` is its absolute path.
    #[serde(default)]
    remote_src: bool,
    /// Does nothing where this absolute path is there.
    creates: Option<String>,
    /// Only members that these globs fit, and what is below them; all when left out.
    #[serde(default)]
    include: OneOrMany,
    /// Not members that these globs fit, and what is below them. One without `/` is for names at any depth.
    #[serde(default)]
    exclude: OneOrMany,
    /// How many folders are taken from the beginning of the members' paths.
    #[serde(default)]
    strip_components: usize,
    /// Leaves files that were changed later than those of the archive.
    #[serde(default)]
    keep_newer: bool,
    /// The mode of files, such as `"0644"` or `"go-w"`; that of the archive when left out.
    mode: Option<Mode>,
    /// The mode of folders; that of the archive when left out.
    directory_mode: Option<Mode>,
    /// The owner, by name or number; kept when left out.
    owner: Option<String>,
    /// The group, by name or number; kept when left out.
    group: Option<String>,
    /// Adds `files` to the result: the paths of what the archive brings.
    #[serde(default)]
    list_files: bool,
}

/// The largest archive that is taken from a host, in bytes.
const LARGEST: usize = 256 << 20;
/// The status of [`SEND`] where nothing is to be done, and where no archive is there.
const IS_THERE: i32 = 9;
const NO_ARCHIVE: i32 = 8;

/// Parameters: the archive, and what makes it needless.
const SEND: &str = r#"if [ -n "$2" ] && { [ -e "$2" ] || [ -L "$2" ]; }; then exit 9; fi
[ -f "$1" ] || exit 8
exec cat "$1""#;

impl Params {
    fn dest(&self) -> OpResult<String> {
        check_path(&self.dest)?;
        let parts: Vec<&str> = self.dest.split('/').filter(|part| !part.is_empty()).collect();
        // No path below it may have two slashes side by side.
        Ok(if parts.is_empty() { "/.".to_owned() } else { format!("/{}", parts.join("/")) })
    }

    /// The archive; nothing where the host says that it is not needed.
    async fn archive(&self, reader: &dyn Reader) -> OpResult<Option<Arc<Unpacked>>> {
        if !self.remote_src {
            return unpack(&reader.project_file("files", &self.src)?).await.map(Some);
        }
        check_file_path(&self.src)?;
        let creates = self.creates.clone().unwrap_or_default();
        let mut send = Command::script(SEND, [self.src.clone(), creates]).tidy();
        send.keep = LARGEST;
        let output = reader.query(send).await?;
        if output.truncated() {
            return Err(OpError::invalid(format!("`{}` has more than {} MiB", self.src, LARGEST >> 20))
                .hint("unpack it with `exec` and `creates`: `tar -xf`"));
        }
        match output.code() {
            0 => unpack_bytes(&self.src, output.stdout).await.map(Some),
            IS_THERE => Ok(None),
            NO_ARCHIVE => Err(OpError::failed(format!("`{}` is not there, or no file", self.src))),
            _ => Err(failure(&self.src, &output.stderr_text())),
        }
    }

    fn entries(&self, archive: &Unpacked) -> OpResult<Vec<(Entry, Option<i64>)>> {
        if self.keep_newer && !archive.has_times {
            return Err(OpError::invalid(format!(
                "`keep_newer`: `{}` does not say when its files were changed",
                self.src
            ))
            .hint("times in a zip are those of no certain place"));
        }
        let include = Globs::new("include", self.include.as_slice())?;
        let exclude = Globs::new("exclude", self.exclude.as_slice())?;
        let selection = Selection {
            strip: self.strip_components,
            include: &include,
            exclude: &exclude,
            mode: self.mode.as_ref(),
            directory_mode: self.directory_mode.as_ref(),
        };
        select(archive, &selection)
    }

    fn wish(&self) -> Wish<'_> {
        let attributes =
            Attributes { mode: None, owner: self.owner.as_deref(), group: self.group.as_deref() };
        Wish { attributes, directory_mode: None, force: true }
    }
}

/// What is there and what is wanted.
pub(crate) struct State {
    tree: TreeState,
    files: Vec<String>,
    /// Keeps the contents as long as they may be sent.
    _archive: Arc<Unpacked>,
}

impl Op for Unarchive {
    type Params = Params;
    /// Nothing where the host says that the archive is not needed.
    type State = Option<State>;

    const NAME: &'static str = "unarchive";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Unpacks an archive to a host: tar, plain or packed by gzip, bzip2, xz or zstd, and zip.

The controller unpacks it and sends what differs by content, so that the host needs no program for it, a plan tells the
truth and a second run sends nothing. Nothing leaves the folder: absolute paths, `..`, links that lead out and members
below a link are refused before anything is written, and so are devices. Set-id and sticky bits are left out, and files
belong to the user who unpacks, whoever owned them in the archive. What the host has besides stays.

With `remote_src` the controller reads the archive from the host, up to 256 MiB, which costs a round trip more;
`creates` spares that.

The result has `path`, `files` (how many) and `size`; with `list_files`, `files` has their paths.

Sources: tar(5), APPNOTE.TXT of PKWARE on zip, PEP 706 on what is refused; Ansible's module `ansible.builtin.unarchive`
for names and meaning.";
    const POSITIONAL: &'static [&'static str] = &["src", "dest"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a release, without the folder that it is packed in",
            code: r#"h.unarchive("shop-2.1.tar.gz", "/srv/shop", #{ strip_components: 1, owner: "shop" });"#,
            proof: Proof::Check,
        },
        Example {
            about: "an archive that is on the host, once",
            code: r#"h.unarchive("/var/tmp/site.zip", "/srv/site", #{ remote_src: true, creates: "/srv/site/index.html" });"#,
            proof: Proof::Check,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        let mut paths = vec![params.dest.clone()];
        paths.extend(params.remote_src.then(|| params.src.clone()));
        paths.extend(params.creates.clone());
        Resources::Paths(paths)
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Option<State>> {
        let root = params.dest()?;
        if let Some(creates) = &params.creates {
            check_path(creates)?;
        }
        let Some(archive) = params.archive(reader).await? else { return Ok(None) };
        let entries = params.entries(&archive)?;
        let mut paths: Vec<String> = entries.iter().map(|(entry, _)| TreeState::path(&root, entry)).collect();
        paths.push(root.clone());
        let creates = params.creates.as_ref().filter(|_| !params.remote_src);
        paths.extend(creates.cloned());
        let mut found = tree::look(reader, &paths).await?;
        if creates.is_some_and(|creates| found.contains_key(creates)) {
            return Ok(None);
        }
        if !found.get(&format!("{root}/.")).is_some_and(|found| found.file_type == FileType::Directory) {
            return Err(OpError::failed(format!("`{}` is no folder on the host", params.dest))
                .hint("`directory` makes it"));
        }
        let is_kept = |entry: &Entry, modified: &Option<i64>| {
            let there = found.get(&TreeState::path(&root, entry));
            let is_newer = there.zip(*modified).is_some_and(|(there, modified)| there.mtime > modified);
            params.keep_newer && is_newer && there.is_some_and(|there| there.file_type == FileType::File)
        };
        let entries: Vec<Entry> = entries
            .into_iter()
            .filter(|(entry, modified)| !is_kept(entry, modified))
            .map(|(entry, _)| entry)
            .collect();
        let files =
            entries.iter().filter(|entry| entry.name != ".").map(|entry| entry.name.clone()).collect();
        found.retain(|path, _| Some(path) != creates);
        Ok(Some(State { tree: TreeState::new(root, entries, found)?, files, _archive: archive }))
    }

    fn diff(&self, params: &Params, state: &Option<State>) -> Change {
        state.as_ref().map_or_else(Change::none, |state| state.tree.differ(params.wish()))
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &Option<State>,
        _: &Change,
    ) -> OpResult<Output> {
        let Some(found) = state else { return Ok(Output::none()) };
        writer.progress(&format!("unpacking {}", params.src));
        found.tree.apply(writer, params.wish()).await?;
        Ok(self.output(params, state))
    }

    fn output(&self, params: &Params, state: &Option<State>) -> Output {
        let Some(state) = state else { return Output::none() };
        let (files, size) = state.tree.size();
        let output = Output::none().with("path", params.dest.as_str()).with("size", size);
        if params.list_files {
            output.with("files", state.files.clone())
        } else {
            output.with("files", files)
        }
    }
}
