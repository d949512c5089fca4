//! The tests of the whole program: guards over the repository itself, the command line, and runs
//! against real servers. One binary, so that it links once; the folders' `mod.rs` list what is there.

mod book;
mod cli;
mod layering;
mod layout;
mod live;
mod names;
mod registry;
mod scenarios;
mod sources;
