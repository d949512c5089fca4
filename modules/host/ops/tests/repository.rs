//! A machine with nothing installed, and a repository of packages that are made here.

use std::fmt::Write as _;
use std::process::Command;

use oneex_testkit::TestHost;
use sha2::{Digest as _, Sha256};

/// Name, version, further fields, configuration file.
const PACKAGES: &[(&str, &str, &str, bool)] = &[
    ("oneex-hello", "1.0", "", false),
    ("oneex-hello", "2.0~rc1", "", false),
    ("oneex-hello", "2.0", "Recommends: oneex-more\n", false),
    ("oneex-more", "1:3.1-2", "Provides: oneex-thing\n", false),
    ("oneex-server", "1.0", "Depends: oneex-more\n", true),
];

/// A host whose `apt` knows the packages once the lists were fetched: `oneex-hello` in three versions, of
/// which the newest recommends `oneex-more`, which stands in for `oneex-thing`; and `oneex-server`, which
/// needs `oneex-more` and has the configuration file `/etc/oneex-server.conf`.
pub(super) fn apt() -> TestHost {
    let host = TestHost::new().with_private(&["/etc", "/var", "/opt"]);
    for folder in [
        "etc/apt/apt.conf.d",
        "etc/apt/preferences.d",
        "var/lib/dpkg/info",
        "var/lib/dpkg/updates",
        "var/lib/apt/lists/partial",
        "var/cache/apt/archives/partial",
        "var/log/apt",
        "repository",
    ] {
        std::fs::create_dir_all(host.path(folder)).expect(folder);
    }
    host.write("var/lib/dpkg/status", "");
    host.write("var/lib/dpkg/available", "");
    // `copy:` keeps the lists as a server's are kept; `file:` would read the repository each time.
    let source = format!("deb [trusted=yes] copy:{} ./\n", host.path("repository"));
    host.write("etc/apt/sources.list", source);
    let index: String = PACKAGES.iter().map(|package| build(&host, package)).collect();
    host.write("repository/Packages", index);
    host
}

/// Signs the repository, and gives the key as text.
pub(super) fn sign(host: &TestHost) -> String {
    // The names of sockets below it would be too long in a folder of the test.
    let home = tempfile::Builder::new().prefix("gpg").tempdir().expect("a folder");
    let gpg = |words: &[&str]| {
        let output = Command::new("gpg")
            .args(["--homedir".as_ref(), home.path().as_os_str()])
            .args(["--batch", "--yes", "--quiet", "--passphrase", ""])
            .args(words)
            .current_dir(host.path("repository"))
            .output()
            .expect("`gpg` runs");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let index = host.content("repository/Packages").expect("the index");
    let release = format!(
        "Date: Sat, 01 Aug 2020 00:00:00 UTC\nSHA256:\n {:x} {} Packages\n",
        Sha256::digest(&index),
        index.len()
    );
    host.write("repository/Release", release);
    gpg(&["--quick-generate-key", "tests@example.org", "ed25519", "sign", "never"]);
    gpg(&["--output", "InRelease", "--clearsign", "Release"]);
    let key = gpg(&["--armor", "--export"]);
    // What checks signatures for apt 2.6 is a script, and Debian's `awk` a link to there.
    let awk = std::fs::read_link("/etc/alternatives/awk").unwrap_or_else(|_| "/usr/bin/awk".into());
    std::fs::create_dir_all(host.path("etc/alternatives")).expect("a folder");
    std::os::unix::fs::symlink(awk, host.path("etc/alternatives/awk")).expect("a link");
    // It ends its own agent when its folder is gone, but only after a while.
    let _ = Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", home.path()).status();
    key
}

/// Builds one package into the repository, and gives its paragraph of the index.
fn build(host: &TestHost, &(name, version, fields, has_configuration): &(&str, &str, &str, bool)) -> String {
    let tree = tempfile::tempdir().expect("a folder");
    let write = |path: &str, content: &str| {
        let path = tree.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder of the package");
        std::fs::write(path, content).expect("a file of the package");
    };
    let mut paragraph = format!(
        "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: Tests <tests@example.org>\n\
         {fields}Description: made by a test\n"
    );
    write("DEBIAN/control", &paragraph);
    write(&format!("opt/{name}/version"), version);
    if has_configuration {
        write(&format!("etc/{name}.conf"), "as delivered\n");
        write("DEBIAN/conffiles", &format!("/etc/{name}.conf\n"));
    }
    let file = format!("{name}_{}.deb", version.replace(':', "_"));
    let target = host.path(&format!("repository/{file}"));
    let built = Command::new("dpkg-deb")
        .args(["--root-owner-group", "-Znone", "--build"])
        .args([tree.path(), target.as_ref()])
        .output()
        .expect("`dpkg-deb` runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let bytes = std::fs::read(&target).expect("the package");
    let digest = Sha256::digest(&bytes);
    let _ = write!(paragraph, "Filename: ./{file}\nSize: {}\nSHA256: {digest:x}\n\n", bytes.len());
    paragraph
}
