//! The Rhai side: everything of the engine that knows the script language. Nothing of Rhai leaves it:
//! what goes out is a graph whose tasks carry [`crate::run::Code`].

mod checking;
mod closure;
mod compile;
mod context;
pub(crate) mod convert;
mod current;
mod declare;
mod draws;
mod engine;
mod error;
mod files;
mod habits;
mod kind;
pub(crate) mod library;
mod limits;
mod load;
mod manual;
mod notifies;
mod ops;
mod plain;
mod resolver;
mod result;
mod scan;
mod syntax;
pub(crate) mod words;
mod world;

pub use load::{Described, Environment, LoadError, LoadRequest, Loaded, Project, describe, load};
pub use manual::{WordManual, helpers, words as word_manuals};
pub use resolver::Library;
pub use words::params::{ParamInputs, ParamShown, Prompt};

#[cfg(test)]
mod tests;
