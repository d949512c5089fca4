//! Laws over several operations at once, as tables.

mod commands;
mod contents;
mod differential;
mod disks;
mod edits;
mod names;
mod owners;
mod uploads;
mod wires;
