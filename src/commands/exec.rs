//! `oneex exec`: one command on many hosts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use oneex_engine::run::{Listener, RunOptions};
use oneex_sdk::{Map, Value};

use super::examples;
use super::inputs::{AskArgs, ForksArgs, JournalArgs, LockArgs, OutputFormat, SiteArgs};
use crate::adhoc::{self, Operation};
use crate::chronicle;
use crate::context::{Context, Verbosity};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::gates::Gates;
use crate::launch::{Job, launch};
use crate::locks::{LockKind, Locking};
use crate::person;
use crate::prompt::Asker;
use crate::report::exec::ExecLog;
use crate::report::heartbeat::Heartbeat;
use crate::report::json::JsonLines;
use crate::report::look::Look;
use crate::site::Site;

/// Run a command on hosts
///
/// Several words are a program and its arguments, passed as they are; one word is a text for `sh`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::EXEC)]
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
    /// How long it may take on a host: `30s`, `5m`
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    timeout: Option<String>,
    /// Give it this file as standard input; `-` is that of oneex itself
    #[arg(long, value_name = "FILE")]
    stdin: Option<PathBuf>,
    /// Show equal outputs once, with their hosts, when all are there
    #[arg(long, conflicts_with = "output")]
    merge: bool,
    #[command(flatten)]
    ask: AskArgs,
    #[command(flatten)]
    lock: LockArgs,
    #[command(flatten)]
    forks: ForksArgs,
    /// Approve a protected environment, by its name
    #[arg(long, value_name = "ENVIRONMENT")]
    approve: Vec<String>,
    /// What standard output has
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    output: OutputFormat,
    #[command(flatten)]
    journal: JournalArgs,
}

/// Runs it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    let site = Site::open(context, &context.cwd, &args.site)?;
    let hosts = site.hosts(&args.pattern)?;
    let body = Operation {
        op: site.operation("exec")?,
        options: options(&site, args, context)?,
        user: args.sudo.clone(),
    };
    let graph = adhoc::graph("exec", hosts, Arc::new(body))?;

    let asker = Arc::new(Asker::new(context.stderr.clone(), context.signals.clone()));
    let gates = Gates::new(context, &args.approve, false, site.environment.as_ref(), &asker, None);
    gates.enter(site.environment.as_ref(), "run a command")?;
    person::ask(context, &args.ask, &asker, &site.redactor)?;
    person::listen(context, &asker, &site.redactor, None);
    let stdout = context.stdout.clone();
    let mut listeners: Vec<Box<dyn Listener>> = Vec::new();
    if args.output == OutputFormat::Json {
        listeners.push(Box::new(JsonLines::new(stdout, context.verbosity >= Verbosity::STEPS)));
    } else {
        let look = Look::run(stdout.is_colored(), context.verbosity, false);
        if let Some(heartbeat) = Heartbeat::start(look, &stdout) {
            listeners.push(Box::new(heartbeat));
        }
        listeners.push(Box::new(ExecLog::new(stdout, context.verbosity, args.merge)));
    }
    let mut options = RunOptions::default();
    if let Some(forks) = args.forks.forks.map(usize::from).or(site.config.defaults.forks) {
        options.forks = forks;
    }
    let environment = site.environment.as_ref().map(|environment| environment.name.clone());
    let lock =
        Locking::choose(context, &context.cwd, &args.lock, (&site.lock, &*site.redactor), LockKind::Hosts)?;
    let journal = chronicle::file(context, &args.journal, &context.cwd);
    let mut job = Job::adhoc(context, "exec", graph, site, options);
    job.lock = lock;
    job.begin =
        Some(Box::new(move |id| chronicle::begin_adhoc(context, &journal, ("exec", environment), id)));
    let ended = launch(context, job, gates, listeners)?;
    Ok(ended.report.summary.status.into())
}

/// The options of the operation: the command under the name of its first positional argument.
fn options(site: &Site, args: &Args, context: &Context) -> Result<Value, CommandError> {
    let op = site.operation("exec")?;
    let name = op.manual().positional.first().copied().unwrap_or("command");
    let command: Value = match args.command.as_slice() {
        [text] => Value::String(text.clone()),
        words => words.iter().cloned().map(Value::String).collect(),
    };
    let mut options = Map::from_iter([(name.to_owned(), command)]);
    if let Some(timeout) = &args.timeout {
        options.insert("timeout".to_owned(), timeout.clone().into());
    }
    if let Some(file) = &args.stdin {
        options.insert("stdin".to_owned(), input(file, context)?.into());
    }
    Ok(Value::Object(options))
}

/// What the command reads.
fn input(file: &Path, context: &Context) -> Result<String, CommandError> {
    let (shown, read) = if file == Path::new("-") {
        ("standard input".to_owned(), std::io::read_to_string(std::io::stdin()))
    } else {
        (format!("`{}`", context.shown(file)), std::fs::read_to_string(context.cwd.join(file)))
    };
    read.map_err(|error| {
        CommandError::usage(format!("{shown} cannot be read: {}", oneex_sdk::io_reason(&error)))
    })
}

fn duration(text: &str) -> Result<String, String> {
    oneex_sdk::parse_duration(text).map(|_| text.to_owned())
}
