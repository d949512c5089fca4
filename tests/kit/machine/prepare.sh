# Makes of the copy of this machine in the folder $1 one that boots in namespaces; $2 has the files of its sshd.
disk=$1 keys=$2
# What this machine starts is none of the other's business.
rm -rf "$disk/etc/systemd/system"
mkdir -p "$disk/etc/systemd/system/multi-user.target.wants" "$disk/etc/systemd/journald.conf.d"
ln -s /lib/systemd/system/multi-user.target "$disk/etc/systemd/system/default.target"
# Units that need hardware, or the kernel to themselves.
for unit in \
    dev-hugepages.mount dev-mqueue.mount getty.target proc-sys-fs-binfmt_misc.automount \
    sys-fs-fuse-connections.mount sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
    systemd-ask-password-console.path systemd-ask-password-wall.path systemd-binfmt.service \
    systemd-boot-random-seed.service systemd-firstboot.service systemd-hwdb-update.service systemd-logind.service \
    systemd-machine-id-commit.service systemd-modules-load.service systemd-networkd.service systemd-pstore.service \
    systemd-random-seed.service systemd-remount-fs.service systemd-resolved.service systemd-sysctl.service \
    systemd-timesyncd.service systemd-udev-trigger.service systemd-udevd-control.socket \
    systemd-udevd-kernel.socket systemd-udevd.service systemd-update-utmp-runlevel.service \
    systemd-update-utmp.service; do
    ln -s /dev/null "$disk/etc/systemd/system/$unit"
done
printf '[Journal]\nStorage=volatile\n' >"$disk/etc/systemd/journald.conf.d/oneex.conf"
printf '[Unit]\nDescription=SSH server of a test\n[Service]\nRuntimeDirectory=sshd\nExecStart=/usr/sbin/sshd -D -e -f /etc/ssh/oneex_config\n' \
    >"$disk/etc/systemd/system/ssh.service"
ln -s ../ssh.service "$disk/etc/systemd/system/multi-user.target.wants/ssh.service"
mkdir -p "$disk/etc/ssh"
cp -p "$keys"/oneex_* "$disk/etc/ssh/"
: >"$disk/etc/fstab"
: >"$disk/etc/machine-id"
rm -f "$disk/var/lib/dbus/machine-id" "$disk/usr/sbin/policy-rc.d"
echo machine >"$disk/etc/hostname"
mkdir -p "$disk/mnt" "$disk/srv"
