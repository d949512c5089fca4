//! Services as the managers of hosts keep them.

mod found;
mod name;
mod scripts;

pub(crate) use found::{Found, InitSystem, parse};
pub(crate) use name::check_name;
pub(crate) use scripts::{ACT_OPENRC, ACT_SYSTEMD, ACT_SYSV, LOOK};
