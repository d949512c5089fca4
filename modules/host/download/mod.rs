//! Files from the web: what is asked for, and how a host fetches it.

mod checksum;
mod fetch;

pub(crate) use checksum::{Algorithm, Checksum, find_sum};
pub(crate) use fetch::{Fetch, failure};
