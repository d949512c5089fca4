//! Against files that ssh-keygen(1) made.

use std::path::{Path, PathBuf};

use super::KeyFile;

fn keygen(arguments: &[&str]) {
    let output = std::process::Command::new("ssh-keygen").args(arguments).output().expect("ssh-keygen runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn generated(folder: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let file = folder.join(name);
    keygen(&[&["-q", "-f", &file.display().to_string()], arguments].concat());
    file
}

#[test]
fn every_format_says_whether_it_is_encrypted_and_whose_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    for (number, (arguments, encrypted)) in [
        (&["-t", "ed25519", "-N", ""][..], false),
        (&["-t", "ed25519", "-N", "secret", "-a", "1"], true),
        (&["-t", "rsa", "-b", "2048", "-N", "secret", "-a", "1"], true),
        (&["-t", "ecdsa", "-b", "521", "-N", ""], false),
        (&["-t", "ecdsa", "-m", "PEM", "-N", ""], false),
        (&["-t", "ecdsa", "-m", "PEM", "-N", "secret"], true),
        (&["-t", "ecdsa", "-m", "PKCS8", "-N", ""], false),
        (&["-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", "secret"], true),
    ]
    .into_iter()
    .enumerate()
    {
        let path = generated(folder.path(), &format!("key-{number}"), arguments);
        let key = KeyFile::read(&path).expect("it is read");
        assert_eq!((key.encrypted, key.private.is_some(), key.is_hardware()), (encrypted, true, false));
        let public = KeyFile::read(&path.with_extension("pub")).expect("the public part is one");
        assert!(public.private.is_none() && public.public.is_some(), "{arguments:?}");
        assert_eq!(key.public, public.public, "{arguments:?}");
        std::fs::remove_file(path.with_extension("pub")).expect("it is there");
        let alone = KeyFile::read(&path).expect("it is read").public;
        let is_own_format = !arguments.contains(&"-m");
        assert_eq!(alone.is_some(), is_own_format, "only that format has it in the open: {arguments:?}");
    }
}

#[test]
fn certificates_are_told_by_the_key_that_they_certify() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = generated(folder.path(), "authority", &["-t", "ed25519", "-N", ""]).display().to_string();
    let mut listed = Vec::new();
    let kinds = [("ed25519", "256"), ("ecdsa", "256"), ("ecdsa", "384"), ("rsa", "2048")];
    let keys = kinds.map(|(kind, bits)| {
        let key = generated(folder.path(), &format!("{kind}{bits}"), &["-t", kind, "-b", bits, "-N", ""]);
        let public = key.with_extension("pub").display().to_string();
        keygen(&["-q", "-s", &authority, "-I", "someone", "-n", "ops", &public]);
        let beside = folder.path().join(format!("{kind}{bits}-cert.pub"));
        let elsewhere = folder.path().join(format!("elsewhere-{kind}{bits}"));
        std::fs::rename(beside, &elsewhere).expect("it was made");
        listed.push(elsewhere);
        key
    });
    listed.push(keys[0].with_extension("pub"));
    listed.push(folder.path().join("missing"));
    for (key, certificate) in keys.iter().zip(&listed) {
        let found = KeyFile::read(key).expect("it is read").certificates(&listed);
        let found: Vec<&PathBuf> = found.iter().map(|found| &found.path).collect();
        assert_eq!(found, [certificate], "{}", key.display());
    }
    let beside = folder.path().join("rsa2048-cert.pub");
    std::fs::copy(&listed[3], &beside).expect("it is copied");
    let key = KeyFile::read(&keys[3]).expect("it is read");
    assert_eq!(key.certificates(&listed).len(), 1, "the same twice is one");
    assert_eq!(key.certificates(&[])[0].path, beside);
}

#[test]
fn what_is_no_key_is_read_all_the_same() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    for text in ["", "ssh-ed25519 AAAA", "x", "-----BEGIN OPENSSH PRIVATE KEY-----\n!!\n", "ssh-rsa a2V5"] {
        std::fs::write(file.path(), text).expect("it is written");
        let key = KeyFile::read(file.path()).expect("it is read");
        assert_eq!((key.encrypted, key.public.as_deref(), key.private.as_deref()), (false, None, Some(text)));
        assert!(key.certificates(&[]).is_empty());
    }
}
