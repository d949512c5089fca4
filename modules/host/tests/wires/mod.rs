//! The controller and a host over SSH: what an operation does, and every word that it says, is the same on both.

mod commands;
mod host;
mod limits;
mod paths;
