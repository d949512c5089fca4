//! `kill -9` of a run at any moment: after `resume` every host is as after a run that nobody disturbed, and every command
//! has run once.
//!
//! `ONEEX_KILLS=300 cargo test --test tests -- crashes --nocapture` kills so often; `ONEEX_KILL_SEED` chooses the moments.

use std::time::{Duration, Instant};

use oneex_testkit::project::Finished;
use rustix::process::Signal;

use super::fleet::Fleet;

/// Commands, files, a handler, a gate, attempts, batches, a host that is added, code side by side, things that are drawn.
/// What is marked is marked by a command, and each has marks of its own.
const BOOK: &str = r##"
let drawn = uuid();
let reload = handler("reload").on(hosts("web")).run(|h| h.exec(`echo reload >>${h.var("folder")}/marks`));
let prepare = task("prepare").on(hosts("web")).run(|h| {
    let folder = h.var("folder");
    h.exec(`echo begun >>${folder}/marks; sleep 0.05`);
    h.write(`${folder}/config`, `drawn ${drawn}\n`).notify("reload");
    let both = parallel([
        || h.exec(`echo left >>${folder}/marks; sleep 0.03; echo l`).stdout,
        || h.exec(`echo right >>${folder}/marks; echo r`).stdout,
    ]);
    let password = random_password(16);
    h.write(`${folder}/first`, password);
    h.write(`${folder}/second`, password);
    #{ both: both.join("") }
});
let flaky = task("flaky").on(hosts("web")).needs(prepare).retry(3, "30ms").run(|h| {
    let folder = h.var("folder");
    h.exec(`echo try >>${folder}/marks`);
    if !h.query(`test -e ${folder}/tried`, #{ ok_codes: [0, 1] }).ok {
        h.write(`${folder}/tried`, "");
        fail("the first time it fails");
    }
    h.exec(`echo tried >>${folder}/marks`);
});
let asked = gate("go", "go on?").needs(flaky);
let make = task("make").needs(asked).run(|| {
    local().exec("echo made >>FOLDER/made");
    add_host(HOST);
});
let roll = task("roll").on(hosts("web")).needs(make).batch(#{ size: 1, pause: "30ms" }).run(|h| {
    h.exec(`echo rolled >>${h.var("folder")}/marks; sleep 0.02`);
});
let rescued = task("rescued").on(hosts("web")).needs(roll)
    .run(|h| { h.exec(`echo before >>${h.var("folder")}/marks`); fail("on purpose") })
    .rescue(|h, e| h.exec(`echo rescued >>${h.var("folder")}/marks; sleep 0.02`))
    .always(|h| h.exec(`echo always >>${h.var("folder")}/marks`));
task("extra").on(hosts("extra")).needs([make, rescued]).run(|h| h.exec(`echo extra ${h.var("greeting")} >>${h.var("folder")}/marks`));
"##;

const MARKS: &[&str] =
    &["always", "before", "begun", "left", "reload", "rescued", "right", "rolled", "tried", "try", "try"];

fn fleet() -> Fleet {
    let fleet = Fleet::new(3);
    let host = fleet.farm.host(2);
    let inventory = fleet.project.read("inventory.yaml").replace("h3:", "elsewhere:");
    fleet.project.write("inventory.yaml", &inventory);
    fleet.project.write("oneex.toml", "[defaults]\ninventory = \"inventory.yaml\"\n");
    let added = format!(
        "#{{ name: \"added\", address: \"{}\", port: {}, groups: [\"extra\"], vars: #{{ folder: \"{}\", greeting: \"hello\" }} }}",
        host.address,
        host.port,
        host.folder.display()
    );
    // The third host is found by the task alone.
    let book = BOOK
        .replace("HOST", &added)
        .replace("FOLDER", &fleet.project.folder().display().to_string())
        .replace("hosts(\"web\")", "hosts(\"web:!elsewhere\")");
    fleet.book(&book);
    fleet
}

/// What is not as after a run that nobody disturbed.
fn complaints(fleet: &Fleet, may_repeat: bool) -> Vec<String> {
    let mut found = Vec::new();
    let sorted = |text: String| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    for host in 0..2 {
        let marks = sorted(fleet.read(host, "marks"));
        if marks != MARKS {
            found.push(format!("h{}: {marks:?}", host + 1));
        }
        let (first, second) = (fleet.read(host, "first"), fleet.read(host, "second"));
        if first.len() != 16 || first != second {
            found.push(format!("h{}: passwords {first:?} {second:?}", host + 1));
        }
    }
    if fleet.read(0, "config") != fleet.read(1, "config") || !fleet.read(0, "config").starts_with("drawn ") {
        found.push("what was drawn is not the same".to_owned());
    }
    let made = fleet.project.read("made");
    if made != "made\n" && !(may_repeat && made == "made\nmade\n") {
        found.push(format!("made here: {made:?}"));
    }
    if fleet.read(2, "marks") != "extra hello\n" {
        found.push(format!("the host that was added: {:?}", fleet.read(2, "marks")));
    }
    found
}

/// Numbers that look random, the same for the same seed.
struct Moments(u64);

impl Moments {
    fn below(&mut self, bound: u64) -> u64 {
        // Knuth's MMIX.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }
}

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}

#[test]
fn a_run_that_is_killed_at_any_moment_goes_on() {
    let (kills, mut moments) = (setting("ONEEX_KILLS", 30), Moments(setting("ONEEX_KILL_SEED", 20_261_123)));
    let undisturbed = fleet();
    let began = Instant::now();
    let done = undisturbed.project.oneex(["run", "book.rhai", "--approve", "go"]).run();
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    let whole = began.elapsed();
    assert_eq!(complaints(&undisturbed, false), Vec::<String>::new());
    drop(undisturbed);

    let (mut killed, mut unknown, mut runs) = (0, 0, 0);
    while killed < kills {
        let fleet = fleet();
        // What local commands do, nobody can be asked for: this one only may be of unknown fate.
        let mut words = vec!["run", "book.rhai", "--approve", "go"];
        let (mut history, mut named) = (Vec::new(), 0);
        runs += 1;
        let last: Finished = loop {
            let child = fleet.project.oneex(&words).start();
            let wait =
                Duration::from_micros(moments.below(u64::try_from(whole.as_micros()).unwrap_or(u64::MAX)));
            // The killing is the test's own: the moment is what it is about.
            std::thread::sleep(wait);
            if killed < kills && history.len() < 6 {
                child.signal(Signal::KILL);
                killed += 1;
            }
            let finished = child.finish();
            history.push((wait, finished.code));
            if !fleet.project.path(".oneex/journal.db").exists() {
                continue;
            }
            let told = format!("{}{}", finished.stdout, finished.stderr);
            named += told.matches("nobody knows how it ended").count();
            // It may have been killed after its last word.
            if finished.code == 0 || told.contains("ended well") {
                break finished;
            }
            assert!(
                finished.code > 128 || told.contains("nobody knows") || told.contains("no run of a runbook"),
                "{history:?}: {told}"
            );
            words = if told.contains("no run of a runbook") {
                vec!["run", "book.rhai", "--approve", "go"]
            } else {
                vec!["resume", "--approve", "go", "--unknown", "retry"]
            };
        };
        let told = format!("{history:?}\n{}{}", last.stdout, last.stderr);
        assert_eq!(complaints(&fleet, named > 0), Vec::<String>::new(), "{told}");
        unknown += named;
        let verdict = fleet.project.oneex(["journal", "verify"]).run();
        assert_eq!(verdict.code, 0, "{history:?}: {}{}", verdict.stdout, verdict.stderr);
    }
    println!("{killed} kills in {runs} runs of {whole:?}, {unknown} commands of unknown fate");
}
