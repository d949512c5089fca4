//! What package managers that stand on rpm(8) have in common.

/// A text for `sh` that prints what is installed of the names in `$@`, with and without the architecture, and what stands
/// in for the others. `newer A B` says whether version B is newer than A;
/// `trouble` tells what a program said that could not name the newest versions.
pub(super) const LOOK: &str = r#"version='%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\n'
known=$(rpm -q --qf "package\t%{NAME}\t${version}package\t%{NAME}.%{ARCH}\t$version" -- "$@" 2>/dev/null | grep "^package$tab")
[ -z "$known" ] || printf '%s\n' "$known"
is_known() { case $known in *"package$tab$1$tab"*) ;; *) false ;; esac; }
version_of() { printf '%s\n' "$known" | sed -n "s/^package$tab$1$tab//p" | tail -n 1; }
newer() { [ "$(rpm --eval "%{lua:print(rpm.vercmp('$1','$2'))}")" = -1 ]; }
upgrades() {
    while read -r name candidate; do
        if ! is_known "$name" || newer "$(version_of "$name")" "$candidate"; then
            printf 'candidate\t%s\t%s\n' "$name" "$candidate"
        fi
    done
}
trouble() { printf 'trouble\t%s\n' "$(grep . | tail -n 1)"; }
missing=
if [ "$need" != nothing ]; then
    for name; do
        is_known "$name" || ! rpm -q --whatprovides -- "$name" >/dev/null 2>&1 || printf 'provides\t%s\n' "$name"
        is_known "$name" || missing=yes
    done
fi"#;

/// Functions for `sh`. `not_older` ends the script where a version among `NAME=VERSION` would take the place of a newer one;
/// `installs` and `upgrades` print of such words those that are to be installed, a line each, and those that are there
/// and only to be brought to the newest version.
pub(super) const FUNCTIONS: &str = r#"is_there() { case $1 in *=*) false ;; *) rpm -q -- "$1" >/dev/null 2>&1 ;; esac; }
installs() { for word; do is_there "$word" || echo "$word"; done; }
upgrades() { for word; do is_there "$word" && echo "$word"; done; }
not_older() {
    [ -z "$downgrade" ] || return 0
    for word; do
        case $word in *=*) ;; *) continue ;; esac
        name=${word%%=*} wanted=${word#*=}
        for present in $(rpm -q --qf '%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE} ' -- "$name" 2>/dev/null); do
            case $wanted in *-*) ;; *) present=${present%-*} ;; esac
            case $wanted in *:*) ;; *) present=${present#*:} ;; esac
            case $(rpm --eval "%{lua:print(rpm.vercmp('$wanted','$present'))}" 2>/dev/null) in
            -1)
                echo "E: $name $present is installed, which is newer than $wanted" >&2
                exit 1 ;;
            esac
        done
    done
}
"#;
