//! Parts of the bench `ssh`.

pub(crate) mod contenders;
pub(crate) mod delay;
pub(crate) mod field;
pub(crate) mod reference;
pub(crate) mod settled;
pub(crate) mod steps;
