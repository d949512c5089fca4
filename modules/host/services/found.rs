//! What a host says of a service.

use std::collections::BTreeMap;

/// What the host says of the service.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Found {
    /// Whether systemd runs.
    pub(crate) systemd: bool,
    /// Whether there is such a service.
    pub(crate) exists: bool,
    /// Whether it runs, or is about to.
    pub(crate) running: bool,
    /// Whether it is started with the host; nothing where others start it.
    pub(crate) enabled: Option<bool>,
    /// Whether starting it is forbidden.
    pub(crate) masked: bool,
    /// Whether its files changed since they were read.
    pub(crate) stale: bool,
}

/// Reads what the look printed; nothing where no service manager was recognised.
pub(crate) fn parse(printed: &str) -> Option<Found> {
    let (manager, rest) = printed.split_once('\n')?;
    let values: BTreeMap<&str, &str> = rest.lines().filter_map(|line| line.split_once('=')).collect();
    let value = |name: &str| values.get(name).copied().unwrap_or_default();
    let (load, file) = (value("LoadState"), value("UnitFileState"));
    Some(Found {
        systemd: manager == "systemd",
        exists: !matches!(load, "" | "not-found" | "masked"),
        running: matches!(value("ActiveState"), "active" | "reloading" | "activating"),
        enabled: match file {
            "enabled" | "enabled-runtime" | "alias" | "linked" => Some(file == "enabled" || file == "alias"),
            "disabled" => Some(false),
            _ => None,
        },
        masked: load == "masked",
        stale: value("NeedDaemonReload") == "yes",
    })
}
