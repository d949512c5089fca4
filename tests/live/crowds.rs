//! Many hosts at once.

use std::fs::OpenOptions;
use std::io::Write;
use std::process::Command;

use oneex_testkit::{FarmOptions, SshFarm, processes};

use crate::scenarios::fleet::{Fleet, Stream};

/// What 500 connections may take, in KiB; 182 000 when this was written, in a debug build.
const MOST: u64 = 250 * 1024;

/// What all hosts did, and the most memory that oneex had in use, in KiB.
struct Crowd {
    events: Stream,
    peak: u64,
}

impl Crowd {
    /// How many hosts went through the gate.
    fn met(&self) -> usize {
        let through = self.events.0.iter().filter(|event| event["event"] == "operation");
        through.filter(|event| event["output"]["raw"] == "through\n").count()
    }
}

/// Runs a command on `count` hosts that ends on none of them before all of them are there.
fn crowd(count: usize, config: &[&str]) -> (Fleet, Crowd) {
    let config = config.iter().map(|line| (*line).to_owned()).collect();
    let fleet = Fleet::over(SshFarm::start_with(count, &FarmOptions { config, ..FarmOptions::default() }));
    // A machine that is busy with all the servers is no server that is down.
    fleet.project.write("oneex.toml", "[ssh]\nconnect_timeout = '60s'\n");
    let gate = fleet.project.path("gate");
    assert!(Command::new("mkfifo").arg(&gate).status().expect("`mkfifo` runs").success());
    let gate_text = gate.display();
    fleet.book(&format!(
        "task(\"meet\").on(\"web\").run(|h| {{\n\
             h.exec(\"touch \" + h.var(\"folder\") + \"/here; read word <{gate_text} && echo through\");\n\
         }});\n"
    ));
    let forks = count.to_string();
    let running = fleet.call(&["run", "book.rhai", "--output", "json", "--forks", &forks]).start();
    let here = || (0..count).filter(|index| fleet.path(*index, "here").exists()).count();
    // Whoever is there waits for the others, as the gate has no other end yet.
    let all = (0..3).any(|_| processes::until(|| here() == count));
    let peak = processes::peak_memory(running.id());
    let meeting = here();
    // Both ends, so that nothing waits for hosts that are not there. A byte each, as shells read byte by byte.
    let mut opened = OpenOptions::new().read(true).write(true).open(&gate).expect("the gate is opened");
    opened.write_all(&b"\n".repeat(count)).expect("the gate lets them through");
    let finished = running.finish();
    assert!(all, "{meeting} of {count} hosts were there: {}", finished.stdout);
    let events = Stream::of(&finished.expect_code(0));
    (fleet, Crowd { events, peak: peak.expect("oneex was running") })
}

#[test]
fn two_hundred_hosts_are_there_at_once_though_their_servers_let_few_in_at_a_time() {
    // Sixteen hosts have one server.
    let (fleet, crowd) = crowd(200, &["MaxStartups 4:100:4"]);
    assert_eq!(crowd.met(), 200);
    let crowded = (0..200).step_by(16).any(|index| fleet.farm.log(index).contains("MaxStartups"));
    assert!(crowded, "no server turned anyone away");
}

#[test]
fn five_hundred_connections_fit_into_memory() {
    let (_fleet, crowd) = crowd(500, &[]);
    assert_eq!(crowd.met(), 500);
    assert!(crowd.peak < MOST, "{} KiB", crowd.peak);
}
