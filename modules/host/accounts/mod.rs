//! Users and groups as a host keeps them: their entries, their names, and what its tools say.

mod entry;
mod failure;
mod name;
mod presence;
mod state;

pub(crate) use entry::{GroupEntry, UserEntry};
pub(crate) use failure::failure;
pub(crate) use name::{check_field, check_hash, check_name, check_path};
pub(crate) use presence::Presence;
pub(crate) use state::{LOOK, UserState};
