//! Prints what was resolved in the words of `ssh -G`.

use std::collections::BTreeMap;

use super::openssh::{ALGORITHMS, DEFAULTS, MACHINE};
use crate::ssh::config::Resolved;
use crate::ssh::config::algorithms::assemble;
use crate::ssh::config::options::{Canonicalize, Identity, Proxy};
use crate::ssh::host_settings::{AddressFamily, Jump};
use crate::ssh::settings::StrictHostKeys;

/// Values by keyword.
pub(super) type Dump = BTreeMap<String, Vec<String>>;

/// Everything that is honoured.
pub(super) fn dump(resolved: &Resolved, original: &str) -> Result<Dump, String> {
    let options = &resolved.options;
    let tokens = resolved.tokens(original, &MACHINE)?;
    let mut dump = Dump::new();
    let mut say = |key: &str, values: Vec<String>| dump.insert(key.to_owned(), values);
    let default = |key: &str| DEFAULTS.get(key).cloned().unwrap_or_default();
    let one = |key: &str, value: Option<String>| value.map_or_else(|| default(key), |value| vec![value]);
    let flag = |key: &str, value: Option<bool>| {
        one(key, value.map(|value| if value { "yes".to_owned() } else { "no".to_owned() }))
    };
    let number = |key: &str, value: Option<u64>| one(key, value.map(|value| value.to_string()));

    say("hostname", vec![resolved.host.clone()]);
    say("user", vec![tokens.user.clone()]);
    say("port", vec![tokens.port.to_string()]);
    let family = options.address_family.map(|family| match family {
        AddressFamily::Any => "any",
        AddressFamily::Inet => "inet",
        AddressFamily::Inet6 => "inet6",
    });
    say("addressfamily", one("addressfamily", family.map(str::to_owned)));
    say("bindaddress", one("bindaddress", options.bind_address.clone()));
    let canonicalize = options.canonicalize_host_name.map(|value| match value {
        Canonicalize::No => "false",
        Canonicalize::Yes => "true",
        Canonicalize::Always => "always",
    });
    say("canonicalizehostname", one("canonicalizehostname", canonicalize.map(str::to_owned)));
    say("canonicalizefallbacklocal", flag("canonicalizefallbacklocal", options.canonicalize_fallback_local));
    say("canonicalizemaxdots", number("canonicalizemaxdots", options.canonicalize_max_dots.map(u64::from)));
    let domains = Some(options.canonical_domains.join(" ")).filter(|domains| !domains.is_empty());
    say("canonicaldomains", one("canonicaldomains", domains));
    say("checkhostip", flag("checkhostip", options.check_host_ip));
    say("compression", flag("compression", options.compression));
    say("hashknownhosts", flag("hashknownhosts", options.hash_known_hosts));
    say("identitiesonly", flag("identitiesonly", options.identities_only));
    say("kbdinteractiveauthentication", flag("kbdinteractiveauthentication", options.keyboard_interactive));
    say("passwordauthentication", flag("passwordauthentication", options.password));
    let publickey = options.publickey.map(|value| value.to_string());
    say("pubkeyauthentication", one("pubkeyauthentication", publickey));
    // `yes` and `ask` are the same where nobody is asked.
    let strict = options.strict.map(|strict| match strict {
        StrictHostKeys::Yes => "true",
        StrictHostKeys::AcceptNew => "accept-new",
        StrictHostKeys::No => "false",
    });
    say("stricthostkeychecking", one("stricthostkeychecking", strict.map(str::to_owned)));
    let seconds = |time: Option<std::time::Duration>| time.map(|time| time.as_secs());
    say(
        "numberofpasswordprompts",
        number("numberofpasswordprompts", options.password_prompts.map(u64::from)),
    );
    say("serveralivecountmax", number("serveralivecountmax", options.server_alive_count.map(u64::from)));
    say("serveraliveinterval", number("serveraliveinterval", seconds(options.server_alive_interval)));
    say("connecttimeout", number("connecttimeout", seconds(options.connect_timeout)));
    say(
        "hostkeyalias",
        one("hostkeyalias", options.host_key_alias.as_ref().map(|alias| alias.to_ascii_lowercase())),
    );
    say(
        "preferredauthentications",
        one("preferredauthentications", options.preferred_authentications.clone()),
    );
    say("ignoreunknown", one("ignoreunknown", options.ignore_unknown.clone()));

    for (key, all, written) in [
        ("ciphers", "cipher", &options.ciphers),
        ("macs", "mac", &options.macs),
        ("kexalgorithms", "kex", &options.kex_algorithms),
        ("hostkeyalgorithms", "HostKeyAlgorithms", &options.host_key_algorithms),
    ] {
        let usual = default(key).join(",");
        let usual: Vec<&str> = usual.split(',').collect();
        let all: Vec<&str> = ALGORITHMS[all].iter().map(String::as_str).collect();
        say(key, vec![assemble(written.as_deref(), &usual, &all).join(",")]);
    }

    let written = |list: &[Identity]| list.iter().map(|file| file.path.clone()).collect::<Vec<_>>();
    let files = written(&options.identity_files);
    say("identityfile", if files.is_empty() { default("identityfile") } else { files });
    say("certificatefile", written(&options.certificate_files));
    let agent = options.identity_agent.as_ref().map(|agent| tokens.file(agent, &MACHINE)).transpose()?;
    say("identityagent", one("identityagent", agent));
    let joined = |files: Vec<String>| vec![files.join(" ")];
    let none = |files: &[String]| files.first().is_some_and(|file| file.eq_ignore_ascii_case("none"));
    let global = &options.global_known_hosts_files;
    say(
        "globalknownhostsfile",
        match global.as_slice() {
            [] => default("globalknownhostsfile"),
            files if none(files) => vec!["none".to_owned()],
            files => joined(files.to_vec()),
        },
    );
    let user = &options.user_known_hosts_files;
    say(
        "userknownhostsfile",
        match user.as_slice() {
            [] => default("userknownhostsfile"),
            files if none(files) => vec!["none".to_owned()],
            files => joined(files.iter().map(|file| tokens.file(file, &MACHINE)).collect::<Result<_, _>>()?),
        },
    );
    let (command, jumps) = match options.way() {
        None => (vec![], vec![]),
        Some(Proxy::Command(command)) => (vec![command.clone()], vec![]),
        Some(Proxy::Jumps(jumps)) => (vec![], vec![jumps.iter().map(shown).collect::<Vec<_>>().join(",")]),
    };
    say("proxycommand", command);
    say("proxyjump", jumps);
    Ok(dump)
}

/// A jump as ssh prints it. The generator writes all but the last in the same way, as ssh keeps those.
fn shown(jump: &Jump) -> String {
    let user = jump.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
    let port = jump.port.map(|port| format!(":{port}")).unwrap_or_default();
    let address =
        jump.host.contains(':') || jump.host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let host = if address { format!("[{}]", jump.host) } else { jump.host.clone() };
    format!("{user}{host}{port}")
}
