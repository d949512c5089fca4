//! The commands, one file a command: what they print, and the code they end with.

mod environments;
mod hosts;
mod inventories;
mod manual;
mod mistakes;
mod secrets;
mod stats;
