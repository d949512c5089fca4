//! A machine that is this one, but for the files that its accounts are in.

use oneex_testkit::TestHost;

pub(crate) const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n\
ada:x:1000:1000:Ada,,,:/home/ada:/bin/sh\n\
old:x:1001:100::/home/old:/bin/sh\n";
pub(crate) const GROUP: &str =
    "root:x:0:\ndaemon:x:1:\nadm:x:4:ada\nsudo:x:27:\nusers:x:100:\nada:x:1000:\nadam:x:1002:old\n";
pub(crate) const SHADOW: &str = "root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n\
ada:$6$salt$hash:19000:0:99999:7:::\nold:!:19000:0:99999:7:::\n";
pub(crate) const GSHADOW: &str =
    "root:*::\ndaemon:*::\nadm:*::ada\nsudo:*::\nusers:*::\nada:!::\nadam:!::old\n";
pub(crate) const LOGIN_DEFS: &str = "UID_MIN 1000\nUID_MAX 60000\nGID_MIN 1000\nGID_MAX 60000\nSYS_UID_MIN 100\n\
SYS_UID_MAX 999\nSYS_GID_MIN 100\nSYS_GID_MAX 999\nUSERGROUPS_ENAB yes\nHOME_MODE 0750\n";

/// A host whose `/etc`, `/home` and `/var/mail` are the test's own. It has the users `ada`, in `adm`, and
/// `old`, in `adam`, and the groups `sudo` and `users`.
pub(super) fn accounts() -> TestHost {
    let host = TestHost::new().with_private(&["/etc", "/home", "/var/mail"]);
    for (name, content) in [
        ("etc/passwd", PASSWD),
        ("etc/group", GROUP),
        ("etc/shadow", SHADOW),
        ("etc/gshadow", GSHADOW),
        ("etc/login.defs", LOGIN_DEFS),
    ] {
        host.write(name, content);
    }
    for folder in ["etc/skel", "home/ada", "home/old"] {
        std::fs::create_dir(host.path(folder)).expect("a folder");
    }
    host.write("etc/skel/.profile", "# of the skeleton\n");
    host
}

/// The line of `file` in `/etc` that begins with `name` and a colon; empty where there is none.
pub(super) fn line_of(host: &TestHost, file: &str, name: &str) -> String {
    let content = host.content(&format!("etc/{file}")).expect(file);
    let text = String::from_utf8(content).expect("text");
    let prefix = format!("{name}:");
    text.lines().find(|line| line.starts_with(&prefix)).unwrap_or_default().to_owned()
}
