//! MiniJinja with the filters that Jinja2 and Ansible have.
//!
//! Templates behave as Ansible's `template` does by default: a line break after a block tag is dropped,
//! the last line break is kept, nothing is escaped, and an undefined name is an error.

mod context;
mod data;
mod encode;
mod environment;
mod failure;
mod render;
mod search;
mod sets;
mod tests_of;
mod time;
mod variables;

pub use context::TemplateContext;
pub use render::Templates;
pub use variables::{HostVariables, VariableError};
pub(crate) use variables::{is_template, literal};
