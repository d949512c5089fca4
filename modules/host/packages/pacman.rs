//! pacman, of Arch Linux and what descends from it.

use oneex_sdk::Command;

use super::model::{Act, PackageManager, PackageName, Policy, is_version_in_parts, script};

/// `pacman`.
pub(crate) struct Pacman;

/// The lists keep the server's time: when they came, the change of the file says.
const LOOK: &str = r#"known=$(pacman -Q -- "$@" 2>/dev/null)
[ -z "$known" ] || printf '%s\n' "$known" | sed "s/^\([^ ]*\) /package$tab\1$tab/"
is_known() { case "
$known" in *"
$1 "*) ;; *) false ;; esac; }
[ "$need" != nothing ] || exit 0
for name; do
    is_known "$name" && continue
    [ -n "$(pacman -T -- "$name" 2>/dev/null)" ] || printf 'provides\t%s\n' "$name"
    pacman -Sddp --print-format "candidate$tab%n$tab%v" -- "$name" 2>/dev/null
done
[ "$need" != all ] || pacman -Qu -- "$@" 2>/dev/null |
    sed -n "s/^\([^ ]*\) .*\[ignored\]$/held$tab\1/p;t
        s/^\([^ ]*\) .* -> \([^ ]*\)$/candidate$tab\1$tab\2/p"
time=$(stat -c %Z /var/lib/pacman/sync/*.db 2>/dev/null | sort -n | tail -n 1)
[ -z "$time" ] || printf 'age\t%s\n' "$(($(date +%s) - time))"
exit 0"#;

/// A version is one that the lists have: an older one is only there where the lists are older.
const RUN: &str = r#"gone /var/lib/pacman/db.lck
pacman() { command pacman --noconfirm "$@" </dev/null; }
if [ -n "$update" ]; then pacman -Sy || exit; fi
if [ $# -gt 0 ] && [ "$verb" = remove ]; then
    pacman "-R${autoremove:+s}${purge:+n}" -- "$@" || exit
elif [ $# -gt 0 ]; then
    for word; do
        case $word in *=*) ;; *) continue ;; esac
        name=${word%%=*}
        # What the lists have is another version than the one that is there, and no newer one.
        if [ -z "$downgrade" ] && command pacman -Q -- "$name" >/dev/null 2>&1 &&
            command pacman -Sddp -- "$word" >/dev/null 2>&1 &&
            ! command pacman -Qu -- "$name" >/dev/null 2>&1; then
            echo "E: a version of $name is installed that is newer than ${word#*=}" >&2
            exit 1
        fi
    done
    pacman -S --needed -- "$@" || exit
fi"#;

impl PackageManager for Pacman {
    fn name(&self) -> &'static str {
        "pacman"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["pacman"]
    }

    fn look(&self) -> String {
        LOOK.to_owned()
    }

    fn lacks(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("recommends", "`pacman` installs no package that is only recommended"),
            ("hold", "`pacman` holds what `IgnorePkg` in its configuration names: set that with `ini`"),
        ]
    }

    fn is_version(&self, installed: &str, wanted: &str) -> bool {
        is_version_in_parts(installed, wanted)
    }

    fn act(&self, act: Act, packages: &[PackageName], policy: &Policy) -> Command {
        script(RUN, "=", act, packages, policy)
    }
}
