//! The files that a system is set up by, as texts: each is read and edited without being rewritten.

mod authorized;
mod failure;
mod known;
mod limit;

#[cfg(test)]
pub(crate) use authorized::tests::key as test_key;
pub(crate) use authorized::{AuthorizedKey, check_options, with_keys, without_keys};
pub(crate) use failure::{Tool, tool_failure};
pub(crate) use known::{HostKey, with_host_key, without_host};
pub(crate) use limit::{Limit, with_limit, without_limit};
