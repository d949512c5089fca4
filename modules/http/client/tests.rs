//! The client against a real server on a loopback address.

use std::sync::Arc;
use std::time::Duration;

use oneex_sdk::{CancellationToken, ErrorKind, Meter, OpResult, Secret, json};
use oneex_testkit::api::{FakeApi, Reply};

use super::{Client, Settings};
use crate::http::{Auth, Body, Method, Proxies, Request, Response, StatusSet};

fn settings() -> Settings {
    Settings { backoff: Duration::from_millis(1), ..Settings::default() }
}

fn client(settings: Settings) -> Client {
    Client::new(settings, Arc::new(Meter::default())).expect("a client")
}

fn ask(method: Method, url: &str) -> Request {
    Request::new(method, Request::parse_url(url).expect("an address"))
}

async fn send(client: &Client, request: &Request) -> OpResult<Response> {
    client.send(request, &CancellationToken::new()).await
}

#[tokio::test]
async fn an_answer_is_read_whole_over_one_connection() {
    let api = FakeApi::http(|request| {
        Reply::new(200, format!("at {}", request.target)).header("X-Two", "a").header("x-two", "b")
    });
    let client = client(settings());
    for _ in 0..3 {
        let response = send(&client, &ask(Method::Get, &api.url("/p?q=1"))).await.expect("an answer");
        assert_eq!((response.status, response.body.as_str()), (200, "at /p?q=1"));
        assert_eq!(response.headers["x-two"], "a, b");
        assert_eq!(response.url, api.url("/p?q=1"));
    }
    assert_eq!(api.connections(), 1);
    assert_eq!((client.meter.requests(), client.meter.writes()), (3, 0));
}

#[tokio::test]
async fn a_body_travels_with_its_type_and_who_asks() {
    let api = FakeApi::http(|_| Reply::new(201, "{\"id\": 7}"));
    let client = client(settings());
    let mut request = ask(Method::Post, &api.url("/"));
    request.body = Some(Body::Json(json!({ "a": 1 })));
    request.auth = Some(Auth::Basic { user: "me".into(), password: Secret::new("pw".into()) });
    let response = send(&client, &request).await.expect("an answer");
    assert_eq!(response.json::<serde_json::Value>().expect("json"), json!({ "id": 7 }));
    request.body = Some(Body::Form(vec![("a".into(), "b c".into())]));
    request.auth = Some(Auth::Bearer { bearer: Secret::new("tok".into()) });
    send(&client, &request).await.expect("an answer");
    let seen = api.requests();
    assert_eq!(
        (seen[0].body.as_str(), seen[0].headers["content-type"].as_str()),
        ("{\"a\":1}", "application/json")
    );
    assert_eq!(seen[0].headers["authorization"], "Basic bWU6cHc=");
    assert_eq!((seen[1].body.as_str(), seen[1].headers["authorization"].as_str()), ("a=b+c", "Bearer tok"));
    assert_eq!((client.meter.requests(), client.meter.writes()), (2, 2));
}

#[tokio::test]
async fn a_read_is_repeated_while_the_server_is_busy_and_a_write_is_not() {
    let api = FakeApi::http(|request| Reply::new(if request.number % 3 == 2 { 200 } else { 503 }, "x"));
    let client = client(settings());
    assert_eq!(send(&client, &ask(Method::Get, &api.url("/"))).await.expect("third time").status, 200);
    assert_eq!(api.requests().len(), 3);
    let error = send(&client, &ask(Method::Post, &api.url("/"))).await.expect_err("busy");
    assert_eq!((error.kind, api.requests().len()), (ErrorKind::Failed, 4));
    let mut wanted = ask(Method::Get, &api.url("/"));
    wanted.ok_status = StatusSet::new([503]);
    assert_eq!(send(&client, &wanted).await.expect("what was asked for").status, 503);
    assert_eq!(api.requests().len(), 5);
}

#[tokio::test]
async fn a_lost_connection_is_repeated_and_then_unreachable() {
    let api = FakeApi::http(|_| Reply::Cut);
    let error = send(&client(settings()), &ask(Method::Get, &api.url("/"))).await.expect_err("cut");
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error:?}");
    assert_eq!(api.requests().len(), 3);
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let address =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let error = send(&client(settings()), &ask(Method::Get, &format!("http://{address}/")))
        .await
        .expect_err("refused");
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(
        error.message.starts_with(&format!("cannot connect to `http://{address}/`: ")),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn silence_is_a_timeout_and_can_be_cancelled() {
    let api = FakeApi::http(|_| Reply::Silence);
    let client = client(settings());
    let mut request = ask(Method::Get, &api.url("/"));
    request.timeout = Some(Duration::from_millis(50));
    let error = send(&client, &request).await.expect_err("silence");
    assert_eq!(error.kind, ErrorKind::Timeout, "{error:?}");
    request.timeout = None;
    let cancel = CancellationToken::new();
    cancel.cancel();
    assert_eq!(client.send(&request, &cancel).await.expect_err("cancelled").kind, ErrorKind::Cancelled);
}

#[tokio::test]
async fn a_refusal_says_status_and_body() {
    let api = FakeApi::http(|_| Reply::new(404, "no such thing"));
    let error = send(&client(settings()), &ask(Method::Get, &api.url("/x"))).await.expect_err("not found");
    assert_eq!(error.message, format!("GET `{}` answered 404: no such thing", api.url("/x")));
}

#[tokio::test]
async fn a_huge_answer_is_refused() {
    let api = FakeApi::http(|_| Reply::new(200, "x".repeat(100_000)));
    let client = client(Settings { body_limit: 50_000, ..settings() });
    let error = send(&client, &ask(Method::Get, &api.url("/"))).await.expect_err("huge");
    assert_eq!(
        (error.kind, error.message),
        (ErrorKind::Failed, format!("the answer of `{}` is larger than 50000 bytes", api.url("/")))
    );
}

#[tokio::test]
async fn reads_follow_redirects_up_to_a_limit_and_writes_do_not() {
    let api = FakeApi::http(|request| match request.target.as_str() {
        "/there" => Reply::new(200, "arrived"),
        "/loop" => Reply::new(302, "").header("location", "/loop"),
        _ => Reply::new(307, "").header("location", "/there"),
    });
    let client = client(settings());
    let response = send(&client, &ask(Method::Get, &api.url("/"))).await.expect("arrived");
    assert_eq!((response.body.as_str(), response.url), ("arrived", api.url("/there")));
    let error = send(&client, &ask(Method::Get, &api.url("/loop"))).await.expect_err("a loop");
    assert!(error.message.starts_with("more than 10 redirects"), "{}", error.message);
    let error = send(&client, &ask(Method::Post, &api.url("/"))).await.expect_err("not followed");
    assert_eq!(error.hint.as_deref(), Some("it points to `/there`"));
}

#[tokio::test]
async fn another_server_does_not_learn_who_asks() {
    let other = FakeApi::http(|_| Reply::new(200, ""));
    let target = other.url("/");
    let api = FakeApi::http(move |_| Reply::new(302, "").header("location", target.clone()));
    let mut request = ask(Method::Get, &api.url("/"));
    request.headers = Secret::new([("x-token".to_owned(), "geheim".to_owned())].into());
    request.auth = Some(Auth::Bearer { bearer: Secret::new("geheim".into()) });
    send(&client(settings()), &request).await.expect("an answer");
    assert_eq!(api.requests()[0].headers["x-token"], "geheim");
    let told = &other.requests()[0].headers;
    assert!(!told.contains_key("x-token") && !told.contains_key("authorization"), "{told:?}");
}

#[tokio::test]
async fn only_a_trusted_certificate_is_accepted() {
    let api = FakeApi::https(|_| Reply::new(200, "secure"));
    let request = ask(Method::Get, &api.url("/"));
    let error = send(&client(settings()), &request).await.expect_err("unknown issuer");
    assert_eq!(error.kind, ErrorKind::Denied, "{error:?}");
    assert!(error.hint.is_some_and(|hint| hint.contains("ca_file")));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, api.certificate()).expect("written");
    let trusting = client(Settings { ca_file: Some(file), ..settings() });
    assert_eq!(send(&trusting, &request).await.expect("trusted").body, "secure");
    let careless = client(Settings { insecure: true, ..settings() });
    assert_eq!(send(&careless, &request).await.expect("anything goes").body, "secure");
}

#[tokio::test]
async fn encryption_is_not_given_up_by_a_redirect() {
    let plain = FakeApi::http(|_| Reply::new(200, "plain"));
    let target = plain.url("/");
    let api = FakeApi::https(move |_| Reply::new(302, "").header("location", target.clone()));
    let client = client(Settings { insecure: true, ..settings() });
    let error = send(&client, &ask(Method::Get, &api.url("/"))).await.expect_err("unprotected");
    assert_eq!((error.kind, plain.requests().len()), (ErrorKind::Denied, 0));
}

#[test]
fn a_certificate_file_must_hold_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    let make =
        || Client::new(Settings { ca_file: Some(file.clone()), ..settings() }, Arc::default()).map(|_| ());
    assert_eq!(make().expect_err("missing").kind, ErrorKind::Invalid);
    std::fs::write(&file, "not PEM").expect("written");
    assert!(make().expect_err("no PEM").message.ends_with("holds no certificate"));
}

#[tokio::test]
async fn a_header_that_would_break_the_request_is_refused() {
    let client = client(settings());
    for (name, value) in [("x", "a\r\nb: c"), ("a b", "x"), ("", "x")] {
        let mut request = ask(Method::Get, "http://127.0.0.1:9/");
        request.headers = Secret::new([(name.to_owned(), value.to_owned())].into());
        assert_eq!(send(&client, &request).await.expect_err(name).kind, ErrorKind::Invalid, "{name:?}");
    }
}

#[tokio::test]
async fn a_proxy_is_asked_for_everything_that_is_not_excepted() {
    let proxy = FakeApi::http(|_| Reply::new(200, "from the proxy"));
    let direct = FakeApi::http(|_| Reply::new(200, "from the server"));
    let address = Some(proxy.url(""));
    let table = [
        (Proxies { http: address.clone(), ..Proxies::default() }, "from the proxy"),
        (Proxies { all: address.clone(), ..Proxies::default() }, "from the proxy"),
        (Proxies { https: address.clone(), ..Proxies::default() }, "from the server"),
        (
            Proxies { all: address.clone(), except: Some("other,127.0.0.0/8".into()), ..Proxies::default() },
            "from the server",
        ),
        (
            Proxies { all: address.clone(), except: Some("example.com".into()), ..Proxies::default() },
            "from the proxy",
        ),
        (Proxies::default(), "from the server"),
    ];
    for (proxies, wanted) in table {
        let client = client(Settings { proxies: proxies.clone(), ..settings() });
        let answer = send(&client, &ask(Method::Get, &direct.url("/x"))).await.expect("an answer");
        assert_eq!(answer.body, wanted, "{proxies:?}");
    }
    assert_eq!(proxy.requests()[0].target, direct.url("/x"), "a proxy is told the whole address");
}

#[test]
fn a_proxy_that_is_no_address_is_refused_without_being_shown() {
    let proxies = Proxies { http: Some("http://user:hidden@[".into()), ..Proxies::default() };
    let error = Client::new(Settings { proxies, ..settings() }, Arc::default()).expect_err("no address");
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Invalid, "the proxy is not a web address"));
}
