//! Reads that travel ahead: they save round trips, and nothing else may differ.

use serde_json::{Value, json};

use super::fleet::{Fleet, Stream};

/// Two tasks, of ten operations and of three.
const BOOK: &str = r#"
    let site = task("site").on(hosts("web")).run(|h| {
        let dir = h.vars.folder + "/site";
        h.directory(dir);
        for name in ["a", "b", "c"] { h.write(`${dir}/${name}`, #{ content: `I am ${name}\n` }); }
        h.template("page.txt", `${dir}/page`);
        h.line(`${dir}/notes`, #{ line: "one more", create: true });
        h.block(`${dir}/notes`, #{ block: "a block" });
        h.link("page", `${dir}/index`);
        h.file(`${dir}/b`, #{ mode: "0600" });
        h.absent(`${dir}/old`);
    });
    task("after").on(hosts("web")).needs(site).run(|h| {
        for name in ["x", "y", "z"] { h.write(`${h.vars.folder}/${name}`, #{ content: name }); }
    });
"#;

fn fleet(hosts: usize) -> Fleet {
    let fleet = Fleet::new(hosts);
    fleet.project.write("templates/page.txt", "{{ inventory_hostname }}\n");
    fleet.book(BOOK);
    fleet
}

fn trips(fleet: &Fleet, more: &[&str]) -> u64 {
    fleet.run(0, &[&["--stats", "stats.json"], more].concat());
    let stats: Value = serde_json::from_str(&fleet.project.read("stats.json")).unwrap();
    stats["hosts"]["h1"]["round_trips"].as_u64().unwrap()
}

#[test]
fn a_converged_host_costs_one_round_trip_a_task() {
    let fleet = fleet(1);
    fleet.run(0, &[]);
    let apart = trips(&fleet, &["--no-read-ahead"]);
    // Ten and three reads become one each.
    assert_eq!(trips(&fleet, &[]), apart - 9 - 2);
    assert_eq!(trips(&fleet, &[]), apart - 9 - 2);
    let _plan =
        fleet.call(&["plan", "book.rhai", "--exit-code", "--stats", "stats.json"]).run().expect_code(0);
    let planned: Value = serde_json::from_str(&fleet.project.read("stats.json")).unwrap();
    assert_eq!(planned["hosts"]["h1"]["round_trips"], apart - 9 - 2);
}

/// What operations and nodes came to, without what differs from run to run.
fn told(stream: &Stream) -> Vec<Value> {
    let told =
        stream.0.iter().filter(|event| event["event"] == "operation" || event["event"] == "node_finished");
    let mut told: Vec<Value> = told.cloned().collect();
    for event in &mut told {
        for name in ["seq", "time", "duration"] {
            event.as_object_mut().unwrap().remove(name);
        }
    }
    told
}

/// Brings a host away from what the runbook wants, and what then changes.
const DRIFTS: [(&str, &str); 8] = [
    ("nothing", "true"),
    ("the first", "rm -r site"),
    ("one in the middle", "echo else > site/b"),
    ("one that two change", "echo else > site/notes"),
    ("several", "rm site/c; echo > site/old; chmod 644 site/b"),
    ("the last", "echo > z"),
    ("a link to another", "ln -sfn a site/index"),
    ("everything", "rm -r site x y z"),
];

#[test]
fn a_run_tells_and_does_the_same_with_and_without() {
    let fleet = fleet(1);
    fleet.run(0, &[]);
    let files = || {
        let list = "find . | sort; cat site/* x y z; ls -l site | cut -c1-10";
        let output =
            std::process::Command::new("sh").args(["-c", list]).current_dir(fleet.path(0, "")).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    for (what, drift) in DRIFTS {
        let [with, without] = [&[][..], &["--no-read-ahead"]].map(|more| {
            // Both begin where a run ended.
            fleet.run(0, &["--no-read-ahead"]);
            let drifted =
                std::process::Command::new("sh").args(["-c", drift]).current_dir(fleet.path(0, "")).status();
            assert!(drifted.unwrap().success(), "{what}");
            let planned = fleet.call(&[&["plan", "book.rhai", "--output", "json"], more].concat()).run();
            (told(&Stream::of(&planned.expect_code(0))), told(&fleet.run(0, more)), files())
        });
        assert_eq!(with, without, "{what}");
    }
}

#[test]
fn what_the_body_itself_changes_in_between_is_seen() {
    let fleet = fleet(1);
    fleet.book(
        r#"task("t").on(hosts("web")).run(|h| {
            let dir = h.vars.folder;
            h.write(`${dir}/first`, #{ content: "1\n" });
            h.exec(`date +%N > ${dir}/stamp; echo by hand > ${dir}/second`);
            h.write(`${dir}/second`, #{ content: "2\n" });
            h.write(`${dir}/third`, #{ content: "3\n" });
        });"#,
    );
    for _ in 0..3 {
        fleet.run(0, &[]);
        assert_eq!((fleet.read(0, "second").as_str(), fleet.read(0, "third").as_str()), ("2\n", "3\n"));
    }
}

#[test]
fn what_was_read_is_kept_for_the_runbook_and_says_nothing_secret() {
    let fleet = fleet(2);
    fleet.project.write("oneex.toml", "");
    fleet.book(
        r#"task("open").on(hosts("web")).run(|h| h.write(h.vars.folder + "/open", #{ content: "x" }));
        task("hidden").on(hosts("web")).sensitive().run(|h| h.write(h.vars.folder + "/hidden", #{ content: "x" }));"#,
    );
    fleet.run(0, &[]);
    let kept: Value = serde_json::from_str(&fleet.project.read(".oneex/reads/book.rhai.json")).unwrap();
    let places: Vec<_> =
        kept["places"].as_array().unwrap().iter().map(|at| (&at["node"], &at["host"])).collect();
    assert_eq!(places, [(&json!("open"), &json!("h1")), (&json!("open"), &json!("h2"))]);

    // One that cannot be read, or kept, is no reason to fail.
    fleet.project.write(".oneex/reads/book.rhai.json", "{");
    fleet.run(0, &[]);
    std::fs::remove_dir_all(fleet.project.path(".oneex/reads")).unwrap();
    fleet.project.write(".oneex/reads", "a file");
    fleet.run(0, &[]);
}
