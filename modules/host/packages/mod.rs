//! Package managers behind one seam: each says how to look, what it saw and how to act.
//!
//! A new one is a file with an implementation of [`PackageManager`] and a line in `select.rs`.

mod apt;
mod deb822;
mod model;
mod select;

pub(crate) use deb822::{Paragraph, check_source_name, parse_line};
pub(crate) use model::{Act, Need, PackageManager, PackageName, Policy, Snapshot};
pub(crate) use select::{named, probe};
