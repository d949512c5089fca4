//! `ip::` against Python's `ipaddress`: `recorded/ip.json`, which `recorded/ip.py` wrote.

use serde_json::{Value, json};

use super::evaluated;

fn recorded() -> Value {
    serde_json::from_str(include_str!("recorded/ip.json")).expect("JSON")
}

/// What an expression over the texts `a` and `b` gives; `None` for an error.
fn eval(expression: &str, a: &str, b: &str) -> Option<Value> {
    evaluated(expression, &[("a", a.into()), ("b", b.into())]).ok()
}

/// A zone belongs to one machine, so no text of a project has a use for it.
const DIFFERENT: [&str; 1] = ["fe80::1%eth0"];

#[test]
fn texts_are_addresses_where_python_says_so() {
    let recorded = recorded();
    for (text, valid) in recorded["valid"].as_object().expect("a map") {
        let valid = valid == &json!(true) && !DIFFERENT.contains(&text.as_str());
        assert_eq!(eval("ip::is_valid(a)", text, ""), Some(json!(valid)), "{text}");
        let version = eval("ip::is_v4(a) || ip::is_v6(a)", text, "");
        assert_eq!(version, Some(json!(valid)), "{text}");
    }
}

#[test]
fn networks_have_the_parts_that_python_says() {
    let recorded = recorded();
    for row in recorded["networks"].as_array().expect("a list") {
        let text = row["text"].as_str().expect("a text");
        for name in ["version", "address", "network", "broadcast", "netmask", "prefix"] {
            let part = eval("ip::parse(a)[b]", text, name);
            assert_eq!(part.as_ref(), Some(&row[name]), "{name} of {text}");
        }
        let network = row["network"].as_str().and_then(|network| network.split('/').next());
        assert_eq!(eval("ip::network(a)", text, ""), network.map(Value::from), "{text}");
        for (function, name) in
            [("address", "address"), ("broadcast", "broadcast"), ("netmask", "netmask"), ("prefix", "prefix")]
        {
            let part = eval(&format!("ip::{function}(a)"), text, "");
            assert_eq!(part.as_ref(), Some(&row[name]), "{function} of {text}");
        }
        if let Some(hosts) = row["hosts"].as_array() {
            // Python leaves out the first address of an IPv6 network, which RFC 4291 keeps for its routers.
            let kept = (row["version"] == 6 && row["prefix"].as_i64() < Some(127))
                .then(|| eval("ip::network(a)", text, "").expect("an address"));
            let hosts: Vec<Value> = kept.into_iter().chain(hosts.iter().cloned()).collect();
            assert_eq!(eval("ip::hosts(a)", text, ""), Some(hosts.into()), "hosts of {text}");
        }
        // Python halves an address alone into itself.
        let longest = if row["version"] == 4 { 32 } else { 128 };
        let prefix = row["prefix"].as_i64().expect("a number");
        let halves = eval(&format!("ip::subnets(a, {})", longest.min(prefix + 1)), text, "");
        assert_eq!(halves.as_ref(), Some(&row["halves"]), "halves of {text}");
        let second = Some(&row["second"]).filter(|second| !second.is_null());
        assert_eq!(eval("ip::host(a, 1)", text, "").as_ref(), second, "{text}");
        assert_eq!(eval("ip::host(a, -1)", text, "").as_ref(), Some(&row["last"]), "{text}");
    }
}

#[test]
fn networks_hold_and_overlap_one_another_as_python_says() {
    let recorded = recorded();
    for row in recorded["pairs"].as_array().expect("a list") {
        let (one, other) =
            (row["texts"][0].as_str().expect("a text"), row["texts"][1].as_str().expect("a text"));
        assert_eq!(eval("ip::overlaps(a, b)", one, other).as_ref(), Some(&row["overlap"]), "{one} {other}");
        assert_eq!(eval("ip::contains(a, b)", one, other).as_ref(), Some(&row["contains"]), "{one} {other}");
    }
}

proptest::proptest! {
    #[test]
    fn subnets_are_the_network_taken_apart(address: u32, prefix in 8_u8..=32, deeper in 0_u8..=6) {
        let text = format!("{}/{prefix}", std::net::Ipv4Addr::from(address));
        let deeper = (prefix + deeper).min(32);
        let subnets = eval( &format!("ip::subnets(a, {deeper})"), &text, "").expect("subnets");
        let subnets: Vec<&str> = subnets.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        proptest::prop_assert_eq!(subnets.len(), 1 << (deeper - prefix));
        let whole = evaluated(
            "let next = ip::network(net); let last = \"\";
             for part in parts {
                 if !ip::contains(net, part) || ip::address(part) != next { return false; }
                 last = ip::broadcast(part);
                 if last != \"255.255.255.255\" { next = ip::next(last); }
             }
             last == ip::broadcast(net)",
            &[("net", text.into()), ("parts", json!(subnets))],
        );
        proptest::prop_assert!(whole == Ok(json!(true)), "{:?}", whole);
    }

    #[test]
    fn any_text_is_an_address_or_an_error(text in "[0-9a-f:./%]{0,20}") {
        let valid = eval( "ip::is_valid(a)", &text, "");
        proptest::prop_assert_eq!(eval( "ip::parse(a)", &text, "").is_some(), valid == Some(json!(true)));
    }
}
