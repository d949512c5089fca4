//! YAML as Ansible reads it: YAML 1.1 scalars, merge keys, `!unsafe`, and the place of every node; and
//! as scripts read it, which differs in numbers and tags.
//!
//! Built on the events of granit-parser, which knows the grammar. What serde would lose is kept:
//! positions for diagnostics, tags, and the spelling of keys.

mod compose;
mod node;
mod scalar;

pub(crate) use compose::{parse, parse_as};
pub(crate) use node::{Data, Key, Node, Place, YamlError};
pub(crate) use scalar::Dialect;
