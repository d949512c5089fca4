//! Modules of the kernel: their names, and what a host says of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oneex_sdk::{OpError, OpResult};

/// What a host says of a module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ModuleState {
    /// It is loaded.
    pub(crate) is_loaded: bool,
    /// It is a part of the kernel itself: always there, and never loaded.
    pub(crate) is_builtin: bool,
    /// The file with its parameters for every later time, where there is one.
    pub(crate) options: Option<String>,
}

impl ModuleState {
    /// Reads what a look printed: `module NAME` for each line of `/proc/modules`, `builtin`, `options BASE64`.
    pub(crate) fn parse(said: &str, name: &str) -> Self {
        let mut found = Self::default();
        for line in said.lines() {
            match line.split_once(' ').unwrap_or((line, "")) {
                ("module", loaded) => {
                    found.is_loaded |= plain(loaded.split(' ').next().unwrap_or(loaded)) == plain(name)
                }
                ("builtin", "") => found.is_builtin = true,
                ("options", text) => {
                    let bytes = STANDARD.decode(text).unwrap_or_default();
                    found.options = Some(String::from_utf8_lossy(&bytes).into_owned());
                }
                _ => {}
            }
        }
        found
    }
}

/// The kernel writes `_` where people may write `-`.
pub(crate) fn plain(name: &str) -> String {
    name.replace('-', "_")
}

/// Refuses what is no name of a module.
pub(crate) fn check_name(name: &str) -> OpResult<()> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.is_empty() || name.starts_with('-') || !name.chars().all(good) {
        return Err(OpError::invalid(format!("`{name}` is not the name of a kernel module")));
    }
    Ok(())
}

/// The text of a file of modules-load.d(5) with the module in it.
pub(crate) fn with_module(text: &str, name: &str) -> String {
    let is_it = |line: &str| plain(line.trim()) == plain(name);
    if text.lines().any(is_it) {
        return text.to_owned();
    }
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{end}{name}\n")
}

#[cfg(test)]
mod tests {
    use super::{ModuleState, check_name, with_module};

    /// Written after the form of `/proc/modules`, proc(5): test machines load none.
    const FORM: &str = include_str!("forms/proc-modules.txt");

    fn said() -> String {
        FORM.lines().map(|line| format!("module {line}\n")).collect()
    }

    #[test]
    fn modules_are_found_under_either_name() {
        for (name, expected) in [
            ("br_netfilter", true),
            ("br-netfilter", true),
            ("bridge", true),
            ("overlay", true),
            ("over", false),
            ("llc", true),
            ("stp,bridge", false),
            ("wireguard", false),
            ("Live", false),
        ] {
            assert_eq!(ModuleState::parse(&said(), name).is_loaded, expected, "{name}");
        }
    }

    #[test]
    fn what_a_host_says_is_read() {
        let found = ModuleState::parse("builtin\noptions b3B0aW9ucyB4IGE9MQo=\nnonsense\n", "x");
        let expected =
            ModuleState { is_loaded: false, is_builtin: true, options: Some("options x a=1\n".into()) };
        assert_eq!(found, expected);
        assert_eq!(ModuleState::parse("", "x"), ModuleState::default());
        assert_eq!(ModuleState::parse("options !\n", "x").options.as_deref(), Some(""));
    }

    #[test]
    fn names_and_files() {
        for wrong in ["", "-r", "a b", "a/b", "$(id)", "a\nb", "a.ko", "../x"] {
            assert!(check_name(wrong).is_err(), "{wrong:?}");
        }
        for (text, expected) in [
            ("", "br_netfilter\n"),
            ("# x\nloop", "# x\nloop\nbr_netfilter\n"),
            ("br-netfilter", "br-netfilter"),
            ("# br_netfilter\n", "# br_netfilter\nbr_netfilter\n"),
        ] {
            assert_eq!(with_module(text, "br_netfilter"), expected);
        }
    }
}
