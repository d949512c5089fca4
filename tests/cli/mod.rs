//! The commands, one file a command: what they print, and the code they end with.

mod completions;
mod drawings;
mod environments;
mod exits;
mod hosts;
mod inventories;
mod machines;
mod manual;
mod mistakes;
mod parameters;
mod passwords;
mod questions;
mod reports;
mod secrets;
mod stats;
mod sweep;
