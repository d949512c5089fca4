//! `ip::`: addresses and networks in CIDR notation (RFC 4632, RFC 4291), as texts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use rhai::plugin::*;

use super::error::{Fallible, MOST, failure};

pub(super) fn register(engine: &mut Engine) {
    engine.register_static_module("ip", exported_module!(ip_functions).into());
}

/// A network, or an address as the network that holds it alone.
fn parsed(context: &NativeCallContext, text: &str) -> Fallible<IpNet> {
    let net = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    net.ok_or_else(|| {
        failure(context, format!("`{text}` is neither an IP address nor a network like `10.0.0.0/24`"))
    })
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// The address of that number in the family of `like`; nothing beyond its end.
fn address(number: u128, like: IpAddr) -> Option<IpAddr> {
    match like {
        IpAddr::V4(_) => u32::try_from(number).ok().map(|number| Ipv4Addr::from(number).into()),
        IpAddr::V6(_) => Some(Ipv6Addr::from(number).into()),
    }
}

fn moved(context: &NativeCallContext, text: &str, by: i64) -> Fallible<String> {
    let net = parsed(context, text)?;
    let start = number(net.addr());
    let distance = u128::from(by.unsigned_abs());
    let target = if by < 0 { start.checked_sub(distance) } else { start.checked_add(distance) };
    let moved = target.and_then(|target| address(target, net.addr()));
    let moved = moved.ok_or_else(|| failure(context, format!("there is no address {by} after `{text}`")))?;
    // A network keeps its prefix, an address alone has none to keep.
    Ok(if text.contains('/') { format!("{moved}/{}", net.prefix_len()) } else { moved.to_string() })
}

#[export_module]
#[allow(unreachable_pub, reason = "the macro registers public functions only")]
mod ip_functions {
    use rhai::{Array, Map};

    /// What an address with its prefix means: `address prefix network broadcast netmask version`.
    ///
    /// ```rhai
    /// ip::parse("10.1.2.3/24").network == "10.1.2.0/24"
    /// ip::parse("2001:db8::1").version == 6
    /// ```
    #[rhai_fn(return_raw)]
    pub fn parse(context: NativeCallContext, text: &str) -> Fallible<Map> {
        let net = parsed(&context, text)?;
        Ok(Map::from([
            ("address".into(), net.addr().to_string().into()),
            ("prefix".into(), i64::from(net.prefix_len()).into()),
            ("network".into(), net.trunc().to_string().into()),
            ("broadcast".into(), net.broadcast().to_string().into()),
            ("netmask".into(), net.netmask().to_string().into()),
            ("version".into(), (if net.addr().is_ipv4() { 4_i64 } else { 6 }).into()),
        ]))
    }

    /// Says whether a text is an address or a network.
    ///
    /// ```rhai
    /// ip::is_valid("10.0.0.0/8") && !ip::is_valid("10.0.0.256")
    /// ```
    pub fn is_valid(text: &str) -> bool {
        text.parse::<IpNet>().is_ok() || text.parse::<IpAddr>().is_ok()
    }

    /// Says whether a text is an IPv4 address or network.
    ///
    /// ```rhai
    /// ip::is_v4("10.0.0.1") && !ip::is_v4("::1")
    /// ```
    pub fn is_v4(text: &str) -> bool {
        is_valid(text) && !text.contains(':')
    }

    /// Says whether a text is an IPv6 address or network.
    ///
    /// ```rhai
    /// ip::is_v6("2001:db8::/32") && !ip::is_v6("10.0.0.1")
    /// ```
    pub fn is_v6(text: &str) -> bool {
        is_valid(text) && text.contains(':')
    }

    /// Says whether a network holds an address, or all of another network.
    ///
    /// ```rhai
    /// ip::contains("10.0.0.0/8", "10.1.2.3") && ip::contains("10.0.0.0/8", "10.1.0.0/16")
    /// !ip::contains("10.1.0.0/16", "10.0.0.0/8")
    /// ```
    #[rhai_fn(return_raw)]
    pub fn contains(context: NativeCallContext, network: &str, inner: &str) -> Fallible<bool> {
        Ok(parsed(&context, network)?.contains(&parsed(&context, inner)?))
    }

    /// Says whether two networks have an address in common.
    ///
    /// ```rhai
    /// ip::overlaps("10.0.0.0/8", "10.1.0.0/16") && !ip::overlaps("10.0.0.0/16", "10.1.0.0/16")
    /// ```
    #[rhai_fn(return_raw)]
    pub fn overlaps(context: NativeCallContext, first: &str, second: &str) -> Fallible<bool> {
        let (first, second) = (parsed(&context, first)?, parsed(&context, second)?);
        Ok(first.contains(&second) || second.contains(&first))
    }

    /// The address without its prefix.
    ///
    /// ```rhai
    /// ip::address("10.1.2.3/24") == "10.1.2.3"
    /// ```
    #[rhai_fn(return_raw, name = "address")]
    pub fn address_of(context: NativeCallContext, text: &str) -> Fallible<String> {
        Ok(parsed(&context, text)?.addr().to_string())
    }

    /// The first address of a network.
    ///
    /// ```rhai
    /// ip::network("10.1.2.3/24") == "10.1.2.0"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn network(context: NativeCallContext, text: &str) -> Fallible<String> {
        Ok(parsed(&context, text)?.network().to_string())
    }

    /// The last address of a network.
    ///
    /// ```rhai
    /// ip::broadcast("10.1.2.3/24") == "10.1.2.255"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn broadcast(context: NativeCallContext, text: &str) -> Fallible<String> {
        Ok(parsed(&context, text)?.broadcast().to_string())
    }

    /// The mask of a network.
    ///
    /// ```rhai
    /// ip::netmask("10.1.2.3/24") == "255.255.255.0"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn netmask(context: NativeCallContext, text: &str) -> Fallible<String> {
        Ok(parsed(&context, text)?.netmask().to_string())
    }

    /// The length of the prefix; 32 or 128 for an address alone.
    ///
    /// ```rhai
    /// ip::prefix("10.1.2.3/24") == 24
    /// ```
    #[rhai_fn(return_raw)]
    pub fn prefix(context: NativeCallContext, text: &str) -> Fallible<i64> {
        Ok(parsed(&context, text)?.prefix_len().into())
    }

    /// The address at a place in a network, 0 being its first; counted from the end where negative.
    ///
    /// ```rhai
    /// ip::host("10.0.0.0/24", 5) == "10.0.0.5"
    /// ip::host("10.0.0.0/24", -2) == "10.0.0.254"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn host(context: NativeCallContext, network: &str, place: i64) -> Fallible<String> {
        let net = parsed(&context, network)?;
        let distance = u128::from(place.unsigned_abs());
        let found = match place {
            0.. => number(net.network()).checked_add(distance),
            _ => number(net.broadcast()).checked_sub(distance - 1),
        };
        let found = found.and_then(|found| address(found, net.addr())).filter(|found| net.contains(found));
        let found = found.map(|found| found.to_string());
        found.ok_or_else(|| failure(&context, format!("`{network}` has no address {place}")))
    }

    /// All addresses of a network that a host can have (without the first and the last, for IPv4
    /// networks up to /30); an error above 65,536.
    ///
    /// ```rhai
    /// ip::hosts("10.0.0.0/30") == ["10.0.0.1", "10.0.0.2"]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn hosts(context: NativeCallContext, network: &str) -> Fallible<Array> {
        let net = parsed(&context, network)?.trunc();
        if net.max_prefix_len() - net.prefix_len() > 16 {
            return Err(failure(
                &context,
                format!("`{network}` has more than {MOST} addresses; `ip::host` gives one"),
            ));
        }
        Ok(net.hosts().map(|host| host.to_string().into()).collect())
    }

    /// The parts of a network that have a longer prefix; an error above 65,536.
    ///
    /// ```rhai
    /// ip::subnets("10.0.0.0/23", 24) == ["10.0.0.0/24", "10.0.1.0/24"]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn subnets(context: NativeCallContext, network: &str, prefix: i64) -> Fallible<Array> {
        let net = parsed(&context, network)?.trunc();
        let (least, most) = (net.prefix_len(), net.max_prefix_len());
        let prefix = u8::try_from(prefix).ok().filter(|prefix| (least..=most).contains(prefix));
        let Some(prefix) = prefix else {
            return Err(failure(
                &context,
                format!("a subnet of `{network}` has a prefix from {least} to {most}"),
            ));
        };
        if prefix - least > 16 {
            return Err(failure(
                &context,
                format!("`{network}` has more than {MOST} subnets of that prefix"),
            ));
        }
        let subnets = net.subnets(prefix).map_err(|error| failure(&context, error.to_string()))?;
        Ok(subnets.map(|subnet| subnet.to_string().into()).collect())
    }

    /// The address after an address; a prefix is kept.
    ///
    /// ```rhai
    /// ip::next("10.0.0.255") == "10.0.1.0"
    /// ```
    #[rhai_fn(name = "next", return_raw)]
    pub fn next(context: NativeCallContext, text: &str) -> Fallible<String> {
        moved(&context, text, 1)
    }

    /// The address so many after an address, before it where negative; a prefix is kept.
    ///
    /// ```rhai
    /// ip::next("10.0.0.10/24", -3) == "10.0.0.7/24"
    /// ```
    #[rhai_fn(name = "next", return_raw)]
    pub fn next_by(context: NativeCallContext, text: &str, by: i64) -> Fallible<String> {
        moved(&context, text, by)
    }
}
