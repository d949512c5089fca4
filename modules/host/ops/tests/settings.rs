//! What a whole machine is set to, over SSH: its kernel, its name, its clock.

use oneex_sdk::{Op, Value, json};
use oneex_testkit::{RemoteMachine, laws};

use crate::host::ops::hostname::Hostname;
use crate::host::ops::sysctl::Sysctl;
use crate::host::ops::timezone::Timezone;
use crate::ssh::{SshConnector, SshSettings};

async fn ensure<O: Op>(op: impl Fn() -> O, host: &RemoteMachine, options: &Value) -> String {
    let planned = laws::plan(op(), host, options.clone()).await.expect("a plan").to_text();
    let done = laws::ensures(op(), host, options.clone()).await.unwrap_or_else(|error| {
        panic!("{options}: {error}: {:?}", error.command);
    });
    assert_eq!((done.change.to_text(), done.changed), (planned.clone(), !planned.is_empty()), "{options}");
    planned
}

#[tokio::test]
async fn the_kernel_the_name_and_the_clock_of_a_machine() {
    let host = RemoteMachine::boot(SshConnector::new(SshSettings::default())).await;
    let says = |text: &str| host.machine.says(text);
    let added = |path: &str, line: &str| format!("--- {path}\n+++ {path}\n@@ -0,0 +1 @@\n+{line}\n");

    let file = "/etc/sysctl.d/99-oneex.conf";
    let forward = json!({ "name": "net.ipv4.ip_forward", "value": 1 });
    let text = ensure(|| Sysctl, &host, &forward).await;
    assert_eq!(text, format!("value: 0 → 1\n{}", added(file, "net.ipv4.ip_forward=1")));
    assert_eq!(says("sysctl -n net.ipv4.ip_forward"), "1");
    // Somebody sets it back by hand: the file is right, and what is in force is not.
    says("sysctl -qw net.ipv4.ip_forward=0");
    assert_eq!(ensure(|| Sysctl, &host, &forward).await, "value: 0 → 1\n");
    // Or only the file says otherwise.
    says(&format!("echo net/ipv4/ip_forward = 0 >{file}"));
    let text = ensure(|| Sysctl, &host, &forward).await;
    assert!(text.starts_with("---") && !text.contains("value:"), "{text}");
    let range = json!({ "name": "net.ipv4.ip_local_port_range", "value": "10000 20000" });
    ensure(|| Sysctl, &host, &range).await;
    assert_eq!(says("sysctl -n net.ipv4.ip_local_port_range"), "10000\t20000");
    // A file that is read again brings its other lines too.
    says(&format!("echo net.ipv4.ip_default_ttl=99 >>{file}"));
    ensure(|| Sysctl, &host, &json!({ "name": "net.ipv4.tcp_syncookies", "value": 0, "reload": true })).await;
    assert_eq!(says("sysctl -n net.ipv4.ip_default_ttl net.ipv4.tcp_syncookies"), "99\n0");
    let wrong = json!({ "name": "net.ipv4.ip_default_ttl", "value": "many" });
    let error = laws::run(Sysctl, &host, wrong).await.expect_err("the kernel refuses");
    assert!(error.message.starts_with("`sysctl` failed for `net.ipv4.ip_default_ttl`: "), "{error}");

    let text = ensure(|| Hostname, &host, &json!({ "name": "web1.example.org" })).await;
    assert!(text.starts_with("name: machine → web1.example.org\n"), "{text}");
    assert_eq!(says("hostname; cat /etc/hostname"), "web1.example.org\nweb1.example.org");
    says("hostname other");
    let text = ensure(|| Hostname, &host, &json!({ "name": "web1.example.org" })).await;
    assert_eq!(text, "name: other → web1.example.org\n");

    ensure(|| Timezone, &host, &json!({ "name": "Asia/Kolkata" })).await;
    assert_eq!(says("date -d @0 +%H:%M; cat /etc/timezone"), "05:30\nAsia/Kolkata");
    assert_eq!(ensure(|| Timezone, &host, &json!({ "name": "Asia/Kolkata" })).await, "");
    ensure(|| Timezone, &host, &json!({ "name": "UTC" })).await;
    assert_eq!(says("date -d @0 +%H:%M; cat /etc/timezone"), "00:00\nUTC");
}
