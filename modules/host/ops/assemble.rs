//! Puts a file together from the fragments of a folder.

use oneex_sdk::{Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer};
use regex::bytes::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, Question, Wanted, look, look_and_ask};
use crate::host::fragments::{Fragment, QUESTION, answered, joined, of_folder};
use crate::host::probe::{check_file_path, check_path};

/// The operation `assemble`.
pub(crate) struct Assemble;

/// The options of `assemble`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The folder of the fragments: its absolute path on the host or, with `remote_src: false`, a folder of the
    /// project, looked for in `files/` beside the script, then beside the runbook.
    src: String,
    /// The absolute path of the file on the host.
    path: String,
    /// Takes the fragments from the host; otherwise from the project.
    #[serde(default = "yes")]
    remote_src: bool,
    /// Only fragments whose names this regular expression fits.
    regexp: Option<String>,
    /// A text between two fragments, on a line of its own.
    delimiter: Option<String>,
    /// Leaves out fragments whose names begin with a dot.
    #[serde(default)]
    ignore_hidden: bool,
    /// The file mode, such as `"0644"` or `"u=rw,go=r"`; kept when left out, and 0666 less the umask for a new file.
    mode: Option<Mode>,
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

fn yes() -> bool {
    true
}

impl Params {
    fn attributes(&self) -> Attributes<'_> {
        Attributes { mode: self.mode.as_ref(), owner: self.owner.as_deref(), group: self.group.as_deref() }
    }

    /// The content that the fragments make.
    fn content(&self, fragments: Vec<Fragment>) -> OpResult<Vec<u8>> {
        let regexp = self.regexp.as_deref().map(Regex::new).transpose();
        let regexp = regexp.map_err(|error| OpError::invalid(format!("`regexp`: {error}")))?;
        let is_taken = |fragment: &Fragment| {
            !(self.ignore_hidden && fragment.name.starts_with(b"."))
                && regexp.as_ref().is_none_or(|regexp| regexp.is_match(&fragment.name))
        };
        let taken: Vec<Fragment> = fragments.into_iter().filter(is_taken).collect();
        if taken.is_empty() {
            let error = OpError::invalid(format!("`{}` has no fragment", self.src));
            return Err(if self.regexp.is_some() {
                error.hint("does `regexp` fit a file name there?")
            } else {
                error
            });
        }
        Ok(joined(taken, self.delimiter.as_deref()))
    }
}

impl Op for Assemble {
    type Params = Params;
    type State = ContentState;

    const NAME: &'static str = "assemble";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Puts a file together from the fragments of a folder.

Fragments are the files of the folder, not of folders in it, in the order of the bytes of their names. Each begins on a
line of its own. The file is replaced whole or not at all. A folder without a fragment is an error, and all fragments
of a host may have 8 MiB together. The result has `path`, `sha256`, `size` and, with `backup`, the path of the old file.

Sources: Ansible's module `assemble` for names and meaning.";
    const POSITIONAL: &'static [&'static str] = &["src", "path"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "fragments that packages left on the host",
            code: r#"h.assemble("/etc/app.d", "/etc/app.conf", #{ regexp: `\.conf$`, validate: "app --check %s" });"#,
            proof: Proof::Check,
        },
        Example {
            about: "fragments of the project",
            code: r##"h.assemble("app.d", `${dir}/app.conf`, #{ remote_src: false, delimiter: "# ----" });"##,
            proof: Proof::Check,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        let source = params.remote_src.then(|| params.src.clone());
        Resources::Paths([Some(params.path.clone()), source].into_iter().flatten().collect())
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<ContentState> {
        check_file_path(&params.path)?;
        if !params.remote_src {
            let folder = reader.project_file("files", &params.src)?;
            let reading = tokio::task::spawn_blocking(move || of_folder(&folder));
            let fragments = reading.await.map_err(|error| OpError::failed(error.to_string()))??;
            let wanted = Wanted::bytes(params.content(fragments)?);
            return look(reader, &params.path, params.follow, wanted).await;
        }
        check_path(&params.src)?;
        let question = Question { script: QUESTION, words: vec![&params.src] };
        let answer = look_and_ask(reader, &params.path, params.follow, question).await?;
        let content = params.content(answered(&params.src, &answer)?)?;
        answer.replaced(reader, Wanted::bytes(content))
    }

    fn diff(&self, params: &Params, state: &ContentState) -> Change {
        state.differ(params.attributes(), true)
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &ContentState,
        change: &Change,
    ) -> OpResult<Output> {
        state.apply(writer, change, params.attributes(), params.backup, params.validate.as_deref()).await
    }

    fn output(&self, _: &Params, state: &ContentState) -> Output {
        state.output()
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{Value, json};
    use oneex_testkit::{TestHost, laws};

    use super::Assemble;

    /// Fragments in the folder `d` of the host, or of the project.
    fn fragments(host: &TestHost, is_remote: bool, files: &[(&str, &[u8])]) -> Value {
        if is_remote {
            std::fs::create_dir_all(host.path("d/folder")).expect("a folder");
            host.write("d/folder/inside", "not a fragment");
        } else {
            host.project_write("files/d/folder/inside", "not a fragment");
        }
        for (name, content) in files {
            if is_remote {
                host.write(&format!("d/{name}"), content);
            } else {
                host.project_write(&format!("files/d/{name}"), content);
            }
        }
        json!({ "src": if is_remote { host.path("d") } else { "d".to_owned() }, "remote_src": is_remote, "path": host.path("f") })
    }

    #[tokio::test]
    async fn decisions() {
        let files: &[(&str, &[u8])] = &[
            ("10-b", b"b\n"),
            ("1-a", b"a"),
            ("B", b"c\r\n"),
            (".hidden", b"h\n"),
            ("a b $(x)\n", b"\xff\0"),
        ];
        for (options, expected) in [
            (json!({}), &b"h\na\nb\nc\r\n\xff\0"[..]),
            (json!({ "ignore_hidden": true }), b"a\nb\nc\r\n\xff\0"),
            (json!({ "regexp": "^[0-9]" }), b"a\nb\n"),
            (json!({ "regexp": "^[0-9]", "delimiter": "# --" }), b"a\n# --\nb\n"),
            (json!({ "regexp": "^[B1]", "delimiter": "\n" }), b"a\n\nb\n\nc\r\n"),
            (json!({ "regexp": "^B$", "delimiter": "x" }), b"c\r\n"),
        ] {
            for is_remote in [true, false] {
                let host = TestHost::new();
                let mut all = fragments(&host, is_remote, files);
                for (name, value) in options.as_object().expect("a map") {
                    all[name] = value.clone();
                }
                let done = laws::ensures(Assemble, &host, all).await.expect("it is assembled");
                assert!(done.changed);
                let content = host.content("f");
                assert_eq!(content.as_deref(), Some(expected), "{options}, {is_remote}");
            }
        }
    }

    #[tokio::test]
    async fn hostile_folders_are_what_they_are() {
        for name in ["a b", "-n", "$(touch pwned)", "new\nline", "it's *", "end\n"] {
            let host = TestHost::new();
            std::fs::create_dir(host.path(name)).expect("a folder");
            host.write(&format!("{name}/x"), "x");
            let options = json!({ "src": host.path(name), "path": host.path("f"), "mode": "0640" });
            laws::ensures(Assemble, &host, options).await.expect(name);
            assert_eq!((host.content("f").as_deref(), host.mode("f")), (Some(&b"x"[..]), 0o640));
            assert!(host.content("pwned").is_none());
        }
    }

    #[tokio::test]
    async fn wrong_calls_are_named() {
        let host = TestHost::new();
        let good = fragments(&host, true, &[("x", b"x")]);
        std::fs::create_dir(host.path("empty")).expect("a folder");
        host.write("file", "");
        for (name, value, message) in [
            ("src", json!(host.path("gone")), "gone` is no folder"),
            ("src", json!(host.path("file")), "file` is no folder"),
            ("src", json!(host.path("empty")), "empty` has no fragment"),
            ("src", json!("relative"), "is not an absolute path"),
            ("regexp", json!("("), "`regexp`: "),
            ("regexp", json!("y"), "has no fragment"),
            ("path", json!("f"), "is not an absolute path"),
            ("path", json!(host.path("d")), "is a directory, not a file"),
        ] {
            let mut options = good.clone();
            options[name] = value;
            let error = laws::run(Assemble, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
        let options = json!({ "src": "none", "remote_src": false, "path": host.path("f") });
        assert!(laws::run(Assemble, &host, options).await.is_err());
    }

    #[tokio::test]
    async fn too_much_is_refused() {
        let host = TestHost::new();
        let options = fragments(&host, true, &[("a", &[b'x'; 5 << 20]), ("b", &[b'y'; 5 << 20])]);
        let error = laws::run(Assemble, &host, options).await.expect_err("too much");
        assert!(error.message.ends_with("d` has more than 8 MiB of fragments"), "{}", error.message);
    }

    #[tokio::test]
    async fn a_cut_leaves_the_old_or_the_new() {
        let prepare = |host: &TestHost| {
            host.write("f", "old");
            fragments(host, true, &[("a", b"a"), ("b", b"b")])
        };
        laws::survives_cuts(Assemble, prepare, |host: &TestHost| host.content("f")).await;
    }
}
