//! The order of events on real hosts. A host is made slow by letting it wait for a file that another
//! node writes, so that what a test says about order is proved and not timed.

use super::fleet::Fleet;

/// A command that waits until a file is there.
const WAIT: &str = r#"
fn wait_for(h, path) { h.exec(`until [ -e ${path} ]; do sleep 0.02; done`); }
"#;

fn fleet(count: usize, book: &str) -> Fleet {
    let fleet = Fleet::new(count);
    fleet.book(&format!("{WAIT}{book}"));
    fleet
}

#[test]
fn a_slow_host_does_not_hold_a_fast_one() {
    let fleet = fleet(
        2,
        r#"
let signal = host("h1").vars.folder + "/go";
let a = task("a").on(hosts("web")).timeout("60s").run(|h| { if h.name == "h1" { wait_for(h, signal); } });
task("b").on(hosts("web")).needs(a).run(|h| { if h.name == "h2" { h.exec(["touch", signal]); } });
"#,
    );
    let stream = fleet.run(0, &[]);
    stream.before(("node_started", "b", "h2"), ("node_finished", "a", "h1"));
    stream.before(("node_finished", "a", "h1"), ("node_started", "b", "h1"));
}

#[test]
fn a_barrier_holds_every_host_until_the_slowest_is_done() {
    let fleet = fleet(
        3,
        r#"
let signal = host("h1").vars.folder + "/go";
let a = task("a").on(hosts("web")).timeout("60s").run(|h| {
    if h.name == "h1" { wait_for(h, signal); }
    if h.name == "h3" { h.exec(["touch", signal]); }
});
task("b").on(hosts("web")).after(a).run(|h| { h.query("true"); });
"#,
    );
    let stream = fleet.run(0, &[]);
    for slow in ["h1", "h2", "h3"] {
        for next in ["h1", "h2", "h3"] {
            stream.before(("node_finished", "a", slow), ("node_started", "b", next));
        }
    }
}

#[test]
fn independent_tasks_run_on_one_host_at_the_same_time() {
    let fleet = fleet(
        1,
        r#"
let folder = host("h1").vars.folder;
for number in 1..=4 {
    let next = number % 4 + 1;
    task(`meet${number}`).on(hosts("h1")).timeout("60s").run(|h| {
        h.exec(["touch", `${folder}/${number}`]);
        wait_for(h, `${folder}/${next}`);
    });
}
"#,
    );
    let stream = fleet.run(0, &[]);
    assert_eq!(stream.summary()["counts"]["nodes"]["changed"], 4);
}

#[test]
fn a_batch_stops_after_a_failure_and_goes_on_within_the_limit() {
    let book = r#"
let p = params(#{ limit: 0 });
task("roll").on(hosts("web")).batch(2).max_fail(p.limit).run(|h| {
    if h.name == "h2" { h.exec("echo gone wrong >&2; exit 9"); }
});
task("other").on(hosts("web")).run(|h| { h.query("true"); });
"#;
    let fleet = fleet(5, book);
    let stopped = fleet.run(1, &[]);
    assert_eq!(stopped.batches("roll"), [["h1", "h2"]]);
    for (host, status) in
        [("h1", "ok"), ("h2", "failed"), ("h3", "blocked"), ("h4", "blocked"), ("h5", "blocked")]
    {
        assert_eq!(stopped.status("roll", host), status, "{host}");
        assert_eq!(stopped.status("other", host), "ok", "what does not depend on it goes on: {host}");
    }
    let failure = &stopped.0[stopped.at("node_finished", "roll", "h2")]["failure"];
    assert_eq!(
        (failure["code"].as_i64(), failure["stderr"].as_str().map(str::trim_end)),
        (Some(9), Some("gone wrong")),
        "{failure}"
    );

    let went_on = fleet.run(0, &["--set", "limit=1"]);
    assert_eq!(went_on.batches("roll"), [vec!["h1", "h2"], vec!["h3", "h4"], vec!["h5"]]);
    assert_eq!(went_on.status("roll", "h5"), "ok");
}

#[test]
fn a_failed_host_stops_only_what_depends_on_it() {
    let fleet = fleet(
        3,
        r#"
let a = task("a").on(hosts("web")).run(|h| { if h.name == "h2" { fail("not this one"); } });
let b = task("b").on(hosts("web")).needs(a).run(|h| { h.query("true"); });
task("whole").needs(b).run(|| {});
task("however").after_any(b).run(|| {});
"#,
    );
    let stream = fleet.run(1, &[]);
    let status = |host| stream.status("b", host);
    assert_eq!((status("h1"), status("h2"), status("h3")), ("ok", "blocked", "ok"));
    assert_eq!((stream.status("whole", ""), stream.status("however", "")), ("blocked", "ok"));
}

#[test]
fn a_handler_runs_once_and_after_a_host_that_failed() {
    let fleet = fleet(
        2,
        r#"
handler("reload").on(hosts("web")).run(|h| { h.exec(`echo reload >>${h.vars.folder}/log`); });
let a = task("a").on(hosts("web")).run(|h| {
    h.write(`${h.vars.folder}/one`, "1").notify("reload");
    h.write(`${h.vars.folder}/two`, "2").notify("reload");
    if h.name == "h2" { fail("after a change"); }
});
task("b").on(hosts("web")).needs(a).run(|h| {
    h.write(`${h.vars.folder}/three`, "3").notify("reload");
});
"#,
    );
    let first = fleet.run(1, &[]);
    assert_eq!((fleet.read(0, "log"), fleet.read(1, "log")), ("reload\n".to_owned(), "reload\n".to_owned()));
    first.before(("node_finished", "b", "h1"), ("node_started", "reload", "h1"));
    first.before(("node_finished", "a", "h2"), ("node_started", "reload", "h2"));
    let second = fleet.run(1, &[]);
    assert_eq!(second.count("node_started", "reload"), 0);
}

#[test]
fn retries_stop_at_the_first_success_and_at_their_number() {
    let fleet = fleet(
        2,
        r#"
task("a").on(hosts("web")).retry(3, "1ms").run(|h| {
    let tries = h.exec(`echo x >>${h.vars.folder}/tries; wc -l <${h.vars.folder}/tries`).stdout.trim().parse_int();
    if h.name == "h2" || tries < 3 { fail(`try ${tries}`); }
});
"#,
    );
    let stream = fleet.run(1, &[]);
    assert_eq!((stream.status("a", "h1"), stream.status("a", "h2")), ("changed", "failed"));
    assert_eq!((fleet.read(0, "tries"), fleet.read(1, "tries")), ("x\n".repeat(3), "x\n".repeat(4)));
    assert_eq!((stream.count("node_started", "a"), stream.count("node_retry", "a")), (7, 5));
    let failure = &stream.0[stream.at("node_finished", "a", "h2")]["failure"]["message"];
    assert_eq!(failure, "try 4", "the last one counts");
}

#[test]
fn hosts_that_a_task_made_are_configured_by_the_next() {
    let fleet = Fleet::new(3);
    let farm = &fleet.farm;
    let specs: Vec<String> = farm
        .hosts()
        .iter()
        .map(|host| {
            format!(
                "#{{ name: \"vm-{}\", address: \"{}\", port: {}, user: \"{}\", groups: [\"made\"], \
                 host_keys: [\"{}\"], vars: #{{ ansible_ssh_private_key_file: \"{}\", folder: \"{}\" }} }}",
                host.name,
                host.address,
                host.port,
                farm.user(),
                host.host_key,
                farm.client_key().display(),
                host.folder.display()
            )
        })
        .collect();
    fleet.book(&format!(
        r#"
let machines = task("machines").each([{}]).adds_hosts(["made"]).run(|spec| {{ add_host(spec); spec.name }});
task("base").on(hosts("made")).needs(machines).run(|h| {{
    h.write(`${{h.vars.folder}}/name`, h.name);
}});
"#,
        specs.join(", ")
    ));
    let words = ["run", "book.rhai", "--output", "json"];
    let stream = super::fleet::Stream::of(&fleet.project.oneex(words).run().expect_code(0));
    assert_eq!(stream.count("host_added", "machines"), 3);
    for index in 0..3 {
        let name = format!("vm-h{}", index + 1);
        assert_eq!(fleet.read(index, "name"), name);
        assert_eq!(stream.status("base", &name), "changed");
    }
}

#[test]
fn sudo_runs_operations_as_another_user() {
    let fleet = fleet(
        1,
        r#"
task("a").on(hosts("web")).sudo("nobody").run(|h| { info(h.query("id -un").stdout); });
task("b").on(hosts("web")).run(|h| { info(`${h.sudo().query("id -un").stdout} ${h.user}`); });
"#,
    );
    let mut stream = fleet.run(0, &[]);
    let user = fleet.farm.user().to_owned();
    stream.0.retain(|event| event["event"] == "message");
    let mut said = stream.messages();
    said.sort_unstable();
    assert_eq!(said, ["nobody".to_owned(), format!("root {user}")]);
}
