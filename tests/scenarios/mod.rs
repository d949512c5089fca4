//! Whole runs with the binary: what a user would do, from the first command to the last line.

mod commands;
mod crashes;
mod first_look;
pub(crate) mod fleet;
mod handlers;
mod history;
mod http_calls;
mod interrupts;
mod judged;
mod long_output;
mod lost;
mod output;
mod plan_words;
mod plans;
mod policies;
mod quickstart;
mod read_ahead;
mod restarts;
mod resume;
mod roles;
mod rolling;
mod round_trips;
mod runbooks;
mod scheduling;
mod stopping;
mod terminal;
