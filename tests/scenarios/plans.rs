//! A plan writes nothing, and a run then does what it said.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::fleet::{Fleet, Stream};

const BOOK: &str = r#"
task("site").on(hosts("web")).run(|h| {
    let root = h.vars.folder;
    h.directory(`${root}/site`, #{ mode: "0755" });
    h.write(`${root}/kept`, "kept\n", #{ mode: "0644" });
    h.write(`${root}/page`, `page of ${h.name}` + "\n", #{ mode: "0600" }).notify("reload");
    h.link(`${root}/page`, `${root}/latest`);
    h.absent(`${root}/old`);
});
handler("reload").on(hosts("web")).run(|h| { h.exec(`echo reload >>${h.vars.folder}/log`); });
"#;

fn fleet() -> Fleet {
    let fleet = Fleet::new(2);
    fleet.book(BOOK);
    for index in 0..2 {
        for (name, text) in [("kept", "kept\n"), ("old", "old\n")] {
            std::fs::write(fleet.path(index, name), text).unwrap();
        }
    }
    fleet
}

/// Every path below a folder, with what it holds.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = std::fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            found.extend(snapshot(&path));
            found.insert(path, "folder".to_owned());
        } else if kind.is_symlink() {
            found.insert(path.clone(), format!("to {}", std::fs::read_link(&path).unwrap().display()));
        } else {
            found.insert(path.clone(), std::fs::read_to_string(&path).unwrap());
        }
    }
    found
}

/// Operations that changed or would, by host, name and subject, with what changes.
fn changes(stream: &Stream, status: &str) -> BTreeMap<String, Value> {
    let operations =
        stream.0.iter().filter(|event| event["event"] == "operation" && event["status"] == status);
    operations
        .map(|event| {
            let key = format!("{} {} {}", event["target"], event["name"], event["subject"]);
            (key, event["change"].clone())
        })
        .collect()
}

#[test]
fn a_run_does_what_the_plan_said_and_the_plan_wrote_nothing() {
    let fleet = fleet();
    let folder = fleet.farm.dir().join("hosts");
    let project = fleet.project.folder();
    let before = (snapshot(&folder), snapshot(&project));
    let words = ["plan", "book.rhai", "--exit-code", "--output", "json"];
    let plan = Stream::of(&fleet.call(&words).run().expect_code(5));
    assert_eq!((snapshot(&folder), snapshot(&project)), before, "a plan changes nothing");
    assert_eq!(std::fs::read_dir(fleet.project.home()).unwrap().count(), 1, "no cache: only `.ssh`");

    let said = changes(&plan, "will_change");
    assert_eq!(said.len(), 8, "{said:#?}");
    assert!(!said.keys().any(|key| key.contains("kept")), "{said:#?}");
    assert_eq!(changes(&plan, "action").len(), 2, "the handler on both hosts");

    let run = fleet.run(0, &[]);
    assert_eq!(changes(&run, "changed"), said, "with the same words and diffs");
    assert_eq!(
        (fleet.read(0, "log"), fleet.read(1, "page")),
        ("reload\n".to_owned(), "page of h2\n".to_owned())
    );

    let after = fleet.call(&["plan", "book.rhai", "--exit-code"]).run().expect_code(0);
    let last = after.stdout.lines().last().unwrap().to_owned();
    assert!(last.contains("10 no change · 0 will change · 0 action"), "{last}");
    assert!(last.contains("10 of 10 operations certain"), "{last}");
}

#[test]
fn a_plan_says_what_it_cannot_know() {
    let fleet = Fleet::new(1);
    fleet.book(
        r#"
let a = task("a").on(hosts("web")).run(|h| {
    let root = h.vars.folder;
    h.directory(`${root}/d`);
    h.write(`${root}/d/f`, "x\n");
    h.exec(["touch", `${root}/acted`]);
    sleep("1h");
    if h.exec("echo 7").stdout == "7" { h.write(`${root}/last`, "x"); }
});
task("never").on(hosts("web")).when(false).run(|h| { h.exec("false"); });
"#,
    );
    let finished = fleet.call(&["plan", "book.rhai"]).run().expect_code(0);
    let root = fleet.farm.host(0).folder.display().to_string();
    let text = finished.stdout.replace(&root, "ROOT");
    for wanted in [
        "will change     a [h1]  directory ROOT/d\n",
        "will change     a [h1]  write ROOT/d/f · assumes `directory ROOT/d`",
        "action          a [h1]  exec touch ROOT/acted",
        "known after run a [h1]  `.stdout` of the action `exec echo 7`",
        "skipped         never [h1]",
        "0 no change · 2 will change · 2 action",
        "1 known after run · 1 skipped",
    ] {
        assert!(text.contains(wanted), "no {wanted:?} in\n{text}");
    }
    assert_eq!(std::fs::read_dir(&fleet.farm.host(0).folder).unwrap().count(), 0);
}
