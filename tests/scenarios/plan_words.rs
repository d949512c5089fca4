//! What a plan says: every word of it, on the controller alone.

use std::collections::BTreeMap;

use oneex_testkit::project::TestProject;

use super::fleet::Stream;

/// `DIR` stands for a folder that does not hold what the tasks would make.
const BOOK: &str = r#"
let d = "DIR";
let first = task("first").run(|| {
    let h = local();
    h.directory(d + "/made");
    h.write(d + "/made/a", "1\n");
    h.stat("/");
});
task("behind").needs(first).run(|| { local().stat(d + "/made/a").exists });
task("behind fails").needs(first).run(|| { local().read(d + "/made/a").content });
task("behind waits").needs(first).run(|| { wait_until("1h", || local().stat(d + "/made/a").exists); });
task("beside").run(|| { local().stat(d + "/made/a").exists });
task("right").run(|| { local().directory(d); sleep("1h"); retry(3, "1h", || 1); parallel([|| 1]) });
task("asks once").run(|| { wait_until("1h", #{ every: "1s" }, || true); });
task("skipped").when(false).run(|| 1);
task("skips").run(|| skip("no need"));
let hosts = task("hosts").adds_hosts(["made"]).run(|| add_host(#{ name: "m1", groups: ["made"], address: "192.0.2.1" }));
task("on it").on(hosts("made")).needs(hosts).run(|h| { h.write("/x", "x"); });
task("says nothing").on(hosts("made")).needs(hosts).run(|h| { h.name });
"#;

fn project(book: &str) -> TestProject {
    let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
    let folder = project.path("state");
    std::fs::create_dir(&folder).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&folder, mode).unwrap();
    project.write("book.rhai", &book.replace("DIR", &folder.display().to_string()));
    project
}

fn events(project: &TestProject) -> Stream {
    Stream::of(&project.oneex(["plan", "book.rhai", "--output", "json"]).run().expect_code(0))
}

/// How each node ended, with its reason where there is one.
fn ends(stream: &Stream) -> BTreeMap<String, String> {
    let finished = stream.0.iter().filter(|event| event["event"] == "node_finished");
    finished
        .map(|event| {
            let reason = event["reason"].as_str().map(|reason| format!(": {reason}")).unwrap_or_default();
            let status = event["status"].as_str().unwrap();
            (event["node"]["task"].as_str().unwrap().to_owned(), format!("{status}{reason}"))
        })
        .collect()
}

/// The operations of a task: name, status, what they assume.
fn operations(stream: &Stream, task: &str) -> Vec<(String, String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let of_task =
        stream.0.iter().filter(|event| event["event"] == "operation" && event["node"]["task"] == task);
    of_task.map(|event| (text(&event["name"]), text(&event["status"]), text(&event["assumes"]))).collect()
}

#[test]
fn every_node_ends_as_the_words_say() {
    let project = project(BOOK);
    let stream = events(&project);
    let folder = project.path("state").display().to_string();
    let made = format!("`write {folder}/made/a`");
    let assumed = format!("`directory {folder}/made`");
    let ends = ends(&stream);
    let missing = format!(
        "known_after_run: it assumes {assumed}, and fails as things are: `{folder}/made/a` does not exist"
    );
    for (task, expected) in [
        ("first", "changed"),
        ("behind", "ok"),
        ("behind fails", missing.as_str()),
        ("behind waits", "known_after_run: a wait that is not over now"),
        ("beside", "ok"),
        ("right", "ok"),
        ("asks once", "ok"),
        ("skipped", "skipped: its condition is false"),
        ("skips", "skipped: no need"),
        ("hosts", "ok"),
        ("on it", "known_after_run: `m1` does not exist yet"),
        ("says nothing", "known_after_run: `m1` does not exist yet"),
    ] {
        assert_eq!(ends[task], expected, "{task}; {made}");
    }
    let own = |text: &str| text.to_owned();
    let of_first = operations(&stream, "first");
    assert_eq!(of_first[0], (own("directory"), own("will_change"), String::new()));
    assert_eq!(of_first[1], (own("write"), own("will_change"), assumed.clone()));
    assert_eq!(operations(&stream, "behind"), [(own("stat"), own("no_change"), assumed)]);
    assert_eq!(operations(&stream, "beside"), [(own("stat"), own("no_change"), String::new())]);
    assert_eq!(std::fs::read_dir(project.path("state")).unwrap().count(), 0, "nothing is written");
}

#[test]
fn the_last_line_counts_and_states_the_coverage() {
    let project = project(
        r#"
let h = local();
task("one").run(|| { let h = local(); h.stat("/"); h.write("DIR/a", "1\n"); h.stat("/"); });
task("two").needs("one").run(|| { let h = local(); h.exec("true"); h.stat("/"); });
task("three").needs("two").run(|| { local().exec("echo 1").stdout });
task("four").needs("three").when(false).run(|| 1);
"#,
    );
    let finished = project.oneex(["plan", "book.rhai"]).run().expect_code(0);
    let last = finished.stdout.lines().last().unwrap_or_default();
    let expected = "3 no change · 1 will change · 2 action · 4 assumed · 1 known after run · 1 skipped; 2 of 6 operations certain";
    assert!(last.ends_with(expected), "{last}\n{}", finished.stdout);
}

#[test]
fn what_runs_beside_is_not_assumed_whichever_is_first() {
    let book = "for n in 0..20 { task(`act${n}`).run(|| { local().exec(\"true\"); }); }
        for n in 0..20 { task(`look${n}`).run(|| { local().stat(\"/\"); }); }";
    let project = project(book);
    let stream = events(&project);
    for n in 0..20 {
        let found = operations(&stream, &format!("look{n}"));
        assert_eq!(found[0].2, "", "look{n} assumes what is not before it");
    }
}
