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

/// Twenty typical steps of a host, as in `benches/wire/steps.rs`: thirteen that bring a new host into its state, two
/// commands that act each time, five that look.
const STEPS: &str = r#"task("steps").on(hosts("all")).run(|h| {
    let dir = h.vars.folder + "/app";
    h.directory(dir, #{ mode: "0750" });
    h.copy("payload.txt", dir + "/payload");
    h.template("app.conf.j2", dir + "/app.conf");
    h.line(dir + "/settings", "alpha = 1", #{ create: true });
    h.block(dir + "/settings", "beta = 2\ngamma = 3");
    h.exec(["true"]);
    h.exec("echo hello | wc -c");
    h.stat(dir + "/payload");
    h.user("root");
    h.group("root");
    h.file(dir + "/payload", #{ mode: "0640" });
    h.link("payload", dir + "/current");
    h.exec(`echo level=1 >${dir}/level`, #{ creates: dir + "/level" });
    h.line(dir + "/level", "level=9", #{ regexp: "^level=" });
    h.write(dir + "/motd", "Welcome\n", #{ mode: "0644" });
    h.file(dir + "/log", #{ mode: "0600" });
    h.directory(dir + "/logs/old");
    h.absent(dir + "/old.conf");
    h.line(dir + "/settings", "delta = 4", #{ state: "absent" });
    h.query(["uname", "-r"]);
});"#;

/// Round trips of the steps on a host, the first shell's own three among them, when all is to be done and when nothing
/// is. They are what a run costs where the host is far away, and they do not depend on the machine: whoever saves some
/// lowers these.
const STEPS_COST: [(&str, u64); 2] = [("first", 35), ("second", 11)];

#[test]
fn twenty_steps_cost_no_more_than_they_did() {
    let fleet = Fleet::new(4);
    fleet.project.write("files/payload.txt", &"payload\n".repeat(512));
    fleet.project.write("templates/app.conf.j2", "name = {{ inventory_hostname }}\n");
    fleet.book(STEPS);
    for (run, most) in STEPS_COST {
        fleet.run(0, &["--stats", "stats.json"]);
        let stats: Value = serde_json::from_str(&fleet.project.read("stats.json")).unwrap();
        let hosts = stats["hosts"].as_object().unwrap().values();
        // On a busy machine a shell may look used up that is not, and another one is a few round trips.
        let trips = hosts.map(|host| host["round_trips"].as_u64().unwrap()).min();
        assert!(trips.is_some_and(|trips| trips <= most), "{run} run: {trips:?}, not {most}");
    }
}

#[test]
fn waiting_for_a_command_costs_no_processor_time() {
    let fleet = Fleet::new(1);
    fleet.book(r#"task("wait").on(hosts("web")).run(|h| h.exec("sleep 3"));"#);
    fleet.run(0, &["--stats", "stats.json"]);
    let stats: Value = serde_json::from_str(&fleet.project.read("stats.json")).unwrap();
    // A thread that asks again and again instead of sleeping takes all of the three seconds.
    let seconds = stats["controller_cpu_seconds"].as_f64().unwrap();
    assert!(seconds < 1.0, "{seconds} s of processor time");
}
