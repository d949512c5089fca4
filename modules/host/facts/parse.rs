//! Puts the facts together from the script's texts.

use oneex_sdk::{Map, Value, json};

use super::sections::Sections;
use super::{network, storage, system};

/// All facts; what the host does not tell is null.
pub(super) fn facts(sections: &Sections) -> Value {
    let hostname = sections.text("hostname").split('.').next().unwrap_or_default();
    let fqdn = sections.some("fqdn").filter(|name| name.contains('.')).unwrap_or(sections.text("hostname"));
    let interfaces = network::interfaces(sections);
    let mut python = sections.text("python").lines();
    let mut date = sections.text("date").split(' ');
    json!({
        "os": system::os(sections),
        "system": sections.some("system"),
        "kernel": sections.some("kernel"),
        "architecture": sections.some("architecture"),
        "hostname": hostname,
        "fqdn": fqdn,
        "cpu": {
            "count": sections.text("cpu_count").parse::<u64>().ok(),
            "model": sections.some("cpu_model"),
        },
        "memory": storage::memory(sections.text("meminfo")),
        "mounts": storage::mounts(sections.text("mounts"), sections.text("df")),
        "disks": storage::disks(sections.text("disks")),
        "default_route": network::default_route(sections.text("routes"), &interfaces),
        "default_route_ipv6": network::default_route_ipv6(sections.text("routes6"), &interfaces),
        "interfaces": interfaces,
        "virtualisation": system::virtualisation(sections),
        "service_manager": sections.some("service_manager"),
        "package_manager": system::package_manager(sections),
        "python": { "path": python.next(), "version": python.next() },
        "date": {
            "iso": date.next(),
            "epoch": date.next().and_then(|epoch| epoch.parse::<i64>().ok()),
            "timezone": date.next(),
        },
        "uptime_seconds": sections.text("uptime").split('.').next().and_then(|seconds| seconds.parse::<u64>().ok()),
        "users": users(sections.text("passwd")),
        "machine_id": sections.some("machine_id"),
        "boot_id": sections.some("boot_id"),
        "local": local(sections),
    })
}

/// The users of a passwd file (passwd(5)); lines that are none, such as NIS markers, are left out.
fn users(passwd: &str) -> Vec<Value> {
    let user = |line: &str| {
        let [name, _, uid, gid, _, home, shell] = line.split(':').collect::<Vec<_>>().try_into().ok()?;
        let (uid, gid) = (uid.parse::<u32>().ok()?, gid.parse::<u32>().ok()?);
        Some(json!({ "name": name, "uid": uid, "gid": gid, "home": home, "shell": shell }))
    };
    passwd.lines().filter_map(user).collect()
}

/// The host's own facts, by file name without ending. What is not JSON stays as text.
fn local(sections: &Sections) -> Map<String, Value> {
    sections
        .below("local/")
        .map(|(file, text)| {
            let name = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
            let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
            (name.to_owned(), value)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;

    use super::{Sections, facts, users};

    #[test]
    fn a_host_that_tells_nothing_has_facts_all_the_same() {
        let facts = facts(&Sections::split(b"\0end\0").expect("complete"));
        assert_eq!(facts["cpu"], json!({ "count": null, "model": null }));
        assert_eq!(
            (&facts["users"], &facts["local"], &facts["default_route"]["gateway"]),
            (&json!([]), &json!({}), &json!(null))
        );
    }

    #[test]
    fn names_are_with_and_without_domain() {
        let read = |text: &[u8]| facts(&Sections::split(text).expect("complete"));
        let facts = read(b"\0hostname\0web1.example.org\0fqdn\0\0end\0");
        assert_eq!((&facts["hostname"], &facts["fqdn"]), (&json!("web1"), &json!("web1.example.org")));
        let facts = read(b"\0hostname\0web1\0fqdn\0web1.example.org\0end\0");
        assert_eq!((&facts["hostname"], &facts["fqdn"]), (&json!("web1"), &json!("web1.example.org")));
    }

    #[test]
    fn markers_in_passwd_are_no_users() {
        let found = users("root:x:0:0:root:/root:/bin/sh\n+::::::\nbroken\nx:x:abc:0::/:/bin/sh\n");
        assert_eq!(
            found,
            [json!({ "name": "root", "uid": 0, "gid": 0, "home": "/root", "shell": "/bin/sh" })]
        );
    }

    #[test]
    fn the_hosts_own_facts_are_json_or_text() {
        let facts = facts(
            &Sections::split(b"\0local/rack.json\0{\"row\": 3}\0local/role\0web server\0end\0")
                .expect("complete"),
        );
        assert_eq!(facts["local"], json!({ "rack": { "row": 3 }, "role": "web server" }));
    }
}
