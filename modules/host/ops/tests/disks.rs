//! Files that a system is set up by, on a disk of 64 KiB that is full: the old file stays, and nothing else.

use oneex_sdk::json;
use oneex_testkit::{TestHost, laws};

use crate::host::ops::authorized_keys::AuthorizedKeys;
use crate::host::ops::cron::Cron;
use crate::host::ops::known_host::KnownHost;
use crate::host::ops::limits::Limits;
use crate::host::ops::mount::Mount;
use crate::host::ops::sudoers::Sudoers;
use crate::host::ops::sysctl::Sysctl;
use crate::host::system::test_key as key;

/// Lines of comments that a new file has too, so that it does not fit where the old one is still there.
fn filled(line: &str) -> String {
    format!("{}{line}\n", "# a comment that nobody may lose\n".repeat(500))
}

fn observe(host: &TestHost) -> Option<Vec<u8>> {
    host.content("f")
}

#[tokio::test]
async fn keys_and_limits_stay_on_a_full_disk() {
    let prepare = |host: &TestHost| {
        let path = host.write("f", filled(&key(1)));
        json!({ "user": "root", "key": key(2), "path": path })
    };
    laws::survives_a_full_disk(AuthorizedKeys, prepare, observe).await;
    let prepare = |host: &TestHost| {
        let path = host.write("f", filled(&format!("web1 {}", key(1))));
        json!({ "name": "web1", "key": key(2), "path": path })
    };
    laws::survives_a_full_disk(KnownHost, prepare, observe).await;
    let prepare = |host: &TestHost| {
        let dest = host.write("f", filled("* - core 0"));
        json!({ "domain": "*", "limit_item": "core", "value": 1, "dest": dest })
    };
    laws::survives_a_full_disk(Limits, prepare, observe).await;
}

#[tokio::test]
async fn rules_and_jobs_stay_on_a_full_disk() {
    let prepare = |host: &TestHost| {
        host.write("f", filled("ada ALL=ALL"));
        let content = filled("ada ALL=(ALL:ALL) NOPASSWD: ALL");
        json!({ "name": "f", "content": content, "sudoers_path": host.path("") })
    };
    laws::survives_a_full_disk(Sudoers, prepare, observe).await;
    let prepare = |host: &TestHost| {
        let file = host.write("f", filled("#Ansible: x\n* * * * * root /bin/x"));
        json!({ "name": "x", "job": "/bin/y", "user": "root", "cron_file": file })
    };
    laws::survives_a_full_disk(Cron, prepare, observe).await;
}

#[tokio::test]
async fn mounts_and_settings_stay_on_a_full_disk() {
    let prepare = |host: &TestHost| {
        let fstab = host.write("f", filled("/dev/x /srv/x ext4 ro 0 0"));
        json!({ "path": "/srv/x", "src": "/dev/x", "fstype": "ext4", "fstab": fstab, "state": "present" })
    };
    laws::survives_a_full_disk(Mount, prepare, observe).await;
    let prepare = |host: &TestHost| {
        let file = host.write("f", filled("vm.swappiness=60"));
        json!({ "name": "vm.swappiness", "value": 10, "sysctl_set": false, "sysctl_file": file })
    };
    laws::survives_a_full_disk(Sysctl, prepare, observe).await;
}
