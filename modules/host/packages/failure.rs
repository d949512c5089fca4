//! What package managers say when they fail.

/// What package managers say of a name that they do not know.
const UNKNOWN: &[&str] = &[
    "Unable to locate",
    "has no installation candidate",
    "Unable to find a match",
    "No match for argument",
    "No provider of",
    "not found in package names",
    "target not found",
    "(no such package)",
];

/// What they say to somebody who may not.
const NOT_ROOT: &[&str] =
    &["ermission denied", "are you root", "superuser privileges", "Root privileges", "unless you are root"];

/// What to do, by what was said.
pub(crate) fn hint(told: &str) -> &'static str {
    let has = |texts: &[&str]| texts.iter().any(|text| told.contains(text));
    if has(UNKNOWN) {
        "check the name, or fetch the lists with `update_cache: true`"
    } else if has(NOT_ROOT) {
        "packages need root: use `h.sudo().packages(…)`"
    } else if has(&["E: a version of", ", which is newer than", "--allow-downgrades"]) {
        "`allow_downgrade: true` lets an older version take its place"
    } else if has(&["No such command: versionlock", "Unknown argument \"versionlock\""]) {
        "`hold` needs dnf's plugin `versionlock`"
    } else {
        "the output says why"
    }
}

/// Who holds the lock that was not had in time. While it waits, `apt-get` says on standard output `Could not get lock
/// FILE. It is held by process 7 (aptitude)...`; when it gives up, it says on standard error that it does.
pub(crate) fn lock_holder(stdout: &str, stderr: &str) -> Option<String> {
    let gives_up = |line: &str| {
        line.starts_with("E: ")
            && (line.contains("Could not get lock")
                || line.contains("Unable to acquire the dpkg frontend lock"))
            || line.contains("is locked by the application with pid ")
    };
    stderr.lines().find(|line| gives_up(line))?;
    // As zypper says it.
    if let Some((_, holder)) = stderr.rsplit_once("is locked by the application with pid ") {
        return holder.split('.').next().map(|holder| format!("process {}", holder.trim()));
    }
    let told = stdout.split(['\n', '\r']).chain(stderr.lines());
    let mut holders = told.filter_map(|line| line.rsplit_once("It is held by ").map(|(_, holder)| holder));
    let holder = holders.next_back();
    Some(holder.unwrap_or("another process").trim_end_matches('.').trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{hint, lock_holder};

    #[test]
    fn a_hint_fits_what_was_said() {
        for (told, part) in [
            ("E: Unable to locate package x", "check the name"),
            ("Error: Unable to find a match: x", "check the name"),
            ("No provider of 'x' found.", "check the name"),
            ("error: target not found: x", "check the name"),
            ("  x (no such package):", "check the name"),
            ("E: Could not open lock file - open (13: Permission denied)", "need root"),
            ("Error: This command has to be run with superuser privileges", "need root"),
            ("Root privileges are required to run this command.", "need root"),
            ("error: you cannot perform this operation unless you are root.", "need root"),
            ("E: x 2.0 is installed, which is newer than 1.0", "`allow_downgrade: true`"),
            ("No such command: versionlock. Please use", "plugin `versionlock`"),
            ("disk full", "the output says why"),
        ] {
            assert!(hint(told).contains(part), "{told}: {}", hint(told));
        }
    }

    #[test]
    fn who_holds_the_lock_is_read_from_what_apt_says() {
        let waits = "Waiting for cache lock: Could not get lock /x. It is held by process 7 (dpkg)...\n";
        let gives_up = "E: Unable to acquire the dpkg frontend lock (/x), is another process using it?\n";
        for (stdout, stderr, holder) in [
            (waits, gives_up, Some("process 7 (dpkg)")),
            ("", gives_up, Some("another process")),
            (
                "",
                "E: Could not get lock /x. It is held by process 42 (apt-get)\nN: Be aware\n",
                Some("process 42 (apt-get)"),
            ),
            (
                "",
                "E: Could not get lock /x - open (11: Resource temporarily unavailable)\n",
                Some("another process"),
            ),
            (
                "",
                "System management is locked by the application with pid 7 (zypper).\nClose this application\n",
                Some("process 7 (zypper)"),
            ),
            (waits, "E: Unable to locate package x\n", None),
            ("", "", None),
        ] {
            assert_eq!(lock_holder(stdout, stderr).as_deref(), holder, "{stdout}{stderr}");
        }
    }
}
