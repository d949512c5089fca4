//! Memory, mounts and disks.

use std::collections::{BTreeMap, BTreeSet};

use oneex_sdk::{Value, json};

/// Memory and swap from `/proc/meminfo`, in MiB.
pub(super) fn memory(meminfo: &str) -> Value {
    let kib: BTreeMap<&str, u64> = meminfo
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.split_once(':')?;
            Some((name, rest.split_whitespace().next()?.parse().ok()?))
        })
        .collect();
    let mib = |name: &str| kib.get(name).map(|kib| kib / 1024);
    json!({
        "total_mb": mib("MemTotal"),
        "free_mb": mib("MemFree"),
        "available_mb": mib("MemAvailable"),
        "swap_total_mb": mib("SwapTotal"),
        "swap_free_mb": mib("SwapFree"),
    })
}

/// The mounts that have a size, of `/proc/self/mounts` (fstab(5) escapes) and `df -P -k`.
pub(super) fn mounts(mounts: &str, df: &str) -> Vec<Value> {
    let sizes: BTreeMap<String, (u64, u64)> = df.lines().skip(1).filter_map(size).collect();
    let mut seen = BTreeSet::new();
    // Of mounts on top of each other the last is the one that is seen.
    let mut found: Vec<Value> = mounts
        .lines()
        .rev()
        .filter_map(|line| {
            let mut fields = line.split(' ');
            let (device, path, kind, options) =
                (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
            let path = unescape(path);
            let (size, free) = *sizes.get(&path)?;
            (size > 0 && seen.insert(path.clone())).then(|| {
                json!({
                    "path": path,
                    "device": unescape(device),
                    "type": kind,
                    "options": options.split(',').collect::<Vec<_>>(),
                    "size_mb": size / 1024,
                    "free_mb": free / 1024,
                })
            })
        })
        .collect();
    found.reverse();
    found
}

/// Path, size and free space in KiB of a line of `df -P -k`. A device's name may hold blanks, so the columns
/// are found from the percentage that ends them.
fn size(line: &str) -> Option<(String, (u64, u64))> {
    let (numbers, path) = line.split_once("% ").or_else(|| line.split_once(" - "))?;
    let columns: Vec<&str> = numbers.split_whitespace().rev().collect();
    let skipped = usize::from(line.contains("% "));
    let (free, size) = (columns.get(skipped)?.parse().ok()?, columns.get(skipped + 2)?.parse().ok()?);
    Some((path.trim().to_owned(), (size, free)))
}

/// Undoes the octal escapes `\040` of blanks and the like.
fn unescape(text: &str) -> String {
    text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

/// The block devices of `/sys/block` that hold data; sizes there are in sectors of 512 bytes.
pub(super) fn disks(text: &str) -> Vec<Value> {
    text.lines()
        .filter_map(|line| {
            let [name, sectors, rotational, removable, model] =
                line.split('\t').collect::<Vec<_>>().try_into().ok()?;
            let sectors: u64 = sectors.parse().ok()?;
            let real = sectors > 0 && !["loop", "ram", "zram"].iter().any(|kind| name.starts_with(kind));
            real.then(|| {
                json!({
                    "name": name,
                    "size_mb": sectors / 2048,
                    "rotational": rotational == "1",
                    "removable": removable == "1",
                    "model": Some(model.trim()).filter(|model| !model.is_empty()),
                })
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;

    use super::{disks, memory, mounts};

    #[test]
    fn memory_is_in_mebibytes() {
        let facts = memory("MemTotal:       24689764 kB\nMemFree:  1024 kB\nSwapTotal: 0 kB\n");
        assert_eq!(
            (&facts["total_mb"], &facts["free_mb"], &facts["swap_total_mb"]),
            (&json!(24111), &json!(1), &json!(0))
        );
        assert_eq!(facts["available_mb"], json!(null));
    }

    #[test]
    fn mounts_are_those_with_a_size() {
        let table = "proc /proc proc rw 0 0\n/dev/old /mnt/a\\040b ext3 ro 0 0\n/dev/sda1 / ext4 rw,relatime 0 0\n//nas/a\\040b /mnt/a\\040b cifs rw 0 0\n";
        let df = "Filesystem 1024-blocks Used Available Capacity Mounted on\nproc 0 0 0 - /proc\n/dev/sda1 2097152 1048576 1024000 51% /\n//nas/a b 4096 1024 3072 25% /mnt/a b\n";
        let found = mounts(table, df);
        assert_eq!(found.len(), 2);
        assert_eq!(
            found[0],
            json!({ "path": "/", "device": "/dev/sda1", "type": "ext4", "options": ["rw", "relatime"], "size_mb": 2048, "free_mb": 1000 })
        );
        assert_eq!(
            (&found[1]["device"], &found[1]["type"], &found[1]["free_mb"]),
            (&json!("//nas/a b"), &json!("cifs"), &json!(3))
        );
    }

    #[test]
    fn loops_and_empty_drives_are_no_disks() {
        let found = disks(
            "sda\t41943040\t1\t0\tQEMU HARDDISK   \nloop0\t128\t0\t0\t\nsr0\t0\t1\t1\tDVD\nvda\t2048\t0\t0\t\n",
        );
        assert_eq!(
            found,
            [
                json!({ "name": "sda", "size_mb": 20480, "rotational": true, "removable": false, "model": "QEMU HARDDISK" }),
                json!({ "name": "vda", "size_mb": 1, "rotational": false, "removable": false, "model": null }),
            ]
        );
    }
}
