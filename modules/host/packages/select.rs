//! Finds the package manager that a host has.

use oneex_sdk::{Command, OpError, OpResult};

use super::apt::Apt;
use super::model::{Need, PackageManager};

/// Those that oneex can drive.
const DRIVEN: &[&dyn PackageManager] = &[&Apt];

/// Those that are recognised, so that the error can name them.
const KNOWN: &[&str] = &["dnf", "yum", "zypper", "apk", "pacman"];

/// The query that prints the package manager's name and then what it knows of `names`, in one round trip.
pub(crate) fn probe(need: Need, names: &[&str]) -> Command {
    let mut text = String::from("export LC_ALL=C; ");
    for manager in DRIVEN {
        let (program, name, look) = (manager.program(), manager.name(), manager.look());
        text.push_str(&format!(
            "if command -v {program} >/dev/null 2>&1; then echo {name}\n{look}\nexit 0; fi\n"
        ));
    }
    for program in KNOWN {
        text.push_str(&format!("if command -v {program} >/dev/null 2>&1; then echo {program}; exit 0; fi\n"));
    }
    Command::script(text, std::iter::once(need.as_str()).chain(names.iter().copied()))
}

/// The package manager of that name. One that oneex cannot drive yet, and none, are `failed`.
pub(crate) fn named(name: &str) -> OpResult<&'static dyn PackageManager> {
    match DRIVEN.iter().find(|manager| manager.name() == name) {
        Some(manager) => Ok(*manager),
        None if name.is_empty() => Err(OpError::failed("the host has no package manager that is known")
            .hint("known are `apt`, `dnf`, `yum`, `zypper`, `apk` and `pacman`")),
        None => Err(OpError::failed(format!("the package manager `{name}` is not supported yet"))
            .hint(format!("only `apt` is; run `{name}` with `exec`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn what_cannot_be_driven_is_refused_by_name() {
        assert_eq!(named("apt").map(|manager| manager.program()).expect("apt"), "apt-get");
        let refusal = |name| named(name).map(|_| ()).expect_err(name);
        assert_eq!(refusal("apk").message, "the package manager `apk` is not supported yet");
        assert_eq!(refusal("").message, "the host has no package manager that is known");
    }
}
