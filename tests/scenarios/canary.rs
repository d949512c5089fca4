//! A canary in every place where a secret can come from, looked for in all that a run leaves or shows.

mod late;
mod mistaken;
mod needles;
mod places;
mod site;
mod typed;

use std::sync::Arc;

use places::{Hits, Watch, mode};
use site::{OWNER, Site};

use super::fleet::Stream;

const RUN: [&str; 6] = ["run", "book.rhai", "--env", "prod", "--params", "secrets.yaml"];

/// How each node of the runbook ends, so that it is known that what the others are about has happened.
const ENDS: [(&str, &str, &str); 18] = [
    ("words", "", "ok"),
    ("add", "", "ok"),
    ("commands", "h1", "changed"),
    ("files", "h1", "changed"),
    ("web", "", "failed"),
    ("other user", "h2", "failed"),
    ("login", "h2", "failed"),
    ("made", "made", "failed"),
    ("fail", "h1", "failed"),
    ("retry", "", "failed"),
    ("refused", "h1", "failed"),
    ("refused text", "h1", "failed"),
    ("map", "", "failed"),
    ("sensitive", "h1", "changed"),
    ("sensitive failure", "h1", "failed"),
    ("sensitive map", "", "failed"),
    ("long", "h1", "changed"),
    ("rescued", "h1", "rescued"),
];

#[test]
fn no_report_of_a_run_and_no_file_holds_a_canary() {
    let site = Site::new();
    let ways: [&[&str]; 4] = [&[], &["-vvv"], &["--no-diff", "-q"], &["--output", "json", "-vvv"]];
    for way in ways {
        let words = [&RUN[..], &["--junit", "junit.xml", "--stats", "stats.json"], way].concat();
        let finished = site.call(&words).run().expect_code(1);
        assert_eq!(site.leaks(&finished), Hits::new(), "{way:?}");
        assert!(way.contains(&"-q") || finished.stdout.contains("•••"), "{way:?}");
    }
    let report = site.project.read("junit.xml");
    assert!(report.contains("failed ••• •••") && report.contains("sensitive failure"), "{report}");
}

#[test]
fn what_the_runbook_does_with_canaries_is_done() {
    let site = Site::new();
    let words = [&RUN[..], &["--output", "json"]].concat();
    let stream = Stream::of(&site.call(&words).run().expect_code(1));
    for (task, host, end) in ENDS {
        let is_it = |event: &&&serde_json::Value| {
            let node = &event["node"];
            node["task"] == task && node["host"].as_str().unwrap_or_default() == host
        };
        let ended = stream.named("node_finished");
        let ended = ended.iter().find(is_it).unwrap_or_else(|| panic!("`{task}` [{host}] did not end"));
        assert_eq!(ended["status"], end, "{ended}");
    }
    assert_eq!(stream.named("node_finished").len(), ENDS.len());
    // What is written into files is there, for nobody else, and nothing is left beside it.
    for path in site.outputs() {
        let held = site.finder.find(&std::fs::read(&path).unwrap());
        assert!(!held.is_empty() && mode(&path) == 0o600, "{}: {held:?}, {:o}", path.display(), mode(&path));
    }
    let folder = &site.farm.host(0).folder;
    let left = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let unknown: Vec<_> = left.filter(|path| !site.outputs().contains(path)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    // The server was sent what the script was to send.
    let requests = site.api.requests();
    assert!(requests.iter().any(|request| request.body.contains("é") && request.target.contains("?k=")));
    assert!(
        requests.iter().any(|request| request.headers.contains_key("proxy-authorization")),
        "{requests:?}"
    );
}

#[test]
fn no_process_shows_a_canary_while_a_run_goes_on() {
    let site = Site::new();
    let watch = Watch::start(Arc::clone(&site.finder), Some(OWNER));
    let finished = site.call(&[&RUN[..], &["-v"]].concat()).run().expect_code(1);
    let seen = watch.finish();
    assert_eq!(seen.hits, Hits::new());
    for line in ["book.rhai --env prod", "sleep 0.2", "sleep 0.3", "sshd"] {
        assert!(
            seen.lines.iter().any(|seen| seen.contains(line)),
            "`{line}` was not seen in {} rounds",
            seen.rounds
        );
    }
    assert_eq!(site.leaks(&finished), Hits::new());
}

/// The journal keeps large texts compressed, so it is asked for them as well as read byte by byte.
#[test]
fn nothing_that_the_journal_tells_holds_a_canary() {
    let site = Site::new();
    let finished = site.call(&RUN).run().expect_code(1);
    assert_eq!(site.leaks(&finished), Hits::new());
    assert_eq!(mode(&site.project.path(".oneex/journal.db")), 0o600);
    let ways: [&[&str]; 6] = [
        &["log", "-vvv"],
        &["log", "--output", "json", "--junit", "log.xml"],
        &["show"],
        &["show", "--failed", "-vvv"],
        &["history"],
        &["journal", "verify"],
    ];
    for words in ways {
        let finished = site.call(words).run();
        assert_eq!(site.leaks(&finished), Hits::new(), "{words:?}");
        assert!(!finished.stdout.is_empty(), "{words:?}: {}", finished.stderr);
    }
    let finished = site.call(&["resume", "-vvv"]).run().expect_code(1);
    assert_eq!(site.leaks(&finished), Hits::new());
}

#[test]
fn no_other_command_shows_a_canary() {
    let site = Site::new();
    // What no script has named a secret is none to `exec`; what the inventory has is.
    let inventory = ["group_vars/ops.yaml", "host_vars/h1.yaml"];
    let inventory = inventory.map(|name| site.project.path(name).display().to_string()).join(" ");
    let cat = format!("cat {inventory}; base64 {inventory}; cat {inventory} >&2");
    let book = ["book.rhai", "--env", "prod"];
    let given = [&book[..], &["--params", "secrets.yaml"]].concat();
    let calls: [(Vec<&str>, i32); 14] = [
        ([&["plan", "-vvv"], &given[..]].concat(), 1),
        ([&["plan", "--output", "json", "--junit", "plan.xml"], &given[..]].concat(), 1),
        ([&["graph"], &given[..]].concat(), 0),
        ([&["graph", "--output", "json"], &given[..]].concat(), 0),
        ([&["params"], &book[..]].concat(), 0),
        ([&["params", "--output", "json"], &book[..]].concat(), 0),
        ([&["run", "--help"], &given[..]].concat(), 0),
        (vec!["hosts", "--env", "prod", "--vars"], 0),
        (vec!["hosts", "--env", "prod", "--output", "json"], 0),
        (vec!["hosts", "--env", "prod", "ops", "--output", "json", "-vvv"], 0),
        (vec!["facts", "h1,h2", "--env", "prod", "-vvv"], 0),
        (vec!["facts", "h1", "--env", "prod", "--output", "json"], 0),
        (vec!["exec", "h1", "--env", "prod", "-vvv", "--", &cat], 0),
        (vec!["exec", "h1", "--env", "prod", "--output", "json", "--", &cat], 0),
    ];
    for (words, code) in calls {
        let finished = site.call(&words).run().expect_code(code);
        assert_eq!(site.leaks(&finished), Hits::new(), "{words:?}");
    }
}
