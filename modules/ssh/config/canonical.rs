//! The name that a host goes by, where `CanonicalizeHostname` asks for it.

use std::net::ToSocketAddrs;

use super::address;
use super::options::{Canonicalize, Options};

/// Who knows names of hosts.
pub(crate) trait Names {
    /// Says whether a name, with a dot at its end, stands for any address.
    fn knows(&self, name: &str) -> bool;
}

/// The machine's own resolver. It may take its time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemNames;

impl Names for SystemNames {
    fn knows(&self, name: &str) -> bool {
        (name, 22).to_socket_addrs().is_ok_and(|mut found| found.next().is_some())
    }
}

/// The host to connect to: an address in its usual spelling, or the first name in `CanonicalDomains` that is
/// known. Fails with a message where there is none and `CanonicalizeFallbackLocal` is `no`.
pub(super) fn canonical(host: &str, options: &Options, names: &dyn Names) -> Result<String, String> {
    let family = options.address_family.unwrap_or_default();
    if let Some(address) = address::parse(host).filter(|address| family.has(&(*address, 0).into())) {
        return Ok(address.to_string());
    }
    if address::looks_like_one(host) {
        return Ok(host.to_owned());
    }
    let wanted = match options.canonicalize_host_name.unwrap_or_default() {
        Canonicalize::No => false,
        // What is gone through looks the name up itself.
        Canonicalize::Yes => options.way().is_none(),
        Canonicalize::Always => true,
    };
    if !wanted {
        return Ok(host.to_owned());
    }
    let found = if host.ends_with('.') {
        names.knows(host).then(|| host.trim_end_matches('.').to_owned())
    } else {
        let dots = host.matches('.').count();
        if dots > options.canonicalize_max_dots.unwrap_or(1) as usize {
            return Ok(host.to_owned());
        }
        let domains =
            options.canonical_domains.iter().take_while(|domain| !domain.eq_ignore_ascii_case("none"));
        let mut full = domains.map(|domain| format!("{host}.{domain}"));
        full.find(|full| names.knows(&format!("{full}.")))
    };
    match found {
        Some(found) => Ok(found),
        None if options.canonicalize_fallback_local.unwrap_or(true) => Ok(host.to_owned()),
        None => Err(format!("`{host}` is not known in any of `CanonicalDomains`")),
    }
}
