//! A project in which a canary stands in every place where a secret can come from, and the hosts that it is about.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use oneex_testkit::api::{FakeApi, Reply};
use oneex_testkit::project::{Finished, Invocation, TestProject};
use oneex_testkit::{FarmOptions, FarmUser, SshFarm};

use super::needles::{Canary, Finder};
use super::places::{self, Hits};

/// The user that logs in with a password; the farm gives its first user this number.
pub(super) const OWNER: u32 = 61_700;

/// The secrets by where they come from.
pub(super) struct Canaries {
    pub(super) file: Canary,
    pub(super) variable: Canary,
    pub(super) named_variable: Canary,
    pub(super) environment: Canary,
    pub(super) script: Canary,
    pub(super) lines: Canary,
    pub(super) login: Canary,
    pub(super) becoming: Canary,
    pub(super) passphrase: Canary,
    pub(super) added: Canary,
    pub(super) proxy: Canary,
    pub(super) late: Canary,
    pub(super) sensitive: Canary,
    pub(super) asked: Canary,
}

impl Canaries {
    fn new() -> Self {
        // No two tests have the same ones: each would see what the other calls on its way.
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let first = u64::from(std::process::id()) << 32 | NEXT.fetch_add(1, Ordering::Relaxed) << 16;
        Self {
            file: Canary::new(first + 1, "a parameter of a file"),
            variable: Canary::new(first + 2, "a parameter of a variable"),
            named_variable: Canary::new(first + 3, "a parameter of a variable with a name of its own"),
            environment: Canary::new(first + 4, "a parameter of oneex.toml"),
            script: Canary::new(first + 5, "`secret` of a script"),
            lines: Canary::lines(first + 6, "a secret of several lines"),
            login: Canary::plain(first + 7, "the password to log in with"),
            becoming: Canary::plain(first + 8, "the password to become another user with"),
            passphrase: Canary::new(first + 9, "the passphrase of a key"),
            added: Canary::new(first + 10, "the password of a host that a task adds"),
            proxy: Canary::plain(first + 11, "the password of a proxy"),
            late: Canary::plain(first + 12, "a secret that becomes known late"),
            sensitive: Canary::plain(first + 13, "what a sensitive task prints"),
            asked: Canary::plain(first + 14, "a parameter that is asked for"),
        }
    }

    fn all(&self) -> Vec<Canary> {
        let all = [
            &self.file,
            &self.variable,
            &self.named_variable,
            &self.environment,
            &self.script,
            &self.lines,
            &self.login,
            &self.becoming,
            &self.passphrase,
            &self.added,
            &self.proxy,
            &self.late,
            &self.sensitive,
            &self.asked,
        ];
        all.into_iter().cloned().collect()
    }
}

/// The project, its hosts and its server.
pub(super) struct Site {
    pub(super) project: TestProject,
    pub(super) farm: SshFarm,
    pub(super) api: FakeApi,
    pub(super) canaries: Canaries,
    pub(super) finder: Arc<Finder>,
    since: SystemTime,
}

impl Site {
    pub(super) fn new() -> Self {
        let canaries = Canaries::new();
        let farm = SshFarm::start_with(
            2,
            &FarmOptions {
                config: vec!["PasswordAuthentication yes".into(), "UsePAM yes".into()],
                users: vec![
                    FarmUser::new("oneex-ops", &canaries.login.value),
                    FarmUser::new("oneex-deploy", &canaries.becoming.value),
                ],
                ..FarmOptions::default()
            },
        );
        let (token, header) = (canaries.variable.value.clone(), canaries.becoming.value.clone());
        let api = FakeApi::http(move |request| {
            let status = if request.target.contains("/fail") { 400 } else { 200 };
            let seen = request.headers.get("authorization").cloned().unwrap_or_default();
            let body = serde_json::json!({ "token": token, "seen": seen, "sent": request.body, "for": request.target });
            Reply::new(status, body.to_string()).header("x-token", header.clone())
        });
        let finder = Arc::new(Finder::new(canaries.all()));
        let site = Self {
            project: TestProject::new(env!("CARGO_BIN_EXE_oneex")),
            farm,
            api,
            canaries,
            finder,
            since: SystemTime::now(),
        };
        site.write();
        site
    }

    fn write(&self) {
        let (project, secrets) = (&self.project, &self.canaries);
        let quoted = |canary: &Canary| serde_json::to_string(&canary.value).unwrap();
        let key = project.path("locked");
        let mut make = Command::new("ssh-keygen");
        make.args(["-q", "-t", "ed25519", "-a", "1", "-N", &secrets.passphrase.value, "-f"]).arg(&key);
        assert!(make.status().unwrap().success());
        let mut keys = std::fs::read_to_string(self.farm.authorized_keys()).unwrap();
        keys += &std::fs::read_to_string(key.with_extension("pub")).unwrap();
        std::fs::write(self.farm.authorized_keys(), keys).unwrap();
        let folder = project.home().join(".ssh");
        std::fs::create_dir(&folder).unwrap();
        std::fs::copy(self.farm.known_hosts(), folder.join("known_hosts")).unwrap();
        let hosts = self.farm.hosts();
        let place = |index: usize| {
            let (host, folder) = (&hosts[index], serde_json::to_string(&hosts[index].folder).unwrap());
            format!("ansible_host: {}, ansible_port: {}, folder: {folder}", host.address, host.port)
        };
        project.write(
            "inventory.yaml",
            &format!(
                "all:\n  children:\n    web:\n      hosts:\n        h1: {{ {}, ansible_user: {}, ansible_ssh_private_key_file: {} }}\n    \
                 ops:\n      hosts:\n        h2: {{ {}, ansible_user: oneex-ops }}\n",
                place(0), self.farm.user(), serde_json::to_string(&key).unwrap(), place(1),
            ),
        );
        project.write(
            "group_vars/ops.yaml",
            &format!(
                "ansible_password: {}\nansible_become_method: su\nansible_become_password: {}\n",
                quoted(&secrets.login),
                quoted(&secrets.becoming)
            ),
        );
        project.write(
            "host_vars/h1.yaml",
            &format!("ansible_ssh_private_key_passphrase: {}\n", quoted(&secrets.passphrase)),
        );
        project.write(
            "oneex.toml",
            &format!(
                "[defaults]\ninventory = 'inventory.yaml'\n[env.prod.params]\nenvironment = {}\n[env.prod.http]\nproxy = {{ env = 'SITE_PROXY' }}\n",
                quoted(&secrets.environment)
            ),
        );
        project.write("secrets.yaml", &format!("file: {}\n", quoted(&secrets.file)));
        project.write("script.txt", &secrets.script.value).write("lines.txt", &secrets.lines.value);
        project.write("late.txt", &secrets.late.value).write("added.txt", &secrets.added.value);
        project.write("sensitive.txt", &secrets.sensitive.value);
        project.write("templates/shop.conf.j2", "token = {{ token }}\nport = 80\n");
        project.write("files/shop.key", &secrets.script.value);
        project.write("book.rhai", &include_str!("book.rhai").replace("URL", &self.api.url("")));
    }

    /// The files that hold secrets because the test, or the person, put them there.
    pub(super) fn inputs(&self) -> Vec<PathBuf> {
        let names = [
            "group_vars/ops.yaml",
            "host_vars/h1.yaml",
            "oneex.toml",
            "secrets.yaml",
            "script.txt",
            "lines.txt",
            "late.txt",
            "added.txt",
            "sensitive.txt",
            "files/shop.key",
        ];
        names.iter().map(|name| self.project.path(name)).collect()
    }

    /// The files of the hosts that the runbook writes secrets into.
    pub(super) fn outputs(&self) -> Vec<PathBuf> {
        let names = ["written", "rendered", "copied", "line", "env", "ini", "block", "json", "sensitive"];
        names.iter().map(|name| self.farm.host(0).folder.join(name)).collect()
    }

    /// A call of the program with what its secrets come from.
    pub(super) fn call(&self, words: &[&str]) -> Invocation {
        let (secrets, proxy) = (&self.canaries, self.api.url("").replace("http://", ""));
        self.project
            .oneex(words)
            .env("ONEEX_PARAM_VARIABLE", &secrets.variable.value)
            .env("SITE_TOKEN", &secrets.named_variable.value)
            .env("SITE_PROXY", format!("http://me:{}@{proxy}", secrets.proxy.value))
    }

    /// Which canaries stand in what a program said, or in any file of the project, its home, its temporary folder and
    /// its hosts.
    pub(super) fn leaks(&self, finished: &Finished) -> Hits {
        let mut hits = Hits::new();
        for (stream, text) in [("stdout", &finished.stdout), ("stderr", &finished.stderr)] {
            hits.extend(self.finder.explain(text).into_iter().map(|found| format!("{stream}: {found}")));
        }
        hits.extend(self.left());
        hits
    }

    /// The same of files alone.
    pub(super) fn left(&self) -> Hits {
        let meant = [self.inputs(), self.outputs()].concat();
        let base = self.project.folder();
        let mut hits = places::files(&self.finder, base.parent().unwrap(), &meant);
        hits.extend(places::files(&self.finder, &self.farm.dir().join("home"), &meant));
        hits.extend(places::claims(&self.finder, Path::new("/tmp"), self.since, false));
        for host in self.farm.hosts() {
            hits.extend(places::files(&self.finder, &host.folder, &meant));
        }
        hits
    }
}
