//! Checkouts of git: what is there, what a version means, and how it comes about.

mod address;
mod found;
mod scripts;
mod version;

pub(crate) use address::{origin, shown_url};
pub(crate) use found::{Found, Place};
pub(crate) use scripts::{Checkout, Look, failure};
pub(crate) use version::{Target, Version};
