//! What operations cost over SSH: round trips are what a person waits for.

use std::fmt::Write as _;

use serde_json::Value;

use super::fleet::Fleet;

/// An operation; how many round trips it takes when something is to be done, and when nothing is.
/// Over 32 KiB the host must say that it is ready for the content, which is a round trip more. A large
/// file goes beside the scripts, to the input of a shell, which knows where it ends and goes on after
/// it: two round trips.
const COSTS: [(&str, u64, u64); 17] = [
    ("h.query(\"true\")", 1, 1),
    ("h.stat(path)", 1, 1),
    ("h.find([h.vars.folder])", 1, 1),
    ("h.exec(\"true\")", 1, 1),
    ("h.exec(\"touch \" + path, #{ creates: path })", 2, 1),
    ("h.script(\"hello.sh\")", 1, 1),
    ("h.directory(path + \"/deeper/still\")", 2, 1),
    ("h.write(path, #{ content: \"hello\\n\" })", 2, 1),
    ("let text = \"hello\"; text.pad(100000, \"x\"); h.write(path, #{ content: text })", 3, 1),
    ("h.template(\"small.txt\", path)", 2, 1),
    ("h.copy(\"large.bin\", path)", 4, 1),
    ("h.link(\"/etc/hostname\", path)", 2, 1),
    ("h.file(path + \"/there\", #{ mode: \"0600\" })", 2, 1),
    ("h.line(path + \"/there\", #{ line: \"hello\" })", 2, 1),
    ("h.block(path + \"/there\", #{ block: \"hello\" })", 2, 1),
    ("h.absent(path + \"/there\")", 2, 1),
    ("h.read(path + \"/there\")", 1, 1),
];

#[test]
fn an_operation_reads_once_and_applies_once() {
    let fleet = Fleet::new(COSTS.len());
    fleet.project.write("templates/small.txt", "{{ folder }}\n");
    fleet.project.write("files/hello.sh", "#!/bin/sh\necho hello\n");
    fleet.project.write("files/large.bin", &"content\n".repeat(1 << 20));
    let mut book = String::new();
    for (index, (operation, _, _)) in COSTS.iter().enumerate() {
        let host = &fleet.farm.host(index).name;
        writeln!(
            book,
            "task(`{index}`).on(host(\"{host}\")).run(|h| {{ let path = h.vars.folder + \"/x\"; {operation}; }});"
        )
        .unwrap();
        if operation.contains("/there") {
            std::fs::create_dir(fleet.path(index, "x")).unwrap();
            std::fs::write(fleet.path(index, "x/there"), "old\n").unwrap();
        }
    }
    fleet.book(&book);
    let trips = |name: &str| -> Vec<u64> {
        fleet.run(0, &["--stats", name]);
        let stats: Value = serde_json::from_str(&fleet.project.read(name)).unwrap();
        let of = |index| stats["hosts"][&fleet.farm.host(index).name]["round_trips"].as_u64().unwrap();
        // What the first one takes beside its own round trip is the connection's.
        (0..COSTS.len()).map(|index| of(index) + 1 - of(0)).collect()
    };
    let found: Vec<_> = trips("first.json").into_iter().zip(trips("second.json")).collect();
    for ((operation, first, second), found) in COSTS.iter().zip(found) {
        assert_eq!(found, (*first, *second), "{operation}");
    }
}
