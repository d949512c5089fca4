# Boots a machine again and again, until its power is cut: standard input ends.
# Parameters: an empty folder for all of it, the folder of its keys, the texts that prepare its disk and boot it.
# Runs in a mount namespace of its own, so that whatever happens nothing of it stays mounted.
set -eu
# A signal to the group of the test is none of ours: the end of standard input comes with it.
trap '' HUP INT TERM
folder=$1 keys=$2 prepare=$3 boot=$4
mount -t tmpfs -o mode=0755 oneex-machine "$folder"
cd "$folder"
mkdir upper work disk cgroup
mount -t overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" oneex-machine disk
mount -t cgroup2 oneex-machine cgroup
group=$folder/cgroup/oneex-machine-$$
mkdir "$group"
sh -euc "$prepare" sh "$folder/disk" "$keys"
: >boots

# systemd restarts a machine whose first process is ended by SIGHUP, pid_namespaces(7); anything else is a stop.
(
    while [ ! -e "$folder/off" ]; do
        status=0
        sh -c 'echo 0 >"$1/cgroup.procs" && echo $$ >"$2/running" && [ ! -e "$2/off" ] || exit 1
            exec unshare --pid --mount --uts --ipc --net --cgroup --fork --kill-child sh -euc "$3" sh "$2/disk"' \
            sh "$group" "$folder" "$boot" || status=$?
        echo "$status" >>"$folder/boots"
        [ "$status" -eq 129 ] || break
    done
) </dev/null 2>"$folder/said" &
echo ready
read -r _ || :
: >"$folder/off"
[ ! -s running ] || kill -9 "$(cat running)" 2>/dev/null || :
wait
# A group of processes is gone some moments after its last process.
tries=0
until find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || [ "$tries" -ge 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
