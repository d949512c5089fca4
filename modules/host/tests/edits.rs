//! What all operations have in common that edit a file: marks, line breaks, links, secrets and what is no text.

use oneex_sdk::{ErrorKind, Reader as _, Value, json};
use oneex_testkit::{TestHost, laws};

use crate::host::ops::{EnvFile, HostsEntry, Ini, JsonValue, Replace, TomlValue, XmlValue, YamlValue};

/// Runs the check for each operation, with a text, the options of an edit, and what that makes of the text.
macro_rules! for_each_editor {
    (|$op:ident, $text:ident, $options:ident, $after:ident| $body:block) => {{
        for_each_editor!(@one Replace, "# c\na=1\nb", json!({ "regexp": "^a=1$", "replace": "a=2" }), "# c\na=2\nb", |$op, $text, $options, $after| $body);
        for_each_editor!(@one Ini, "# c\n[s]\na = 1\nb", json!({ "section": "s", "option": "a", "value": 2 }), "# c\n[s]\na = 2\nb", |$op, $text, $options, $after| $body);
        for_each_editor!(@one EnvFile, "# c\nA=1\nB=", json!({ "name": "A", "value": 2 }), "# c\nA=2\nB=", |$op, $text, $options, $after| $body);
        for_each_editor!(@one HostsEntry, "# c\n10.0.0.1 a\n::1 b", json!({ "address": "10.0.0.1", "names": "b" }), "# c\n10.0.0.1 a b\n::1 b", |$op, $text, $options, $after| $body);
        for_each_editor!(@one JsonValue, "// c\n{\"a\":\n1}", json!({ "key": "a", "value": 2 }), "// c\n{\"a\":\n2}", |$op, $text, $options, $after| $body);
        for_each_editor!(@one YamlValue, "# c\na: 1\nb: 1", json!({ "key": "a", "value": 2 }), "# c\na: 2\nb: 1", |$op, $text, $options, $after| $body);
        for_each_editor!(@one TomlValue, "# c\na = 1\nb = 1", json!({ "key": "a", "value": 2 }), "# c\na = 2\nb = 1", |$op, $text, $options, $after| $body);
        for_each_editor!(@one XmlValue, "<!-- c -->\n<a>\n<b>1</b>\n</a>", json!({ "xpath": "/a/b", "value": 2 }), "<!-- c -->\n<a>\n<b>2</b>\n</a>", |$op, $text, $options, $after| $body);
    }};
    (@one $type:ident, $before:expr, $value:expr, $expected:expr, |$op:ident, $text:ident, $options:ident, $after:ident| $body:block) => {{
        let ($text, $options, $after): (&str, Value, &str) = ($before, $value, $expected);
        let $op = || $type;
        $body
    }};
}

fn with_path(options: &Value, path: String) -> Value {
    let mut options = options.clone();
    options["path"] = json!(path);
    options
}

#[tokio::test]
async fn marks_and_line_breaks_stay() {
    for_each_editor!(|op, text, options, after| {
        for (mark, ending, end) in
            [("", "\n", ""), ("", "\n", "\n"), ("", "\r\n", "\r\n"), ("\u{feff}", "\r\n", "")]
        {
            let shape = |text: &str| format!("{mark}{}{end}", text.replace('\n', ending));
            let host = TestHost::new();
            let options = with_path(&options, host.write("f", shape(text)));
            let done = laws::ensures(op(), &host, options.clone()).await;
            let done = done.unwrap_or_else(|error| panic!("{options}: {error}"));
            assert!(done.changed, "{options}");
            let content = String::from_utf8(host.content("f").expect("a file")).expect("text");
            assert_eq!(content, shape(after), "{options}");
        }
    });
}

#[tokio::test]
async fn links_modes_and_old_files_stay() {
    for_each_editor!(|op, text, options, after| {
        let host = TestHost::new();
        std::fs::create_dir(host.path("folder")).expect("a folder");
        host.write("folder/real", text);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o640);
        std::fs::set_permissions(host.path("folder/real"), mode).expect("a mode");
        std::os::unix::fs::symlink("folder/real", host.path("l")).expect("a link");
        let mut options = with_path(&options, host.path("l"));
        options["backup"] = json!(true);
        let before = host.round_trips();
        let done = laws::run(op(), &host, options.clone()).await.expect("it is edited");
        assert_eq!(host.round_trips() - before, 2, "{options}");
        assert!(host.root().join("l").is_symlink(), "{options}");
        assert_eq!(host.content("folder/real").as_deref(), Some(after.as_bytes()), "{options}");
        assert_eq!(host.mode("folder/real"), 0o640, "{options}");
        let kept = done.output.fields["backup"].as_str().expect("a path");
        assert_eq!(std::fs::read(kept).expect("the old file"), text.as_bytes(), "{options}");
        let before = host.round_trips();
        let again = laws::run(op(), &host, options.clone()).await.expect("nothing is to be done");
        assert!(!again.changed && host.round_trips() - before == 1, "{options}");
    });
}

#[tokio::test]
async fn what_is_no_text_is_named_and_left() {
    for_each_editor!(|op, text, options, _after| {
        let host = TestHost::new();
        let mut bytes = text.as_bytes().to_vec();
        bytes.extend(b"\xff\xfe\0");
        let options = with_path(&options, host.write("f", &bytes));
        let error = laws::run(op(), &host, options.clone()).await.expect_err("no text");
        assert!(error.message.ends_with("f` is not UTF-8 text"), "{options}: {}", error.message);
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert_eq!(host.content("f"), Some(bytes));
        let folder = with_path(&options, host.path("folder"));
        std::fs::create_dir(host.path("folder")).expect("a folder");
        let error = laws::run(op(), &host, folder).await.expect_err("a folder");
        assert!(error.message.ends_with("folder` is a directory, not a file"), "{}", error.message);
    });
}

#[tokio::test]
async fn a_validation_that_fails_leaves_the_old() {
    for_each_editor!(|op, text, options, after| {
        let host = TestHost::new();
        let mut options = with_path(&options, host.write("f", text));
        options["validate"] = json!("test ! -s %s");
        let error = laws::run(op(), &host, options.clone()).await.expect_err("it is refused");
        assert!(error.message.contains("the validation refused"), "{options}: {}", error.message);
        assert_eq!(host.content("f").as_deref(), Some(text.as_bytes()), "{options}");
        assert_eq!(std::fs::read_dir(host.root()).expect("the folder").count(), 1, "{options}");
        options["validate"] = json!("test -s %s");
        laws::ensures(op(), &host, options.clone()).await.expect("it is accepted");
        assert_eq!(host.content("f").as_deref(), Some(after.as_bytes()), "{options}");
    });
}

#[tokio::test]
async fn a_file_with_a_secret_is_private_and_not_shown() {
    for_each_editor!(|op, text, options, _after| {
        let host = TestHost::new();
        let text = format!("{text}\n").replace(" c", " hunter2").replace("#c", "# hunter2");
        host.secrets().register("hunter2");
        let options = with_path(&options, host.write("f", &text));
        let change = laws::plan(op(), &host, options.clone()).await.expect("a plan");
        let shown = change.to_text();
        assert!(
            !shown.contains("hunter2") && shown.contains("with a secret, not shown"),
            "{options}: {shown}"
        );
        laws::ensures(op(), &host, options.clone()).await.expect("it is written");
        assert_eq!(host.mode("f"), 0o600, "{options}");
    });
}

/// Names that a shell, an option parser or a protocol by lines would take for something else.
const NAMES: &[&str] =
    &["a b", "it's", "new\nline", "end\n", "-n", "--help", "$(touch pwned)", "`id`", "*", "\\n", "größe"];

#[tokio::test]
async fn any_name_is_what_it_is() {
    for_each_editor!(|op, text, options, after| {
        for name in NAMES {
            let host = TestHost::new();
            let options = with_path(&options, host.write(name, text));
            let done = laws::run(op(), &host, options.clone())
                .await
                .unwrap_or_else(|error| panic!("{name:?}: {error}"));
            assert!(done.changed, "{options}");
            assert_eq!(host.content(name).as_deref(), Some(after.as_bytes()), "{options}");
            assert_eq!(std::fs::read_dir(host.root()).expect("the folder").count(), 1, "{options}");
        }
    });
}
