//! The Rhai side: everything of the engine that knows the script language.

pub(crate) mod convert;
pub(crate) mod library;
