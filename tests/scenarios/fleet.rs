//! A project over a farm of real sshd hosts, and the stream of events that a run of it leaves.

use std::path::PathBuf;

use oneex_testkit::project::{Finished, Invocation, TestProject};
use oneex_testkit::{FarmOptions, SshFarm};
use serde_json::Value;

/// A farm, and a project whose inventory and known hosts are the farm's.
pub(crate) struct Fleet {
    pub(crate) farm: SshFarm,
    pub(crate) project: TestProject,
}

impl Fleet {
    /// `count` hosts `h1` … in the group `web`.
    pub(crate) fn new(count: usize) -> Self {
        Self::over(SshFarm::start(count))
    }

    /// The same, each host with an sshd of its own.
    pub(crate) fn separate(count: usize) -> Self {
        Self::over(SshFarm::start_with(count, &FarmOptions { separate: true, ..FarmOptions::default() }))
    }

    /// The hosts of a farm.
    pub(crate) fn over(farm: SshFarm) -> Self {
        let project = project();
        project.write("inventory.yaml", &farm.inventory_yaml());
        let folder = project.home().join(".ssh");
        std::fs::create_dir(&folder).unwrap();
        std::fs::copy(farm.known_hosts(), folder.join("known_hosts")).unwrap();
        Self { farm, project }
    }

    /// Writes the runbook `book.rhai`.
    pub(crate) fn book(&self, text: &str) -> &Self {
        self.project.write("book.rhai", text);
        self
    }

    /// A call of the program with the fleet's inventory.
    pub(crate) fn call(&self, words: &[&str]) -> Invocation {
        let (command, rest) = words.split_first().unwrap();
        self.project.oneex([command, "-i", "inventory.yaml"].iter().chain(rest))
    }

    /// Runs `book.rhai` with further words and gives its events.
    pub(crate) fn run(&self, code: i32, more: &[&str]) -> Stream {
        let words = [&["run", "book.rhai", "--output", "json"], more].concat();
        Stream::of(&self.call(&words).run().expect_code(code))
    }

    /// A path in the folder of the host at `index`.
    pub(crate) fn path(&self, index: usize, name: &str) -> PathBuf {
        self.farm.host(index).folder.join(name)
    }

    /// A file in the folder of the host at `index`; empty where there is none.
    pub(crate) fn read(&self, index: usize, name: &str) -> String {
        std::fs::read_to_string(self.path(index, name)).unwrap_or_default()
    }
}

/// A project without hosts.
pub(crate) fn project() -> TestProject {
    TestProject::new(env!("CARGO_BIN_EXE_oneex"))
}

/// The events of a run.
pub(crate) struct Stream(pub(crate) Vec<Value>);

impl Stream {
    /// Reads what `--output json` wrote: every line an event, numbered without a gap.
    pub(crate) fn of(finished: &Finished) -> Self {
        let events: Vec<Value> = finished
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect();
        for (index, event) in events.iter().enumerate() {
            assert_eq!(event["v"], 1, "{event}");
            assert_eq!(event["seq"], index + 1, "{event}");
        }
        assert_eq!(events.first().unwrap()["event"], "run_started");
        assert_eq!(events.last().unwrap()["event"], "run_finished");
        Self(events)
    }

    /// All events of this kind.
    pub(crate) fn named(&self, kind: &str) -> Vec<&Value> {
        self.0.iter().filter(|event| event["event"] == kind).collect()
    }

    /// Where in the stream the node's event of that kind is.
    #[track_caller]
    pub(crate) fn at(&self, kind: &str, task: &str, host: &str) -> usize {
        let found = self.0.iter().position(|event| event["event"] == kind && is(event, task, host));
        found.unwrap_or_else(|| panic!("no {kind} of {task} [{host}] in {}", self.text()))
    }

    /// How a node ended.
    #[track_caller]
    pub(crate) fn status(&self, task: &str, host: &str) -> &str {
        self.0[self.at("node_finished", task, host)]["status"].as_str().unwrap()
    }

    /// How many events of that kind a task has.
    pub(crate) fn count(&self, kind: &str, task: &str) -> usize {
        self.0.iter().filter(|event| event["event"] == kind && event["node"]["task"] == task).count()
    }

    /// How many operations of a task changed something.
    pub(crate) fn changed(&self, task: &str) -> usize {
        let operations = self.0.iter().filter(|event| event["event"] == "operation");
        operations.filter(|event| event["node"]["task"] == task && event["status"] == "changed").count()
    }

    /// The first places of `earlier` are all before those of `later`.
    #[track_caller]
    pub(crate) fn before(&self, earlier: (&str, &str, &str), later: (&str, &str, &str)) {
        let (first, second) = (self.at(earlier.0, earlier.1, earlier.2), self.at(later.0, later.1, later.2));
        assert!(first < second, "{earlier:?} comes after {later:?} in {}", self.text());
    }

    /// The texts of messages.
    pub(crate) fn messages(&self) -> Vec<&str> {
        self.0.iter().filter(|event| event["event"] == "message").filter_map(|e| e["text"].as_str()).collect()
    }

    /// The hosts of the batches of a task, in order.
    pub(crate) fn batches(&self, task: &str) -> Vec<Vec<&str>> {
        let batches =
            self.0.iter().filter(|event| event["event"] == "batch_started" && event["task"] == task);
        batches
            .map(|event| event["hosts"].as_array().unwrap().iter().filter_map(Value::as_str).collect())
            .collect()
    }

    /// What the last event says.
    pub(crate) fn summary(&self) -> &Value {
        &self.0.last().unwrap()["summary"]
    }

    fn text(&self) -> String {
        self.0.iter().map(|event| format!("{event}\n")).collect()
    }
}

/// True for an event of that node; an empty host is a task without hosts.
fn is(event: &Value, task: &str, host: &str) -> bool {
    event["node"]["task"] == task && event["node"]["host"].as_str().unwrap_or_default() == host
}
