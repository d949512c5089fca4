//! `pip` with the real pip, over wheels that are made here.

use std::io::Write as _;

use oneex_sdk::{Value, json};
use oneex_testkit::{TestHost, laws};

use crate::host::ops::pip::Pip;

/// A package of Python with nothing in it but its description.
fn wheel(host: &TestHost, name: &str, version: &str) {
    let path = host.path(&format!("wheels/{name}-{version}-py3-none-any.whl"));
    let mut zip = zip::ZipWriter::new(std::fs::File::create(path).expect("a file"));
    let options = zip::write::SimpleFileOptions::default();
    let info = format!("{name}-{version}.dist-info");
    for (file, content) in [
        (format!("{name}.py"), format!("version = '{version}'\n")),
        (format!("{info}/METADATA"), format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")),
        (
            format!("{info}/WHEEL"),
            "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n".into(),
        ),
        (format!("{info}/RECORD"), String::new()),
    ] {
        zip.start_file(file, options).expect("a member");
        zip.write_all(content.as_bytes()).expect("its content");
    }
    zip.finish().expect("a wheel");
}

fn host() -> TestHost {
    let host = TestHost::new();
    std::fs::create_dir(host.path("wheels")).expect("a folder");
    for version in ["1.0", "1.5", "2.0"] {
        wheel(&host, "oneex_hello", version);
    }
    wheel(&host, "oneex_more", "3.1");
    host
}

fn options(host: &TestHost, more: &Value) -> Value {
    let mut options = json!({
        "virtualenv": host.path("v env"),
        "extra_args": format!("--no-index --no-cache-dir --find-links '{}'", host.path("wheels")),
    });
    options.as_object_mut().expect("options").extend(more.as_object().expect("options").clone());
    options
}

async fn ensure(host: &TestHost, more: Value) -> String {
    let done = laws::ensures(Pip, host, options(host, &more)).await.unwrap_or_else(|error| {
        panic!("{more}: {error}: {:?}", error.command.as_ref().map(|it| it.output.stderr_text()));
    });
    done.change.to_text().replace(&host.path(""), "@/")
}

#[tokio::test]
async fn packages_come_and_go() {
    let host = host();
    host.write("requirements", "# of the shop\n--no-index\noneex-hello >= 2  # the new one\noneex-more\nother; python_version < '3'\n");
    for (more, text) in [
        (json!({ "name": "oneex-hello", "state": "absent" }), ""),
        (
            json!({ "name": ["oneex-hello<2", "oneex_more"] }),
            "virtualenv: + @/v env\npackage oneex-hello<2: + installed\npackage oneex_more: + installed\n",
        ),
        (json!({ "name": ["Oneex.Hello", "oneex-hello>=1,!=2.0", "oneex-more==3.1"] }), ""),
        (json!({ "name": "oneex-hello==1.0" }), "package oneex-hello: 1.5 → as required\n"),
        (json!({ "requirements": host.path("requirements") }), "package oneex-hello: 1.0 → as required\n"),
        (json!({ "name": ["oneex-hello", "oneex-none"], "state": "absent" }), "package oneex-hello: - 2.0\n"),
    ] {
        assert_eq!(ensure(&host, more.clone()).await, text, "{more}");
    }
}

#[tokio::test]
async fn an_environment_alone() {
    let host = host();
    assert_eq!(ensure(&host, json!({})).await, "virtualenv: + @/v env\n");
    assert!(std::path::Path::new(&host.path("v env/bin/pip")).exists());
}

#[tokio::test]
async fn what_cannot_be_is_said() {
    let host = host();
    for (more, message) in [
        (json!({ "virtualenv_python": "python9" }), "the host has no `python9`"),
        (
            json!({ "name": "oneex-nowhere" }),
            "`pip` failed: No matching distribution found for oneex-nowhere",
        ),
        (json!({ "name": "-e ." }), "`name`: `-e .` is no requirement"),
        (json!({ "name": " " }), "`name`: ` ` is no requirement"),
        (json!({ "extra_args": "'" }), "`extra_args`: the quotes do not match"),
        (json!({ "virtualenv": "relative" }), "`relative` is not an absolute path"),
        (json!({ "requirements": "/r", "state": "absent" }), "`state: \"absent\"` excludes `requirements`"),
        (json!({ "name": "a b" }), "`pip` failed: `a b` is no requirement: "),
        (json!({ "virtualenv": null }), "`pip` needs one of `name`, `requirements` and `virtualenv`"),
    ] {
        let mut call = options(&host, &more);
        if more["virtualenv"].is_null() && more.get("virtualenv").is_some() {
            call.as_object_mut().expect("options").remove("virtualenv");
        }
        let error = laws::run(Pip, &host, call).await.expect_err(message);
        assert!(error.message.starts_with(message), "{}", error.message);
    }
}
