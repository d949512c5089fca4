//! The files that a system is set up by, as texts: each is read and edited without being rewritten.

mod alternative;
mod authorized;
mod crontab;
mod failure;
mod fstab;
mod journal_entry;
mod kernel_module;
mod kernel_setting;
mod known;
mod limit;
mod locale;
mod mount_options;
mod resolver;
mod swap;

pub(crate) use alternative::Alternatives;
#[cfg(test)]
pub(crate) use authorized::tests::key as test_key;
pub(crate) use authorized::{AuthorizedKey, check_options, with_keys, without_keys};
pub(crate) use crontab::{Entry, VariablePlace, with_entry, without_entry, without_header};
pub(crate) use failure::{Tool, tool_failure};
pub(crate) use fstab::{FstabEntry, encode as encode_field, with_mount, without_mount};
pub(crate) use journal_entry::{PRIORITIES, entry as journal_entry};
pub(crate) use kernel_module::{
    ModuleState, check_name as check_module_name, plain as plain_module, with_module,
};
pub(crate) use kernel_setting::{
    check_name as check_setting_name, place as setting_place, plain as plain_value, with_setting,
    without_setting,
};
pub(crate) use known::{HostKey, with_host_key, without_host};
pub(crate) use limit::{Limit, with_limit, without_limit};
pub(crate) use locale::{
    is_builtin as is_builtin_locale, plain as plain_locale, with_language, with_locale, without_locale,
};
pub(crate) use mount_options::unfulfilled;
pub(crate) use resolver::{Resolver, resolved_drop_in, with_resolver};
pub(crate) use swap::Swap;
