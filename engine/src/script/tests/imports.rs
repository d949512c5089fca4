//! Imports and roles.

use oneex_sdk::json;

use super::{Site, value};

const ROLE: &str = r#"
    import "words" as words;
    export const PORT = 80;
    fn port() { global::PORT + 1 }
    private fn hidden() { "hidden " + words::shout("x") }
    fn nginx(n) {
        task("install").run(|| [n, port(), global::PORT, hidden(), words::shout("y")])
    }
"#;
const WORDS: &str = r#"const MARK = "!"; fn shout(text) { text + global::MARK }"#;

fn site(main: &str) -> Site {
    Site::new(main).file("roles/nginx/role.rhai", ROLE).file("roles/words.rhai", WORDS)
}

#[test]
fn a_role_declares_tasks_whose_bodies_see_the_role() {
    let loaded = site("import \"nginx\" as nginx; nginx::nginx(5);").loaded();
    assert_eq!(value(&loaded, "nginx:install"), json!([5, 81, 80, "hidden x!", "y!"]));
}

#[test]
fn a_role_imported_twice_is_called_in_two_blocks() {
    let script = "import \"roles/nginx\" as one; import \"nginx\" as two;\n\
                  block(\"a\", || { one::nginx(1); }); block(\"b\", || { two::nginx(2); });";
    let loaded = site(script).loaded();
    assert_eq!(value(&loaded, "a/nginx:install")[0], json!(1));
    assert_eq!(value(&loaded, "b/nginx:install")[0], json!(2));
}

#[test]
fn functions_of_imports_that_use_constants_work_in_bodies() {
    let loaded = site("import \"nginx\" as nginx; import \"words\" as w; task(\"t\").run(|| [nginx::port(), w::shout(\"z\"), nginx::PORT]);").loaded();
    assert_eq!(value(&loaded, "t"), json!([81, "z!", 80]));
}

#[test]
fn the_standard_library_is_embedded() {
    let loaded = Site::new("import \"std/greet\" as greet; task(\"t\").run(|| greet::word());").loaded();
    assert_eq!(value(&loaded, "t"), json!("hello"));
}

#[test]
fn an_unknown_import_says_where_it_was_looked_for() {
    let (message, place, hints) = site("let x = 1;\nimport \"ngnix\" as n;").mistake();
    assert_eq!(message, "there is no module `ngnix`");
    assert_eq!(place, "main.rhai:2:1");
    assert!(hints.iter().any(|hint| hint.contains("`roles/ngnix/role.rhai`")), "{hints:?}");
    let (message, _, hints) = Site::new("import \"std/gret\" as n;").mistake();
    assert_eq!(
        (message.as_str(), hints[0].as_str()),
        ("the standard library has no `std/gret`", "did you mean `std/greet`?")
    );
}

#[test]
fn nothing_outside_of_the_project_is_imported() {
    let outside = tempfile::tempdir().expect("a folder");
    std::fs::write(outside.path().join("evil.rhai"), "").expect("written");
    for path in [outside.path().join("evil").display().to_string(), "link".into()] {
        let site = site(&format!("import \"{path}\" as e;"));
        std::os::unix::fs::symlink(outside.path().join("evil.rhai"), site.path().join("link.rhai"))
            .expect("a link");
        let (message, _, _) = site.mistake();
        assert!(message.ends_with("is outside of the project"), "{message}");
    }
}

#[test]
fn imports_in_a_cycle_are_a_mistake() {
    let (message, _, _) = Site::new("import \"a\" as a;")
        .file("a.rhai", "import \"b\" as b;")
        .file("b.rhai", "import \"a\" as a;")
        .mistake();
    assert_eq!(message, "imports form a cycle: a.rhai → b.rhai → a.rhai");
}

#[test]
fn a_mistake_in_an_import_shows_its_own_file() {
    let (message, place, _) =
        Site::new("import \"a\" as a; a::f();").file("a.rhai", "fn f() {\n  nope(1)\n}").mistake();
    assert!(message.contains("nope"), "{message}");
    assert_eq!(place, "a.rhai:2:3");
}
