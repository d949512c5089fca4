//! Asks the real `ssh -G`, and the code here, for the same host in the same world.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock};

use super::dump::{Dump, dump};
use crate::ssh::config::canonical::Names;
use crate::ssh::config::{ConfigError, ConfigSource, Machine, Request, Resolved, resolve};

/// What both see of the environment.
pub(super) const VARIABLES: [(&str, &str); 3] =
    [("SHELL", "/bin/sh"), ("PLACE", "here"), ("SSH_AUTH_SOCK", "/run/agent")];

/// A resolver that knows no name, so that nothing depends on the network.
pub(super) struct NoNames;

impl Names for NoNames {
    fn knows(&self, _name: &str) -> bool {
        false
    }
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect(program);
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// Whoever runs the test, as ssh sees them: by number, not by environment.
pub(super) static MACHINE: LazyLock<Machine> = LazyLock::new(|| {
    let user = output("id", &["-un"]);
    let home = Machine::home_of(&user).expect("the user has a home");
    Machine {
        home: Some(home.into()),
        user,
        uid: output("id", &["-u"]).parse().expect("a number"),
        host_name: output("uname", &["-n"]),
        variables: Arc::new(VARIABLES.map(|(name, value)| (name.to_owned(), value.to_owned())).into()),
    }
});

/// Lists that ssh was built with, by what `ssh -Q` calls them.
pub(super) static ALGORITHMS: LazyLock<BTreeMap<&str, Vec<String>>> = LazyLock::new(|| {
    let ask = |what| output("ssh", &["-Q", what]).lines().map(str::to_owned).collect();
    ["cipher", "mac", "kex", "HostKeyAlgorithms"].into_iter().map(|what| (what, ask(what))).collect()
});

/// What ssh does where nothing is said.
pub(super) static DEFAULTS: LazyLock<Dump> =
    LazyLock::new(|| theirs(Path::new("none"), "x").expect("defaults"));

/// What ssh answers, or what it complains of.
pub(super) fn theirs(config: &Path, host: &str) -> Result<Dump, String> {
    let output = Command::new("ssh")
        .env_clear()
        .envs(VARIABLES)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .arg("-G")
        .arg("-F")
        .arg(config)
        .arg(host)
        .stdin(Stdio::null())
        .output()
        .expect("ssh runs");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let mut found = Dump::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        // What is the same here: nobody is asked, and signatures are not bound to a host.
        let value = match (key, value) {
            ("pubkeyauthentication", "unbound" | "host-bound") | ("stricthostkeychecking", "ask") => "true",
            _ => value,
        };
        found.entry(key.to_owned()).or_default().push(value.to_owned());
    }
    Ok(found)
}

/// What the code here answers, before tokens are expanded.
pub(super) fn resolved(config: &Path, host: &str) -> Result<Resolved, ConfigError> {
    let source = ConfigSource::File(config.to_owned());
    let request = Request { original: host, given: &[], source: &source, machine: &MACHINE };
    resolve(request, &NoNames)
}

/// What the code here answers, as ssh would print it.
pub(super) fn ours(config: &Path, host: &str) -> Result<Dump, String> {
    let resolved = resolved(config, host).map_err(|error| error.to_string())?;
    dump(&resolved, host)
}

/// Says where the two differ.
pub(super) fn difference(config: &Path, host: &str) -> Option<String> {
    match (theirs(config, host), ours(config, host)) {
        (Ok(theirs), Ok(ours)) => ours.iter().find_map(|(key, ours)| {
            let theirs = theirs.get(key).cloned().unwrap_or_default();
            (*ours != theirs).then(|| format!("`{key}` of `{host}` is {theirs:?}, and here {ours:?}"))
        }),
        (Err(_), Err(_)) => None,
        (Ok(_), Err(error)) => Some(format!("ssh takes it, and here: {error}")),
        (Err(error), Ok(_)) => Some(format!("it is taken here, and ssh says: {error}")),
    }
}
