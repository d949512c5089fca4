//! Interfaces, addresses and the default routes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use oneex_sdk::{Value, json};

use super::sections::Sections;

/// The interfaces of `/sys/class/net`, with the addresses that `ip -o addr` lists; where there is no `ip`, the
/// IPv6 addresses of `/proc/net/if_inet6` alone.
pub(super) fn interfaces(sections: &Sections) -> Vec<Value> {
    let addresses = match sections.some("addresses") {
        Some(text) => text.lines().filter_map(address).collect(),
        None => sections.text("inet6").lines().filter_map(inet6).collect::<Vec<_>>(),
    };
    let of = |name: &str, family: &str| -> Vec<&str> {
        addresses
            .iter()
            .filter(|(of, kind, _)| of == name && *kind == family)
            .map(|(_, _, text)| text.as_str())
            .collect()
    };
    sections
        .text("links")
        .lines()
        .filter_map(|line| {
            let [name, mac, mtu, state] = line.split('\t').collect::<Vec<_>>().try_into().ok()?;
            Some(json!({
                "name": name,
                "mac": Some(mac).filter(|mac| !mac.is_empty()),
                "mtu": mtu.parse::<u64>().ok(),
                // Loopback and tunnels have no carrier to speak of and say `unknown`.
                "up": matches!(state, "up" | "unknown"),
                "ipv4": of(name, "inet"),
                "ipv6": of(name, "inet6"),
            }))
        })
        .collect()
}

/// Interface, family and address of a line of `ip -o addr`, as iproute2 and BusyBox print it.
fn address(line: &str) -> Option<(String, &'static str, String)> {
    let mut words = line.split_whitespace().skip(1);
    let name = words.next()?.trim_end_matches(':').split('@').next()?;
    let family = match words.next()? {
        "inet" => "inet",
        "inet6" => "inet6",
        _ => return None,
    };
    let address = words.next()?;
    // A point-to-point address comes without its prefix length.
    let whole = if address.contains('/') { address.to_owned() } else { format!("{address}/32") };
    Some((name.to_owned(), family, whole))
}

/// The same of a line of `/proc/net/if_inet6`: address, index, prefix length, scope, flags, name, in hexadecimal.
fn inet6(line: &str) -> Option<(String, &'static str, String)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let address = Ipv6Addr::from(u128::from_str_radix(words.first()?, 16).ok()?);
    let prefix = u8::from_str_radix(words.get(2)?, 16).ok()?;
    Some(((*words.get(5)?).to_owned(), "inet6", format!("{address}/{prefix}")))
}

/// The IPv4 default route of `/proc/net/route` with the lowest metric.
pub(super) fn default_route(routes: &str, interfaces: &[Value]) -> Value {
    let best = routes
        .lines()
        .skip(1)
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (name, gateway) = (*words.first()?, *words.get(2)?);
            let default = *words.get(1)? == "00000000" && *words.get(7)? == "00000000";
            let metric: u64 = words.get(6)?.parse().ok()?;
            // The kernel prints the address as a number in its own byte order: little-endian where oneex runs.
            let gateway = Ipv4Addr::from(u32::from_str_radix(gateway, 16).ok()?.swap_bytes());
            default.then_some((metric, name, gateway))
        })
        .min();
    let gateway = best.map(|(.., gateway)| gateway).filter(|gateway| !gateway.is_unspecified());
    route(best.map(|(_, name, _)| name), gateway.map(Into::into), "ipv4", interfaces)
}

/// The same of `/proc/net/ipv6_route`: target, its prefix length, source, its prefix length, gateway, metric, two
/// counters, flags, interface; all numbers are hexadecimal. The kernel lists what it refuses on `lo`.
pub(super) fn default_route_ipv6(routes: &str, interfaces: &[Value]) -> Value {
    let best = routes
        .lines()
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [target, length, _, _, gateway, metric, _, _, _, name] = words.try_into().ok()?;
            let gateway = Ipv6Addr::from(u128::from_str_radix(gateway, 16).ok()?);
            let metric = u64::from_str_radix(metric, 16).ok()?;
            let is_default = length == "00" && target.bytes().all(|byte| byte == b'0') && name != "lo";
            is_default.then_some((metric, name, gateway))
        })
        .min();
    let gateway = best.map(|(.., gateway)| gateway).filter(|gateway| !gateway.is_unspecified());
    route(best.map(|(_, name, _)| name), gateway.map(Into::into), "ipv6", interfaces)
}

/// A default route and the address that is used with it: one of a link alone reaches nobody behind the gateway.
fn route(name: Option<&str>, gateway: Option<IpAddr>, family: &str, interfaces: &[Value]) -> Value {
    let interface = name.and_then(|name| interfaces.iter().find(|interface| interface["name"] == name));
    let addresses = interface.and_then(|interface| interface[family].as_array()).into_iter().flatten();
    let mut addresses = addresses.filter_map(|address| address.as_str()?.split('/').next());
    let is_local =
        |address: &&str| address.parse().is_ok_and(|address: Ipv6Addr| address.is_unicast_link_local());
    json!({
        "interface": name,
        "gateway": gateway.map(|gateway| gateway.to_string()),
        "address": addresses.find(|address| !is_local(address)),
    })
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;

    use super::{Sections, default_route, default_route_ipv6, interfaces};

    const LINKS: &str = "lo\t00:00:00:00:00:00\t65536\tunknown\neth0\t52:54:00:12:34:56\t1500\tup\neth1\t52:54:00:12:34:57\t1500\tdown";

    fn sections(named: &[(&str, &str)]) -> Sections {
        let body: String = named.iter().map(|(name, text)| format!("\0{name}\0{text}")).collect();
        Sections::split(format!("{body}\0end\0").as_bytes()).expect("complete")
    }

    #[test]
    fn addresses_belong_to_their_interfaces() {
        let addresses = "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever\n2: eth0@if5    inet 192.0.2.7/24 brd 192.0.2.255 scope global eth0\n2: eth0    inet6 fe80::1/64 scope link\n";
        let found = interfaces(&sections(&[("links", LINKS), ("addresses", addresses)]));
        assert_eq!(found[0]["ipv4"], json!(["127.0.0.1/8"]));
        assert_eq!(
            found[1],
            json!({ "name": "eth0", "mac": "52:54:00:12:34:56", "mtu": 1500, "up": true, "ipv4": ["192.0.2.7/24"], "ipv6": ["fe80::1/64"] })
        );
        assert_eq!((&found[2]["up"], &found[2]["ipv4"]), (&json!(false), &json!([])));
    }

    #[test]
    fn without_ip_the_kernel_tells_the_sixth_version() {
        let inet6 = "fe800000000000000000000000000001 02 40 20 80     eth0\n";
        let found = interfaces(&sections(&[("links", LINKS), ("inet6", inet6)]));
        assert_eq!(found[1]["ipv6"], json!(["fe80::1/64"]));
    }

    #[test]
    fn the_default_route_is_the_one_with_the_lowest_metric() {
        let routes = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\neth1\t00000000\t0102A8C0\t0003\t0\t0\t200\t00000000\neth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\neth0\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\n";
        let route = default_route(routes, &[json!({ "name": "eth0", "ipv4": ["192.0.2.7/24"] })]);
        assert_eq!(route, json!({ "interface": "eth0", "gateway": "192.0.2.1", "address": "192.0.2.7" }));
        assert_eq!(default_route("", &[]), json!({ "interface": null, "gateway": null, "address": null }));
    }

    #[test]
    fn the_sixth_version_has_a_default_route_of_its_own() {
        let zero = "0".repeat(32);
        let line = |gateway: &str, metric: &str, name: &str| {
            format!("{zero} 00 {zero} 00 {gateway} {metric} 00000001 00000000 00000003     {name}\n")
        };
        let gateway = "fe800000000000000000000000000001";
        let routes = line(&zero, "ffffffff", "lo")
            + &line(gateway, "00000400", "eth1")
            + &line(gateway, "00000064", "eth0");
        let routes = routes + &format!("fe80{} 40 {zero} 00 {zero} 00000001 0 0 1 eth2\n", "0".repeat(28));
        let eth0 = json!({ "name": "eth0", "ipv6": ["fe80::7/64", "2001:db8::7/64"] });
        let route = default_route_ipv6(&routes, &[eth0]);
        assert_eq!(route, json!({ "interface": "eth0", "gateway": "fe80::1", "address": "2001:db8::7" }));
        for none in ["", "broken", &line(&zero, "ffffffff", "lo")] {
            let route = default_route_ipv6(none, &[json!({ "name": null, "ipv6": ["::1/128"] })]);
            assert_eq!(route, json!({ "interface": null, "gateway": null, "address": null }), "{none}");
        }
    }
}
