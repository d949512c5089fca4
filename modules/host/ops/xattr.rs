//! Makes sure that a file has an extended attribute, or has not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oneex_sdk::{
    Change, Command, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::accounts::Presence;
use crate::host::probe::{check_path, failure};

/// The operation `xattr`.
pub(crate) struct Xattr;

/// The options of `xattr`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The absolute path of a file or folder.
    path: String,
    /// The name of the attribute, without its namespace; `user.` before it is taken for that.
    key: String,
    /// The value.
    value: Option<String>,
    /// The namespace: `user`, `trusted`, `security` or `system`.
    #[serde(default = "user")]
    namespace: String,
    /// Whether the attribute is to be there.
    #[serde(default)]
    state: Presence,
    /// Follows a symbolic link; otherwise it is about the link itself.
    #[serde(default = "yes")]
    follow: bool,
}

fn user() -> String {
    "user".to_owned()
}

fn yes() -> bool {
    true
}

impl Params {
    fn name(&self) -> String {
        if self.namespace == "user" && self.key.starts_with("user.") {
            return self.key.clone();
        }
        format!("{}.{}", self.namespace, self.key)
    }

    fn check(&self) -> OpResult<()> {
        check_path(&self.path)?;
        if !["user", "trusted", "security", "system"].contains(&self.namespace.as_str()) {
            return Err(OpError::invalid(format!("`namespace`: there is no `{}`", self.namespace))
                .hint("it is `user`, `trusted`, `security` or `system`"));
        }
        // A name has at most 255 bytes, xattr(7).
        if self.key.is_empty() || self.key.contains('\0') || self.name().len() > 255 {
            return Err(OpError::invalid("`key` is no name of an attribute"));
        }
        if self.state == Presence::Present && self.value.is_none() {
            return Err(OpError::invalid("`xattr` needs the option `value`"));
        }
        Ok(())
    }

    fn wanted(&self) -> Option<&str> {
        self.value.as_deref().filter(|_| self.state == Presence::Present)
    }
}

/// Prints `absent`, or `value` and the value in base64. Parameters: path, name, `-h` or nothing.
const LOOK: &str = r#"
export LC_ALL=C
command -v getfattr >/dev/null || exit 3
if said=$(getfattr $3 --absolute-names -n "$2" -e base64 -- "$1" 2>&1 >/dev/null); then
    getfattr $3 --absolute-names --only-values -n "$2" -- "$1" | base64 | tr -d '\n' | { echo "value $(cat)"; }
    exit
fi
case $said in
*': No such attribute') echo absent ;;
*) printf '%s\n' "$said" >&2; exit 1 ;;
esac
"#;

impl Op for Xattr {
    type Params = Params;
    /// The value, where there is one.
    type State = Option<Vec<u8>>;

    const NAME: &'static str = "xattr";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Makes sure that a file has an extended attribute, or has not.

The result has `value`, as it was found, where there was one. On the host it needs `getfattr` and `setfattr`, of the
package `attr`; namespaces other than `user` need the rights of root.

Sources: xattr(7), setfattr(1), Ansible's module `xattr` of `community.general` for the names of the options.";
    const POSITIONAL: &'static [&'static str] = &["path", "key", "value"];
    const EXAMPLES: &'static [Example] = &[Example {
        about: "a note on a file",
        code: r#"h.xattr("/srv/data.tar", "origin", "backup of 2024");"#,
        proof: Proof::Check,
    }];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Option<Vec<u8>>> {
        params.check()?;
        let link = if params.follow { "" } else { "-h" };
        let output =
            reader.query(Command::script(LOOK, [params.path.as_str(), &params.name(), link]).tidy()).await?;
        match output.code() {
            0 => read(&output.stdout_text()).ok_or_else(|| {
                OpError::failed(format!(
                    "`{}`: the host answered in a way that is not understood",
                    params.path
                ))
            }),
            3 => {
                Err(OpError::failed("there is no `getfattr` on the host")
                    .hint("the package `attr` brings it"))
            }
            _ => Err(explained(&params.path, &output.stderr_text())),
        }
    }

    fn diff(&self, params: &Params, present: &Option<Vec<u8>>) -> Change {
        let mut change = Change::none();
        let wanted = params.wanted();
        if present.as_deref() != wanted.map(str::as_bytes) {
            let shown = present.as_ref().map(|value| match std::str::from_utf8(value) {
                Ok(text) => format!("`{}`", text.escape_debug()),
                Err(_) => format!("{} bytes", value.len()),
            });
            change.property(&params.name(), shown, wanted.map(|value| format!("`{}`", value.escape_debug())));
        }
        change
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        present: &Option<Vec<u8>>,
        _: &Change,
    ) -> OpResult<Output> {
        let name = params.name();
        let mut words = vec!["setfattr".to_owned()];
        if !params.follow {
            words.push("-h".to_owned());
        }
        match params.wanted() {
            // An empty value in base64 would set nothing.
            Some("") => words.extend(["-n".to_owned(), name]),
            Some(value) => {
                words.extend([
                    "-n".to_owned(),
                    name,
                    "-v".to_owned(),
                    format!("0s{}", STANDARD.encode(value)),
                ]);
            }
            None => words.extend(["-x".to_owned(), name]),
        }
        words.extend(["--".to_owned(), params.path.clone()]);
        let output = writer.run(Command::argv(words).env("LC_ALL", "C").tidy()).await?;
        if output.ok() {
            Ok(self.output(params, present))
        } else {
            Err(explained(&params.path, &output.stderr_text()))
        }
    }

    fn output(&self, _: &Params, present: &Option<Vec<u8>>) -> Output {
        match present {
            Some(value) => Output::none().with("value", String::from_utf8_lossy(value).into_owned()),
            None => Output::none(),
        }
    }
}

/// Reads what [`LOOK`] printed.
fn read(text: &str) -> Option<Option<Vec<u8>>> {
    match text.trim_end().split_once(' ').unwrap_or((text.trim_end(), "")) {
        ("absent", "") => Some(None),
        ("value", encoded) => STANDARD.decode(encoded).ok().map(Some),
        _ => None,
    }
}

/// What the tools say, which begins with their names and the path.
fn explained(path: &str, stderr: &str) -> OpError {
    if stderr.contains("No such file or directory") {
        return OpError::invalid(format!("`{path}` does not exist"));
    }
    if stderr.contains("Operation not supported") {
        return OpError::failed(format!("`{path}`: its file system has no attributes of that namespace"));
    }
    failure(path, stderr)
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::{Xattr, read};

    fn present(host: &TestHost, name: &str, key: &str) -> Option<Vec<u8>> {
        let mut command = std::process::Command::new("getfattr");
        let output = command
            .args(["-h", "--absolute-names", "--only-values", "-n", key, "--", &host.path(name)])
            .output();
        let output = output.expect("getfattr runs");
        output.status.success().then_some(output.stdout)
    }

    #[tokio::test]
    async fn decisions() {
        for name in ["f", "a b", "-n", "$(touch pwned)", "new\nline", "it's *"] {
            let host = TestHost::new();
            host.write(name, "kept");
            for (key, value, state, changed) in [
                ("note", Some("a b"), "present", true),
                ("note", Some("a b"), "present", false),
                ("note", Some("$(touch pwned) 'x' \"y\"\n\\"), "present", true),
                ("größe", Some("0x41"), "present", true),
                ("empty", Some(""), "present", true),
                ("note", None, "absent", true),
                ("note", None, "absent", false),
                ("k $(touch pwned)", Some("0sQQ=="), "present", true),
                ("user.prefixed", Some("x"), "present", true),
            ] {
                let options = json!({ "path": host.path(name), "key": key, "value": value, "state": state });
                let done = laws::ensures(Xattr, &host, options)
                    .await
                    .unwrap_or_else(|error| panic!("{key}: {error}"));
                assert_eq!(done.changed, changed, "{name:?} {key:?}");
                let wanted = value.map(|value| value.as_bytes().to_vec());
                let whole = format!("user.{}", key.trim_start_matches("user."));
                assert_eq!(present(&host, name, &whole), wanted, "{name:?} {key:?}");
            }
            assert_eq!(host.content(name).as_deref(), Some(&b"kept"[..]));
            assert!(host.content("pwned").is_none());
        }
    }

    #[tokio::test]
    async fn links_are_followed_unless_it_is_about_them() {
        let host = TestHost::new();
        host.write("real", "");
        std::os::unix::fs::symlink("real", host.path("l")).expect("a link");
        let options = json!({ "path": host.path("l"), "key": "k", "value": "v" });
        laws::ensures(Xattr, &host, options).await.expect("it is set");
        assert_eq!(present(&host, "real", "user.k").as_deref(), Some(&b"v"[..]));
        let options = json!({ "path": host.path("l"), "key": "k", "value": "v", "namespace": "trusted", "follow": false });
        laws::ensures(Xattr, &host, options).await.expect("it is set");
        assert_eq!(present(&host, "l", "trusted.k").as_deref(), Some(&b"v"[..]));
        assert_eq!(present(&host, "real", "trusted.k"), None);
    }

    #[tokio::test]
    async fn wrong_calls_are_named() {
        let host = TestHost::new();
        host.write("f", "");
        for (options, message) in [
            (json!({ "key": "a" }), "`xattr` needs the option `value`"),
            (json!({ "key": "", "value": "" }), "`key` is no name of an attribute"),
            (json!({ "key": "a".repeat(251), "value": "" }), "`key` is no name of an attribute"),
            (json!({ "key": "a", "value": "", "namespace": "mine" }), "there is no `mine`"),
            (json!({ "key": "a", "value": "", "path": host.path("gone") }), "gone` does not exist"),
            (json!({ "key": "a", "value": "", "path": "f" }), "is not an absolute path"),
        ] {
            let mut options = options;
            if options.get("path").is_none() {
                options["path"] = json!(host.path("f"));
            }
            let error = laws::run(Xattr, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
    }

    #[test]
    fn what_the_host_answers_is_read() {
        assert_eq!(read("absent\n"), Some(None));
        assert_eq!(read("value \n"), Some(Some(Vec::new())));
        assert_eq!(read("value YQ==\n"), Some(Some(b"a".to_vec())));
        assert_eq!((read(""), read("value !\n")), (None, None));
    }

    #[tokio::test]
    async fn a_cut_leaves_the_old_or_the_new() {
        for state in ["present", "absent"] {
            let prepare = |host: &TestHost| {
                host.write("f", "");
                let path = host.path("f");
                rustix::fs::setxattr(&path, "user.k", b"old", rustix::fs::XattrFlags::empty())
                    .expect("it is set");
                json!({ "path": path, "key": "k", "value": "new", "state": state })
            };
            let places =
                laws::survives_cuts(Xattr, prepare, |host: &TestHost| present(host, "f", "user.k")).await;
            assert_eq!(places, 1, "one program does it");
        }
    }
}
