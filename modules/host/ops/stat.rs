//! Says what is at a path.

use oneex_sdk::{Example, Kind, Op, OpResult, Output, Proof, Reader, Resources};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::mode::octal;
use crate::host::probe::{Depth, FileType, Probe, probe_all};

/// The operation `stat`.
pub(crate) struct Stat;

/// The options of `stat`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The absolute path.
    path: String,
    /// Looks at what a symbolic link points to, and not at the link.
    #[serde(default)]
    follow: bool,
    /// Adds `sha256` for a regular file, which is read whole for it.
    #[serde(default)]
    checksum: bool,
}

impl Op for Stat {
    type Params = Params;
    type State = Probe;

    const NAME: &'static str = "stat";
    const KIND: Kind = Kind::Read;
    const MANUAL: &'static str = "\
Says what is at a path.

The result has `exists` and, where that is true, `path`, `type` (`file directory link fifo socket block character`),
`mode` (such as `\"0644\"`), `owner`, `group`, `uid`, `gid`, `size` (bytes), `mtime`, `atime`, `ctime` (seconds since
1970), `inode`, `device`, `links`, `target` (of a link) and, with `checksum`, `sha256`.

Sources: stat(1) of coreutils and BusyBox, inode(7).";
    const POSITIONAL: &'static [&'static str] = &["path"];
    const EXAMPLES: &'static [Example] = &[Example {
        about: "whether something is there",
        code: r#"if !h.stat(`${dir}/ready`).exists { print("not ready"); }"#,
        proof: Proof::Run,
    }];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Probe> {
        let depth = if params.checksum { Depth::Checksum } else { Depth::Facts };
        let mut probe = probe_all(reader, &params.path, params.follow, depth).await?;
        // As with stat(2), a link that leads nowhere is nothing once it is followed.
        probe.found = probe.found.filter(|found| !params.follow || found.file_type != FileType::Link);
        Ok(probe)
    }

    fn output(&self, _: &Params, state: &Probe) -> Output {
        let output = Output::none().with("exists", state.found.is_some()).with("path", state.path.as_str());
        let Some(found) = &state.found else { return output };
        let mut output = output
            .with("type", found.file_type.as_str())
            .with("mode", octal(found.mode))
            .with("owner", found.owner.as_str())
            .with("group", found.group.as_str())
            .with("uid", found.uid)
            .with("gid", found.gid)
            .with("size", found.size)
            .with("mtime", found.mtime)
            .with("atime", found.atime)
            .with("ctime", found.ctime)
            .with("inode", found.inode)
            .with("device", found.device)
            .with("links", found.links);
        for (name, value) in [("target", &found.target), ("sha256", &found.sha256)] {
            if let Some(value) = value {
                output = output.with(name, value.as_str());
            }
        }
        output
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::Stat;

    #[tokio::test]
    async fn the_fields_say_what_is_there() {
        let host = TestHost::new();
        host.write("f", "abc");
        std::os::unix::fs::symlink("f", host.path("l")).expect("a link");
        for (name, options, field, value) in [
            ("f", json!({}), "type", json!("file")),
            ("f", json!({}), "size", json!(3)),
            ("l", json!({}), "target", json!("f")),
            ("l", json!({ "follow": true }), "type", json!("file")),
            ("", json!({}), "type", json!("directory")),
            ("gone", json!({}), "exists", json!(false)),
            (
                "f",
                json!({ "checksum": true }),
                "sha256",
                json!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ),
        ] {
            let mut options = options;
            options["path"] = json!(host.path(name));
            let done = laws::ensures(Stat, &host, options).await.expect(name);
            assert_eq!(done.output.fields.get(field), Some(&value), "{name} {field}");
        }
    }
}
