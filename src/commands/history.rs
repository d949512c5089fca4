//! `oneex history`: the runs of the journal.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use oneex_engine::journal::{Matching, Reader, RunRow};

use super::examples;
use super::inputs::{JournalArgs, OutputFormat};
use crate::chronicle;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::report::json;
use crate::term::{BOLD, DIM, GREEN, RED, YELLOW, paint};

/// List the runs: when, who, what came of them
#[derive(Debug, clap::Args)]
#[command(after_help = examples::HISTORY)]
pub(crate) struct Args {
    /// Only runs of runbooks whose name has this in it
    runbook: Option<String>,
    /// Only runs that did something on this host
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Only runs that had this task
    #[arg(long, value_name = "NAME")]
    task: Option<String>,
    /// Only runs of this person
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Only runs in this environment
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// Only runs that began at this time or later: `2026-11-23`, `2026-11-23T08:00`, `2d` for two days ago
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only runs that began before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// Only runs that ended so: `ok failed unreachable interrupted waiting`, or `running`, or `cut` for those that were
    /// killed; several with commas
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = STATUSES)]
    status: Vec<String>,
    /// Only runs that changed something
    #[arg(long)]
    changed: bool,
    /// At most so many runs, the last ones
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    lines: usize,
    /// What standard output has
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    output: OutputFormat,
    #[command(flatten)]
    journal: JournalArgs,
}

const STATUSES: [&str; 7] = ["ok", "failed", "unreachable", "interrupted", "waiting", "running", "cut"];

/// Lists them.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    let path = chronicle::file(context, &args.journal, &context.cwd);
    let reader = Reader::open(&path)?;
    let matching = Matching { host: args.host.as_deref(), task: args.task.as_deref() };
    let runs = reader.runs_matching(&matching)?;
    let status = |run: &RunRow| status_of(&reader, run);
    let is_wanted = |run: &&RunRow| {
        args.runbook.as_ref().is_none_or(|part| run.name.contains(part.as_str()))
            && args.user.as_ref().is_none_or(|user| run.user.as_ref() == Some(user))
            && args.env.as_ref().is_none_or(|env| run.environment.as_ref() == Some(env))
            && args.since.is_none_or(|since| run.started >= since)
            && args.until.is_none_or(|until| run.started < until)
            && (args.status.is_empty() || args.status.contains(&status(run)))
            && (!args.changed || run.changed > 0)
    };
    // The newest stands last, above the prompt.
    let mut shown: Vec<&RunRow> = runs.iter().filter(is_wanted).take(args.lines).collect();
    shown.reverse();
    match args.output {
        OutputFormat::Json => {
            for run in shown {
                let mut value = serde_json::to_value(run).unwrap_or_default();
                value["status"] = status(run).into();
                context.stdout.line(&json::escape(&value.to_string()));
            }
        }
        OutputFormat::Human => {
            let rows: Vec<[String; 6]> = shown.into_iter().map(|run| row(run, status(run))).collect();
            context.stdout.write(&table(&rows, context.stdout.is_colored()));
        }
    }
    Ok(Exit::Ok)
}

/// How a run ended; `running` where it goes on, `cut` where it was killed.
pub(crate) fn status_of(reader: &Reader, run: &RunRow) -> String {
    match &run.status {
        Some(status) => status.clone(),
        None if reader.is_alive(run) => "running".to_owned(),
        None => "cut".to_owned(),
    }
}

fn row(run: &RunRow, status: String) -> [String; 6] {
    let by = match (&run.user, &run.machine) {
        (Some(user), Some(machine)) => format!("{user}@{machine}"),
        (user, machine) => user.clone().or_else(|| machine.clone()).unwrap_or_default(),
    };
    let environment = run.environment.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
    let what = if run.mode == "run" { run.name.clone() } else { run.mode.clone() };
    [
        run.id.clone(),
        when(run.started),
        by,
        format!("{what}{environment}"),
        status,
        run.summary.clone().unwrap_or_default(),
    ]
}

/// A time as people read it: in their own zone, to the second.
pub(crate) fn when(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn table(rows: &[[String; 6]], color: bool) -> String {
    if rows.is_empty() {
        return "no runs\n".to_owned();
    }
    let width =
        |column: usize| rows.iter().map(|row| console::measure_text_width(&row[column])).max().unwrap_or(0);
    let widths: Vec<usize> = (0..5).map(width).collect();
    let mut out = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let style = match (column, cell.as_str()) {
                (0 | 2, _) => DIM,
                (4, "ok") => GREEN,
                (4, "failed" | "unreachable") => RED,
                (4, _) => YELLOW,
                _ => BOLD,
            };
            let shown = oneex_sdk::visible(cell);
            let plain = matches!(column, 1 | 3 | 5);
            out.push_str(&if plain { shown.clone().into_owned() } else { paint(color, style, &shown) });
            if let Some(width) = widths.get(column) {
                out.push_str(&" ".repeat(width.saturating_sub(console::measure_text_width(&shown)) + 2));
            }
        }
        out = out.trim_end().to_owned() + "\n";
    }
    out
}

/// A moment as people write it, or how long ago.
fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(ago) = oneex_sdk::parse_duration(text) {
        let ago = jiff::SignedDuration::try_from(ago).map_err(|error| error.to_string())?;
        return Timestamp::now().checked_sub(ago).map_err(|error| error.to_string());
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let civil = text.parse::<jiff::civil::DateTime>().or_else(|_| {
        text.parse::<jiff::civil::Date>().map(|date| date.to_datetime(jiff::civil::Time::midnight()))
    });
    let civil = civil.map_err(|_| "expected a day, a time, or a duration: `2026-11-23`, `2d`".to_owned())?;
    civil.to_zoned(TimeZone::system()).map(|time| time.timestamp()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{moment, table};

    #[test]
    fn moments_are_days_times_or_durations() {
        let now = Timestamp::now();
        let ago = moment("2h").expect("a duration");
        assert!((now.duration_since(ago).as_secs() - 7200).abs() < 5);
        assert_eq!(moment("2026-11-23T08:00:00Z").expect("a time").to_string(), "2026-11-23T08:00:00Z");
        assert!(moment("2026-11-23").is_ok() && moment("2026-11-23T08:00").is_ok());
        for wrong in ["", "yesterday", "2026-13-01", "12 o'clock"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn columns_are_aligned_and_nothing_of_a_name_moves_the_terminal() {
        let row = |id: &str, name: &str| {
            [id, "2026-11-23 08:00:00", "ada@desk", name, "ok", "1 changed in 0.1s"].map(str::to_owned)
        };
        let text = table(&[row("a-1", "site"), row("b-22", "x\u{1b}[2J")], false);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0].find("2026"), lines[1].find("2026"));
        assert!(!text.contains('\u{1b}'));
        assert_eq!(table(&[], false), "no runs\n");
    }
}
