//! Documents of a known grammar as texts: each is edited at one place and stays byte for byte the same elsewhere.

mod environment;
mod hosts;
mod ini;
mod lines;
mod replacement;
mod scalar;

pub(crate) use environment::{Assignment, is_variable, with_variable, without_variable};
pub(crate) use hosts::{HostLine, is_address, with_names, without_names};
pub(crate) use ini::{IniEdit, IniValues, with_option, without_option};
pub(crate) use replacement::Replacement;
pub(crate) use scalar::Scalar;
