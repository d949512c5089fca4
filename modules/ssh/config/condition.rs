//! The conditions of `Match`.

use std::process::{Command, Stdio};

use super::machine::Machine;
use super::options::Options;
use super::pattern::{host_matches, list_matches};
use super::token::{MOST, NAME, Tokens};
use super::value::Arguments;

/// What a condition is asked about, beside the values so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) machine: &'a Machine,
    /// The name as it was asked for.
    pub(super) original: &'a str,
    /// It is the second pass.
    pub(super) is_final: bool,
}

/// What the conditions of a line come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Verdict {
    pub(super) holds: bool,
    /// `final` was asked for, so that there must be a second pass.
    pub(super) wants_final: bool,
    /// Conditions that are not supported; they do not hold.
    pub(super) unsupported: Vec<&'static str>,
}

/// Conditions that exist and that nothing here can answer.
const UNSUPPORTED: [&str; 4] = ["localnetwork", "version", "command", "sessiontype"];
/// Conditions with a value that are answered.
const ANSWERED: [&str; 6] = ["host", "originalhost", "user", "localuser", "tagged", "exec"];

/// Judges the conditions of one line. Fails with a message.
pub(super) fn judge(arguments: &[String], options: &Options, asked: &Asked<'_>) -> Result<Verdict, String> {
    let host = host_so_far(options, asked)?;
    let mut arguments = Arguments::new(arguments);
    let mut verdict = Verdict { holds: true, ..Verdict::default() };
    let mut count = 0;
    while let Some(written) = arguments.next() {
        let (negated, name) = written.strip_prefix('!').map_or((false, written), |name| (true, name));
        if name.eq_ignore_ascii_case("all") {
            if count > 1 || arguments.next().is_some_and(|next| !next.is_empty()) {
                return Err("`all` must stand alone".to_owned());
            }
            verdict.holds &= !negated;
            return Ok(verdict);
        }
        count += 1;
        if name.eq_ignore_ascii_case("canonical") || name.eq_ignore_ascii_case("final") {
            verdict.wants_final |= name.eq_ignore_ascii_case("final") && !negated;
            verdict.holds &= asked.is_final != negated;
            continue;
        }
        let (name, value) = match name.split_once('=') {
            Some((name, value)) if is_known(name) => (name, value),
            _ => (name, arguments.next().ok_or_else(|| format!("`{written}` has no value"))?),
        };
        let name = name.to_ascii_lowercase();
        if value.is_empty() && !matches!(name.as_str(), "tagged" | "command") {
            return Err(format!("`{written}` has no value"));
        }
        let holds = match name.as_str() {
            "host" => host_matches(value, &host),
            "originalhost" => host_matches(value, asked.original),
            "user" => list_matches(value, user(options, asked)),
            "localuser" => list_matches(value, &asked.machine.user),
            "tagged" => list_matches(value, options.tag.as_deref().unwrap_or_default()),
            "exec" => {
                let command = tokens(options, asked, &host).expand(value, MOST, asked.machine, None)?;
                // What cannot decide anything is not run.
                verdict.holds && run(&command, asked.machine)?
            }
            name => match UNSUPPORTED.into_iter().find(|known| *known == name) {
                // Neither it nor its opposite is known to hold.
                Some(known) => {
                    verdict.unsupported.push(known);
                    negated
                }
                None => return Err(format!("`{name}` is no condition of `Match`")),
            },
        };
        verdict.holds &= holds != negated;
    }
    if count == 0 { Err("`Match` has no condition".to_owned()) } else { Ok(verdict) }
}

fn is_known(name: &str) -> bool {
    ANSWERED.iter().chain(&UNSUPPORTED).any(|known| known.eq_ignore_ascii_case(name))
}

/// The host to connect to, as far as it is known.
fn host_so_far(options: &Options, asked: &Asked<'_>) -> Result<String, String> {
    let name = options.host_name.as_deref();
    match name {
        Some(name) if asked.is_final => Ok(name.to_owned()),
        Some(name) => {
            let tokens = Tokens { host: asked.original.to_owned(), ..Tokens::default() };
            tokens.expand(name, NAME, asked.machine, None)
        }
        None => Ok(asked.original.to_owned()),
    }
}

fn user<'a>(options: &'a Options, asked: &Asked<'a>) -> &'a str {
    options.user.as_deref().unwrap_or(&asked.machine.user)
}

fn tokens(options: &Options, asked: &Asked<'_>, host: &str) -> Tokens {
    Tokens {
        host: host.to_owned(),
        original: asked.original.to_owned(),
        alias: options.host_key_alias.clone().unwrap_or_else(|| host.to_owned()),
        port: options.port.unwrap_or(22),
        user: user(options, asked).to_owned(),
        jump: options.last_jump(),
    }
}

/// Tokens for the paths of `Include`, with what is known so far.
pub(super) fn tokens_so_far(options: &Options, asked: &Asked<'_>) -> Result<Tokens, String> {
    let host = host_so_far(options, asked)?;
    Ok(tokens(options, asked, &host))
}

/// Runs a command in the person's shell, without input and with its output thrown away.
fn run(command: &str, machine: &Machine) -> Result<bool, String> {
    let shell = machine.variables.get("SHELL").map_or("/bin/sh", String::as_str);
    let status = Command::new(shell)
        .arg("-c")
        .arg(command)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| format!("`{command}` cannot be run by `{shell}`: {error}"))?;
    status.code().map(|code| code == 0).ok_or_else(|| format!("`{command}` was ended by a signal"))
}
