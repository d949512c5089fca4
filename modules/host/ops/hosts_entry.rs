//! Makes sure that `/etc/hosts` gives names an address, or does not.

use oneex_sdk::{Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::accounts::Presence;
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, look_and_edit};
use crate::host::documents::{HostLine, is_address, with_names, without_names};
use crate::host::many::OneOrMany;

/// The operation `hosts_entry`.
pub(crate) struct HostsEntry;

/// The options of `hosts_entry`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The IPv4 or IPv6 address; with `absent` it may be left out, and is any.
    address: Option<String>,
    /// The names, the canonical one first; with `absent` they may be left out, and are all of the address.
    #[serde(default)]
    names: OneOrMany,
    /// Whether the names are to have the address.
    #[serde(default)]
    state: Presence,
    /// The absolute path of the file; a symbolic link is followed.
    #[serde(default = "file")]
    path: String,
    /// The file mode, such as `"0644"` or `"u=rw,go=r"`; kept when left out.
    mode: Option<Mode>,
    /// The owner, by name or number; kept when left out.
    owner: Option<String>,
    /// The group, by name or number; kept when left out.
    group: Option<String>,
    /// Keeps the old file beside the new one, under its name with `.`, a random suffix and `~`.
    #[serde(default)]
    backup: bool,
    /// A command that must accept the new file before it takes its place; `%s` stands for its name.
    validate: Option<String>,
}

fn file() -> String {
    "/etc/hosts".to_owned()
}

impl Params {
    fn attributes(&self) -> Attributes<'_> {
        Attributes { mode: self.mode.as_ref(), owner: self.owner.as_deref(), group: self.group.as_deref() }
    }

    fn check(&self) -> OpResult<()> {
        let names = self.names.as_slice();
        if let Some(address) = self.address.as_ref().filter(|address| !is_address(address)) {
            return Err(OpError::invalid(format!("`address`: `{address}` is no IP address")));
        }
        let is_wrong = |name: &&String| {
            name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#')
        };
        if let Some(name) = names.iter().find(is_wrong) {
            return Err(OpError::invalid(format!("`names`: `{}` is no name of a host", name.escape_debug())));
        }
        let needs =
            |option: &str| Err(OpError::invalid(format!("`hosts_entry` needs the option `{option}`")));
        match self.state {
            Presence::Present if self.address.is_none() => needs("address"),
            Presence::Present if names.is_empty() => needs("names"),
            Presence::Absent if self.address.is_none() && names.is_empty() => needs("names"),
            _ => Ok(()),
        }
    }
}

impl Op for HostsEntry {
    type Params = Params;
    /// Nothing where there is no file that could hold it.
    type State = Option<ContentState>;

    const NAME: &'static str = "hosts_entry";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Makes sure that `/etc/hosts` gives names an address, or does not.

The names are added to the line of the address, or to a new one. They are taken from lines of other addresses of the
same family, as only the first line with a name counts: a host that moved is written once. Names are the same in upper
and lower case. All else stays byte for byte as it is.

Sources: hosts(5).";
    const POSITIONAL: &'static [&'static str] = &["address", "names"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a host with two names",
            code: r#"h.hosts_entry("10.0.0.5", ["db.example.org", "db"], #{ path: `${dir}/hosts` });"#,
            proof: Proof::Run,
        },
        Example {
            about: "a name that is no more, whatever its address",
            code: r#"h.hosts_entry(#{ names: "old", state: "absent", path: `${dir}/hosts` });"#,
            proof: Proof::Run,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Option<ContentState>> {
        params.check()?;
        let names: Vec<&str> = params.names.as_slice().iter().map(String::as_str).collect();
        let is_removal = params.state == Presence::Absent;
        look_and_edit(reader, &params.path, true, is_removal, |text| match &params.address {
            Some(address) if !is_removal => with_names(text, &HostLine { address, names: names.clone() }),
            address => without_names(text, address.as_deref(), &names),
        })
        .await
    }

    fn diff(&self, params: &Params, state: &Option<ContentState>) -> Change {
        state.as_ref().map_or_else(Change::none, |state| state.differ(params.attributes(), true))
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &Option<ContentState>,
        change: &Change,
    ) -> OpResult<Output> {
        let Some(state) = state else { return Ok(Output::none()) };
        state.apply(writer, change, params.attributes(), params.backup, params.validate.as_deref()).await
    }

    fn output(&self, _: &Params, state: &Option<ContentState>) -> Output {
        state.as_ref().map_or_else(Output::none, ContentState::output)
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::HostsEntry;

    #[tokio::test]
    async fn decisions() {
        let system = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n\n# ours\n10.0.0.5 db # old\n";
        for (before, options, after) in [
            (None, json!({ "address": "::1", "names": "a" }), Some("::1\ta\n".to_owned())),
            (Some(system), json!({ "address": "10.0.0.5", "names": ["db"] }), Some(system.to_owned())),
            (
                Some(system),
                json!({ "address": "10.0.0.6", "names": ["db", "d"] }),
                Some(system.replace("10.0.0.5 db # old", "10.0.0.6\tdb d")),
            ),
            (
                Some(system),
                json!({ "names": "localhost", "address": "::1", "state": "absent" }),
                Some(system.replace("::1\tlocalhost", "::1")),
            ),
            (
                Some(system),
                json!({ "address": "10.0.0.5", "state": "absent" }),
                Some(system.replace("10.0.0.5 db # old\n", "")),
            ),
            (None, json!({ "names": "a", "state": "absent" }), None),
        ] {
            let host = TestHost::new();
            if let Some(before) = before {
                host.write("hosts", before);
            }
            let mut options = options;
            options["path"] = json!(host.path("hosts"));
            let done = laws::ensures(HostsEntry, &host, options.clone()).await.expect("it is edited");
            assert_eq!(done.changed, before != after.as_deref(), "{options}");
            assert_eq!(host.content("hosts"), after.map(String::into_bytes), "{options}");
        }
    }

    #[tokio::test]
    async fn the_file_of_the_system_is_the_default() {
        let host = TestHost::new().with_private(&["/etc"]);
        let done = laws::ensures(HostsEntry, &host, json!({ "address": "10.0.0.1", "names": "a" })).await;
        assert!(done.expect("it is written").changed);
        assert_eq!(host.content("etc/hosts").as_deref(), Some(&b"10.0.0.1\ta\n"[..]));
    }

    #[tokio::test]
    async fn wrong_calls_are_named() {
        let host = TestHost::new();
        for (options, message) in [
            (json!({ "names": "a" }), "needs the option `address`"),
            (json!({ "address": "::1" }), "needs the option `names`"),
            (json!({ "state": "absent" }), "needs the option `names`"),
            (json!({ "address": "10.0.0", "names": "a" }), "`10.0.0` is no IP address"),
            (json!({ "address": "fe80::1%", "names": "a" }), "is no IP address"),
            (json!({ "address": "::1", "names": "a b" }), "`names`: `a b` is no name of a host"),
            (json!({ "address": "::1", "names": ["a", "b#"] }), "`b#` is no name"),
            (json!({ "address": "::1", "names": "a\n" }), "is no name of a host"),
        ] {
            let mut options = options;
            options["path"] = json!(host.path("hosts"));
            let error = laws::run(HostsEntry, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
    }

    #[tokio::test]
    async fn a_cut_leaves_the_old_or_the_new() {
        let prepare = |host: &TestHost| json!({ "path": host.write("f", "10.0.0.1 a\n"), "address": "10.0.0.2", "names": "a" });
        laws::survives_cuts(HostsEntry, prepare, |host: &TestHost| host.content("f")).await;
    }
}
