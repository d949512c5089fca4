//! `--stats FILE`: what a run cost, as JSON, so that cost is a figure that anyone can check.

use std::collections::BTreeMap;
use std::path::Path;

use oneex_engine::run::{RunStatus, RunSummary};
use oneex_sdk::{Meter, Traffic, Value};
use serde::Serialize;

use super::file;
use crate::error::CommandError;

/// The version of the format: raised when a field changes its meaning or goes away.
const VERSION: u32 = 1;

/// What a run cost.
#[derive(Debug, Serialize)]
pub(crate) struct Stats {
    /// The version of the format.
    v: u32,
    /// The run's id.
    id: String,
    /// The runbook's name.
    name: String,
    /// How it ended.
    status: RunStatus,
    /// Seconds on the clock.
    duration_seconds: f64,
    /// Nodes by how they ended.
    nodes: Value,
    /// Operations that were called.
    operations: u64,
    /// Operations that changed something.
    changed: u64,
    /// Bytes sent and received over all connections, before encryption and after decryption.
    bytes: Bytes,
    /// What went over each host's connections.
    hosts: BTreeMap<String, Traffic>,
    /// What API modules asked of their servers.
    api: Api,
    /// Processor time of oneex itself, in user and system mode together, on all cores.
    controller_cpu_seconds: f64,
    /// The most memory that oneex itself held; absent where the system does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_memory_bytes: Option<u64>,
}

#[derive(Debug, Default, Serialize)]
struct Bytes {
    sent: u64,
    received: u64,
}

/// Requests to APIs.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub(crate) struct Api {
    /// All requests.
    pub(crate) requests: u64,
    /// Those that may change something.
    pub(crate) writes: u64,
}

impl Api {
    /// What all modules asked together.
    pub(crate) fn add_up<'a>(meters: impl IntoIterator<Item = &'a Meter>) -> Self {
        meters.into_iter().fold(Self::default(), |sum, meter| Self {
            requests: sum.requests + meter.requests(),
            writes: sum.writes + meter.writes(),
        })
    }
}

impl Stats {
    /// What the run that has just ended cost.
    pub(crate) fn collect(summary: &RunSummary, hosts: BTreeMap<String, Traffic>, api: Api) -> Self {
        let mut bytes = Bytes::default();
        for traffic in hosts.values() {
            bytes.sent += traffic.sent;
            bytes.received += traffic.received;
        }
        Self {
            v: VERSION,
            id: summary.id.clone(),
            name: summary.name.clone(),
            status: summary.status,
            duration_seconds: summary.duration,
            nodes: serde_json::to_value(&summary.counts.nodes).unwrap_or_default(),
            operations: summary.counts.operations,
            changed: summary.counts.changed,
            bytes,
            hosts,
            api,
            controller_cpu_seconds: processor_seconds(),
            peak_memory_bytes: peak_memory(),
        }
    }

    /// Writes the file: whole or not at all.
    pub(crate) fn write(&self, path: &Path) -> Result<(), CommandError> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| CommandError::failed(format!("the statistics cannot be written: {error}")))?;
        file::replace(path, &format!("{text}\n"))
    }
}

/// `CLOCK_PROCESS_CPUTIME_ID` of clock_gettime(2).
fn processor_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// `VmHWM` of proc_pid_status(5), which is in KiB.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use oneex_engine::run::RunStatus;
    use oneex_sdk::Traffic;

    use super::{Api, Stats};
    use crate::report::samples;

    #[test]
    fn adds_up_the_hosts_and_measures_the_process() {
        let summary = samples::summary(RunStatus::Failed, "", samples::counts());
        let hosts = [
            ("web1".to_owned(), Traffic { round_trips: 3, sent: 10, received: 20 }),
            ("web2".to_owned(), Traffic { round_trips: 1, sent: 1, received: 2 }),
        ];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stats.json");
        Stats::collect(&summary, hosts.into(), Api { requests: 5, writes: 2 }).write(&path).unwrap();
        let written: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(written["v"], 1);
        assert_eq!(written["nodes"]["failed"], 1);
        assert_eq!(written["bytes"], serde_json::json!({ "sent": 11, "received": 22 }));
        assert_eq!(written["hosts"]["web1"]["round_trips"], 3);
        assert_eq!(written["api"]["writes"], 2);
        assert!(written["controller_cpu_seconds"].as_f64().unwrap() > 0.0);
        assert!(written["peak_memory_bytes"].as_u64().unwrap() > 1 << 20);
    }
}
