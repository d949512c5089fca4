//! Documents of a known grammar as texts: each is edited at one place and stays byte for byte the same elsewhere.

mod brackets;
mod environment;
mod hosts;
mod ini;
mod json;
mod lines;
mod replacement;
mod scalar;
mod step;
mod toml;
mod toml_text;
mod toml_tree;
mod tree;
mod value;
mod value_params;
mod xml;
mod xml_tree;
mod xpath;
mod yaml;
mod yaml_scalar;
mod yaml_tree;

pub(crate) use environment::{Assignment, is_variable, with_variable, without_variable};
pub(crate) use hosts::{HostLine, is_address, with_names, without_names};
pub(crate) use ini::{IniCondition, IniEdit, IniValues, with_option, without_option};
pub(crate) use json::Json;
pub(crate) use replacement::Replacement;
pub(crate) use scalar::Scalar;
pub(crate) use toml::Toml;
pub(crate) use value_params::ValueParams;
pub(crate) use xml::{with_node, without_node};
pub(crate) use yaml::Yaml;
