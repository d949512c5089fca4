//! `--limit @failed:RUN`: the hosts on which something failed in an earlier run.

use std::collections::BTreeMap;
use std::path::Path;

use oneex_engine::journal::{JournalError, Reader, Record, Wanted};
use oneex_engine::run::{NodeKey, NodeStatus, RunEvent};

use crate::commands::inputs::SelectArgs;
use crate::error::CommandError;

/// What is chosen, with the names of hosts in the place of `@failed:RUN`.
pub(crate) fn resolved(journal: &Path, select: &SelectArgs) -> Result<SelectArgs, CommandError> {
    let Some(named) = select.limit.as_deref().and_then(|limit| limit.strip_prefix("@failed:")) else {
        return Ok(select.clone());
    };
    let reader = Reader::open(journal)?;
    let run = reader.run(if named.is_empty() { "last" } else { named })?;
    let mut ends: BTreeMap<NodeKey, NodeStatus> = BTreeMap::new();
    let wanted = Wanted { kinds: &["node_finished"], ..Wanted::default() };
    reader.records(&run, &wanted, |_, record| -> Result<(), JournalError> {
        if let Record::Event(event) = record
            && let RunEvent::NodeFinished { node, status, .. } = event.event
        {
            ends.insert(node, status);
        }
        Ok(())
    })?;
    let failed =
        ends.into_iter().filter(|(_, end)| matches!(end, NodeStatus::Failed | NodeStatus::Unreachable));
    let mut hosts: Vec<String> = failed.filter_map(|(node, _)| Some(node.host?.to_string())).collect();
    hosts.dedup();
    hosts.sort();
    hosts.dedup();
    if hosts.is_empty() {
        let message = format!("--limit: nothing failed on a host in the run {}", run.id);
        return Err(CommandError::usage(message).hint("`oneex show` says what came of it"));
    }
    Ok(SelectArgs { limit: Some(hosts.join(",")), ..select.clone() })
}
