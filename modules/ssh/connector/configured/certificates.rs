//! `CertificateFile`: a certificate that stands apart from its key, on a server that trusts its authority and no key.

use std::path::{Path, PathBuf};
use std::process::Command as Process;

use oneex_sdk::ErrorKind;

use super::Site;

/// ssh-keygen(1) in a folder.
fn keygen(folder: &Path, words: &[&str]) {
    let made = Process::new("ssh-keygen").arg("-q").args(words).current_dir(folder).output();
    let made = made.expect("ssh-keygen runs");
    assert!(made.status.success(), "{words:?}: {}", String::from_utf8_lossy(&made.stderr));
}

/// A site where keys of the folder are let in that `authority` signed for the site's user, and no others.
fn site(folder: &Path) -> Site {
    for name in ["authority", "stranger", "key", "other"] {
        keygen(folder, &["-t", "ed25519", "-N", "", "-C", name, "-f", name]);
    }
    let trusted = format!("TrustedUserCAKeys {}", folder.join("authority.pub").display());
    let site = Site::with(&[&trusted, "AuthorizedKeysFile none"]);
    let user = site.farm.user().to_owned();
    for (name, authority, key, options) in [
        ("good", "authority", "key", &["-n", user.as_str()][..]),
        ("everyone's", "authority", "key", &[]),
        ("for another", "authority", "key", &["-n", "oneex-nobody"]),
        ("expired", "authority", "key", &["-n", &user, "-V", "20200101:20210101"]),
        ("early", "authority", "key", &["-n", &user, "-V", "20900101:20910101"]),
        ("of a host", "authority", "key", &["-h", "-n", &user]),
        ("of a stranger", "stranger", "key", &["-n", &user]),
        ("for another key", "authority", "other", &["-n", &user]),
    ] {
        let public = format!("{key}.pub");
        keygen(folder, &[&["-s", authority, "-I", name], options, &[&public]].concat());
        std::fs::rename(folder.join(format!("{key}-cert.pub")), folder.join(name)).expect("it was made");
    }
    std::fs::write(folder.join("broken"), "ssh-ed25519-cert-v01@openssh.com AAAA\n").expect("it is written");
    site
}

#[tokio::test]
async fn a_certificate_lets_in_from_wherever_it_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = site(folder.path());
    let at = |name: &str| folder.path().join(name);
    let key = format!("IdentityFile {}\nIdentitiesOnly yes", at("key").display());
    std::fs::copy(at("good"), site.home.path().join("web.cert")).expect("it is copied");
    let named = |path: PathBuf| format!("CertificateFile \"{}\"\n{key}", path.display());
    for lines in [
        named(at("good")),
        named("~/web.cert".into()),
        named("%d/%n.cert".into()),
        // What is of no use is passed over, as is what the server refuses.
        format!("{}\n{}", named(at("missing")), named(at("good"))),
        format!("{}\n{}", named(at("expired")), named(at("good"))),
        format!("{}\n{}", named(at("for another key")), named(at("good"))),
    ] {
        let entered = site.enter(&lines, &[]).await;
        assert!(entered.is_ok(), "{lines}: {entered:?}\n{}", site.farm.log(0));
    }
    let by_inventory = format!("-o \"CertificateFile={}\"", at("good").display());
    let entered = site.enter(&key, &[("ansible_ssh_common_args", &by_inventory)]).await;
    assert!(entered.is_ok(), "{entered:?}");
}

#[tokio::test]
async fn a_wrong_certificate_is_refused_and_says_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = site(folder.path());
    let at = |name: &str| folder.path().join(name);
    let key = at("key");
    for (name, said) in [
        ("for another", "`{key}` with `{file}` (for `oneex-nobody`), `{key}`"),
        ("expired", "`{key}` with `{file}` (expired), `{key}`"),
        ("early", "`{key}` with `{file}` (not valid yet), `{key}`"),
        ("of a host", "`{key}` with `{file}` (of a host, not of a user), `{key}`"),
        // Only the server knows whom it trusts, and that it wants a name.
        ("of a stranger", "`{key}` with `{file}`, `{key}`"),
        ("everyone's", "`{key}` with `{file}`, `{key}`"),
        ("for another key", "`{key}`, the certificate `{file}` (for none of the keys)"),
        ("broken", "`{key}`, the certificate `{file}` (no certificate)"),
        ("key.pub", "`{key}`, the certificate `{file}` (no certificate)"),
        ("missing", "`{key}`, the certificate `{file}` (no such file or directory)"),
    ] {
        let file = at(name);
        let lines = format!("CertificateFile \"{}\"\nIdentityFile {}", file.display(), key.display());
        let error = site.enter(&lines, &[]).await.expect_err(name);
        let said = said.replace("{key}", &key.display().to_string());
        let said = said.replace("{file}", &file.display().to_string());
        let told = error.message.ends_with(&said);
        assert!(error.kind == ErrorKind::Denied && told, "{name}: {error}\nnot: {said}");
    }
}
