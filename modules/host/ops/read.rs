//! Reads a file of a host.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oneex_sdk::{Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Value, parse_size};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::probe::{Depth, FileType, check_file_path, probe};

/// The operation `read`.
pub(crate) struct Read;

/// The options of `read`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The absolute path; symbolic links are followed.
    path: String,
    /// The largest size that is read, such as `"10M"`; a larger file is an error.
    #[serde(default = "limit")]
    limit: String,
}

fn limit() -> String {
    "8M".to_owned()
}

impl Op for Read {
    type Params = Params;
    type State = Vec<u8>;

    const NAME: &'static str = "read";
    const KIND: Kind = Kind::Read;
    const MANUAL: &'static str = "\
Reads a file of a host.

The result has `content` (the text as it is; nothing where the bytes are not UTF-8), `base64` (of the bytes) and `size`. A file
that is not there is an error; `stat` asks whether it is.

Sources: base64(1) of coreutils and BusyBox.";
    const POSITIONAL: &'static [&'static str] = &["path"];
    const EXAMPLES: &'static [Example] = &[Example {
        about: "a text as it is",
        code: r#"h.write(`${dir}/version`, "1.2"); let version = h.read(`${dir}/version`).content;"#,
        proof: Proof::Run,
    }];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Vec<u8>> {
        let limit =
            parse_size(&params.limit).map_err(|error| OpError::invalid(format!("`limit`: {error}")))?;
        let path = &params.path;
        check_file_path(path)?;
        let found = probe(reader, path, true, Depth::Content { unless: "", limit }).await?.found;
        let found = found.ok_or_else(|| OpError::invalid(format!("`{path}` does not exist")))?;
        if found.file_type != FileType::File {
            return Err(OpError::invalid(format!("`{path}` is a {}, not a file", found.file_type.as_str())));
        }
        found.content.ok_or_else(|| {
            let message =
                format!("`{path}` has {} bytes, more than the limit of {}", found.size, params.limit);
            OpError::invalid(message).hint("raise `limit`, or use `fetch`")
        })
    }

    fn output(&self, _: &Params, bytes: &Vec<u8>) -> Output {
        let text = std::str::from_utf8(bytes).map_or(Value::Null, Value::from);
        Output::none().with("content", text).with("base64", STANDARD.encode(bytes)).with("size", bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::Read;

    #[tokio::test]
    async fn bytes_come_as_they_are() {
        let host = TestHost::new();
        for (bytes, content, base64) in [
            (&b"a\n\n"[..], json!("a\n\n"), "YQoK"),
            (b"", json!(""), ""),
            (b"\xff\x00", json!(null), "/wA="),
        ] {
            let options = json!({ "path": host.write("f", bytes) });
            let fields = laws::ensures(Read, &host, options).await.expect("it is read").output.fields;
            assert_eq!((&fields["content"], &fields["base64"]), (&content, &json!(base64)));
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_an_error() {
        let host = TestHost::new();
        host.write("f", "12345");
        for (name, limit, message) in [
            ("gone", "1M", "does not exist"),
            (".", "1M", "is a directory, not a file"),
            ("d/", "1M", "is the path of a folder, not of a file"),
            ("f", "4", "has 5 bytes, more than the limit of 4"),
            ("f", "4x", "`limit`: `4x` is no size"),
        ] {
            let error = laws::run(Read, &host, json!({ "path": host.path(name), "limit": limit })).await;
            let error = error.expect_err("an error").message;
            assert!(error.contains(message), "{error}");
        }
    }
}
