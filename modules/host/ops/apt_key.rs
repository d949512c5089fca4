//! `apt_key`: a key that vouches for packages, in a file of its own.

use oneex_sdk::{
    Change, Command, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::accounts::Presence;
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, Wanted, look};
use crate::host::packages::check_source_name;
use crate::host::probe::failure;
use crate::host::steps::Steps;
use crate::host::system::Tool;

/// The operation `apt_key`.
pub(crate) struct AptKey;

/// The options of `apt_key`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The name of the file, without its ending: a key as text is `/etc/apt/keyrings/NAME.asc`, one as bytes
    /// `/etc/apt/keyrings/NAME.gpg`.
    name: String,
    /// The key as text, which begins with `-----BEGIN PGP PUBLIC KEY BLOCK-----`.
    key: Option<String>,
    /// A file of the project with the key, found in `files`; text or bytes.
    src: Option<String>,
    /// Whether it is to be there.
    #[serde(default)]
    state: Presence,
}

const FOLDER: &str = "/etc/apt/keyrings";

impl Params {
    fn path(&self, is_text: bool) -> String {
        format!("{FOLDER}/{}.{}", self.name, if is_text { "asc" } else { "gpg" })
    }

    /// The content of the file; nothing where it is not to be there.
    async fn content(&self, reader: &dyn Reader) -> OpResult<Option<Vec<u8>>> {
        check_source_name(&self.name)?;
        let (name, key) = match (&self.key, &self.src) {
            (None, None) if self.state == Presence::Absent => return Ok(None),
            (Some(key), None) => {
                let end = if key.ends_with('\n') { "" } else { "\n" };
                ("key".to_owned(), format!("{key}{end}").into_bytes())
            }
            (None, Some(src)) => {
                let path = reader.project_file("files", src)?;
                let bytes = tokio::fs::read(&path).await;
                let shown = path.display().to_string();
                let bytes =
                    bytes.map_err(|error| OpError::invalid(format!("`{shown}` cannot be read: {error}")))?;
                (shown, bytes)
            }
            _ => return Err(OpError::invalid("`apt_key` needs one of `key` and `src`")),
        };
        if self.state == Presence::Absent {
            return Err(OpError::invalid("`state: \"absent\"` excludes `key` and `src`"));
        }
        check(&name, &key)?;
        Ok(Some(key))
    }
}

fn is_text(key: &[u8]) -> bool {
    key.first().is_none_or(|byte| byte & 0x80 == 0)
}

/// Refuses what is no public key: what a server says in place of one is text too. RFC 9580: a packet begins with a byte
/// above 127, a public key's with the type 6; text has the header of section 6.2.
fn check(name: &str, key: &[u8]) -> OpResult<()> {
    let has = |text: &str| memchr::memmem::find(key, text.as_bytes()).is_some();
    if has("-----BEGIN PGP PRIVATE KEY BLOCK-----") {
        return Err(OpError::invalid(format!("`{name}` is a private key"))
            .hint("hosts need the public one: `gpg --armor --export`"));
    }
    let is_key = match key.first() {
        Some(byte) if byte & 0x80 != 0 => (if byte & 0x40 != 0 { byte & 0x3f } else { byte >> 2 & 0xf }) == 6,
        _ => has("-----BEGIN PGP PUBLIC KEY BLOCK-----") && has("-----END PGP PUBLIC KEY BLOCK-----"),
    };
    if is_key { Ok(()) } else { Err(OpError::invalid(format!("`{name}` is no public key of OpenPGP"))) }
}

/// What is there.
pub(crate) enum State {
    /// The file, and what is wanted in it.
    Wanted(Box<ContentState>),
    /// Whether there is a file that must go.
    Unwanted(bool),
}

/// apt reads keys as a user of its own.
fn attributes(mode: &Mode) -> Attributes<'_> {
    Attributes { mode: Some(mode), owner: Some("0"), group: Some("0") }
}

fn readable() -> OpResult<Mode> {
    Mode::parse("0644").map_err(OpError::invalid)
}

impl Op for AptKey {
    type Params = Params;
    type State = (State, Mode);

    const NAME: &'static str = "apt_key";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Brings a key to a host that vouches for packages of apt.

The key stands in a file of its own and vouches for nothing until a repository names that file: the result has its
`path`, for `signed_by` of `apt_repository`. What is no public key is refused, such as a page that a server sent in place
of one.

Sources: sources.list(5) on `Signed-By`, apt-secure(8), RFC 9580.";
    const POSITIONAL: &'static [&'static str] = &["name"];
    const LOCK: Option<&'static str> = Some("packages");
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a key of the project",
            code: r#"h.apt_key("docker", #{ src: "docker.asc" });"#,
            proof: Proof::Check,
        },
        Example {
            about: "one that the controller fetches",
            code: r#"h.apt_key("docker", #{ key: http::get("https://download.docker.com/linux/debian/gpg").body });"#,
            proof: Proof::Check,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path(true), params.path(false)])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<(State, Mode)> {
        let state = match params.content(reader).await? {
            Some(key) => {
                let path = params.path(is_text(&key));
                State::Wanted(Box::new(look(reader, &path, false, Wanted::bytes(key)).await?))
            }
            None => {
                let files = [params.path(true), params.path(false)];
                let look = Command::script(r#"[ -e "$1" ] || [ -e "$2" ]"#, files);
                State::Unwanted(reader.query(look.tidy()).await?.ok())
            }
        };
        Ok((state, readable()?))
    }

    fn diff(&self, params: &Params, (state, mode): &(State, Mode)) -> Change {
        match state {
            State::Wanted(content) => content.differ(attributes(mode), true),
            State::Unwanted(is_there) => {
                let mut change = Change::none();
                params.state.differ(&mut change, *is_there);
                change
            }
        }
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        (state, mode): &(State, Mode),
        change: &Change,
    ) -> OpResult<Output> {
        let State::Wanted(content) = state else {
            let (text, bytes) = (params.path(true), params.path(false));
            let remove = Command::argv(["rm", "-f", &text, &bytes]).env("LC_ALL", "C").tidy();
            let output = writer.run(remove).await?;
            return if output.ok() { Ok(Output::none()) } else { Err(failure(&text, &output.stderr_text())) };
        };
        let steps = Steps {
            before: r#"[ -d "$1" ] || mkdir -p "$1""#,
            after: ":",
            words: vec![FOLDER.to_owned()],
            tool: Tool { name: "mkdir", packages: "`coreutils`" },
            env: Vec::new(),
            subject: format!("the folder `{FOLDER}`"),
        };
        content.apply_between(writer, change, attributes(mode), false, None, Some(&steps)).await
    }

    fn output(&self, _: &Params, (state, _): &(State, Mode)) -> Output {
        match state {
            State::Wanted(content) => content.output(),
            State::Unwanted(_) => Output::none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{Value, json};
    use oneex_testkit::{TestHost, laws};

    use super::{AptKey, check};

    const KEY: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZ\n-----END PGP PUBLIC KEY BLOCK-----\n";

    #[tokio::test]
    async fn decisions() {
        let bytes: &[u8] = b"\x98\x33\x04binary";
        let file = |name: &str| format!("etc/apt/keyrings/{name}");
        for (before, options, after) in [
            (None, json!({ "key": KEY }), Some(("a.asc", KEY.as_bytes()))),
            (None, json!({ "key": KEY.trim_end() }), Some(("a.asc", KEY.as_bytes()))),
            (None, json!({ "src": "text" }), Some(("a.asc", KEY.as_bytes()))),
            (None, json!({ "src": "bytes" }), Some(("a.gpg", bytes))),
            (Some(("a.asc", KEY)), json!({ "key": KEY }), Some(("a.asc", KEY.as_bytes()))),
            (Some(("a.asc", "old")), json!({ "key": KEY }), Some(("a.asc", KEY.as_bytes()))),
            (Some(("a.asc", KEY)), json!({ "state": "absent" }), None),
            (Some(("a.gpg", KEY)), json!({ "state": "absent" }), None),
            (None, json!({ "state": "absent" }), None),
        ] {
            let host = TestHost::new().with_private(&["/etc"]);
            host.project_write("files/text", KEY);
            host.project_write("files/bytes", bytes);
            if let Some((name, content)) = before {
                std::fs::create_dir_all(host.path("etc/apt/keyrings")).expect("a folder");
                host.write(&file(name), content);
            }
            let mut call = options.clone();
            call["name"] = json!("a");
            let done = laws::ensures(AptKey, &host, call).await.expect("it is done");
            let is_same = before.map(|(name, content)| (name, content.as_bytes())) == after;
            assert_eq!(done.changed, !is_same, "{options}");
            for name in ["a.asc", "a.gpg"] {
                let expected = after.filter(|(path, _)| *path == name).map(|(_, content)| content.to_vec());
                assert_eq!(host.content(&file(name)), expected, "{options}");
            }
            if let Some((name, _)) = after {
                assert_eq!(host.mode(&file(name)), 0o644);
                assert_eq!(done.output.fields.get("path"), Some(&json!(format!("/{}", file(name)))));
            }
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for (key, is_key) in [
            (KEY.as_bytes(), true),
            (b"\x99\x01\x0d\x04", true),
            (b"\xc6\x33\x04", true),
            (b"\x95\x01", false),
            (b"\xc5\x01", false),
            (b"", false),
            (b"<html>404</html>", false),
            (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\ncut", false),
            (b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n", false),
        ] {
            assert_eq!(check("x", key).is_ok(), is_key, "{}", key.escape_ascii());
        }
    }

    #[tokio::test]
    async fn wrong_calls_are_named() {
        let host = TestHost::new();
        for (options, message) in [
            (json!({ "name": "a" }), "`apt_key` needs one of `key` and `src`"),
            (json!({ "name": "a", "key": KEY, "src": "x" }), "`apt_key` needs one of `key` and `src`"),
            (
                json!({ "name": "a", "key": KEY, "state": "absent" }),
                "`state: \"absent\"` excludes `key` and `src`",
            ),
            (json!({ "name": "a/b", "key": KEY }), "`name`: `a/b` cannot be the name of a file of sources"),
            (json!({ "name": "a", "key": "404" }), "`key` is no public key of OpenPGP"),
            (json!({ "name": "a", "src": "nowhere" }), "there is no `nowhere` in `files/`"),
        ] {
            let options: Value = options;
            let error = laws::run(AptKey, &host, options).await.expect_err(message);
            assert_eq!(error.message, message);
        }
        assert_eq!(host.round_trips(), 0);
    }
}
