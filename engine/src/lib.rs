//! How a runbook becomes a run.
//!
//! A runbook is loaded into a graph ([`script`], [`graph`]), the graph is run by an executor
//! ([`run`]), and everything that happens is one stream of events ([`run::RunEvent`]). The crate is
//! silent: it prints nothing and reads neither the environment nor the home directory; what it
//! needs of them, the command line hands in.

pub mod ahead;
pub mod check;
pub mod conceal;
pub mod diag;
pub mod graph;
pub mod inventory;
pub mod journal;
pub mod lock;
pub mod plan;
pub mod redact;
pub mod run;
pub mod script;
pub mod source_file;
pub mod template;
