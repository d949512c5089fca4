//! dnf, of Fedora, RHEL and what descends from them; yum where that is all there is.

use oneex_sdk::Command;

use super::model::{Act, PackageManager, PackageName, Policy, is_version_in_parts, script};
use super::rpm;

/// `dnf5`, `dnf` or `yum`.
pub(crate) struct Dnf;

/// Candidates come from lists that were fetched before: a look does not go to the network. dnf
/// wants to write a log and its lock even then: it gets a folder for that which leads to the lists.
const LOOK: &str = r#"time=$(stat -c %Y /var/cache/dnf/*/repodata /var/cache/libdnf5/*/repodata 2>/dev/null | sort -n | tail -n 1)
[ -z "$time" ] || printf 'age\t%s\n' "$(($(date +%s) - time))"
sed -n "s/^\([^#!].*\)-[^-]*-[^-]*$/held$tab\1/p" /etc/dnf/plugins/versionlock.list 2>/dev/null
sed -n "s/^ *name *= *\"\(.*\)\" *$/held$tab\1/p" /etc/dnf/versionlock.toml 2>/dev/null
if [ "$need" = all ] || [ -n "$missing" ]; then
    own=$(mktemp -d /dev/shm/oneex.XXXXXX 2>/dev/null || mktemp -d) || exit
    mkdir "$own/cache" "$own/log"
    for cache in /var/cache/libdnf5 /var/cache/dnf; do
        if [ -d "$cache" ]; then ln -s "$cache"/* "$own/cache" 2>/dev/null; break; fi
    done
    rm -f "$own"/cache/*.pid
    found=$("$program" -q -C --setopt="cachedir=$own/cache" --setopt="logdir=$own/log" \
        repoquery --latest-limit 1 --qf '%{name} %{evr}\n' "$@" 2>"$own/said") || trouble <"$own/said"
    printf '%s\n' "$found" | grep . | upgrades
    rm -rf "$own"
fi"#;

/// `install` brings what is missing and what a version is wanted of, `upgrade` the rest.
const RUN: &str = r#"for program in dnf5 dnf yum; do command -v "$program" >/dev/null 2>&1 && break; done
wait_for /var/lib/dnf/rpmdb_lock.pid /var/cache/dnf/metadata_lock.pid /var/cache/dnf/download_lock.pid /run/yum.pid
tool() {
    "$program" -y --setopt=clean_requirements_on_remove="$remains" ${recommends:+"$recommends"} "$@"
}
remains=0
[ -z "$autoremove" ] || remains=1
case $recommends in
yes) recommends=--setopt=install_weak_deps=1 ;;
no) recommends=--setopt=install_weak_deps=0 ;;
esac
[ "$hold" != unhold ] || tool versionlock delete $holds || exit
if [ -n "$update" ]; then tool -q makecache || exit; fi
if [ "$verb" = remove ]; then
    [ $# = 0 ] || tool remove "$@" || exit
else
    not_older "$@"
    words=$(installs "$@" | sed 's/=/-/')
    [ -z "$words" ] || tool install $words || exit
    words=$(upgrades "$@")
    [ -z "$words" ] || tool upgrade $words || exit
fi
[ "$hold" != hold ] || tool versionlock add $holds || exit
[ -z "$autoremove" ] || tool autoremove"#;

impl PackageManager for Dnf {
    fn name(&self) -> &'static str {
        "dnf"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["dnf5", "dnf", "yum"]
    }

    fn look(&self) -> String {
        format!("{}\n{LOOK}", rpm::LOOK)
    }

    fn lacks(&self) -> &'static [(&'static str, &'static str)] {
        &[("purge", "`dnf` keeps configuration that was changed, with `.rpmsave` at its end")]
    }

    fn is_version(&self, installed: &str, wanted: &str) -> bool {
        is_version_in_parts(installed, wanted)
    }

    fn act(&self, act: Act, packages: &[PackageName], policy: &Policy) -> Command {
        script(&format!("{}{RUN}", rpm::FUNCTIONS), "=", act, packages, policy)
    }
}
