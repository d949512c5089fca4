//! What a host says of a service.

use std::collections::BTreeMap;

/// What starts services on a host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum InitSystem {
    /// systemd, as process 1.
    Systemd,
    /// OpenRC, as on Alpine and Gentoo.
    OpenRc,
    /// The scripts of `/etc/init.d` alone.
    #[default]
    SysV,
}

/// What the host says of the service.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Found {
    /// What starts it.
    pub(crate) init: InitSystem,
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
        init: match manager {
            "systemd" => InitSystem::Systemd,
            "openrc" => InitSystem::OpenRc,
            _ => InitSystem::SysV,
        },
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

impl Found {
    /// Whether systemd starts it.
    pub(crate) fn is_systemd(&self) -> bool {
        self.init == InitSystem::Systemd
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, InitSystem, parse};

    #[test]
    fn what_managers_say_is_read() {
        let found =
            |init, running, enabled| Found { init, exists: true, running, enabled, ..Found::default() };
        for (printed, expected) in [
            (
                "systemd\nLoadState=loaded\nActiveState=reloading\nUnitFileState=static\n",
                found(InitSystem::Systemd, true, None),
            ),
            (
                "openrc\nLoadState=loaded\nActiveState=active\nUnitFileState=disabled\n",
                found(InitSystem::OpenRc, true, Some(false)),
            ),
            (
                "openrc\nLoadState=loaded\nActiveState=inactive\nUnitFileState=enabled\n",
                found(InitSystem::OpenRc, false, Some(true)),
            ),
            (
                "sysvinit\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n",
                found(InitSystem::SysV, true, Some(true)),
            ),
        ] {
            assert_eq!(parse(printed), Some(expected), "{printed}");
        }
        assert_eq!(
            parse("openrc\n"),
            Some(Found { init: InitSystem::OpenRc, ..Found::default() }),
            "no such service"
        );
        assert_eq!(parse("openrc"), None);
    }
}
