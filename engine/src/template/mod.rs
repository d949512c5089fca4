//! MiniJinja with the filters that Jinja2 and Ansible have.
//!
//! Templates behave as Ansible's `template` does by default: a line break after a block tag is dropped,
//! those at the end are kept, `none` is nothing, no character is escaped, and an undefined name is an error.

mod combine;
mod context;
mod data;
mod digest;
mod encode;
mod environment;
mod failure;
mod json;
mod numbers;
mod paths;
mod print;
#[cfg(test)]
mod recorded;
mod render;
mod search;
mod sets;
mod tests_of;
mod text;
mod time;
mod variables;

pub use context::TemplateContext;
pub use render::Templates;
pub use variables::{HostVariables, VariableError};
pub(crate) use variables::{is_template, literal};
