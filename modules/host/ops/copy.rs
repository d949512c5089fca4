//! Copies a file or a folder of the project to a host.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use oneex_sdk::{Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, Wanted, look};
use crate::host::probe::check_path;
use crate::host::tree::{self, TreeState, Wish};

/// The operation `copy`.
pub(crate) struct Copy;

/// The options of `copy`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The name of a file or folder, looked for in `files/` beside the script, then beside the runbook; or an absolute path.
    src: String,
    /// The absolute path on the host, of the copy itself.
    path: String,
    /// Names of a folder's contents that are left out, as globs; one with `/` is for paths below the folder.
    #[serde(default)]
    exclude: Vec<String>,
    /// Replaces the content of a file that is there already.
    #[serde(default = "yes")]
    force: bool,
    /// The file mode, such as `"0644"` or `"u=rw,go=r"`, or `"preserve"` for that which each file of the project has; kept
    /// when left out, and 0666 less the umask for a new file.
    mode: Option<FileMode>,
    /// The mode of folders; kept when left out, and 0777 less the umask for a new one.
    directory_mode: Option<Mode>,
    /// The owner, by name or number; kept when left out.
    owner: Option<String>,
    /// The group, by name or number; kept when left out.
    group: Option<String>,
    /// Keeps the old file beside the new one, under its name with `.` a random suffix and `~`.
    #[serde(default)]
    backup: bool,
    /// A command that must accept the new file before it takes its place; `%s` stands for its name.
    validate: Option<String>,
    /// Writes to what a symbolic link points to, and not in place of the link.
    #[serde(default)]
    follow: bool,
}

/// The mode of copied files.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected a file mode as a string, such as `\"0644\"` or `\"u=rw,go=r\"`, or `\"preserve\"`"
)]
enum FileMode {
    /// That of the source.
    Source(Preserve),
    /// The same one for all.
    Given(Mode),
}

/// The word for it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Preserve {
    /// As it is in the project.
    Preserve,
}

impl Params {
    /// What is given for all files.
    fn attributes(&self) -> Attributes<'_> {
        let mode = match &self.mode {
            Some(FileMode::Given(mode)) => Some(mode),
            Some(FileMode::Source(_)) | None => None,
        };
        Attributes { mode, owner: self.owner.as_deref(), group: self.group.as_deref() }
    }

    fn preserves(&self) -> bool {
        matches!(self.mode, Some(FileMode::Source(_)))
    }

    fn wish(&self) -> Wish<'_> {
        Wish {
            attributes: self.attributes(),
            directory_mode: self.directory_mode.as_ref(),
            force: self.force,
        }
    }

    /// Refuses the options that are for the other kind of source.
    fn check(&self, is_folder: bool) -> OpResult<()> {
        let wrong = if is_folder {
            [("backup", self.backup), ("validate", self.validate.is_some()), ("follow", self.follow)]
        } else {
            [
                ("exclude", !self.exclude.is_empty()),
                ("directory_mode", self.directory_mode.is_some()),
                ("", false),
            ]
        };
        let (kind, other) = if is_folder { ("a folder", "files") } else { ("a file", "folders") };
        match wrong.iter().find(|(_, is_given)| *is_given) {
            Some((option, _)) => Err(OpError::invalid(format!(
                "`{}` is {kind}, and the option `{option}` is for {other}",
                self.src
            ))),
            None => Ok(()),
        }
    }

    async fn look_at_folder(&self, reader: &dyn Reader, source: &Path) -> OpResult<TreeState> {
        check_path(&self.path)?;
        let parts: Vec<&str> = self.path.split('/').filter(|part| !part.is_empty()).collect();
        let root = format!("/{}", parts.join("/"));
        if parts.iter().all(|part| matches!(*part, "." | "..")) {
            return Err(OpError::invalid(format!("`{}` names no folder to make", self.path)));
        }
        let excluded = tree::Globs::new("exclude", &self.exclude)?;
        let entries = tree::entries(source, excluded, self.preserves(), reader.secrets()).await?;
        let mut paths: Vec<String> = entries.iter().map(|entry| TreeState::path(&root, entry)).collect();
        paths.push(root.clone());
        let found = tree::look(reader, &paths).await?;
        TreeState::new(root, entries, found)
    }
}

/// A file as it is and as it is to be.
pub(crate) struct FileState {
    content: ContentState,
    /// The source's own, where that is wanted.
    mode: Option<Mode>,
}

impl FileState {
    fn attributes<'a>(&'a self, params: &'a Params) -> Attributes<'a> {
        let given = params.attributes();
        Attributes { mode: given.mode.or(self.mode.as_ref()), ..given }
    }
}

/// What is there and what is wanted, by the kind of the source.
pub(crate) enum State {
    File(Box<FileState>),
    Folder(TreeState),
}

impl Op for Copy {
    type Params = Params;
    type State = State;

    const NAME: &'static str = "copy";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Copies a file or a folder of the project to a host.

A folder is copied with all below it, and only what differs is sent: files by checksum, symbolic links as links. What
the host has besides stays. Nothing outside of `path` is written: a link there in place of a folder is an error.
`backup`, `validate` and `follow` are for files, `exclude` and `directory_mode` for folders. A file that holds a secret
gets mode 0600 where `mode` is left out or `\"preserve\"`, and its content is not shown.

Without `force` a file that is there keeps its content.

The file is replaced whole or not at all, and is readable by nobody else until it has its mode. The folder must be
there already. The result has `path`, `sha256`, `size` and, with `backup`, the path of the old file; for a folder
`path`, `files` (how many) and `size` (of all).

Sources: rename(2), chmod(1p), Ansible's module `copy` for the names of the options.";
    const POSITIONAL: &'static [&'static str] = &["src", "path"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a file of `files/`",
            code: r#"h.copy("motd", `${dir}/motd`, #{ mode: "0644" });"#,
            proof: Proof::Check,
        },
        Example {
            about: "a folder, without what an editor leaves",
            code: r#"h.copy("site", `${dir}/site`, #{ exclude: ["*~", "/cache/*"], mode: "preserve", directory_mode: "0755" });"#,
            proof: Proof::Check,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<State> {
        let source = reader.project_file("files", &params.src)?;
        let is_folder = source.is_dir();
        params.check(is_folder)?;
        if is_folder {
            return params.look_at_folder(reader, &source).await.map(State::Folder);
        }
        let wanted = Wanted::file(&source).await?;
        let mode = if params.preserves() && !wanted.is_secret(reader.secrets()) {
            let wrong = |error| OpError::invalid(format!("`{}` cannot be read: {error}", source.display()));
            Some(Mode::of_bits(std::fs::metadata(&source).map_err(wrong)?.mode()))
        } else {
            None
        };
        let content = look(reader, &params.path, params.follow, wanted).await?;
        Ok(State::File(Box::new(FileState { content, mode })))
    }

    fn diff(&self, params: &Params, state: &State) -> Change {
        match state {
            // A link that is not followed is in the place of the file, and stays without `force`.
            State::File(file)
                if !params.force
                    && file.content.probe.found.is_some()
                    && file.content.probe.file().is_none() =>
            {
                Change::none()
            }
            State::File(file) => file.content.differ(file.attributes(params), params.force),
            State::Folder(state) => state.differ(params.wish()),
        }
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &State,
        change: &Change,
    ) -> OpResult<Output> {
        match state {
            State::File(file) => {
                let validate = params.validate.as_deref();
                file.content.apply(writer, change, file.attributes(params), params.backup, validate).await
            }
            State::Folder(folder) => {
                folder.apply(writer, params.wish()).await?;
                Ok(self.output(params, state))
            }
        }
    }

    fn output(&self, params: &Params, state: &State) -> Output {
        match state {
            State::File(file) => file.content.output(),
            State::Folder(state) => {
                let (files, size) = state.size();
                Output::none().with("path", params.path.as_str()).with("files", files).with("size", size)
            }
        }
    }
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::Copy;

    #[tokio::test]
    async fn small_and_large_files_arrive_whole() {
        for size in [0, 10, 2 << 20] {
            let host = TestHost::new();
            let bytes: Vec<u8> = (0..size).map(|at: usize| (at % 251) as u8).collect();
            host.project_write("files/x", &bytes);
            let options = json!({ "src": "x", "path": host.path("y"), "mode": "0755" });
            assert!(laws::ensures(Copy, &host, options).await.expect("it is copied").changed);
            assert!(host.content("y") == Some(bytes), "{size} bytes");
            assert_eq!(host.mode("y"), 0o755);
        }
    }

    #[tokio::test]
    async fn without_force_a_present_file_stays() {
        let host = TestHost::new();
        host.project_write("files/x", "new");
        let options = json!({ "src": "x", "path": host.write("y", "old"), "force": false });
        assert!(!laws::ensures(Copy, &host, options).await.expect("nothing is to be done").changed);
        assert_eq!(host.content("y").as_deref(), Some(&b"old"[..]));
        for target in ["y", "nowhere"] {
            let link = host.path(&format!("to {target}"));
            std::os::unix::fs::symlink(target, &link).expect("a link");
            let options = json!({ "src": "x", "path": link, "force": false, "mode": "0600" });
            assert!(!laws::ensures(Copy, &host, options).await.expect(target).changed, "{target}");
            assert_eq!(std::fs::read_link(link).expect("a link").to_str(), Some(target));
        }
    }

    #[tokio::test]
    async fn files_keep_the_modes_that_they_have_in_the_project() {
        let host = TestHost::new();
        let modes = [("run", 0o755), ("read", 0o444), ("open", 0o666), ("in/run", 0o4711)];
        for (name, mode) in modes {
            let path = host.project_write(&format!("files/site/{name}"), name);
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            std::fs::set_permissions(path, mode).expect("a mode");
        }
        oneex_sdk::Reader::secrets(&host).register("tea time");
        host.project_write("files/site/secret", "a tea time");
        let options = json!({ "src": "site", "path": host.path("site"), "mode": "preserve" });
        assert!(laws::ensures(Copy, &host, options).await.expect("it is copied").changed);
        for (name, mode) in modes {
            assert_eq!(host.mode(&format!("site/{name}")), mode, "{name}");
            let options =
                json!({ "src": format!("site/{name}"), "path": host.path("one"), "mode": "preserve" });
            assert!(laws::ensures(Copy, &host, options).await.expect(name).changed);
            assert_eq!(host.mode("one"), mode, "{name}");
        }
        let options = json!({ "src": "site/secret", "path": host.path("two"), "mode": "preserve" });
        assert!(laws::ensures(Copy, &host, options).await.expect("it is copied").changed);
        assert_eq!([host.mode("site/secret"), host.mode("two")], [0o600; 2]);
        let options = json!({ "src": "site", "path": host.path("site"), "mode": 644 });
        let error = laws::run(Copy, &host, options).await.expect_err("a number");
        assert!(error.message.contains("or `\"preserve\"`"), "{}", error.message);
    }
}
