//! `oneex graph --format svg`: drawn by Graphviz where that is, and a clear word where it is not.

use std::os::unix::fs::PermissionsExt;

use oneex_testkit::project::{Finished, TestProject};

fn project() -> TestProject {
    let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
    project
        .write("book.rhai", "let a = task(\"first <one>\").run(|| {});\ntask(\"b\").needs(a).run(|| {});\n");
    std::fs::create_dir(project.path("bin")).expect("a folder for programs");
    project
}

/// Draws with no program in the PATH but what stands in the project's `bin`.
fn drawn(project: &TestProject) -> Finished {
    let words = ["graph", "book.rhai", "--format", "svg", "-o", "book.svg"];
    project.oneex(words).env("PATH", project.path("bin")).run()
}

#[test]
fn graphviz_draws_every_task() {
    let project = project();
    let words = ["graph", "book.rhai", "--format", "svg", "-o", "book.svg"];
    let finished = project.oneex(words).run().expect_code(0);
    assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("", ""));
    let drawing = project.read("book.svg");
    for part in ["<svg", "first &lt;one&gt;</text>", ">b</text>", "class=\"edge\"", "</svg>"] {
        assert!(drawing.contains(part), "{part}: {drawing}");
    }
}

#[test]
fn without_graphviz_the_other_forms_are_named() {
    let project = project();
    let finished = drawn(&project).expect_code(1);
    let wanted = "error: Graphviz's `dot` cannot be run: no such file or directory\n |\n \
                  = help: install Graphviz, or use `--format dot` or `--format mermaid`\n";
    assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("", wanted));
    assert!(!project.path("book.svg").exists());
}

#[test]
fn what_a_graphviz_that_fails_says_is_shown() {
    for (script, said) in [
        // Does not even read what it is given.
        ("#!/bin/sh\necho 'out of ink' >&2\nexit 3\n", "error: Graphviz's `dot` failed: out of ink\n"),
        (
            "#!/bin/sh\nprintf '\\377'\n",
            "error: the drawing is no text: invalid utf-8 sequence of 1 bytes from index 0\n",
        ),
    ] {
        let project = project();
        project.write("bin/dot", script);
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(project.path("bin/dot"), mode).expect("a program");
        let finished = drawn(&project).expect_code(1);
        assert_eq!(finished.stderr, said);
        assert!(!project.path("book.svg").exists(), "{said}");
    }
}
