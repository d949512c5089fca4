//! Contents with secrets, and what killed runs left.

use std::fs::File as StdFile;
use std::time::{Duration, SystemTime};

use oneex_sdk::{Reader as _, Value, json};
use oneex_testkit::{TestHost, laws};

use crate::host::ops::{Block, Copy, Line, Template, Write};

/// Runs the check for each operation that gives a file a content; `$check` gets host, operation, options.
macro_rules! for_each_writer {
    ($host:ident, $text:expr, |$op:ident, $options:ident| $body:block) => {{
        let write: Value = json!({ "content": $text });
        let copy: Value = json!({ "src": "source" });
        let template: Value = json!({ "src": "source.j2" });
        let line: Value = json!({ "line": $text, "create": true });
        let block: Value = json!({ "block": $text, "create": true });
        for_each_writer!(@one $host, $text, Write, write, |$op, $options| $body);
        for_each_writer!(@one $host, $text, Copy, copy, |$op, $options| $body);
        for_each_writer!(@one $host, $text, Template, template, |$op, $options| $body);
        for_each_writer!(@one $host, $text, Line, line, |$op, $options| $body);
        for_each_writer!(@one $host, $text, Block, block, |$op, $options| $body);
    }};
    (@one $host:ident, $text:expr, $type:ident, $value:ident, |$op:ident, $options:ident| $body:block) => {{
        let $host = TestHost::new();
        $host.project_write("files/source", $text);
        $host.project_write("templates/source.j2", $text);
        let mut $options = $value.clone();
        $options["path"] = json!($host.path("f"));
        let $op = || $type;
        $body
    }};
}

#[tokio::test]
async fn a_secret_is_private_and_not_shown() {
    for_each_writer!(host, "token=hunter2", |op, options| {
        host.secrets().register("hunter2");
        let change = laws::plan(op(), &host, options.clone()).await.expect("a plan");
        let text = change.to_text();
        assert!(!text.contains("hunter2") && text.contains("with a secret, not shown"), "{text}");
        assert!(change.items.iter().all(|item| item.diff.is_none()), "{text}");
        assert!(laws::ensures(op(), &host, options.clone()).await.expect("it is written").changed);
        assert_eq!(host.mode("f"), 0o600, "{options}");
        options["mode"] = json!("0640");
        laws::ensures(op(), &host, options.clone()).await.expect("the mode is given");
        assert_eq!(host.mode("f"), 0o640, "{options}");
    });
}

#[tokio::test]
async fn a_secret_among_bytes_that_are_no_text_is_private_too() {
    let host = TestHost::new();
    host.secrets().register("hunter2");
    for (content, mode) in [(&b"\xff\0hunter2\xfe"[..], 0o600), (b"\xff\0hunter\xfe2", 0o644)] {
        host.project_write("files/key.bin", content);
        let options = json!({ "src": "key.bin", "path": host.path(&format!("key {mode:o}")) });
        laws::ensures(Copy, &host, options).await.expect("it is copied");
        assert_eq!(host.mode(&format!("key {mode:o}")), mode);
    }
}

#[tokio::test]
async fn a_file_that_all_can_read_is_closed_when_a_secret_comes() {
    for_each_writer!(host, "token=hunter2", |op, options| {
        host.secrets().register("hunter2");
        host.write("f", "public\n");
        assert_eq!(host.mode("f"), 0o644);
        let change = laws::plan(op(), &host, options.clone()).await.expect("a plan");
        assert!(change.to_text().contains("mode: 0644 → 0600"), "{}", change.to_text());
        laws::ensures(op(), &host, options.clone()).await.expect("it is written");
        assert_eq!(host.mode("f"), 0o600, "{options}");
    });
}

#[tokio::test]
async fn what_holds_no_secret_is_shown_and_keeps_its_mode() {
    for_each_writer!(host, "token=public", |op, options| {
        host.secrets().register("hunter2");
        let change = laws::plan(op(), &host, options.clone()).await.expect("a plan");
        assert!(change.to_text().contains("+token=public"), "{}", change.to_text());
        laws::ensures(op(), &host, options.clone()).await.expect("it is written");
        assert_eq!(host.mode("f"), 0o644, "{options}");
    });
}

#[tokio::test]
async fn what_a_killed_run_left_is_swept() {
    for_each_writer!(host, "x", |op, options| {
        let swept = [".f.oneex-0123456789abcdef", ".f.oneex-ffffffffffffffff"];
        let kept = [
            ".f.oneex-0123456789abcdeg",
            ".f.oneex-0123",
            ".g.oneex-0123456789abcdef",
            "f.oneex-0123456789abcdef",
            ".f.oneex-0123456789abcdef0",
        ];
        for name in swept.iter().chain(&kept) {
            let file = StdFile::create(host.path(name)).expect("a file");
            file.set_modified(SystemTime::now() - Duration::from_secs(3600)).expect("an older time");
        }
        std::os::unix::fs::symlink("/nowhere", host.path(".f.oneex-bbbbbbbbbbbbbbbb")).expect("a link");
        let newer = ".f.oneex-aaaaaaaaaaaaaaaa";
        let file = StdFile::create(host.path(newer)).expect("a file");
        file.set_modified(SystemTime::now() + Duration::from_secs(3600)).expect("a later time");
        laws::ensures(op(), &host, options.clone()).await.expect("it is written");
        for name in swept.into_iter().chain([".f.oneex-bbbbbbbbbbbbbbbb"]) {
            assert!(
                !host.root().join(name).is_symlink() && !host.root().join(name).exists(),
                "`{name}` is left"
            );
        }
        for name in kept.iter().chain([&newer]) {
            assert!(host.root().join(name).exists(), "`{name}` is not ours, or is in use");
        }
    });
}
