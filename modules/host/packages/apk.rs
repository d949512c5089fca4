//! apk, of Alpine Linux.

use oneex_sdk::Command;

use super::model::{Act, PackageManager, PackageName, Policy, is_version_in_parts, script};

/// `apk`.
pub(crate) struct Apk;

/// `apk list` has lines of `NAME-VERSION-rRELEASE ARCHITECTURE {ORIGIN} (LICENCES) [STATE]`, with `[installed]` for what is
/// there; apk-list(8).
const LOOK: &str = r#"split() { sed -n "s/^\(.*\)-\([^- ]*-r[0-9]*\) .*$/$1$tab\1$tab\2/p"; }
known=$(apk list --installed -- "$@" 2>/dev/null | split package)
[ -z "$known" ] || printf '%s\n' "$known"
[ "$need" != nothing ] || exit 0
for name; do
    case $known in *"package$tab$name$tab"*) continue ;; esac
    if apk info -e -- "$name" >/dev/null 2>&1; then printf 'provides\t%s\n' "$name"; fi
    apk list --available -- "$name" 2>/dev/null | split candidate
done
[ "$need" != all ] || apk list --upgradable -- "$@" 2>/dev/null | split candidate
time=$(stat -c %Y /var/cache/apk/APKINDEX.* 2>/dev/null | sort -n | tail -n 1)
[ -z "$time" ] || printf 'age\t%s\n' "$(($(date +%s) - time))"
exit 0"#;

/// apk removes what nothing needs any more by itself, whatever it is told.
const RUN: &str = r#"apk() { command apk --wait "$lock" "$@" </dev/null; }
if [ -n "$update" ]; then apk update || exit; fi
if [ $# -gt 0 ] && [ "$verb" = remove ]; then
    apk del ${purge:+--purge} "$@" || exit
elif [ $# -gt 0 ]; then
    for word; do
        case $word in *=*) ;; *) continue ;; esac
        name=${word%%=*} wanted=${word#*=}
        present=$(command apk list --installed -- "$name" 2>/dev/null | sed -n 's/^.*-\([^- ]*-r[0-9]*\) .*$/\1/p')
        case $wanted in *-r*) ;; *) present=${present%-r*} ;; esac
        if [ -z "$downgrade" ] && [ -n "$present" ] && [ "$(command apk version -t "$wanted" "$present")" = '<' ]; then
            echo "E: $name $present is installed, which is newer than $wanted" >&2
            exit 1
        fi
    done
    apk add --upgrade "$@" || exit
fi"#;

impl PackageManager for Apk {
    fn name(&self) -> &'static str {
        "apk"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["apk"]
    }

    fn look(&self) -> String {
        LOOK.to_owned()
    }

    fn lacks(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("recommends", "`apk` knows no package that is only recommended"),
            ("hold", "`apk` keeps a package at the version that its name was given with: `curl=8.5.0-r0`"),
        ]
    }

    fn is_version(&self, installed: &str, wanted: &str) -> bool {
        is_version_in_parts(installed, wanted)
    }

    fn act(&self, act: Act, packages: &[PackageName], policy: &Policy) -> Command {
        script(RUN, "=", act, packages, policy)
    }
}
