//! Spoiled runbooks through the program itself: whatever a file holds, it ends as documented and tells the truth.

use oneex_testkit::looks;
use oneex_testkit::mutate::mutate;
use oneex_testkit::project::TestProject;

/// How many spoiled texts are tried; more with a number in `ONEEX_SWEEP`.
const COUNT: u64 = 60;

const RUNBOOK: &str = "//! Says hello.\nlet p = params(#{ name: \"world\", count: #{ value: 2, min: 1, max: 9 } });\n\
    import \"roles/site\" as site;\nlet first = task(\"first\").on(local()).run(|h| {\n    info(`hello ${p.name}`);\n    \
    h.query([\"echo\", \"x\"], #{ ok_codes: [0] }).stdout\n});\nsite::site(local()).needs(first).run(|h| fail(\"näh\"))\n";
const ROLE: &str = "fn site(set) { task(\"site\").on(set).timeout(\"5s\").max_fail(\"10%\") }\n";

#[test]
fn a_spoiled_runbook_never_crashes_the_program() {
    let count = std::env::var("ONEEX_SWEEP").ok().and_then(|number| number.parse().ok()).unwrap_or(COUNT);
    let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
    project.write("roles/site/role.rhai", ROLE);
    let mut complaints = Vec::new();
    for seed in 0..count {
        let bytes = mutate(RUNBOOK, seed);
        std::fs::write(project.path("main.rhai"), &bytes).unwrap();
        let finished = project.oneex(["plan", "main.rhai"]).run();
        let said = [finished.stdout, finished.stderr].concat();
        let mut found = looks::complaints(&said, &project.folder(), &String::from_utf8_lossy(&bytes));
        if !matches!(finished.code, 0..=2) {
            found.push(format!("ends with code {}", finished.code));
        }
        if finished.code == 2 && !looks::has_place(&said) {
            found.push("shows no place".to_owned());
        }
        complaints.extend(found.into_iter().map(|why| format!("seed {seed}: {why}\n{said}")));
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
