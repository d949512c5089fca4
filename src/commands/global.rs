//! Flags that every command has, and how the argument parser's own answers are shown.

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue};

use crate::context::Verbosity;
use crate::exit::Exit;
use crate::term::{ColorChoice, Colors, Output};

/// Flags that every command has.
#[derive(Debug, clap::Args)]
pub(crate) struct GlobalArgs {
    /// Say more: -v what is unchanged and what commands write, -vv arguments and results, -vvv the program's own log
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    verbose: u8,
    /// Say only what failed, and the last line
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Global options")]
    quiet: bool,
    /// When to colour; NO_COLOR and CLICOLOR_FORCE are respected
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        hide_possible_values = true,
        help_heading = "Global options"
    )]
    pub(crate) color: ColorChoice,
}

impl GlobalArgs {
    /// How much is said.
    pub(crate) fn verbosity(&self) -> Verbosity {
        if self.quiet { Verbosity::QUIET } else { Verbosity(i8::try_from(self.verbose.min(3)).unwrap_or(3)) }
    }
}

/// Shows the parser's help, version or usage error, and says how the program ends.
pub(crate) fn show_clap(error: clap::Error) -> Exit {
    let error = with_nearest(error);
    let colors = Colors::new(ColorChoice::Auto, |name| std::env::var(name).ok());
    let output = if error.use_stderr() { Output::stderr(colors) } else { Output::stdout(colors) };
    show_help(&error.render(), &output);
    if error.use_stderr() { Exit::Usage } else { Exit::Ok }
}

/// The parser suggests what begins alike; a command whose letters are swapped is near too.
fn with_nearest(mut error: clap::Error) -> clap::Error {
    if let (None, Some(ContextValue::String(name))) =
        (error.get(ContextKind::SuggestedSubcommand), error.get(ContextKind::InvalidSubcommand))
    {
        let cli = crate::commands::Cli::command();
        let names = cli.get_subcommands().map(clap::Command::get_name);
        if let Some(right) = oneex_sdk::nearest(name, names) {
            let right = ContextValue::Strings(vec![right.to_owned()]);
            error.insert(ContextKind::SuggestedSubcommand, right);
        }
    }
    let usage = error.get(ContextKind::Usage).map(ToString::to_string).unwrap_or_default();
    if let (Some(ContextValue::String(word)), true) =
        (error.get(ContextKind::InvalidArg), usage.contains(" exec "))
        && !word.starts_with('-')
    {
        let tip = format!("a command stands behind `--`: `oneex exec PATTERN -- {word}`");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// Shows a text of the parser.
pub(crate) fn show_help(text: &clap::builder::StyledStr, output: &Output) {
    let shown = if output.is_colored() { text.ansi().to_string() } else { text.to_string() };
    output.write(&shown);
}
