//! `known_host`: the key by which SSH clients of a host know another.

use oneex_sdk::{Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::accounts::Presence;
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, look_and_edit};
use crate::host::system::{HostKey, with_host_key, without_host};

/// The operation `known_host`.
pub(crate) struct KnownHost;

/// The options of `known_host`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The host's name or address; `[name]:port` where the port is not 22.
    name: String,
    /// The key: a line that `ssh-keyscan` printed, or one of the host's files `ssh_host_….pub`. With `absent` only
    /// this key goes, and all of the host without it.
    key: Option<String>,
    /// Whether it is to be known.
    #[serde(default)]
    state: Presence,
    /// The file; it is made where it is not there. That of a user is `.ssh/known_hosts` in the home folder.
    #[serde(default = "file")]
    path: String,
    /// Hashes the name, so that the file does not tell which hosts are known.
    #[serde(default)]
    hash_host: bool,
}

fn file() -> String {
    "/etc/ssh/ssh_known_hosts".to_owned()
}

impl Params {
    fn key(&self) -> OpResult<Option<HostKey>> {
        let wrong = |c: char| c.is_whitespace() || c.is_control() || "|,#@*?!".contains(c);
        if self.name.is_empty() || self.name.contains(wrong) {
            return Err(OpError::invalid(format!("`name`: `{}` is no single host", self.name)));
        }
        match &self.key {
            Some(key) => HostKey::parse(&self.name, key).map(Some),
            None if self.state == Presence::Absent => Ok(None),
            None => Err(OpError::invalid("`known_host` needs the option `key`")
                .hint("`ssh-keyscan` prints it; compare it with what the host itself says")),
        }
    }
}

impl Op for KnownHost {
    type Params = Params;
    /// Nothing where there is no file that could hold it.
    type State = Option<ContentState>;

    const NAME: &'static str = "known_host";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Says by which key the SSH clients of a host know another host.

The key takes the place of another one of its type; keys of other types stay. A line for several hosts keeps the
others. Lines with `@revoked` and `@cert-authority` are not touched.

Sources: sshd(8), section SSH_KNOWN_HOSTS FILE FORMAT; Ansible's module `known_hosts` for names and meaning.";
    const POSITIONAL: &'static [&'static str] = &["name", "key"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "one host, for all users",
            code: r#"h.known_host("git.example.org", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB", #{ path: `${dir}/known_hosts` });"#,
            proof: Proof::Run,
        },
        Example {
            about: "a host that is no more",
            code: r#"h.known_host("old.example.org", #{ state: "absent", path: `${dir}/known_hosts` });"#,
            proof: Proof::Run,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Option<ContentState>> {
        let key = params.key()?;
        let is_removal = params.state == Presence::Absent;
        let salt = params.hash_host.then(rand::random::<[u8; 20]>);
        look_and_edit(reader, &params.path, true, is_removal, |text| match &key {
            Some(key) if !is_removal => with_host_key(text, key, salt.as_ref()),
            _ => without_host(text, &params.name, key.as_ref()),
        })
        .await
    }

    fn diff(&self, _: &Params, state: &Option<ContentState>) -> Change {
        state.as_ref().map_or_else(Change::none, |state| state.differ(Attributes::default(), true))
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        _: &Params,
        state: &Option<ContentState>,
        change: &Change,
    ) -> OpResult<Output> {
        let Some(state) = state else { return Ok(Output::none()) };
        state.apply(writer, change, Attributes::default(), false, None).await
    }

    fn output(&self, _: &Params, state: &Option<ContentState>) -> Output {
        state.as_ref().map_or_else(Output::none, ContentState::output)
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::KnownHost;
    use crate::host::system::test_key as key;

    #[tokio::test]
    async fn decisions() {
        let (one, two) = (key(1), key(2));
        for (before, options, after) in [
            (None, json!({ "key": one }), Some(format!("web1 {one}\n"))),
            (Some(format!("web1 {two}\n")), json!({ "key": one }), Some(format!("web1 {one}\n"))),
            (Some(format!("web1 {one} x")), json!({ "key": one }), Some(format!("web1 {one} x"))),
            (Some(format!("web1 {one}\n")), json!({ "key": two, "state": "absent" }), None),
            (Some(format!("web1 {one}\n")), json!({ "state": "absent" }), Some(String::new())),
            (None, json!({ "state": "absent" }), None),
        ] {
            let host = TestHost::new();
            if let Some(before) = &before {
                host.write("k", before);
            }
            let mut options = options;
            options["name"] = json!("web1");
            options["path"] = json!(host.path("k"));
            let after = after.or(before.clone());
            let done = laws::ensures(KnownHost, &host, options.clone()).await.expect("it is edited");
            assert_eq!(done.changed, before != after, "{options}");
            assert_eq!(host.content("k"), after.map(String::into_bytes), "{options}");
        }
    }

    #[tokio::test]
    async fn a_hashed_name_stays_as_it_is() {
        let host = TestHost::new();
        let path = host.write("k", format!("web1 {}\n", key(1)));
        let options = json!({ "name": "web1", "key": key(1), "path": path, "hash_host": true });
        assert!(laws::ensures(KnownHost, &host, options).await.expect("it is hashed").changed);
        let text = String::from_utf8(host.content("k").expect("a file")).expect("text");
        assert!(text.starts_with("|1|") && text.ends_with(&format!(" {}\n", key(1))), "{text}");
    }

    #[tokio::test]
    async fn wrong_calls_are_named() {
        let host = TestHost::new();
        for (options, message) in [
            (json!({ "name": "web1" }), "`known_host` needs the option `key`"),
            (json!({ "name": "a b", "key": key(1) }), "`name`: `a b` is no single host"),
            (json!({ "name": "*", "key": key(1) }), "is no single host"),
            (json!({ "name": "a,b", "key": key(1) }), "is no single host"),
            (json!({ "name": "web1", "key": "x" }), "`key` is no host key"),
            (json!({ "name": "web1", "key": format!("web2 {}", key(1)) }), "`key` is one of `web2`"),
        ] {
            let mut options = options;
            options["path"] = json!(host.path("k"));
            let error = laws::run(KnownHost, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
    }

    #[tokio::test]
    async fn a_cut_leaves_the_old_or_the_new() {
        let prepare =
            |host: &TestHost| json!({ "name": "a", "key": key(1), "path": host.write("k", "# old\n") });
        laws::survives_cuts(KnownHost, prepare, |host: &TestHost| host.content("k")).await;
    }
}
