//! The command line of oneex: parses, makes the context, dispatches to a command, renders the error.
//!
//! Only this crate touches the terminal, the environment, the home directory and the exit code.
//! `commands` has one file a command, `report` one file a listener of run events.

mod adhoc;
mod chronicle;
mod commands;
mod config;
mod context;
mod data_file;
mod error;
mod exit;
mod gates;
mod launch;
mod library;
mod load;
mod locks;
mod log;
mod manual;
mod modules;
mod params;
mod person;
mod prompt;
mod remembered;
mod report;
mod runbook;
mod signals;
mod site;
mod term;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::commands::Cli;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;

/// Runs the program with these arguments, the first being the program's own name.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return commands::show_clap(error).into(),
    };
    let context = match Context::from_process(&cli.global) {
        Ok(context) => context,
        Err(error) => return error.show(&term::Output::stderr(term::Colors::plain())).into(),
    };
    context.start_log();
    let exit: Exit = match cli.command.run(&context) {
        Ok(exit) => exit,
        Err(error) => error.show(&context.stderr),
    };
    let lost = context.stdout.failure().map(|why| {
        CommandError::failed(format!("standard output cannot be written: {why}")).show(&context.stderr)
    });
    match (exit, lost) {
        (Exit::Ok, Some(lost)) => lost.into(),
        (exit, _) => exit.into(),
    }
}
