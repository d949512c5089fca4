//! `oneex exec`: one command on many hosts.

use std::sync::Arc;

use oneex_engine::run::{Listener, RunOptions};
use oneex_sdk::{Map, Value};

use super::inputs::{ForksArgs, OutputFormat, SiteArgs};
use crate::adhoc::{self, Operation};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::gates::Gates;
use crate::launch::{Job, launch};
use crate::prompt::Asker;
use crate::report::exec::ExecLog;
use crate::report::json::JsonLines;
use crate::site::Site;

/// Run a command on hosts
///
/// Several words are a program and its arguments, passed as they are; one word is a text for `sh`:
/// `oneex exec 'web:!web3' -- 'df -h | tail -1'`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Hosts, by Ansible's patterns: `web:&prod:!web3`
    pattern: String,
    /// The command
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
    #[command(flatten)]
    site: SiteArgs,
    /// Run it with sudo, as root or as this user
    #[arg(long, value_name = "USER", num_args = 0..=1, require_equals = true, default_missing_value = "root")]
    sudo: Option<String>,
    #[command(flatten)]
    forks: ForksArgs,
    /// Approve a protected environment, by its name
    #[arg(long, value_name = "ENVIRONMENT")]
    approve: Vec<String>,
    /// What standard output has
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    output: OutputFormat,
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    let site = Site::open(context, &context.cwd, &args.site)?;
    let hosts = site.hosts(&args.pattern)?;
    let body = Operation {
        op: site.operation("exec")?,
        options: options(&site, &args.command)?,
        user: args.sudo.clone(),
    };
    let graph = adhoc::graph("exec", hosts, Arc::new(body))?;

    let asker = Arc::new(Asker::new(context.stderr.clone()));
    let gates = Gates::new(context, &args.approve, false, site.environment.as_ref(), &asker, None);
    gates.enter(site.environment.as_ref(), "run a command")?;
    let listener: Box<dyn Listener> = match args.output {
        OutputFormat::Json => Box::new(JsonLines::new(context.stdout.clone())),
        OutputFormat::Human => Box::new(ExecLog::new(context.stdout.clone(), context.verbosity)),
    };
    let mut options = RunOptions::default();
    if let Some(forks) = args.forks.forks.map(usize::from).or(site.config.defaults.forks) {
        options.forks = forks;
    }
    let job = Job::adhoc("exec", graph, site, options);
    let ended = launch(job, gates, vec![listener])?;
    Ok(ended.report.summary.status.into())
}

/// The options of the operation: the command under the name of its first positional argument.
fn options(site: &Site, command: &[String]) -> Result<Value, CommandError> {
    let op = site.operation("exec")?;
    let name = op.manual().positional.first().copied().unwrap_or("command");
    let command: Value = match command {
        [text] => Value::String(text.clone()),
        words => words.iter().cloned().map(Value::String).collect(),
    };
    Ok(Value::Object(Map::from_iter([(name.to_owned(), command)])))
}
