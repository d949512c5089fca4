//! `--stats`: what a run cost.

use oneex_testkit::SshFarm;
use oneex_testkit::api::{FakeApi, Reply};
use oneex_testkit::project::TestProject;
use serde_json::{Value, json};
use wait4::Wait4 as _;

use crate::scenarios::fleet::Fleet;

fn project() -> TestProject {
    TestProject::new(env!("CARGO_BIN_EXE_oneex"))
}

fn stats(project: &TestProject) -> Value {
    serde_json::from_str(&project.read("stats.json")).unwrap()
}

#[test]
fn requests_to_apis_are_counted_writes_among_them() {
    let api = FakeApi::http(|_| Reply::new(200, "{}"));
    let project = project();
    let url = api.url("/x");
    project.write(
        "api.rhai",
        &format!(
            "task(\"ask\").run(|| {{ http::get(\"{url}\"); http::get(\"{url}\"); http::post(\"{url}\", #{{ json: #{{ a: 1 }} }}); }});"
        ),
    );
    let _ = project.oneex(["run", "api.rhai", "--stats", "stats.json"]).run().expect_code(0);
    assert_eq!(stats(&project)["api"], json!({ "requests": 3, "writes": 1 }));
    assert_eq!(api.requests().len(), 3);
}

#[test]
fn a_proxy_of_the_environment_is_used() {
    let proxy = FakeApi::http(|_| Reply::new(200, "from the proxy"));
    let project = project();
    project
        .write("api.rhai", "task(\"ask\").run(|| { print(http::get(\"http://nowhere.invalid/x\").body); });");
    let run = |name: &str, value: &str| project.oneex(["run", "api.rhai"]).env(name, value).run();
    let finished = run("http_proxy", &proxy.url("")).expect_code(0);
    assert!(finished.stdout.contains("from the proxy"), "{}", finished.stdout);
    assert_eq!(proxy.requests()[0].target, "http://nowhere.invalid/x");
}

#[test]
fn every_figure_of_a_run_is_there() {
    let farm = SshFarm::start(2);
    let project = project();
    project.write("inventory.yaml", &farm.inventory_yaml());
    let known = std::fs::read_to_string(farm.known_hosts()).unwrap();
    std::fs::create_dir_all(project.home().join(".ssh")).unwrap();
    std::fs::write(project.home().join(".ssh/known_hosts"), known).unwrap();
    project.write(
        "run.rhai",
        r#"
        task("write").on(hosts("web")).run(|h| { h.write(h.var("folder") + "/a", #{ content: "hello" }); });
        task("again").after("write").on(hosts("web")).run(|h| { h.write(h.var("folder") + "/a", #{ content: "hello" }); });
        task("skipped").on(hosts("web")).when(|h| false).run(|h| { h.exec("true"); });
        task("failed").on(hosts("h1")).run(|h| { h.exec("exit 3"); });
        "#,
    );
    let words = ["run", "run.rhai", "-i", "inventory.yaml", "--stats", "stats.json"];
    let _ = project.oneex(words).run().expect_code(1);
    let stats = stats(&project);
    assert_eq!(
        (&stats["v"], &stats["status"], &stats["name"]),
        (&json!(1), &json!("failed"), &json!("run.rhai"))
    );
    let nodes = &stats["nodes"];
    let states = ["changed", "ok", "skipped", "failed"].map(|state| nodes[state].as_u64().unwrap_or(0));
    assert_eq!(states, [2, 2, 2, 1], "{stats:#}");
    assert_eq!((&stats["operations"], &stats["changed"]), (&json!(5), &json!(2)), "{stats:#}");
    let hosts = stats["hosts"].as_object().unwrap();
    assert_eq!(hosts.keys().collect::<Vec<_>>(), ["h1", "h2"]);
    for (name, host) in hosts {
        for figure in ["round_trips", "sent", "received"] {
            assert!(host[figure].as_u64().unwrap() > 0, "{name}: {figure}");
        }
    }
    for direction in ["sent", "received"] {
        let sum: u64 = hosts.values().map(|host| host[direction].as_u64().unwrap()).sum();
        assert_eq!(stats["bytes"][direction].as_u64(), Some(sum));
    }
    assert_eq!(stats["api"], json!({ "requests": 0, "writes": 0 }));
    assert!(stats["controller_cpu_seconds"].as_f64().unwrap() > 0.0);
    assert!(stats["peak_memory_bytes"].as_u64().unwrap() > 1 << 20);
    assert!(stats["duration_seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn bytes_are_those_that_were_moved() {
    let fleet = Fleet::new(2);
    fleet.book(
        r#"
let p = params(#{ size: 0 });
let text = "0123456789abcdef";
let content = "";
for n in 0..(p.size / 16) { content += text; }
task("send").on(hosts("h1")).run(|h| { h.write(h.vars.folder + "/big", content); });
task("bring").on(hosts("h2")).run(|h| { h.query(`head -c ${p.size} /dev/zero | tr '\\0' x`); });
"#,
    );
    let moved = |size: u64| {
        let size = format!("size={size}");
        let _ = fleet.run(0, &["--set", &size, "--stats", "stats.json"]);
        let stats = stats(&fleet.project);
        std::fs::remove_file(fleet.path(0, "big")).unwrap();
        let bytes = |host: &str, direction: &str| stats["hosts"][host][direction].as_u64().unwrap();
        (bytes("h1", "sent"), bytes("h2", "received"))
    };
    let (few, many, size) = (moved(16), moved(400_000), 400_000);
    for (few, many) in [(few.0, many.0), (few.1, many.1)] {
        let more = many - few;
        // Text may be wrapped on its way, but not doubled.
        assert!((size - 16..size * 3 / 2).contains(&more), "{more} bytes more for {size}");
    }
}

#[test]
fn time_and_memory_are_those_of_the_process() {
    let project = project();
    project.write(
        "work.rhai",
        r#"
let p = params(#{ rounds: 0, size: 0 });
let held = "0123456789abcdef";
while held.len < p.size { held += held; }
task("work").run(|| { let sum = 0; for n in 0..p.rounds { sum += n; } [sum, held.len] });
"#,
    );
    let measure = |rounds: u64, size: u64| {
        let child = std::process::Command::new(env!("CARGO_BIN_EXE_oneex"))
            .args(["run", "work.rhai", "-q", "--stats", "stats.json"])
            .args(["--set", &format!("rounds={rounds}"), "--set", &format!("size={size}")])
            .current_dir(project.folder())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let used = child.wait4().unwrap();
        assert!(used.status.success());
        let stats = stats(&project);
        let seconds = stats["controller_cpu_seconds"].as_f64().unwrap();
        // The system counts what comes after the report too, and what came before the program's own start.
        let whole = (used.rusage.utime + used.rusage.stime).as_secs_f64();
        assert!(seconds <= whole + 0.05, "{seconds} of {whole} seconds");
        (seconds, stats["peak_memory_bytes"].as_u64().unwrap())
    };
    let (idle, busy, large) = (measure(0, 0), measure(300_000, 0), measure(0, 32 << 20));
    assert!(busy.0 > idle.0, "300,000 rounds cost nothing: {busy:?} {idle:?}");
    assert!(large.1 > idle.1 + (30 << 20), "32 MiB more are not seen: {large:?} {idle:?}");
}
