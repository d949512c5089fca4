//! zypper, of openSUSE and SUSE Linux Enterprise.

use oneex_sdk::Command;

use super::model::{Act, PackageManager, PackageName, Policy, is_version_in_parts, script};
use super::rpm;

/// `zypper`.
pub(crate) struct Zypper;

/// `search -s` has a table with a row for each version, the newest first. zypper would write what it works out: it gets a
/// folder for that which leads to the lists, and is not asked where none were fetched, for it would fetch them. It does
/// not lock the host for that, nor does it wait for another that has: that is what `ZYPP_READONLY_HACK` is for.
const LOOK: &str = r#"time=$(stat -c %Y /var/cache/zypp/raw/*/repodata/repomd.xml /var/cache/zypp/solv/*/cookie 2>/dev/null | sort -n | tail -n 1)
[ -z "$time" ] || printf 'age\t%s\n' "$(($(date +%s) - time))"
sed -n "s/^solvable_name: */held$tab/p" /etc/zypp/locks 2>/dev/null
fetched=
for cookie in /var/cache/zypp/solv/*/cookie; do
    case $cookie in */@System/* | *'*'*) ;; *) fetched=yes ;; esac
done
if [ -n "$fetched" ] && { [ "$need" = all ] || [ -n "$missing" ]; }; then
    own=$(mktemp -d /dev/shm/oneex.XXXXXX 2>/dev/null || mktemp -d) || exit
    mkdir "$own/raw" "$own/solv"
    for part in raw solv; do ln -s /var/cache/zypp/$part/* "$own/$part" 2>/dev/null; done
    rm -f "$own/solv/@System"
    export ZYPP_READONLY_HACK=1 ZYPP_LOGFILE=/dev/null ZYPPTMPDIR="$own" TMPDIR="$own"
    found=$(zypper --cache-dir "$own" --non-interactive --no-refresh --disable-system-resolvables -q \
        search -s --match-exact -t package "$@" 2>"$own/said" </dev/null)
    case $? in 0 | 104 | 106) ;; *) trouble <"$own/said" ;; esac
    printf '%s\n' "$found" |
        sed -n 's/^[^|]*| *\([^ |]*\) *| package *| *\([^ |]*\) *|.*$/\1 \2/p' | upgrades
    rm -rf "$own"
fi"#;

/// The statuses from 100 are about what comes after, as a restart, except for 104: no such package; and 105: a signal.
const RUN: &str = r#"export ZYPP_LOCK_TIMEOUT=$lock
zypper() {
    command zypper --non-interactive "$@" </dev/null
    status=$?
    case $status in 100 | 101 | 102 | 103 | 106) status=0 ;; esac
    return "$status"
}
case $recommends in
yes) recommends=--recommends ;;
no) recommends=--no-recommends ;;
esac
[ "$hold" != unhold ] || zypper -q removelock $holds || exit
if [ -n "$update" ]; then zypper -q refresh || exit; fi
if [ $# -gt 0 ] && [ "$verb" = remove ]; then
    zypper -q remove ${autoremove:+--clean-deps} "$@" || exit
elif [ $# -gt 0 ]; then
    not_older "$@"
    bring() { zypper -q "$@" --auto-agree-with-licenses ${recommends:+"$recommends"} $words || exit; }
    words=$(installs "$@")
    [ -z "$words" ] || bring install ${downgrade:+--oldpackage}
    words=$(upgrades "$@")
    [ -z "$words" ] || bring update
fi
[ "$hold" != hold ] || zypper -q addlock $holds"#;

impl PackageManager for Zypper {
    fn name(&self) -> &'static str {
        "zypper"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["zypper"]
    }

    fn look(&self) -> String {
        format!("{}\n{LOOK}", rpm::LOOK)
    }

    fn lacks(&self) -> &'static [(&'static str, &'static str)] {
        &[("purge", "`zypper` keeps configuration that was changed, with `.rpmsave` at its end")]
    }

    fn is_version(&self, installed: &str, wanted: &str) -> bool {
        is_version_in_parts(installed, wanted)
    }

    fn act(&self, act: Act, packages: &[PackageName], policy: &Policy) -> Command {
        script(&format!("{}{RUN}", rpm::FUNCTIONS), "=", act, packages, policy)
    }
}
