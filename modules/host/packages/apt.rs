//! apt and dpkg, of Debian and what descends from it.

use oneex_sdk::Command;

use super::model::{Act, PackageManager, PackageName, Policy, Snapshot, script};

/// `apt-get`, `apt-cache` and `dpkg-query`.
pub(crate) struct Apt;

/// Names are printed as dpkg has them, and with and without their architecture: a script may use any.
/// The candidates take a second, so they are only asked for where they are needed; without cache files,
/// which would be written.
const LOOK: &str = r#"fields='\t${Version}\t${db:Status-Want}\t${db:Status-Status}\n'
format="package\\t\${binary:Package}${fields}package\\t\${Package}${fields}package\\t\${Package}:\${Architecture}$fields"
known=$(dpkg-query -W -f "$format" "$@" 2>/dev/null) && complete=yes || complete=
printf '%s\n' "$known"
[ "$need" != nothing ] || exit 0
if printf '%s\n' "$known" | grep -qv '[[:space:]]installed$'; then complete=; fi
if [ -z "$complete" ]; then
    dpkg-query -W -f '${db:Status-Status}\t${Provides}\n' 2>/dev/null | sed -n 's/^installed\t\(..*\)/provides\t\1/p'
fi
for stamp in /var/lib/apt/periodic/update-success-stamp /var/lib/apt/lists; do
    if time=$(stat -c %Y "$stamp" 2>/dev/null); then printf 'age\t%s\n' "$(($(date +%s) - time))"; break; fi
done
if [ -z "$complete" ] || [ "$need" = all ]; then
    apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= policy "$@" 2>/dev/null
fi"#;

/// apt asks no questions, keeps configuration files that were changed and takes new ones where nobody changed
/// anything.
const RUN: &str = r#"export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l
apt() {
    apt-get -q -y -o "DPkg::Lock::Timeout=$lock" -o Dpkg::Options::=--force-confdef \
        -o Dpkg::Options::=--force-confold "$@"
}
case $recommends in
yes) recommends=--install-recommends ;;
no) recommends=--no-install-recommends ;;
esac
[ "$verb$purge" != removeyes ] || verb=purge
[ "$hold" != unhold ] || apt-mark -q unhold $holds || exit
if [ -n "$update" ]; then apt update || exit; fi
if [ $# -gt 0 ]; then
    apt ${recommends:+"$recommends"} ${downgrade:+--allow-downgrades} "$verb" "$@" || exit
fi
[ "$hold" != hold ] || apt-mark -q hold $holds || exit
if [ -n "$autoremove" ]; then apt autoremove; fi"#;

impl PackageManager for Apt {
    fn name(&self) -> &'static str {
        "apt"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["apt-get"]
    }

    fn look(&self) -> String {
        LOOK.to_owned()
    }

    fn parse(&self, printed: &str) -> Snapshot {
        let mut snapshot = Snapshot::default();
        let mut policy_of = None;
        for line in printed.lines() {
            let mut fields = line.split('\t');
            let mut next = || fields.next();
            let (kind, name, version, wanted, status) = (next(), next(), next(), next(), next());
            if let (Some("package"), Some(name), Some("hold")) = (kind, name, wanted) {
                snapshot.held.insert(name.to_owned());
            }
            match (kind, name, version, status) {
                (Some("package"), Some(name), Some(version), Some(status)) => match status {
                    "config-files" => drop(snapshot.leftover.insert(name.to_owned())),
                    "not-installed" => {}
                    "installed" => drop(snapshot.installed.insert(name.to_owned(), version.to_owned())),
                    // Half-installed and the like: to be installed again.
                    _ => {}
                },
                (Some("provides"), Some(names), _, _) => {
                    let names = names.split(", ").filter_map(|name| name.split_whitespace().next());
                    snapshot.provided.extend(names.map(str::to_owned));
                }
                (Some("age"), Some(age), _, _) => snapshot.cache_age = age.parse().ok(),
                _ => match line.strip_prefix("  Candidate: ") {
                    Some("(none)") => {}
                    Some(version) => {
                        if let Some(name) = policy_of.take() {
                            snapshot.candidates.insert(name, version.to_owned());
                        }
                    }
                    None if !line.starts_with(' ') => policy_of = line.strip_suffix(':').map(str::to_owned),
                    None => {}
                },
            }
        }
        snapshot
    }

    fn act(&self, act: Act, packages: &[PackageName], policy: &Policy) -> Command {
        script(RUN, "=", act, packages, policy)
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::Program;

    use super::{Act, Apt, PackageManager, PackageName, Policy};

    const PRINTED: &str = "package\tbash\t5.2.15-2+b8\thold\tinstalled\npackage\told\t1.0\tdeinstall\tconfig-files\n\
package\tbroken\t1.0\tinstall\thalf-installed\nprovides\tawk, mail-reader (= 2)\nage\t3600\n\
bash:\n  Installed: 5.2.15-2+b8\n  Candidate: 5.2.15-2+b9\n  Version table:\n     5.2.15-2+b9 500\n\
        500 http://deb.debian.org/debian bookworm/main amd64 Packages\nawk:\n  Installed: (none)\n  Candidate: (none)\n";

    fn words(act: Act, names: &[&str], policy: &Policy) -> Vec<String> {
        let packages: Vec<_> = names.iter().map(|name| PackageName::parse(name).expect("a name")).collect();
        match Apt.act(act, &packages, policy).program {
            Program::Shell { args, .. } => args,
            Program::Argv(argv) => panic!("not a script: {argv:?}"),
        }
    }

    #[test]
    fn what_apt_prints_is_understood() {
        let snapshot = Apt.parse(PRINTED);
        assert_eq!(snapshot.installed.get("bash").map(String::as_str), Some("5.2.15-2+b8"));
        assert!(!snapshot.installed.contains_key("broken") && !snapshot.installed.contains_key("old"));
        assert!(
            snapshot.leftover.contains("old") && snapshot.held.contains("bash") && snapshot.held.len() == 1
        );
        assert!(snapshot.provided.contains("awk") && snapshot.provided.contains("mail-reader"));
        assert_eq!(
            snapshot.candidates.into_iter().collect::<Vec<_>>(),
            [("bash".into(), "5.2.15-2+b9".into())]
        );
        assert_eq!(snapshot.cache_age, Some(3600));
    }

    #[test]
    fn names_and_options_travel_as_parameters() {
        let policy = Policy { lock_timeout: 60, ..Policy::default() };
        assert_eq!(
            words(Act::Install, &["curl", "vim=2:9.0"], &policy),
            ["60", "", "", "", "", "", "", "", "install", "curl", "vim=2:9.0"]
        );
        assert_eq!(
            words(Act::Remove, &["curl=1"], &policy),
            ["60", "", "", "", "", "", "", "", "remove", "curl"]
        );
        let policy = Policy {
            update_cache: true,
            recommends: Some(false),
            autoremove: true,
            purge: true,
            allow_downgrade: true,
            lock_timeout: 5,
            hold: Some((true, vec!["a".into(), "b".into()])),
        };
        assert_eq!(
            words(Act::Remove, &["curl"], &policy),
            ["5", "yes", "no", "yes", "yes", "yes", "hold", "a b", "remove", "curl"]
        );
    }

    #[test]
    fn apt_get_gets_what_it_needs_not_to_ask() {
        // A stand-in for `apt-get` shows the words that the script gives it.
        let folder = tempfile::tempdir().expect("a folder");
        let stand_in = folder.path().join("apt-get");
        std::fs::write(&stand_in, "#!/bin/sh\necho \"$DEBIAN_FRONTEND: $*\"\n").expect("written");
        std::fs::set_permissions(&stand_in, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .expect("executable");
        let policy =
            Policy { update_cache: true, recommends: Some(false), lock_timeout: 9, ..Policy::default() };
        let line = Apt.act(Act::Install, &[PackageName::parse("curl").expect("a name")], &policy).line();
        let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").expect("a path"));
        let output =
            std::process::Command::new("sh").args(["-c", &line]).env("PATH", path).output().expect("sh runs");
        let fixed = "noninteractive: -q -y -o DPkg::Lock::Timeout=9 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold";
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            format!("{fixed} update\n{fixed} --no-install-recommends install curl\n")
        );
    }
}
