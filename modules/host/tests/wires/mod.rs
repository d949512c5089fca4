//! The controller, a host over SSH, and one that has BusyBox alone: what an operation does, and every word that it
//! says, is the same on all of them.

mod commands;
mod contents;
mod host;
mod limits;
mod paths;
