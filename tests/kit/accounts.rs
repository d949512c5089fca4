//! Users that exist for the sshd servers of one farm only.
//!
//! The servers run in a mount namespace of their own (unshare(1)), where copies of `/etc/passwd` and
//! `/etc/shadow` with the users, a PAM configuration and a sudoers file of their own lie over the machine's. Nothing of the
//! machine is written to. Needs root.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::farm::{FarmOptions, binary};

/// A user that logs in with a password.
#[derive(Debug, Clone)]
pub struct FarmUser {
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
    /// The login shell.
    pub shell: String,
}

impl FarmUser {
    /// A user of that name and password, whose shell is `/bin/sh`.
    pub fn new(name: &str, password: &str) -> Self {
        Self { name: name.to_owned(), password: password.to_owned(), shell: "/bin/sh".to_owned() }
    }

    /// The user with that login shell.
    #[must_use]
    pub fn shell(mut self, path: &str) -> Self {
        path.clone_into(&mut self.shell);
        self
    }
}

/// The ids of the users begin here, above those that distributions give out.
const FIRST_ID: usize = 61_700;

/// What PAM asks for: the password, and nothing of the machine's own rules.
const PAM: &str = "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\n";

/// Of `su`, as everywhere: it asks root for nothing.
const ROOT_OK: &str = "auth sufficient pam_rootok.so\n";

/// Mounts the files of `$1` and becomes the rest of the arguments. doas.conf(5) is no file of most machines, so that
/// nothing could be bound to it: the folder with it lies over `/etc`.
const ENTER: &str = "mount -t overlay overlay -o \"lowerdir=$1/etc:/etc\" /etc && \
                     mount --bind \"$1/passwd\" /etc/passwd && mount --bind \"$1/shadow\" /etc/shadow && \
                     mount --bind \"$1/pam.d\" /etc/pam.d && mount --bind \"$1/sudoers\" /etc/sudoers && \
                     if [ -d \"$1/bin\" ]; then mount --bind \"$1/bin\" /usr/bin; fi && \
                     for folder in bin sbin; do if [ -d \"$1/usr/$folder\" ]; then \
                     mount -t overlay overlay -o \"lowerdir=$1/usr/$folder:/usr/$folder\" \"/usr/$folder\" || exit 1; \
                     fi; done && if [ -f \"$1/boot_id\" ]; then \
                     mount --bind \"$1/boot_id\" /proc/sys/kernel/random/boot_id; fi && \
                     shift && exec \"$@\"";

/// Files that lie over the machine's for the servers.
#[derive(Debug, Clone)]
pub(crate) struct Accounts {
    folder: PathBuf,
}

impl Accounts {
    /// Writes the files into the new folder `folder`; none where the servers differ in nothing from the machine.
    pub(crate) fn write(folder: PathBuf, options: &FarmOptions) -> Option<Self> {
        let FarmOptions { users, sudoers, doas, busybox, programs, .. } = options;
        if users.is_empty() && !busybox && programs.is_empty() {
            return None;
        }
        let machine = |name: &str| fs::read_to_string(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (mut passwd, mut shadow) = (machine("/etc/passwd"), machine("/etc/shadow"));
        if *busybox {
            let mut lines: Vec<String> = passwd.lines().map(str::to_owned).collect();
            for line in lines.iter_mut().filter(|line| line.starts_with("root:")) {
                let before = line.rfind(':').expect("passwd(5) has seven fields");
                line.replace_range(before + 1.., "/bin/ash");
            }
            passwd = lines.join("\n") + "\n";
            install_busybox(&folder.join("bin"));
        }
        for (id, user) in (FIRST_ID..).zip(users) {
            passwd.push_str(&format!("{}:x:{id}:65534::/:{}\n", user.name, user.shell));
            shadow.push_str(&format!("{}:{}:19000:0:99999:7:::\n", user.name, hashed(&user.password)));
        }
        for name in ["pam.d", "etc"] {
            fs::create_dir_all(folder.join(name)).expect("the folder of the accounts is made");
        }
        let su = format!("{ROOT_OK}{PAM}");
        let files = [("passwd", passwd.as_str()), ("shadow", shadow.as_str()), ("sudoers", sudoers.as_str())];
        let pam = [("pam.d/sshd", PAM), ("pam.d/sudo", PAM), ("pam.d/doas", PAM), ("pam.d/su", su.as_str())];
        for (name, text) in files.into_iter().chain(pam).chain([("etc/doas.conf", doas.as_str())]) {
            fs::write(folder.join(name), text).expect("a file of the accounts is written");
        }
        let private = fs::Permissions::from_mode(0o600);
        for name in ["shadow", "sudoers", "etc/doas.conf"] {
            fs::set_permissions(folder.join(name), private.clone()).expect("the mode of a file is set");
        }
        for (path, script) in programs {
            let path = folder.join("usr").join(path);
            fs::create_dir_all(path.parent().expect("it is below a folder")).expect("a folder for programs");
            fs::write(&path, script).expect("a program is written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode is set");
        }
        let accounts = Self { folder };
        if !programs.is_empty() {
            accounts.boot_anew();
        }
        Some(accounts)
    }

    /// Writes another boot id.
    pub(crate) fn boot_anew(&self) {
        let id = fs::read_to_string("/proc/sys/kernel/random/uuid").expect("the kernel makes ids");
        fs::write(self.folder.join("boot_id"), id).expect("the boot id is written");
    }

    /// The call of `program` where the users exist; its process id is that of the child.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "/bin/sh", "-c", ENTER, "sh"]).arg(&self.folder).arg(program);
        command
    }
}

/// Fills a new folder with BusyBox and a link for each of its applets, to lie over `/usr/bin`.
fn install_busybox(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder for programs");
    fs::copy(binary("busybox"), folder.join("busybox")).expect("BusyBox is copied");
    let listed = Command::new(binary("busybox")).arg("--list").output().expect("BusyBox runs");
    for applet in String::from_utf8_lossy(&listed.stdout).lines().filter(|applet| *applet != "busybox") {
        symlink("busybox", folder.join(applet)).expect("an applet has a link");
    }
}

/// crypt(3) with SHA-512.
fn hashed(password: &str) -> String {
    let output = Command::new("perl")
        .args(["-e", "print crypt($ARGV[0], '$6$oneexfarm$')", password])
        .output()
        .expect("perl runs");
    let hash = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(hash.starts_with("$6$"), "no SHA-512 hash was made: {output:?}");
    hash
}

#[cfg(test)]
mod tests {
    use super::{Accounts, FarmUser};
    use crate::farm::FarmOptions;

    #[test]
    fn users_exist_inside_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let users = vec![FarmUser::new("oneex-one", "pw one"), FarmUser::new("oneex-two", "pw two")];
        let options = FarmOptions { users, ..FarmOptions::default() };
        let accounts = Accounts::write(folder.path().join("accounts"), &options).expect("there are users");
        let id = |name: &str| {
            let output =
                accounts.command("/usr/bin/id".as_ref()).args(["-u", name]).output().expect("it runs");
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        assert_eq!(
            (id("oneex-one"), id("oneex-two"), id("root")),
            ("61700\n".into(), "61701\n".into(), "0\n".into())
        );
        let outside = std::fs::read_to_string("/etc/passwd").expect("it is read");
        assert!(!outside.contains("oneex-one"), "the machine's own file was changed");
        assert!(Accounts::write(folder.path().join("none"), &FarmOptions::default()).is_none());
    }
}
