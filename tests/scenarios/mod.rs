//! Whole runs with the binary: what a user would do, from the first command to the last line.

mod first_look;
mod fleet;
mod quickstart;
mod roles;
mod scheduling;
