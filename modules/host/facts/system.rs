//! Which system it is, and what it runs in.

use std::collections::BTreeMap;

use oneex_sdk::{Value, json};

use super::sections::Sections;

/// The distribution, from os-release(5).
pub(super) fn os(sections: &Sections) -> Value {
    let release = assignments(sections.text("os_release"));
    let get = |name: &str| release.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let id = get("ID");
    // Debian's testing has no VERSION_ID, but its version file names the release.
    let version = get("VERSION_ID");
    json!({
        "family": family(id.unwrap_or_default(), get("ID_LIKE").unwrap_or_default()),
        "id": id,
        "name": get("PRETTY_NAME").or(get("NAME")),
        "version": version,
        "major": version.and_then(|version| version.split('.').next()?.parse::<u64>().ok()),
        "codename": get("VERSION_CODENAME")
            .or_else(|| sections.some("debian_version").and_then(|version| version.strip_suffix("/sid"))),
    })
}

fn family(id: &str, like: &str) -> Option<String> {
    let of = |word: &str| match word {
        "debian" | "ubuntu" => Some("debian"),
        "rhel" | "fedora" | "centos" | "redhat" => Some("redhat"),
        "suse" | "opensuse" | "sles" => Some("suse"),
        "alpine" => Some("alpine"),
        "arch" | "archlinux" => Some("arch"),
        _ => None,
    };
    let known = std::iter::once(id).chain(like.split_whitespace()).find_map(of);
    known.or(Some(id).filter(|id| !id.is_empty())).map(str::to_owned)
}

/// Assignments as os-release(5) allows them: `NAME=value`, quoted as a shell would.
fn assignments(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| {
            let (name, value) = line.trim().split_once('=')?;
            let inner = value
                .strip_prefix('"')
                .and_then(|value| value.strip_suffix('"'))
                .or_else(|| value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')))
                .unwrap_or(value);
            Some((name.to_owned(), inner.replace("\\\"", "\"").replace("\\$", "$").replace("\\`", "`")))
        })
        .collect()
}

/// What the host runs in: systemd's word, else a container's mark, else what the firmware says.
pub(super) fn virtualisation(sections: &Sections) -> String {
    let dmi = sections.text("dmi");
    let firmware = [
        ("QEMU", "kvm"),
        ("KVM", "kvm"),
        ("VMware", "vmware"),
        ("VirtualBox", "oracle"),
        ("Microsoft", "microsoft"),
        ("Amazon EC2", "amazon"),
        ("Google", "google"),
        ("Xen", "xen"),
    ];
    let firmware = firmware.into_iter().find(|(mark, _)| dmi.contains(mark)).map(|(_, word)| word);
    sections
        .some("virtualisation")
        .or(sections.some("container"))
        .or_else(|| sections.some("hypervisor").map(|_| firmware.unwrap_or("unknown")))
        .unwrap_or("none")
        .to_owned()
}

/// The package manager: of several, the one that the distribution stands on comes first.
pub(super) fn package_manager(sections: &Sections) -> Option<&str> {
    sections.text("package_managers").lines().next().map(|tool| match tool {
        "apt-get" => "apt",
        "dnf5" => "dnf",
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{Value, json};

    use super::{Sections, os, package_manager, virtualisation};

    fn sections(named: &[(&str, &str)]) -> Sections {
        let body: String = named.iter().map(|(name, text)| format!("\0{name}\0{text}")).collect();
        Sections::split(format!("{body}\0end\0").as_bytes()).expect("complete")
    }

    fn release(text: &str) -> Value {
        os(&sections(&[("os_release", text)]))
    }

    #[test]
    fn each_distribution_has_its_family() {
        let debian = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nID=debian\n";
        assert_eq!(
            release(debian),
            json!({ "family": "debian", "id": "debian", "name": "Debian GNU/Linux 12 (bookworm)", "version": "12", "major": 12, "codename": "bookworm" })
        );
        let cases = [
            ("ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"24.04\"", "debian", json!(24)),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"", "redhat", json!(9)),
            ("ID=fedora\nVERSION_ID=40", "redhat", json!(40)),
            ("ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\nVERSION_ID=\"15.6\"", "suse", json!(15)),
            ("ID=alpine\nVERSION_ID=3.20.1", "alpine", json!(3)),
            ("NAME=\"Arch Linux\"\nID=arch\nBUILD_ID=rolling", "arch", json!(null)),
            ("ID=linuxmint\nID_LIKE='ubuntu debian'\nVERSION_ID=\"21\"", "debian", json!(21)),
            ("ID=void", "void", json!(null)),
        ];
        for (text, family, major) in cases {
            let os = release(text);
            assert_eq!((&os["family"], &os["major"]), (&json!(family), &major), "{text}");
        }
        assert_eq!(release("")["family"], json!(null));
    }

    #[test]
    fn the_first_sure_sign_of_virtualisation_counts() {
        let of = |named: &[(&str, &str)]| virtualisation(&sections(named));
        assert_eq!(of(&[("virtualisation", "kvm"), ("container", "docker")]), "kvm");
        assert_eq!(of(&[("container", "lxc"), ("hypervisor", "hypervisor")]), "lxc");
        assert_eq!(of(&[("hypervisor", "hypervisor"), ("dmi", "QEMU\nStandard PC")]), "kvm");
        assert_eq!(of(&[("hypervisor", "hypervisor")]), "unknown");
        assert_eq!(of(&[("dmi", "Google\nPixelbook")]), "none");
    }

    #[test]
    fn dnf_comes_before_its_old_name() {
        assert_eq!(package_manager(&sections(&[("package_managers", "dnf\nyum")])), Some("dnf"));
        assert_eq!(package_manager(&sections(&[("package_managers", "dnf5\ndnf")])), Some("dnf"));
        assert_eq!(package_manager(&sections(&[("package_managers", "apt-get")])), Some("apt"));
        assert_eq!(package_manager(&sections(&[])), None);
    }
}
