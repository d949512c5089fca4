# Gives the disk $1 what a kernel would, and becomes its systemd; runs as process 1 of new namespaces.
disk=$1
mount -t proc proc "$disk/proc"
mount -t sysfs -o ro sysfs "$disk/sys"
mount -t cgroup2 cgroup2 "$disk/sys/fs/cgroup"
mount -t tmpfs -o mode=0755 tmpfs "$disk/run"
mount -t tmpfs -o mode=1777 tmpfs "$disk/tmp"
mount -t tmpfs -o mode=0755 tmpfs "$disk/dev"
mkdir "$disk/dev/pts" "$disk/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$disk/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$disk/dev/shm"
for node in null zero full random urandom tty; do
    : >"$disk/dev/$node"
    mount --bind "/dev/$node" "$disk/dev/$node"
done
ln -s pts/ptmx "$disk/dev/ptmx"
ln -s /proc/self/fd "$disk/dev/fd"
ln -s fd/0 "$disk/dev/stdin"
ln -s fd/1 "$disk/dev/stdout"
ln -s fd/2 "$disk/dev/stderr"
# The kernel is that of this machine, and so would be its boot id.
cat /proc/sys/kernel/random/uuid >"$disk/run/boot_id"
mount --bind "$disk/run/boot_id" "$disk/proc/sys/kernel/random/boot_id"
# Nothing of this machine can be reached from here on.
cd "$disk"
pivot_root . mnt
umount -l mnt
exec env -i container=oneex PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    chroot . /lib/systemd/systemd --system </dev/null >/dev/null 2>&1
