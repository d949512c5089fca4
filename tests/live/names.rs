//! Names of hosts: what `CanonicalizeHostname` and `AddressFamily` of ssh_config make of them, beside what the real `ssh`
//! makes of them, against a real sshd. Both run where a list of names of the test's own lies over `/etc/hosts`, in a
//! mount namespace, so that the machine's is not touched. Needs root.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use oneex_testkit::SshFarm;
use oneex_testkit::project::TestProject;

/// Binds `$1` over `/etc/hosts` and `$2` over `/etc/nsswitch.conf`, and becomes the rest.
const ENTER: &str =
    "mount --bind \"$1\" /etc/hosts && mount --bind \"$2\" /etc/nsswitch.conf && shift 2 && exec \"$@\"";

/// Two addresses of one server, and the names that they have.
struct Site {
    farm: SshFarm,
    project: TestProject,
    ssh: PathBuf,
}

impl Site {
    fn new() -> Self {
        let farm = SshFarm::start(2);
        let [first, second] = [farm.host(0).address, farm.host(1).address];
        // Whoever canonicalizes asks for names with a dot at their end, which no resolver takes off what a file has.
        let names = [
            (first.to_string(), "web.lab.example api.v1.lab.example a.b.c.lab.example plain dual"),
            (second.to_string(), "web.prod.example db.prod.example"),
            ("::1".to_owned(), "dual sixth"),
        ];
        let mut hosts = String::new();
        for (address, names) in &names {
            let dotted: String = names.split(' ').map(|name| format!(" {name}.")).collect();
            hosts.push_str(&format!("{address} {names}{dotted}\n"));
        }
        let at = |name: &str| farm.dir().join(name);
        fs::write(at("names"), hosts).unwrap();
        fs::write(at("nsswitch.conf"), "passwd: files\ngroup: files\nhosts: files\n").unwrap();
        let program = inside(farm.dir(), "oneex-inside", env!("CARGO_BIN_EXE_oneex"));
        let ssh = inside(farm.dir(), "ssh-inside", "ssh");
        let project = TestProject::new(program);
        let asked = ["web", "db", "plain", "api.v1", "a.b.c", "web.prod.example.", "nobody", "dual", "sixth"];
        let inventory: String = asked.iter().map(|name| format!("    {name}:\n")).collect();
        project.write("inventory.yaml", &format!("all:\n  hosts:\n{inventory}"));
        fs::create_dir(project.home().join(".ssh")).unwrap();
        // The server's key is known by full names, and by those that have none.
        let host = farm.host(0);
        let known = ["*.lab.example", "*.prod.example", "plain", "dual", "sixth"];
        let known = known.map(|name| format!("[{name}]:{}", host.port)).join(",");
        fs::write(at("known"), format!("{known} {}\n", host.host_key)).unwrap();
        Self { farm, project, ssh }
    }

    /// Writes the configuration, in which these lines come first.
    fn configure(&self, lines: &str) -> PathBuf {
        let config = self.project.home().join(".ssh/config");
        let text = format!(
            "{lines}\nMatch all\nPort {}\nUser {}\nIdentityFile {}\nUserKnownHostsFile {}\nGlobalKnownHostsFile none\n\
             StrictHostKeyChecking yes\n",
            self.farm.host(0).port,
            self.farm.user(),
            self.farm.client_key().display(),
            self.farm.dir().join("known").display(),
        );
        fs::write(&config, text).unwrap();
        config
    }

    /// What `ssh` reaches: the addresses of both ends, or nothing.
    fn theirs(&self, config: &Path, name: &str) -> Option<String> {
        let mut ssh = Command::new(&self.ssh);
        ssh.arg("-F").arg(config).args(["-o", "BatchMode=yes", name, "echo $SSH_CONNECTION"]);
        let done = ssh.stdin(Stdio::null()).output().unwrap();
        done.status.success().then(|| ends(&String::from_utf8_lossy(&done.stdout)))
    }

    /// What oneex reaches, or what it says.
    fn ours(&self, name: &str) -> Result<String, String> {
        let call = ["exec", "-i", "inventory.yaml", name, "--", "sh", "-c", "echo =$SSH_CONNECTION"];
        let done = self.project.oneex(call).run();
        match done.stdout.split_once('=').filter(|_| done.code == 0) {
            Some((_, connection)) => Ok(ends(connection)),
            None => Err(done.stdout + &done.stderr),
        }
    }
}

/// A program that does what `program` does, where the names are the test's.
fn inside(folder: &Path, name: &str, program: &str) -> PathBuf {
    let wrapper = folder.join(name);
    let folder = folder.display();
    let script = format!(
        "#!/bin/sh\nexec unshare --mount sh -c '{ENTER}' sh '{folder}/names' '{folder}/nsswitch.conf' '{program}' \"$@\"\n"
    );
    fs::write(&wrapper, script).unwrap();
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).unwrap();
    wrapper
}

/// Of `CLIENT PORT SERVER PORT`, the addresses.
fn ends(connection: &str) -> String {
    let words: Vec<&str> = connection.split_whitespace().collect();
    format!("{} {}", words[0], words[2])
}

const LAB: &str = "CanonicalizeHostname yes\nCanonicalDomains lab.example prod.example";
const PROD: &str = "CanonicalizeHostname yes\nCanonicalDomains prod.example lab.example";
const UNKNOWN: &str = "the name is not known";

#[test]
fn names_become_what_ssh_makes_of_them() {
    let site = Site::new();
    let [first, second] = [0, 1].map(|index| site.farm.host(index).address.to_string());
    let (first, second) = (Ok(first.as_str()), Ok(second.as_str()));
    for (lines, name, expected) in [
        // Nobody asked for more than the name, which stands for nothing by itself.
        ("", "web", Err(UNKNOWN)),
        ("CanonicalDomains lab.example", "web", Err(UNKNOWN)),
        (LAB, "web", first),
        (PROD, "web", second),
        (LAB, "db", second),
        (LAB, "web.prod.example.", second),
        // So many dots are in a name that is still looked for in the domains.
        (LAB, "api.v1", first),
        (LAB, "a.b.c", Err(UNKNOWN)),
        (&format!("{LAB}\nCanonicalizeMaxDots 2"), "a.b.c", first),
        (&format!("{LAB}\nCanonicalizeMaxDots 0"), "api.v1", Err(UNKNOWN)),
        // What is in none of them may be a name all the same.
        (LAB, "plain", first),
        (&format!("{LAB}\nCanonicalizeFallbackLocal yes"), "nobody", Err(UNKNOWN)),
        (
            &format!("{LAB}\nCanonicalizeFallbackLocal no"),
            "plain",
            Err("`plain` is not known in any of `CanonicalDomains`"),
        ),
        (&format!("{LAB}\nCanonicalizeFallbackLocal no"), "web", first),
        // The new name is asked for in a second pass.
        (&format!("{LAB}\nHost *.lab.example\nHostKeyAlias stranger"), "web", Err("`stranger`")),
        (
            &format!("{LAB}\nMatch canonical host *.prod.example\nHostKeyAlias stranger"),
            "db",
            Err("`stranger`"),
        ),
        (&format!("{PROD}\nMatch canonical host *.lab.example\nHostKeyAlias stranger"), "db", second),
        (&format!("Host web\n{LAB}\nMatch final host db.*\nHostKeyAlias stranger"), "web", first),
        // What is gone through looks names up itself, unless it is to be done here whatever is gone through.
        (&format!("{LAB}\nProxyCommand echo to %h >&2; exit 3"), "web", Err("to web\n")),
        (
            &format!("{}\nProxyCommand echo to %h >&2; exit 3", LAB.replace("yes", "always")),
            "web",
            Err("to web.lab.example"),
        ),
        (&LAB.replace("yes", "always"), "web", first),
        // Of a name with addresses of both kinds, the first that is wanted and answers.
        ("", "dual", first),
        ("AddressFamily any", "dual", first),
        ("AddressFamily inet", "dual", first),
        ("AddressFamily inet6", "dual", Err("no connection: ")),
        ("AddressFamily inet", "sixth", Err("no address of the wanted family")),
    ] {
        let config = site.configure(lines);
        let theirs = site.theirs(&config, name);
        match (site.ours(name), expected) {
            (Ok(ends), Ok(server)) => {
                assert!(ends.ends_with(&format!(" {server}")), "{name}: {lines}\n{ends}");
                assert_eq!(theirs.as_ref(), Some(&ends), "{name}: {lines}\nssh reaches another");
            }
            (Err(said), Err(expected)) => {
                assert!(said.contains(expected), "{name}: {lines}\n{said}");
                assert_eq!(theirs, None, "{name}: {lines}\nssh reaches it");
            }
            (ours, _) => panic!("{name}: {lines}\n{ours:?}, and ssh: {theirs:?}"),
        }
    }
}

#[test]
fn the_local_address_is_one_of_the_kind_that_is_connected_to() {
    let site = Site::new();
    let server = site.farm.host(0).address.to_string();
    for (local, expected) in [
        ("127.0.0.77", Ok("127.0.0.77")),
        ("plain", Ok(server.as_str())),
        ("::1", Err("`BindAddress` has no address of its family")),
        ("nobody", Err("`BindAddress nobody` is not known")),
        ("192.0.2.1", Err("no connection: ")),
    ] {
        let config = site.configure(&format!("AddressFamily inet\nBindAddress {local}"));
        let theirs = site.theirs(&config, "plain");
        match (site.ours("plain"), expected) {
            (Ok(ends), Ok(client)) => {
                assert_eq!(ends, format!("{client} {server}"), "{local}");
                assert_eq!(theirs, Some(ends), "{local}: ssh comes from another");
            }
            (Err(said), Err(expected)) => {
                assert!(said.contains(expected), "{local}: {said}");
                assert_eq!(theirs, None, "{local}: ssh connects");
            }
            (ours, _) => panic!("{local}: {ours:?}, and ssh: {theirs:?}"),
        }
    }
}
