//! What is run on hosts to look at services and to change them.

/// Says which manager of services the host has, and what that says of the service `$1`; `$2` is the run level of
/// OpenRC that counts.
pub(crate) const LOOK: &str = r#"export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
links() {
    for link in /etc/rc[2345].d/S[0-9][0-9]"$1"; do [ -e "$link" ] && echo UnitFileState=enabled && return; done
    echo UnitFileState=disabled
}
if [ -d /run/systemd/system ]; then
    echo systemd
    shown=$(systemctl show -p LoadState,ActiveState,UnitFileState,NeedDaemonReload -- "$1") || exit 1
    echo "$shown"
    # A unit made from a script of `/etc/init.d` is enabled by links of that script.
    case $shown in *UnitFileState=generated*) links "${1%.service}";; esac
elif [ -e /run/openrc/softlevel ] && command -v rc-service >/dev/null; then
    echo openrc
    [ -x "/etc/init.d/$1" ] || exit 0
    echo LoadState=loaded
    if rc-service "$1" status >/dev/null 2>&1 </dev/null; then echo ActiveState=active; else echo ActiveState=inactive; fi
    if [ -e "/etc/runlevels/$2/$1" ]; then echo UnitFileState=enabled; else echo UnitFileState=disabled; fi
elif [ -d /etc/init.d ]; then
    echo sysvinit
    [ -x "/etc/init.d/$1" ] || exit 0
    echo LoadState=loaded
    if "/etc/init.d/$1" status >/dev/null 2>&1 </dev/null; then echo ActiveState=active; else echo ActiveState=inactive; fi
    links "$1"
fi"#;

/// Parameters: the unit, then verbs. After a failure the unit's state and its last lines in the journal follow: they say why.
pub(crate) const ACT_SYSTEMD: &str = r#"export LC_ALL=C
name=$1; shift
for verb in "$@"; do
    case $verb in daemon-reload) systemctl daemon-reload;; *) systemctl "$verb" -- "$name";; esac && continue
    status=$?
    systemctl status --no-pager --full --lines=20 -- "$name" >&2
    exit $status
done"#;

/// Parameters: the service, then verbs. What a started daemon keeps open must not keep the command open.
pub(crate) const ACT_SYSV: &str = r#"export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
name=$1; shift
for verb in "$@"; do
    case $verb in
    enable) update-rc.d "$name" defaults && update-rc.d "$name" enable;;
    disable) update-rc.d "$name" disable;;
    *) "/etc/init.d/$name" "$verb" </dev/null;;
    esac || exit
done"#;

/// Parameters: the service, the run level, then verbs.
pub(crate) const ACT_OPENRC: &str = r#"export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
name=$1 level=$2; shift 2
for verb in "$@"; do
    case $verb in
    enable) rc-update -q add "$name" "$level";;
    disable) rc-update -q del "$name" "$level";;
    *) rc-service "$name" "$verb" </dev/null;;
    esac || exit
done"#;
