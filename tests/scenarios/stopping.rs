//! What is left when something is stopped: by a limit, by Ctrl-C, by a host that goes away.

use oneex_testkit::processes;
use rustix::process::Signal;
use serde_json::Value;

use super::fleet::{Fleet, Stream};

/// Seconds for `sleep` that no other process of the machine has among its arguments.
fn mark(number: usize) -> String {
    format!("36{number}.{}", std::process::id())
}

/// Waits until `count` processes `sleep MARK` run.
#[track_caller]
fn sleeping(mark: &str, count: usize) {
    let wanted = format!("sleep\0{mark}\0");
    assert!(processes::until(|| processes::with_argument(&wanted).len() == count), "no `sleep {mark}`");
}

#[test]
fn a_timeout_leaves_no_process_on_the_host_and_always_runs() {
    let mark = mark(1);
    let fleet = Fleet::new(1);
    fleet.book(&format!(
        r#"
let a = task("connect").on(hosts("web")).run(|h| {{ h.query("true"); }});
task("a").on(hosts("web")).needs(a).timeout("2s").run(|h| {{
    h.exec("echo begun >${{FOLDER}}/begun; sleep {mark} & sleep {mark}; wait", #{{ env: #{{ FOLDER: h.vars.folder }} }});
}}).always(|h| {{ h.exec(["touch", h.vars.folder + "/always"]); }});
"#
    ));
    let stream = fleet.run(1, &[]);
    assert_eq!(fleet.read(0, "begun"), "begun\n");
    let failure = &stream.0[stream.at("node_finished", "a", "h1")]["failure"];
    assert_eq!(failure["kind"], "timeout", "{failure}");
    assert!(fleet.path(0, "always").exists());
    assert!(processes::gone(&mark), "the command outlived its limit");
}

#[test]
fn an_interrupt_cancels_what_runs_and_always_and_the_summary_still_come() {
    let mark = mark(2);
    let fleet = Fleet::new(2);
    fleet.book(&format!(
        r#"
let a = task("a").on(hosts("web")).run(|h| {{ h.exec(["sleep", "{mark}"]); }})
    .always(|h| {{ h.exec(["touch", h.vars.folder + "/always"]); }});
task("next").on(hosts("web")).needs(a).run(|h| {{ h.exec(["touch", h.vars.folder + "/next"]); }});
on_end(|run| {{ info(`the end: ${{run.status}}`); }});
"#
    ));
    let running = fleet.call(&["run", "book.rhai", "--output", "json"]).start();
    sleeping(&mark, 2);
    running.signal(Signal::INT);
    let stream = Stream::of(&running.finish().expect_code(130));
    assert!(processes::gone(&mark), "the command outlived the run");
    for (index, host) in ["h1", "h2"].into_iter().enumerate() {
        assert_eq!(stream.status("a", host), "cancelled");
        assert_eq!(stream.status("next", host), "cancelled");
        assert!(fleet.path(index, "always").exists(), "{host}");
        assert!(!fleet.path(index, "next").exists(), "{host}");
    }
    assert_eq!(stream.0.iter().filter(|event| event["event"] == "interrupted").count(), 1);
    assert_eq!(stream.messages(), ["the end: interrupted"]);
    assert_eq!(stream.summary()["status"], "interrupted");
}

#[test]
fn a_second_interrupt_ends_the_run_at_once() {
    let (body, always) = (mark(3), mark(4));
    let fleet = Fleet::new(1);
    fleet.book(&format!(
        r#"
task("a").on(hosts("web")).run(|h| {{ h.exec(["sleep", "{body}"]); }})
    .always(|h| {{ h.exec(["sleep", "{always}"]); }});
"#
    ));
    let running = fleet.call(&["run", "book.rhai"]).start();
    sleeping(&body, 1);
    running.signal(Signal::INT);
    sleeping(&always, 1);
    running.signal(Signal::INT);
    let finished = running.finish().expect_code(130);
    assert!(processes::gone(&body) && processes::gone(&always), "a command outlived the run");
    assert!(finished.stdout.contains("recap"), "{}", finished.stdout);
}

#[test]
fn a_failed_batch_ends_the_commands_of_its_other_hosts() {
    let (on_host, on_controller) = (mark(6), mark(7));
    let fleet = Fleet::new(3);
    fleet.book(&format!(
        r#"
let begun = host("h2").vars.folder + "/begun";
block("release", #{{ on: hosts("web"), batch: 2 }}, || {{
    task("stop").run(|h| {{
        if h.name == "h1" {{ h.exec(`until [ -e ${{begun}}/host ] && [ -e ${{begun}}/local ]; do sleep 0.02; done; exit 9`); }}
    }});
    task("start").run(|h| {{
        h.exec(["mkdir", begun]);
        parallel([
            || h.exec(`touch ${{begun}}/host; sleep {on_host} & sleep {on_host}; wait`),
            || local().exec(`touch ${{begun}}/local; sleep {on_controller} & sleep {on_controller}; wait`),
        ]);
    }})
        .rescue(|h, err| {{ h.exec(["touch", h.vars.folder + "/rescue"]); }})
        .always(|h| {{ h.exec(["touch", h.vars.folder + "/always"]); }});
}});
on_end(|run| {{ info(`the end: ${{run.status}}`); }});
"#
    ));
    let stream = fleet.run(1, &[]);
    assert!(processes::gone(&on_host), "the command on the host outlived its batch");
    assert!(processes::gone(&on_controller), "the command on the controller outlived its batch");
    for (task, host, status, reason) in [
        ("release/stop", "h1", "failed", Value::Null),
        ("release/start", "h1", "blocked", "`release/stop` failed on `h1`".into()),
        ("release/start", "h2", "cancelled", "batch stopped: h1 failed".into()),
        (
            "release/stop",
            "h3",
            "blocked",
            "batch 1 of `release` was the last: 1 host did not end well, `max_fail` is 0".into(),
        ),
    ] {
        let end = &stream.0[stream.at("node_finished", task, host)];
        assert_eq!((end["status"].as_str(), &end["reason"]), (Some(status), &reason), "{task} {host}");
    }
    assert!(fleet.path(1, "always").exists() && !fleet.path(1, "rescue").exists());
    assert_eq!(stream.messages(), ["the end: failed"]);
    assert_eq!(stream.summary()["status"], "failed");
}

#[test]
fn people_are_told_why_a_node_was_cancelled() {
    let project = super::fleet::project();
    project.write(
        "book.rhai",
        r#"
task("roll").each(["x", "y"]).batch(2).run(|item| {
    if item == "y" {
        local().exec("touch begun; sleep 3600");
    }
    local().exec("until [ -e begun ]; do sleep 0.02; done; exit 9");
});
"#,
    );
    let finished = project.oneex(["run", "book.rhai", "--junit", "junit.xml"]).run().expect_code(1);
    assert!(finished.stdout.contains("cancelled   roll [y]  batch stopped: x failed"), "{}", finished.stdout);
    assert!(project.read("junit.xml").contains("batch stopped: x failed"), "{}", project.read("junit.xml"));
}

#[test]
fn an_unreachable_host_is_an_outcome_of_its_own_and_can_be_rescued() {
    let mut fleet = Fleet::separate(3);
    fleet.farm.stop(1);
    fleet.book(
        r#"
let p = params(#{ also: "nothing" });
task("a").on(hosts("web")).run(|h| {
    if h.name == "h3" && p.also == "fail" { fail("on purpose"); }
    h.query("true");
});
"#,
    );
    let stream = fleet.run(3, &[]);
    let status = |host| stream.status("a", host);
    assert_eq!((status("h1"), status("h2"), status("h3")), ("ok", "unreachable", "ok"));
    assert_eq!(stream.0[stream.at("node_finished", "a", "h2")]["failure"]["kind"], "unreachable");
    assert_eq!(stream.summary()["status"], "unreachable");
    let failed = fleet.run(1, &["--set", "also=fail"]);
    assert_eq!((failed.status("a", "h2"), failed.status("a", "h3")), ("unreachable", "failed"));

    fleet.book(
        r#"
let a = task("a").on(hosts("web")).run(|h| { h.query("true"); }).rescue(|h, err| { info(`${h.name} ${err.kind}`); });
task("b").needs(a).run(|| {});
"#,
    );
    let rescued = fleet.run(0, &[]);
    assert_eq!((rescued.status("a", "h2"), rescued.status("b", "")), ("rescued", "ok"));
    assert_eq!(rescued.messages(), ["h2 unreachable"]);

    fleet.farm.restart(1);
    assert_eq!(fleet.run(0, &[]).status("a", "h2"), "ok");
}

#[test]
fn a_host_that_goes_away_while_it_works_is_unreachable() {
    let mark = mark(5);
    let mut fleet = Fleet::separate(2);
    fleet.project.write("oneex.toml", "[ssh]\nreconnect = '1s'\n");
    fleet.book(&format!(
        r#"
task("a").on(hosts("web")).run(|h| {{ if h.name == "h2" {{ h.exec(["sleep", "{mark}"]); }} else {{ h.query("true"); }} }});
"#
    ));
    let running = fleet.call(&["run", "book.rhai", "--output", "json"]).start();
    sleeping(&mark, 1);
    fleet.farm.stop(1);
    let stream = Stream::of(&running.finish().expect_code(3));
    assert_eq!((stream.status("a", "h1"), stream.status("a", "h2")), ("ok", "unreachable"));
    for process in processes::with_argument(&mark) {
        processes::kill(process);
    }
}

#[test]
fn twenty_queries_are_twenty_round_trips_over_one_connection() {
    let fleet = Fleet::new(2);
    fleet.book(
        r#"
task("a").on(hosts("web")).run(|h| { for n in 0..20 { h.query(["test", n.to_string(), "=", n.to_string()]); } });
task("b").on(hosts("web")).run(|h| { h.query("true"); });
"#,
    );
    let stream = fleet.run(0, &["--stats", "stats.json"]);
    assert_eq!(stream.count("operation", "a"), 40);
    let stats: Value = serde_json::from_str(&fleet.project.read("stats.json")).unwrap();
    for host in ["h1", "h2"] {
        let trips = stats["hosts"][host]["round_trips"].as_u64().unwrap();
        assert!((21..=30).contains(&trips), "{trips} round trips on {host}");
    }
    assert_eq!(fleet.farm.log(0).matches("Accepted publickey").count(), 2, "one login a host");
    assert_eq!((stats["v"].as_u64(), stats["operations"].as_u64()), (Some(1), Some(42)));
    assert_eq!((stats["nodes"]["ok"].as_u64(), stats["changed"].as_u64()), (Some(4), Some(0)));
    assert!(stats["bytes"]["sent"].as_u64().unwrap() > 0 && stats["bytes"]["received"].as_u64().unwrap() > 0);
}
