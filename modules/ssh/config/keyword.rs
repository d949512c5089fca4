//! Every keyword of ssh_config(5), and what becomes of it here.

use oneex_sdk::nearest;

/// What becomes of a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It does what the manual says.
    Honoured,
    /// It is read and has nothing to say here: terminals, forwardings, other programs' connections.
    Harmless,
    /// It could matter and is not supported; a warning says so.
    Unsupported,
}

/// A keyword that has an effect here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    AddressFamily,
    BindAddress,
    CanonicalDomains,
    CanonicalizeFallbackLocal,
    CanonicalizeHostname,
    CanonicalizeMaxDots,
    CertificateFile,
    CheckHostIp,
    Ciphers,
    Compression,
    ConnectTimeout,
    GlobalKnownHostsFile,
    HashKnownHosts,
    Host,
    HostKeyAlgorithms,
    HostKeyAlias,
    HostName,
    IdentitiesOnly,
    IdentityAgent,
    IdentityFile,
    IgnoreUnknown,
    Include,
    KbdInteractiveAuthentication,
    KexAlgorithms,
    Macs,
    Match,
    NumberOfPasswordPrompts,
    PasswordAuthentication,
    Port,
    PreferredAuthentications,
    ProxyCommand,
    ProxyJump,
    PubkeyAuthentication,
    ServerAliveCountMax,
    ServerAliveInterval,
    StrictHostKeyChecking,
    Tag,
    User,
    UserKnownHostsFile,
}

/// What a name in a file turns out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Honoured(Keyword),
    Other(Standing),
}

use Keyword as K;

/// The keywords that have an effect, as the manual writes them.
const HONOURED: [(&str, Keyword); 39] = [
    ("AddressFamily", K::AddressFamily),
    ("BindAddress", K::BindAddress),
    ("CanonicalDomains", K::CanonicalDomains),
    ("CanonicalizeFallbackLocal", K::CanonicalizeFallbackLocal),
    ("CanonicalizeHostname", K::CanonicalizeHostname),
    ("CanonicalizeMaxDots", K::CanonicalizeMaxDots),
    ("CertificateFile", K::CertificateFile),
    ("CheckHostIP", K::CheckHostIp),
    ("Ciphers", K::Ciphers),
    ("Compression", K::Compression),
    ("ConnectTimeout", K::ConnectTimeout),
    ("GlobalKnownHostsFile", K::GlobalKnownHostsFile),
    ("HashKnownHosts", K::HashKnownHosts),
    ("Host", K::Host),
    ("HostKeyAlgorithms", K::HostKeyAlgorithms),
    ("HostKeyAlias", K::HostKeyAlias),
    ("HostName", K::HostName),
    ("IdentitiesOnly", K::IdentitiesOnly),
    ("IdentityAgent", K::IdentityAgent),
    ("IdentityFile", K::IdentityFile),
    ("IgnoreUnknown", K::IgnoreUnknown),
    ("Include", K::Include),
    ("KbdInteractiveAuthentication", K::KbdInteractiveAuthentication),
    ("KexAlgorithms", K::KexAlgorithms),
    ("MACs", K::Macs),
    ("Match", K::Match),
    ("NumberOfPasswordPrompts", K::NumberOfPasswordPrompts),
    ("PasswordAuthentication", K::PasswordAuthentication),
    ("Port", K::Port),
    ("PreferredAuthentications", K::PreferredAuthentications),
    ("ProxyCommand", K::ProxyCommand),
    ("ProxyJump", K::ProxyJump),
    ("PubkeyAuthentication", K::PubkeyAuthentication),
    ("ServerAliveCountMax", K::ServerAliveCountMax),
    ("ServerAliveInterval", K::ServerAliveInterval),
    ("StrictHostKeyChecking", K::StrictHostKeyChecking),
    ("Tag", K::Tag),
    ("User", K::User),
    ("UserKnownHostsFile", K::UserKnownHostsFile),
];

/// Older names of keywords that have an effect.
const ALIASES: [(&str, Keyword); 5] = [
    ("ChallengeResponseAuthentication", K::KbdInteractiveAuthentication),
    ("SkeyAuthentication", K::KbdInteractiveAuthentication),
    ("TISAuthentication", K::KbdInteractiveAuthentication),
    ("DSAAuthentication", K::PubkeyAuthentication),
    ("IdentityFile2", K::IdentityFile),
];

/// Keywords without a say here. `SendEnv`, `GSSAPIAuthentication` are in the files that distributions ship,
/// and nothing fails without them.
const HARMLESS: [&str; 73] = [
    "AddKeysToAgent",
    "AFSTokenPassing",
    "BatchMode",
    "CASignatureAlgorithms",
    "ChannelTimeout",
    "Cipher",
    "ClearAllForwardings",
    "CompressionLevel",
    "ControlMaster",
    "ControlPath",
    "ControlPersist",
    "DynamicForward",
    "EnableEscapeCommandline",
    "EnableSSHKeysign",
    "EscapeChar",
    "ExitOnForwardFailure",
    "FallBackToRsh",
    "FingerprintHash",
    "ForkAfterAuthentication",
    "ForwardX11",
    "ForwardX11Timeout",
    "ForwardX11Trusted",
    "GatewayPorts",
    "GlobalKnownHostsFile2",
    "GSSAPIAuthentication",
    "GSSAPIClientIdentity",
    "GSSAPIDelegateCredentials",
    "GSSAPIKexAlgorithms",
    "GSSAPIKeyExchange",
    "GSSAPIRenewalForcesRekey",
    "GSSAPIServerIdentity",
    "GSSAPITrustDns",
    "HostbasedAcceptedAlgorithms",
    "HostbasedKeyTypes",
    "IPQoS",
    "KbdInteractiveDevices",
    "KeepAlive",
    "KerberosAuthentication",
    "KerberosTGTPassing",
    "LocalForward",
    "LogLevel",
    "LogVerbose",
    "ObscureKeystrokeTiming",
    "PermitLocalCommand",
    "PermitRemoteOpen",
    "Protocol",
    "ProxyUseFdpass",
    "RefuseConnection",
    "RekeyLimit",
    "RemoteForward",
    "RequestTTY",
    "RhostsAuthentication",
    "RhostsRSAAuthentication",
    "RSAAuthentication",
    "SendEnv",
    "SessionType",
    "SmartcardDevice",
    "StdinNull",
    "StreamLocalBindMask",
    "StreamLocalBindUnlink",
    "SyslogFacility",
    "TCPKeepAlive",
    "Tunnel",
    "TunnelDevice",
    "UpdateHostKeys",
    "UsePrivilegedPort",
    "UserKnownHostsFile2",
    "UseRoaming",
    "UseRsh",
    "VersionAddendum",
    "VisualHostKey",
    "WarnWeakCrypto",
    "XAuthLocation",
];

/// Keywords that could matter and are not supported.
const UNSUPPORTED: [&str; 17] = [
    "BindInterface",
    "CanonicalizePermittedCNAMEs",
    "ConnectionAttempts",
    "ForwardAgent",
    "HostbasedAuthentication",
    "KnownHostsCommand",
    "LocalCommand",
    "NoHostAuthenticationForLocalhost",
    "PKCS11Provider",
    "PubkeyAcceptedAlgorithms",
    "PubkeyAcceptedKeyTypes",
    "RemoteCommand",
    "RequiredRSASize",
    "RevokedHostKeys",
    "SecurityKeyProvider",
    "SetEnv",
    "VerifyHostKeyDNS",
];

/// Every keyword under its present name, and what becomes of it.
pub fn keywords() -> impl Iterator<Item = (&'static str, Standing)> {
    let honoured = HONOURED.iter().map(|(name, _)| (*name, Standing::Honoured));
    let harmless = HARMLESS.iter().map(|name| (*name, Standing::Harmless));
    let unsupported = UNSUPPORTED.iter().map(|name| (*name, Standing::Unsupported));
    honoured.chain(harmless).chain(unsupported)
}

/// Finds a keyword, whose case does not count.
pub(super) fn find(name: &str) -> Option<(&'static str, Known)> {
    let same = |known: &&str| known.eq_ignore_ascii_case(name);
    let mut honoured = HONOURED.iter().chain(&ALIASES);
    if let Some((known, keyword)) = honoured.find(|(known, _)| same(known)) {
        return Some((known, Known::Honoured(*keyword)));
    }
    let other = |list: &'static [&str], standing| {
        list.iter().copied().find(same).map(|known| (known, Known::Other(standing)))
    };
    other(&HARMLESS, Standing::Harmless).or_else(|| other(&UNSUPPORTED, Standing::Unsupported))
}

/// The keyword that a wrong one was probably meant to be.
pub(super) fn meant(name: &str) -> Option<&'static str> {
    let lower: Vec<String> = keywords().map(|(name, _)| name.to_ascii_lowercase()).collect();
    let found = nearest(name, lower.iter().map(String::as_str))?;
    keywords().map(|(name, _)| name).find(|name| name.eq_ignore_ascii_case(found))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Keyword, Known, Standing, find, keywords, meant};

    #[test]
    fn keywords_are_found_in_any_case_under_old_names_too() {
        assert_eq!(find("hostname"), Some(("HostName", Known::Honoured(Keyword::HostName))));
        let old = find("TISAuthentication");
        let wanted = Known::Honoured(Keyword::KbdInteractiveAuthentication);
        assert_eq!(old, Some(("TISAuthentication", wanted)));
        assert_eq!(find("LOGLEVEL"), Some(("LogLevel", Known::Other(Standing::Harmless))));
        assert_eq!(find("setenv"), Some(("SetEnv", Known::Other(Standing::Unsupported))));
        assert_eq!(find("hostnam"), None);
        assert_eq!(
            (meant("hostnam"), meant("identifyfile"), meant("zzz")),
            (Some("HostName"), Some("IdentityFile"), None)
        );
    }

    #[test]
    fn no_keyword_stands_in_two_places() {
        let names: Vec<String> = keywords().map(|(name, _)| name.to_lowercase()).collect();
        let different: BTreeSet<&String> = names.iter().collect();
        assert_eq!(different.len(), names.len());
    }

    #[test]
    fn the_book_lists_what_is_honoured_and_what_is_not() {
        let page = include_str!("../../../book/src/concepts/connections.md");
        let (_, from) = page.split_once("\nHonoured:\n").expect("a list");
        let (honoured, from) = from.split_once("\nNot supported").expect("a list");
        let unsupported = from.split("\n\n").next().expect("a list");
        for (name, standing) in keywords() {
            let listed = |list: &str| list.contains(&format!("`{name}`"));
            assert_eq!(listed(honoured), standing == Standing::Honoured, "{name}");
            assert_eq!(listed(unsupported), standing == Standing::Unsupported, "{name}");
        }
    }
}
