//! Archives, unpacked on the controller: what they hold is looked through before anything of it reaches a host.

mod format;
mod member;
mod select;
mod sparse;
mod unpacked;

pub(crate) use select::{Selection, select};
pub(crate) use unpacked::{Unpacked, unpack, unpack_bytes};
