//! Blocks, batches and limits on real hosts: how many at a time, and in which order.

use super::fleet::{Fleet, Stream};

/// The most nodes of `tasks` that ran at the same time.
fn most_at_once(stream: &Stream, tasks: &[&str]) -> usize {
    let mut running = 0_usize;
    let mut most = 0;
    for event in &stream.0 {
        if !tasks.iter().any(|task| event["node"]["task"] == *task) {
            continue;
        }
        match event["event"].as_str() {
            Some("node_started") => running += 1,
            Some("node_finished") => running -= 1,
            _ => {}
        }
        most = most.max(running);
    }
    most
}

#[test]
fn a_batch_rolls_through_a_whole_block() {
    let fleet = Fleet::new(4);
    fleet.book(
        r#"
block("release", #{ on: hosts("web"), batch: 2 }, || {
    task("stop").run(|h| { h.exec(`echo stop >>${h.vars.folder}/log`); });
    task("start").run(|h| { h.exec(`echo start >>${h.vars.folder}/log`); });
});
"#,
    );
    let stream = fleet.run(0, &[]);
    for index in 0..4 {
        assert_eq!(fleet.read(index, "log"), "stop\nstart\n");
    }
    for done in ["h1", "h2"] {
        for next in ["h3", "h4"] {
            stream.before(("node_finished", "release/start", done), ("node_started", "release/stop", next));
        }
    }
    assert!(most_at_once(&stream, &["release/stop", "release/start"]) <= 2);
}

#[test]
fn limits_hold_on_hosts() {
    let fleet = Fleet::new(4);
    fleet.book(
        r#"
task("throttled").on(hosts("web")).throttle(2).run(|h| { h.query("true"); });
task("one").on(hosts("web")).exclusive("lock").run(|h| { h.query("true"); });
task("other").on(hosts("web")).exclusive("lock").run(|h| { h.query("true"); });
"#,
    );
    let stream = fleet.run(0, &[]);
    assert!(most_at_once(&stream, &["throttled"]) <= 2);
    assert_eq!(most_at_once(&stream, &["one", "other"]), 1);
    let forked = fleet.run(0, &["--forks", "1"]);
    assert_eq!(most_at_once(&forked, &["throttled", "one", "other"]), 1);
}

#[test]
fn what_tasks_return_is_there_for_those_that_wait_for_them() {
    let fleet = Fleet::new(2);
    fleet.book(
        r#"
let a = task("a").on(hosts("web")).run(|h| { h.query(["echo", h.name]).stdout });
let b = task("b").on(hosts("web")).each(["x", "y"]).run(|h, item| { `${h.name}${item}` });
let failing = task("failing").on(hosts("web")).run(|h| { if h.name == "h2" { fail("no"); } 1 });
task("say").needs([a, b]).after_any(failing).run(|| {
    info(`${a.outputs.h1} ${a.outputs.h2} ${b.outputs.h1.y} ${b.outputs.h2.x}`);
    for result in failing.results { info(`${result.host} ${result.status}`); }
});
"#,
    );
    let stream = fleet.run(1, &[]);
    assert_eq!(stream.messages(), ["h1 h2 h1y h2x", "h1 ok", "h2 failed"]);
}

#[test]
fn a_skipped_host_counts_as_well_for_what_needs_it() {
    let fleet = Fleet::new(3);
    fleet.book(
        r#"
let a = task("a").on(hosts("web")).when(|h| h.name != "h2").run(|h| { if h.name == "h3" { skip("not today"); } });
task("b").on(hosts("web")).needs(a).run(|h| { h.query("true"); });
"#,
    );
    let stream = fleet.run(0, &[]);
    for (host, status) in [("h1", "ok"), ("h2", "skipped"), ("h3", "skipped")] {
        assert_eq!((stream.status("a", host), stream.status("b", host)), (status, "ok"), "{host}");
    }
    assert_eq!(stream.0[stream.at("node_finished", "a", "h3")]["reason"], "not today");
}

#[test]
fn a_task_for_nobody_fails_unless_it_may() {
    let fleet = Fleet::new(1);
    fleet.book(
        r#"
let made = task("made").adds_hosts(["late"]).run(|| {});
task("nobody").on(hosts("late")).needs(made).allow_empty().run(|h| { h.query("true"); });
"#,
    );
    drop(fleet.run(0, &[]));
    let text = fleet.project.read("book.rhai").replace(".allow_empty()", "");
    fleet.book(&text);
    drop(fleet.run(1, &[]));
}
