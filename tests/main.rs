//! The tests of the whole program: guards over the repository itself, the command line, and runs
//! against real servers. One binary, so that it links once; the folders' `mod.rs` list what is there.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

mod ansible;
mod book;
mod cli;
mod layering;
mod layout;
mod links;
mod live;
mod names;
mod reference;
mod registry;
mod scenarios;
mod sources;
