//! The manual of the language: its words from a table, and the helpers from their own documentation.
//! Nothing here is looked at while a runbook is loaded or run.

mod library;
mod words;

pub use library::helpers;
pub use words::words;

/// The manual of a word or of a helper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordManual {
    /// How scripts write it: `task`, `.needs`, `json::parse`.
    pub name: String,
    /// What it belongs to: `declarations`, `tasks`, `hosts`, `flow`, `results`, `helpers`.
    pub group: &'static str,
    /// How it is called, a line for each way.
    pub calls: Vec<String>,
    /// What it does; the first sentence is the summary.
    pub text: String,
    /// Lines of script that show it.
    pub examples: Vec<String>,
}
