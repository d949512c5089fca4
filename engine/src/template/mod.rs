//! MiniJinja with the filters that Jinja2 and Ansible have.

/// Templates and their engine.
#[derive(Default)]
pub struct Templates {}
