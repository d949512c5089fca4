# Prints the facts' raw texts: a NUL, a section's name, a NUL, its text, and so on. Changes nothing.
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin:/usr/local/sbin"
exec 2>/dev/null </dev/null
section() { printf '\000%s\000' "$1"; }
have() { command -v "$1" >/dev/null; }
# Ends what could wait for a name server or a dead file server.
limited() { if have timeout; then timeout "$@"; else shift; "$@"; fi; }

section os_release; cat /etc/os-release || cat /usr/lib/os-release
section debian_version; cat /etc/debian_version
section system; uname -s
section kernel; uname -r
section architecture; uname -m
section hostname; uname -n
section fqdn; limited 3 hostname -f
section cpu_count; grep -c '^processor' /proc/cpuinfo
section cpu_model; sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1
section hypervisor; grep -m 1 -o -w hypervisor /proc/cpuinfo
section meminfo; grep -E '^(MemTotal|MemFree|MemAvailable|SwapTotal|SwapFree):' /proc/meminfo
section mounts; cat /proc/self/mounts
section df; limited 5 df -P -k
section disks
for disk in /sys/block/*; do
    [ -r "$disk/size" ] || continue
    printf '%s\t%s\t%s\t%s\t%s\n' "${disk##*/}" "$(cat "$disk/size")" "$(cat "$disk/queue/rotational")" \
        "$(cat "$disk/removable")" "$(cat "$disk/device/model")"
done
section links
for link in /sys/class/net/*; do
    [ -r "$link/address" ] || continue
    printf '%s\t%s\t%s\t%s\n' "${link##*/}" "$(cat "$link/address")" "$(cat "$link/mtu")" "$(cat "$link/operstate")"
done
section addresses; ip -o addr show
section inet6; cat /proc/net/if_inet6
section routes; cat /proc/net/route
section routes6; cat /proc/net/ipv6_route
section virtualisation; have systemd-detect-virt && systemd-detect-virt
section container
if [ -e /.dockerenv ]; then echo docker; elif [ -e /run/.containerenv ]; then echo podman
else tr '\000' '\n' </proc/1/environ | sed -n 's/^container=//p'; fi
section dmi; cat /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_name
section service_manager
if [ -d /run/systemd/system ]; then echo systemd
elif [ -d /run/openrc ] || have rc-service; then echo openrc
elif have sv && [ -d /etc/runit ]; then echo runit
elif [ -d /etc/init.d ]; then echo sysvinit; fi
section package_managers
package_managers
section python; for tool in python3 python; do have "$tool" && command -v "$tool" && "$tool" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' && break; done
section date; date '+%Y-%m-%dT%H:%M:%S%z %s %Z'
section uptime; cat /proc/uptime
section passwd; cat /etc/passwd
section machine_id; cat /etc/machine-id
section boot_id; cat /proc/sys/kernel/random/boot_id
for file in /etc/oneex/facts.d/*; do
    [ -f "$file" ] || continue
    name=${file##*/}
    if [ -x "$file" ]; then section "local/$name"; limited 10 "$file" | tr -d '\000'
    else case $name in *.json) section "local/$name"; tr -d '\000' <"$file";; esac; fi
done
section end
