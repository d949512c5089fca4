//! `dns_resolver`: whom a host asks for names.

use std::net::IpAddr;

use oneex_sdk::{Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, Question, look_and_ask};
use crate::host::many::OneOrMany;
use crate::host::steps::Steps;
use crate::host::system::{Resolver, Tool, resolved_drop_in, with_resolver};

/// The operation `dns_resolver`.
pub(crate) struct DnsResolver;

/// The options of `dns_resolver`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The addresses of the name servers, the first one first.
    nameservers: OneOrMany,
    /// The domains that short names are looked up in; kept when left out.
    search: Option<OneOrMany>,
    /// Options of resolv.conf(5), such as `"timeout:1"`; kept when left out. systemd-resolved has none of these.
    options: Option<OneOrMany>,
}

/// The file, and whether it is that of systemd-resolved.
pub(crate) struct State {
    content: ContentState,
    is_resolved: bool,
}

/// Where systemd-resolved answers, `/etc/resolv.conf` is a link to what it writes.
const LOOK: &str = r#"case $(readlink -f /etc/resolv.conf) in
*/systemd/resolve/*) echo resolved; at=/etc/systemd/resolved.conf.d/oneex.conf ;;
/etc/resolv.conf) ;;
*) printf 'other %s\n' "$(readlink -f /etc/resolv.conf)" ;;
esac"#;

const MAKE_FOLDER: &str = "[ -d /etc/systemd/resolved.conf.d ] || mkdir -p /etc/systemd/resolved.conf.d";

const TOOL: Tool = Tool { name: "systemctl", packages: "`systemd`" };

impl Params {
    fn wanted(&self) -> OpResult<Resolver<'_>> {
        let nameservers = self.nameservers.as_slice();
        if nameservers.is_empty() {
            return Err(OpError::invalid("`nameservers` has no address"));
        }
        for address in nameservers {
            // `fe80::1%eth0` is an address with its interface.
            let bare = address.split('%').next().unwrap_or_default();
            if bare.parse::<IpAddr>().is_err() || !address.chars().all(|c| c.is_ascii_graphic()) {
                return Err(OpError::invalid(format!("`nameservers`: `{address}` is no address")));
            }
        }
        let search = self.search.as_ref().map(OneOrMany::as_slice);
        let options = self.options.as_ref().map(OneOrMany::as_slice);
        for (option, words) in [("search", search), ("options", options)] {
            let is_word = |word: &String| !word.is_empty() && word.chars().all(|c| c.is_ascii_graphic());
            if let Some(wrong) = words.unwrap_or_default().iter().find(|word| !is_word(word)) {
                return Err(OpError::invalid(format!("`{option}`: `{wrong}` is no single word")));
            }
        }
        Ok(Resolver { nameservers, search, options })
    }
}

impl Op for DnsResolver {
    type Params = Params;
    type State = State;

    const NAME: &'static str = "dns_resolver";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Says whom a host asks for names.

Where systemd-resolved answers, it is told by a drop-in of its configuration, and started anew when that changes;
otherwise `/etc/resolv.conf` is edited, whose other lines stay. Where another program writes that file, it is an error.

Sources: resolv.conf(5), resolved.conf(5).";
    const POSITIONAL: &'static [&'static str] = &["nameservers"];
    const EXAMPLES: &'static [Example] = &[Example {
        about: "two servers, and a domain",
        code: r#"h.dns_resolver(["9.9.9.9", "2620:fe::fe"], #{ search: "example.org" });"#,
        proof: Proof::Check,
    }];

    fn resources(&self, _: &Params) -> Resources {
        let paths = ["/etc/resolv.conf", "/etc/systemd/resolved.conf.d/oneex.conf"];
        Resources::Paths(paths.map(str::to_owned).to_vec())
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<State> {
        let wanted = params.wanted()?;
        let question = Question { script: LOOK, words: Vec::new() };
        let answer = look_and_ask(reader, "/etc/resolv.conf", true, question).await?;
        if let Some(other) = answer.values("other").next() {
            let message = format!("`/etc/resolv.conf` is a link to `{other}`, which another program writes");
            return Err(OpError::failed(message).hint("tell that program, or remove the link"));
        }
        let is_resolved = answer.said.lines().any(|line| line == "resolved");
        if is_resolved && wanted.options.is_some() {
            return Err(OpError::invalid("`options` mean nothing to systemd-resolved")
                .hint("leave them out on hosts where it answers"));
        }
        let content = answer.edited(reader, |text| {
            Ok(if is_resolved { resolved_drop_in(&wanted) } else { with_resolver(text, &wanted) })
        })?;
        let content = content.ok_or_else(|| OpError::failed("`/etc/resolv.conf` would be empty"))?;
        Ok(State { content, is_resolved })
    }

    fn diff(&self, _: &Params, state: &State) -> Change {
        state.content.differ(Attributes::default(), true)
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        _: &Params,
        state: &State,
        change: &Change,
    ) -> OpResult<Output> {
        let steps = state.is_resolved.then(|| Steps {
            before: MAKE_FOLDER,
            after: "systemctl restart systemd-resolved",
            words: Vec::new(),
            tool: TOOL,
            env: Vec::new(),
            subject: "`systemd-resolved`".to_owned(),
        });
        let attributes = Attributes::default();
        state.content.apply_between(writer, change, attributes, false, None, steps.as_ref()).await
    }

    fn output(&self, _: &Params, state: &State) -> Output {
        state.content.output()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::DnsResolver;

    fn host() -> TestHost {
        TestHost::new().with_private(&["/etc", "/run"])
    }

    #[tokio::test]
    async fn the_file_is_edited_where_nobody_else_writes_it() {
        for (before, options, after) in [
            (None, json!({ "nameservers": "9.9.9.9" }), "nameserver 9.9.9.9\n"),
            (
                Some("# mine\nnameserver 1.1.1.1\nsearch a\n"),
                json!({ "nameservers": ["9.9.9.9", "fe80::1%eth0"], "options": ["rotate"] }),
                "# mine\nnameserver 9.9.9.9\nnameserver fe80::1%eth0\nsearch a\noptions rotate\n",
            ),
            (Some("nameserver 9.9.9.9"), json!({ "nameservers": "9.9.9.9" }), "nameserver 9.9.9.9"),
        ] {
            let host = host();
            if let Some(before) = before {
                host.write("etc/resolv.conf", before);
            }
            let done = laws::ensures(DnsResolver, &host, options.clone()).await.expect("it is done");
            assert_eq!(done.changed, before != Some(after), "{options}");
            assert_eq!(host.content("etc/resolv.conf").as_deref(), Some(after.as_bytes()));
            assert_eq!(host.round_trips(), 4 + u64::from(done.changed));
        }
    }

    #[tokio::test]
    async fn systemd_resolved_is_told_by_a_drop_in() {
        let host = host();
        let folder = host.root().join("run/systemd/resolve");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("stub-resolv.conf"), "nameserver 127.0.0.53\n").expect("a file");
        symlink("../run/systemd/resolve/stub-resolv.conf", host.path("etc/resolv.conf")).expect("a link");
        // systemd does not run here: what is told to systemctl(1) is written down.
        std::fs::create_dir(host.path("bin")).expect("a folder");
        let log = host.path("told");
        let stand_in = host.write("bin/systemctl", format!("#!/bin/sh\necho \"$*\" >>{log}\n"));
        std::fs::set_permissions(stand_in, PermissionsExt::from_mode(0o755)).expect("a mode");
        let search = format!("{}:{}", host.path("bin"), std::env::var("PATH").expect("a path"));
        let host = host.with_search_path(search);
        let options = json!({ "nameservers": ["9.9.9.9"], "search": ["example.org"] });
        assert!(laws::ensures(DnsResolver, &host, options).await.expect("it is done").changed);
        let expected = b"[Resolve]\nDNS=\nDNS=9.9.9.9\nDomains=\nDomains=example.org\n";
        assert_eq!(host.content("etc/systemd/resolved.conf.d/oneex.conf").as_deref(), Some(&expected[..]));
        assert_eq!(host.content("told").as_deref(), Some(&b"restart systemd-resolved\n"[..]));
        assert!(host.root().join("etc/resolv.conf").is_symlink());
        let options = json!({ "nameservers": "9.9.9.9", "options": "rotate" });
        let error = laws::run(DnsResolver, &host, options).await.expect_err("no such options");
        assert_eq!(error.message, "`options` mean nothing to systemd-resolved");
    }

    #[tokio::test]
    async fn wrong_calls_are_named() {
        let host = host();
        std::fs::create_dir(host.path("run/other")).expect("a folder");
        host.write("run/other/resolv.conf", "");
        symlink("/run/other/resolv.conf", host.path("etc/resolv.conf")).expect("a link");
        for (options, message) in [
            (json!({ "nameservers": [] }), "`nameservers` has no address"),
            (json!({ "nameservers": "dns.example.org" }), "`dns.example.org` is no address"),
            (json!({ "nameservers": "1.1.1.1\nsearch x" }), "is no address"),
            (json!({ "nameservers": "1.1.1.1%a b" }), "is no address"),
            (json!({ "nameservers": "1.1.1.1", "search": "a b" }), "`search`: `a b` is no single word"),
            (json!({ "nameservers": "1.1.1.1", "options": [""] }), "`options`: `` is no single word"),
            (json!({ "nameservers": "1.1.1.1" }), "is a link to `/run/other/resolv.conf`"),
        ] {
            let error = laws::run(DnsResolver, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
    }
}
