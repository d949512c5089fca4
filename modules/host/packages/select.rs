//! Finds the package manager that a host has.

use oneex_sdk::{Command, OpError, OpResult};

use super::apk::Apk;
use super::apt::Apt;
use super::dnf::Dnf;
use super::model::{Need, PackageManager};
use super::pacman::Pacman;
use super::zypper::Zypper;

/// Those that oneex drives.
const DRIVEN: &[&dyn PackageManager] = &[&Apt, &Dnf, &Zypper, &Apk, &Pacman];

/// A text for `sh` with the function `package_managers`, which prints the programs that are there, a line each: first the
/// one that the distribution stands on, for others may be installed beside it.
pub(crate) const PACKAGE_MANAGERS: &str = r#"package_managers() {
    [ -e /etc/os-release ] && family=$(. /etc/os-release && echo " ${ID-} ${ID_LIKE-} ") || family=
    case $family in
    *' debian '* | *' ubuntu '*) own=apt-get ;;
    *' fedora '* | *' rhel '* | *' centos '*) own='dnf5 dnf yum' ;;
    *suse*) own=zypper ;;
    *' alpine '*) own=apk ;;
    *' arch '*) own=pacman ;;
    *) own= ;;
    esac
    for tool in $own apt-get dnf5 dnf yum zypper apk pacman; do
        command -v "$tool" >/dev/null 2>&1 && echo "$tool"
    done
}
"#;

/// The query that prints the package manager's name and program, and then what it knows of `names`, in one round trip.
pub(crate) fn probe(need: Need, names: &[&str]) -> Command {
    let mut text = format!(
        "export LC_ALL=C PATH=\"$PATH:/usr/sbin:/sbin\"\n{PACKAGE_MANAGERS}tab='\t'\nneed=$1\nshift\n\
         program=$(package_managers | head -n 1)\ncase $program in\n"
    );
    for manager in DRIVEN {
        let (programs, name, look) = (manager.programs().join(" | "), manager.name(), manager.look());
        text.push_str(&format!("{programs}) echo \"{name} $program\"\n{look}\nexit 0 ;;\n"));
    }
    text.push_str("esac");
    Command::script(text, std::iter::once(need.as_str()).chain(names.iter().copied()))
}

/// The package manager of that name; a host that has none that is known is `failed`.
pub(crate) fn named(name: &str) -> OpResult<&'static dyn PackageManager> {
    DRIVEN.iter().find(|manager| manager.name() == name).copied().ok_or_else(|| {
        OpError::failed("the host has no package manager that is known")
            .hint("known are `apt`, `dnf`, `yum`, `zypper`, `apk` and `pacman`")
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::{PACKAGE_MANAGERS, named};

    #[test]
    fn the_distribution_says_which_comes_first() {
        assert_eq!(named("apt").map(|manager| manager.programs()[0]).expect("apt"), "apt-get");
        let refusal = named("").map(|_| ()).expect_err("none");
        assert_eq!(refusal.message, "the host has no package manager that is known");
        let folder = tempfile::tempdir().expect("a folder");
        for (release, programs, first) in [
            ("ID=debian", vec!["dnf", "apt-get"], "apt-get"),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"", vec!["apt-get", "pacman"], "apt-get"),
            ("ID=fedora", vec!["apt-get", "dnf", "dnf5"], "dnf5"),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"", vec!["apt-get", "dnf", "yum"], "dnf"),
            ("ID=centos", vec!["yum"], "yum"),
            ("ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"", vec!["apt-get", "zypper"], "zypper"),
            ("ID=alpine", vec!["apk"], "apk"),
            ("ID=manjaro\nID_LIKE=arch", vec!["apt-get", "pacman"], "pacman"),
            ("ID=other", vec!["zypper"], "zypper"),
            ("ID=arch", vec![], ""),
        ] {
            let here = folder.path().join(release.replace(['\n', '"', ' '], "_"));
            std::fs::create_dir(&here).expect("a folder");
            std::fs::write(here.join("os-release"), release).expect("a file");
            for program in programs {
                std::fs::write(here.join(program), "#!/bin/sh\n").expect("a program");
                std::fs::set_permissions(here.join(program), std::fs::Permissions::from_mode(0o755))
                    .expect("a mode");
            }
            let text =
                PACKAGE_MANAGERS.replace("/etc/os-release", &here.join("os-release").display().to_string());
            let output = std::process::Command::new("/bin/sh")
                .args(["-c", &format!("{text}package_managers")])
                .env("PATH", &here)
                .output()
                .expect("sh runs");
            let printed = String::from_utf8_lossy(&output.stdout).into_owned();
            assert_eq!(printed.lines().next().unwrap_or_default(), first, "{release}");
        }
    }
}
