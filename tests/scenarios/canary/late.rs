//! A secret that becomes known only in the run.

use super::places::{Hits, mode};
use super::site::Site;

/// What was shown cannot be taken back. What is written when the run ends is another matter.
#[test]
fn what_is_written_at_the_end_does_not_hold_what_became_known_late() {
    let site = Site::new();
    site.project.write(
        "late.rhai",
        r#"
let first = task("first").on(hosts("web")).run(|h| { h.exec("cat; exit 3", #{ stdin: file::read("late.txt") }); });
let skipped = task("skipped").run(|| { skip("it is " + file::read("late.txt")); });
let long = task("long").on(hosts("web")).run(|h| {
    h.exec("cat; head -c 9000000 /dev/zero | tr '\\0' x; echo; cat in; rm in; echo end", #{
        stdin: file::read("late.txt"), cwd: h.var("folder"),
    });
});
let asked = task("asked").on(hosts("web")).run(|h| { h.query(["echo", file::read("late.txt")]); h.stat("/" + file::read("late.txt")); });
task("learn").after_any([first, skipped, long, asked]).run(|| { secret(file::read("late.txt")); });
"#,
    );
    std::fs::write(site.farm.host(0).folder.join("in"), &site.canaries.late.value).unwrap();
    let words = ["run", "late.rhai", "--env", "prod", "--junit", "junit.xml", "--stats", "stats.json", "-q"];
    let finished = site.project.oneex(words).env("SITE_PROXY", "http://127.0.0.1:1").run().expect_code(1);
    assert!(site.project.read("junit.xml").contains("it is •••"), "{}", site.project.read("junit.xml"));
    // What the journal noted cannot be changed without a trace; it is for nobody else.
    let journal = site.project.path(".oneex/journal.db");
    let is_other = |hit: &String| !hit.starts_with(&*journal.to_string_lossy());
    let left: Hits = site.left().into_iter().filter(is_other).collect();
    assert_eq!((left, mode(&journal)), (Hits::new(), 0o600), "{}", finished.stdout);
    let kept = std::fs::read_dir(site.project.path(".oneex/runs")).unwrap().count();
    assert_eq!(kept, 1, "the long output is there");
}
