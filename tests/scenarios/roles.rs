//! Every role of the standard library, by its own test.

use oneex_testkit::project::TestProject;

#[test]
fn every_role_passes_its_test_twice() {
    for role in oneex_stdlib::names() {
        let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
        let test = oneex_stdlib::file(&role, "test.rhai").unwrap();
        project.write("test.rhai", str::from_utf8(&test).unwrap());
        std::fs::create_dir(project.path("made")).unwrap();
        let folder = format!("folder={}", project.path("made").display());
        for _ in 0..2 {
            drop(project.oneex(["run", "test.rhai", "--set", &folder]).run().expect_code(0));
        }
    }
}
