//! `http::` from a runbook, over a real server: what is sent, what comes back, what a plan does.

use oneex_testkit::api::{FakeApi, Reply};
use oneex_testkit::project::TestProject;

use super::fleet::Stream;

fn project(api: &FakeApi, book: &str) -> TestProject {
    let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
    project.write("book.rhai", &book.replace("URL", api.url("").trim_end_matches('/')));
    project
}

/// Answers with the method, the path and the body; `/busy` is busy twice.
fn echo() -> FakeApi {
    FakeApi::http(|request| match request.target.as_str() {
        "/busy" if request.number < 2 => Reply::new(503, ""),
        "/gone" => Reply::new(404, "no such thing"),
        "/moved" => Reply::new(302, "").header("location", "/here"),
        _ => Reply::new(
            200,
            format!("{{\"method\": \"{}\", \"target\": \"{}\"}}", request.method, request.target),
        )
        .header("x-token", "from-the-server"),
    })
}

#[test]
fn every_method_sends_what_it_is_given() {
    let api = echo();
    let project = project(
        &api,
        r#"
task("t").run(|| {
    let seen = [];
    seen.push(http::get("URL/a", #{ query: #{ q: "x y", n: 2 }, headers: #{ "x-own": "1" } }).json().target);
    seen.push(http::post("URL/b", #{ json: #{ list: [1, ()] }, auth: #{ bearer: "token-4711" } }).json().method);
    seen.push(http::put("URL/c", #{ form: #{ a: "1 2", b: true } }).status);
    seen.push(http::patch("URL/d", #{ body: "raw", headers: #{ "content-type": "text/plain" } }).ok);
    seen.push(http::delete("URL/e", #{ auth: #{ user: "me", password: "pass-4712" } }).headers["x-token"]);
    let head = http::head("URL/f");
    seen.push(`${head.status} ${head.body}|`);
    seen.push(http::get("URL/moved").url);
    seen.push(http::get("URL/gone", #{ ok_status: [200, 404] }).body);
    print(seen.to_json());
});"#,
    );
    let finished = project.oneex(["run", "book.rhai"]).run().expect_code(0);
    let here = api.url("/here");
    let expected = format!(
        "[\"/a?n=2&q=x+y\",\"POST\",200,true,\"from-the-server\",\"200 |\",\"{here}\",\"no such thing\"]"
    );
    assert!(finished.stdout.contains(&expected), "{expected}\n{}", finished.stdout);
    let sent = api.requests();
    let header = |index: usize, name: &str| sent[index].headers.get(name).cloned().unwrap_or_default();
    assert_eq!((sent[0].method.as_str(), header(0, "x-own").as_str()), ("GET", "1"));
    assert_eq!(sent[1].body, "{\"list\":[1,null]}");
    assert_eq!(
        (header(1, "content-type").as_str(), header(1, "authorization").as_str()),
        ("application/json", "Bearer token-4711")
    );
    assert_eq!(
        (sent[2].body.as_str(), header(2, "content-type").as_str()),
        ("a=1+2&b=true", "application/x-www-form-urlencoded")
    );
    assert_eq!((sent[3].body.as_str(), header(3, "content-type").as_str()), ("raw", "text/plain"));
    assert_eq!(header(4, "authorization"), "Basic bWU6cGFzcy00NzEy");
}

#[test]
fn a_failure_is_an_error_map_with_kind_and_target() {
    let api = echo();
    let project = project(
        &api,
        r#"
task("t").run(|| {
    for ask in [
        || http::get("URL/gone"), || http::post("URL/moved"), || http::get("URL/x", #{ timeout: "0s" }),
        || http::post("URL/x", #{ json: 1, body: "" }), || http::get("ftp://x"), || http::get("http://127.0.0.1:1/"),
        || http::get("URL/gone", #{ ok_status: 404 }).json(),
    ] {
        let said = "no error";
        try { ask.call(); } catch (e) { said = `${e.kind}: ${e.message}`; }
        print(said);
    }
    print(`tries ${http::get("URL/busy", #{ retries: 2, ok_status: [200, 503] }).status}`);
});"#,
    );
    let finished = project.oneex(["run", "book.rhai"]).run().expect_code(0);
    for expected in [
        "failed: GET `URL/gone` answered 404: no such thing",
        "failed: POST `URL/moved` answered 302",
        "invalid: a `timeout` of nothing leaves no time for an answer",
        "invalid: `json`, `form` and `body` exclude each other",
        "invalid: `ftp` addresses are not supported",
        "unreachable: cannot connect to `http://127.0.0.1:1/`: Connection refused",
        "failed: the output of `http::get` is not JSON",
        "tries 200",
    ] {
        let expected = expected.replace("URL", api.url("").trim_end_matches('/'));
        assert!(finished.stdout.contains(&expected), "{expected}\n{}", finished.stdout);
    }
}

#[test]
fn a_plan_reads_and_only_lists_what_would_be_written() {
    let api = echo();
    let project = project(
        &api,
        "task(\"t\").run(|| { http::get(\"URL/a\"); http::post(\"URL/b\", #{ json: 1 }); http::head(\"URL/c\"); \
         http::delete(\"URL/d\").status });",
    );
    let words = ["plan", "book.rhai", "--output", "json"];
    let stream = Stream::of(&project.oneex(words).run().expect_code(0));
    let said: Vec<(String, String)> = stream
        .0
        .iter()
        .filter(|event| event["event"] == "operation")
        .map(|event| (event["name"].as_str().unwrap().into(), event["status"].as_str().unwrap().into()))
        .collect();
    let expected = [
        ("http::get", "no_change"),
        ("http::post", "action"),
        ("http::head", "no_change"),
        ("http::delete", "action"),
    ];
    assert_eq!(said, expected.map(|(name, status)| (name.to_owned(), status.to_owned())));
    let asked: Vec<String> = api.requests().iter().map(|request| request.method.clone()).collect();
    assert_eq!(asked, ["GET", "HEAD"], "nothing was written");
}

#[test]
fn who_asks_is_shown_nowhere() {
    let api = FakeApi::http(|request| {
        Reply::new(200, format!("{:?}", request.headers))
            .header("x-echo", request.headers.get("x-api-key").cloned().unwrap_or_default())
    });
    let address = api.url("/").replace("http://", "http://me:in-the-address-1@");
    let project = project(
        &api,
        "task(\"t\").run(|| { print(http::get(\"ADDRESS\").body); \
         print(http::get(\"URL/\", #{ headers: #{ \"X-Api-Key\": \"in-a-header-2\" } }).headers); \
         print(http::post(\"URL/\", #{ auth: #{ user: \"me\", password: \"in-auth-3\" } }).body); \
         http::get(\"http://me:in-the-address-1@127.0.0.1:1/\"); });",
    );
    let book = project.read("book.rhai").replace("ADDRESS", &address);
    project.write("book.rhai", &book);
    for more in [&[][..], &["-vvv"], &["--output", "json"]] {
        let finished = project.oneex(["run", "book.rhai"].iter().chain(more)).run().expect_code(3);
        let text = finished.stdout + &finished.stderr;
        // The two in base64 as well: `me:…`, without its ends.
        for secret in
            ["in-the-address-1", "in-a-header-2", "in-auth-3", "bWU6aW4tdGhlLWFkZHJlc3Mt", "bWU6aW4tYXV0aC0z"]
        {
            assert!(!text.contains(secret), "{more:?} shows `{secret}`:\n{text}");
        }
        assert!(text.contains("•••"), "{text}");
    }
}
