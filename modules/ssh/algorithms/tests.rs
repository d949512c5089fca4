//! Modern servers, hardened ones, and those that have nothing in common with us.

use oneex_sdk::{CancellationToken, Command, ErrorKind, OpError, OpResult, Transport};
use oneex_testkit::{FarmOptions, SshFarm};

use crate::elevation::Elevation;
use crate::ssh::host_settings::Algorithms;
use crate::ssh::resolve::resolve;
use crate::ssh::{HostSettings, SshConnector, SshSettings};

async fn enter(config: &[&str], algorithms: Algorithms) -> OpResult<String> {
    let config = config.iter().map(|line| (*line).to_owned()).collect();
    let farm = SshFarm::start_with(1, &FarmOptions { config, ..FarmOptions::default() });
    let host = resolve(&SshSettings::default(), &farm.target(0)).expect("it is resolved");
    let host = HostSettings { algorithms, ..host };
    let host = SshConnector::new(SshSettings::default()).open(host, Elevation::default()).await?;
    let ran =
        host.run(&Command::shell("head -c 300000 /dev/zero | wc -c"), &CancellationToken::new()).await?;
    Ok(ran.stdout_text().trim().to_owned())
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn modern_and_hardened_servers_are_spoken_to() {
    let kex = "KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256";
    let keys = "HostKeyAlgorithms ssh-ed25519";
    let etm = "MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com";
    for ciphers in [
        "Ciphers chacha20-poly1305@openssh.com",
        "Ciphers aes256-gcm@openssh.com",
        "Ciphers aes128-gcm@openssh.com",
        "Ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com",
        "Ciphers aes256-ctr",
    ] {
        let said = enter(&[kex, keys, etm, ciphers, "RekeyLimit 64K"], Algorithms::default()).await;
        assert_eq!(said.unwrap_or_else(|error| panic!("{ciphers}: {error}")), "300000", "{ciphers}");
    }
    assert_eq!(enter(&[], Algorithms::default()).await.expect("its defaults"), "300000");
}

#[tokio::test]
async fn what_is_chosen_is_what_is_offered() {
    let chosen = Algorithms {
        kex: names(&["curve25519-sha256"]),
        ciphers: names(&["no-such-cipher", "aes256-gcm@openssh.com"]),
        macs: names(&["hmac-sha2-512-etm@openssh.com"]),
        ..Algorithms::default()
    };
    let server = ["KexAlgorithms curve25519-sha256", "Ciphers aes256-gcm@openssh.com"];
    assert_eq!(enter(&server, chosen.clone()).await.expect("they agree"), "300000");
    let unknown = Algorithms { ciphers: names(&["no-such-cipher"]), ..chosen };
    let error = enter(&[], unknown).await.expect_err("there is none");
    assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
    assert_eq!(error.message, "libssh2 has nothing of `Ciphers no-such-cipher`");
    assert!(error.hint.is_some_and(|hint| hint.contains("aes256-gcm@openssh.com")));
}

#[tokio::test]
async fn a_mismatch_says_what_each_side_offers() {
    let only = |kex: &[&str], ciphers: &[&str], macs: &[&str]| Algorithms {
        kex: names(kex),
        ciphers: names(ciphers),
        macs: names(macs),
        ..Algorithms::default()
    };
    for (server, ours, what, setting) in [
        (
            &["KexAlgorithms sntrup761x25519-sha512@openssh.com"][..],
            only(&["curve25519-sha256"], &[], &[]),
            "no key exchange in common: oneex offers curve25519-sha256; the host offers sntrup761x25519-sha512@openssh.com",
            "KexAlgorithms",
        ),
        (
            &["Ciphers aes128-ctr"],
            only(&[], &["aes256-ctr", "aes256-gcm@openssh.com"], &[]),
            "no cipher in common: oneex offers aes256-ctr, aes256-gcm@openssh.com; the host offers aes128-ctr",
            "Ciphers",
        ),
        (
            &["Ciphers aes128-ctr", "MACs hmac-sha2-256"],
            only(&[], &[], &["hmac-sha2-512"]),
            "no message authentication code in common: oneex offers hmac-sha2-512; the host offers hmac-sha2-256",
            "MACs",
        ),
    ] {
        let error: OpError = enter(server, ours).await.expect_err(what);
        assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
        assert!(error.message.contains(what), "{error}");
        assert!(error.hint.is_some_and(|hint| hint.contains(setting)), "{what}");
    }
}

#[test]
fn what_is_no_negotiation_is_nothing() {
    let packet =
        |payload: &[u8]| [&u32::try_from(payload.len()).expect("short").to_be_bytes(), payload].concat();
    let list = |names: &str| packet(names.as_bytes());
    let lists = ["k1,k2", "h", "c1", "c2", "m1", "m2"].map(list).concat();
    let whole = [&[4, 20][..], &[7; 16], &lists].concat();
    let read = |bytes: &[u8]| Algorithms::read(&mut &*bytes);
    let said = [b"Hello\r\nSSH-2.0-x\r\n".as_slice(), &packet(&whole)].concat();
    let offer = read(&said).expect("it is read").expect("it is one");
    assert_eq!(
        (offer.kex, offer.host_key, offer.ciphers, offer.macs),
        (names(&["k1", "k2"]), names(&["h"]), names(&["c1"]), names(&["m1"]))
    );
    for length in 0..whole.len() - list("m2").len() {
        let cut = [b"SSH-2.0-x\n".as_slice(), &packet(&whole[..length])].concat();
        assert!(read(&cut).expect("it is read").is_none(), "{length}");
    }
    assert!(read(b"").expect("it is read").is_none());
    assert!(read(b"SSH-2.0-x\n\xff\xff\xff\xff").expect("it is read").is_none());
    read(b"SSH-2.0-x\n\0\0\0\x09abc").expect_err("it ends too early");
}
