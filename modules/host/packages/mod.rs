//! Package managers behind one seam: each says how to look, what it saw and how to act.
//!
//! A new one is a file with an implementation of [`PackageManager`] and a line in `select.rs`.

mod apk;
mod apt;
mod deb822;
mod dnf;
mod failure;
mod model;
mod pacman;
mod repo_file;
mod rpm;
mod select;
mod zypper;

pub(crate) use deb822::{Paragraph, check_source_name, parse_line};
pub(crate) use failure::{hint, lock_holder};
pub(crate) use model::{Act, Need, PackageManager, PackageName, Policy, Snapshot};
pub(crate) use repo_file::{with_section, without_section};
pub(crate) use select::{PACKAGE_MANAGERS, named, probe};
