//! `download` with the real curl and wget, from a real nginx, and from a server that fails as it is told.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt, chown, symlink};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use oneex_sdk::{ErrorKind, OpError, Reader as _, Value, json};
use oneex_testkit::api::{FakeApi, Reply};
use oneex_testkit::laws::Done;
use oneex_testkit::{TestHost, laws};
use sha2::{Digest as _, Sha256};

use crate::host::ops::download::Download;
use crate::http::{Clients, Settings};

fn op() -> Download {
    let settings = Settings { backoff: Duration::from_millis(1), ..Settings::default() };
    Download::new(Arc::new(Clients::new(settings.into())))
}

/// A web server with a folder of files; it ends when it is dropped.
struct Nginx {
    folder: tempfile::TempDir,
    child: Child,
    port: u16,
}

impl Nginx {
    /// The folder `locked` asks for `ada` and `hunter2`; `moved/x` leads to `x`.
    fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("oneex-nginx-").tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("www/locked")).expect("a folder");
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("a mode");
        let hash =
            Command::new("openssl").args(["passwd", "-apr1", "hunter2"]).output().expect("openssl runs");
        let line = format!("ada:{}", String::from_utf8_lossy(&hash.stdout));
        std::fs::write(folder.path().join("users"), line).expect("a file");
        // Another may take a port that was free a moment ago.
        for _ in 0..10 {
            let port =
                TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
            let here = folder.path().display();
            let config = format!(
                "daemon off; master_process off; pid {here}/pid; error_log {here}/log;\n\
                 events {{}}\nhttp {{ access_log {here}/access; client_body_temp_path {here}/t1; proxy_temp_path {here}/t2;\n\
                 fastcgi_temp_path {here}/t3; uwsgi_temp_path {here}/t4; scgi_temp_path {here}/t5;\n\
                 server {{ listen 127.0.0.1:{port}; root {here}/www;\n\
                 location /locked {{ auth_basic x; auth_basic_user_file {here}/users; }}\n\
                 location /moved/ {{ rewrite ^/moved/(.*)$ /$1 redirect; }} }} }}\n"
            );
            std::fs::write(folder.path().join("conf"), config).expect("a file");
            let mut child = Command::new("nginx")
                .arg("-e")
                .arg(folder.path().join("log"))
                .arg("-c")
                .arg(folder.path().join("conf"))
                .stderr(Stdio::null())
                .spawn()
                .expect("nginx starts");
            let end = Instant::now() + Duration::from_secs(20);
            while Instant::now() < end {
                if child.try_wait().expect("its state").is_some() {
                    break;
                }
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return Self { folder, child, port };
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        panic!("nginx: {}", std::fs::read_to_string(folder.path().join("log")).unwrap_or_default());
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.folder.path().join("www").join(name), content).expect("a file");
        self.url(name)
    }

    fn url(&self, name: &str) -> String {
        let name =
            percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string();
        format!("http://127.0.0.1:{}/{}", self.port, name.replace("%2F", "/"))
    }

    fn access(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("access")).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn sum(content: &[u8]) -> String {
    format!("sha256:{:x}", Sha256::digest(content))
}

fn options(host: &TestHost, url: &str, more: &Value) -> Value {
    let mut options = json!({ "url": url, "dest": host.path("f") });
    options.as_object_mut().expect("options").extend(more.as_object().expect("options").clone());
    options
}

async fn ensure(host: &TestHost, url: &str, more: Value) -> Done {
    laws::ensures(op(), host, options(host, url, &more)).await.unwrap_or_else(|error| {
        let said = error.command.as_ref().map(|failed| failed.output.stderr_text());
        panic!("{more}: {error}: {said:?}")
    })
}

async fn refusal(host: &TestHost, url: &str, more: Value) -> OpError {
    laws::run(op(), host, options(host, url, &more)).await.expect_err("a refusal")
}

/// A host that has of programs that fetch only these, and of others what everybody has.
fn host_with(programs: &[(&str, &str)]) -> (TestHost, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    for name in [
        "sh",
        "cat",
        "stat",
        "base64",
        "tr",
        "rm",
        "mv",
        "sha256sum",
        "chmod",
        "sync",
        "grep",
        "cmp",
        "id",
        "dd",
        "unshare",
        "mount",
    ] {
        let found = ["/usr/bin", "/bin"]
            .iter()
            .map(|at| format!("{at}/{name}"))
            .find(|path| std::path::Path::new(path).exists());
        std::os::unix::fs::symlink(found.expect(name), folder.path().join(name)).expect("a link");
    }
    for (name, target) in programs {
        std::os::unix::fs::symlink(target, folder.path().join(name)).expect("a link");
    }
    let host = TestHost::new().with_search_path(folder.path().to_str().expect("UTF-8"));
    (host, folder)
}

const PROGRAMS: [(&str, &str); 3] =
    [("curl", "/usr/bin/curl"), ("wget", "/usr/bin/wget"), ("wget", "/usr/bin/busybox")];

#[tokio::test]
async fn files_arrive_whichever_way() {
    let nginx = Nginx::start();
    let content: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let sums = format!("{}  other\n{}  big\n", "0".repeat(64), &sum(&content)[7..]);
    let (big, sums) = (nginx.put("big", &content), nginx.put("SUMS", sums));
    let empty = nginx.put("empty", "");
    for program in PROGRAMS {
        for (url, more, expected) in [
            (&big, json!({}), &content[..]),
            (&big, json!({ "checksum": sum(&content), "mode": "0755" }), &content),
            (&big, json!({ "checksum": format!("sha256:{sums}") }), &content),
            (&empty, json!({ "checksum": sum(b"") }), b""),
            (&nginx.url("moved/empty"), json!({}), b""),
        ] {
            let (host, _folder) = host_with(&[program]);
            let done = ensure(&host, url, more.clone()).await;
            assert!(done.changed && host.content("f").as_deref() == Some(expected), "{program:?} {more}");
            assert_eq!(host.mode("f"), if more.get("mode").is_some() { 0o755 } else { 0o644 }, "{program:?}");
            assert_eq!(std::fs::read_dir(host.root()).expect("the folder").count(), 1, "{program:?}");
        }
    }
    let host = TestHost::new();
    let more = json!({ "through": "controller", "checksum": sum(&content), "mode": "0600" });
    assert!(ensure(&host, &big, more).await.changed);
    assert!(host.content("f") == Some(content) && host.mode("f") == 0o600);
}

#[tokio::test]
async fn a_sum_says_what_is_fetched() {
    let (nginx, host) = (Nginx::start(), TestHost::new());
    let url = nginx.put("x", "two");
    host.write("f", "one");
    assert!(!ensure(&host, &url, json!({})).await.changed, "without one, what is there stays");
    let plan = laws::plan(op(), &host, options(&host, &url, &json!({ "checksum": sum(b"two") }))).await;
    let text = format!("content: sha256 {} → sha256 {}\n", &sum(b"one")[7..], &sum(b"two")[7..]);
    assert_eq!(plan.expect("a plan").to_text(), text);
    assert_eq!(nginx.access(), "", "nothing was fetched so far");
    for through in ["host", "controller"] {
        host.write("f", "one");
        let more = json!({ "checksum": sum(b"three"), "through": through });
        let error = refusal(&host, &url, more).await;
        let (has, not) = (&sum(b"two")[7..], &sum(b"three")[7..]);
        assert_eq!(error.message, format!("`{url}` has the sum {has}, and not {not}"));
        assert_eq!(host.content("f").as_deref(), Some(&b"one"[..]));
        for algorithm in ["md5", "sha1", "sha512"] {
            host.write("f", "one");
            let output = Command::new("sh").args(["-c", &format!("printf two | {algorithm}sum")]).output();
            let digits = String::from_utf8(output.expect("it runs").stdout).expect("text");
            let checksum = format!("{algorithm}:{}", digits.split(' ').next().expect("digits"));
            assert!(ensure(&host, &url, json!({ "checksum": checksum, "through": through })).await.changed);
        }
        assert_eq!(std::fs::read_dir(host.root()).expect("the folder").count(), 1);
    }
}

#[tokio::test]
async fn force_fetches_and_replaces_what_is_another() {
    let (nginx, host) = (Nginx::start(), TestHost::new());
    let url = nginx.put("x", "one");
    for through in ["host", "controller"] {
        nginx.put("x", "one");
        let _ = std::fs::remove_file(host.path("f"));
        host.write("f", "old");
        for (content, more, changed) in [
            ("one", json!({}), true),
            ("one", json!({}), false),
            ("two", json!({ "backup": true }), true),
            ("two", json!({ "mode": "0640" }), true),
            ("two", json!({ "mode": "0640" }), false),
        ] {
            nginx.put("x", content);
            let mut more = more.clone();
            (more["force"], more["through"]) = (json!(true), json!(through));
            let done = laws::run(op(), &host, options(&host, &url, &more)).await.expect("it is fetched");
            assert_eq!(done.changed, changed, "{through} {more}");
            assert_eq!(host.content("f").as_deref(), Some(content.as_bytes()));
            if more.get("backup").is_some() {
                let backup = done.output.fields["backup"].as_str().expect("a path").to_owned();
                assert_eq!(std::fs::read(&backup).expect("the old file"), b"one");
            }
        }
    }
}

#[tokio::test]
async fn names_come_from_the_address_and_paths_arrive_as_they_are() {
    let nginx = Nginx::start();
    for name in ["a b", "it's \"x\"", "-n", "$(id)", "`id`", "*", "größe", "%41", "a+b"] {
        let url = nginx.put(name, name);
        for through in ["host", "controller"] {
            let host = TestHost::new();
            for folder in ["to", "else"] {
                std::fs::create_dir_all(host.path(&format!("{folder} {name}"))).expect("a folder");
            }
            let (folder, other) = (host.path(&format!("to {name}")), host.path(&format!("else {name}/x\n")));
            let done = ensure(&host, &url, json!({ "dest": folder, "through": through })).await;
            assert_eq!(done.output.fields["path"], json!(format!("{folder}/{name}")));
            assert_eq!(std::fs::read_to_string(format!("{folder}/{name}")).expect("a file"), name);
            ensure(&host, &url, json!({ "dest": other, "through": through })).await;
            assert_eq!(std::fs::read_to_string(&other).expect("a file"), name);
        }
    }
}

#[tokio::test]
async fn who_asks_is_in_no_argument_list() {
    let nginx = Nginx::start();
    let url = nginx.put("locked/x", "secret");
    let more = json!({ "url_username": "ada", "url_password": "hunter2" });
    assert!(!laws::shown(op(), options(&TestHost::new(), &url, &more)).to_string().contains("hunter2"));
    for (number, program) in PROGRAMS.into_iter().enumerate() {
        let (host, _folder) = host_with(&[program]);
        if number == 2 {
            let error = refusal(&host, &url, more.clone()).await;
            assert_eq!(error.kind, ErrorKind::Denied, "that of BusyBox would show it");
            continue;
        }
        ensure(&host, &url, more.clone()).await;
        assert_eq!(host.content("f").as_deref(), Some(&b"secret"[..]), "{program:?}");
        assert!(host.secrets().holds_secret(b"hunter2"));
        std::fs::remove_file(host.path("f")).expect("removed");
        let error = refusal(&host, &url, json!({})).await;
        assert_eq!(
            error.message,
            format!("`{url}` was answered with 401"),
            "{program:?}: {:?}",
            error.command
        );
    }
    let host = TestHost::new();
    let mut through = more.clone();
    through["through"] = json!("controller");
    ensure(&host, &url, through).await;

    let seen = FakeApi::http(|request| match request.headers.get("x-token").map(String::as_str) {
        Some("t\"\\1 $(id)") => Reply::new(200, "in"),
        _ => Reply::new(403, ""),
    });
    for (program, through) in [(PROGRAMS[0], "host"), (PROGRAMS[1], "host"), (PROGRAMS[0], "controller")] {
        let (host, _folder) = host_with(&[program]);
        let headers = json!({ "headers": { "X-Token": "t\"\\1 $(id)" }, "through": through });
        ensure(&host, &seen.url("/x"), headers).await;
    }
}

/// Sends a part of a hundred bytes and breaks off; what is asked for behind that part is sent.
fn breaking() -> (FakeApi, Vec<u8>) {
    let content = [&b"part"[..], &[b'x'; 96]].concat();
    let rest = content[4..].to_vec();
    let api = FakeApi::http(move |request| match request.headers.get("range").map(String::as_str) {
        Some("bytes=4-") => {
            Reply::new(206, rest.clone()).header("content-range", "bytes 4-99/100").header("etag", "\"1\"")
        }
        _ => Reply::Cut,
    });
    (api, content)
}

#[tokio::test]
async fn what_breaks_off_is_gone_on_with() {
    for program in &PROGRAMS[..2] {
        let (api, content) = breaking();
        let (host, _folder) = host_with(&[*program]);
        ensure(&host, &api.url("/x"), json!({ "checksum": sum(&content) })).await;
        assert_eq!(host.content("f"), Some(content), "{program:?}");
    }
    // What a run has left that was killed.
    let (nginx, host) = (Nginx::start(), TestHost::new());
    let content: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let url = nginx.put("x", &content);
    let staged = crate::host::ops::download::staged(&host.path("f"), &url, Some(&sum(&content)[7..]));
    let left = |content: &[u8]| {
        std::fs::write(&staged, content).expect("a part");
        std::fs::set_permissions(&staged, PermissionsExt::from_mode(0o600)).expect("a mode");
    };
    left(&content[..123_456]);
    ensure(&host, &url, json!({ "checksum": sum(&content) })).await;
    assert!(host.content("f") == Some(content.clone()));
    assert!(nginx.access().contains("\" 206 "), "{}", nginx.access());
    // And some that cannot be gone on with.
    for spoiled in [&b"something else, and shorter"[..], &vec![b'x'; content.len()], &vec![b'x'; 500_000]] {
        for program in &PROGRAMS[..2] {
            let (with, _folder) = host_with(&[*program]);
            std::fs::remove_file(host.path("f")).expect("removed");
            left(spoiled);
            let options = options(&host, &url, &json!({ "checksum": sum(&content) }));
            laws::run(op(), &with, options).await.unwrap_or_else(|error| {
                panic!("{program:?} after {} bytes: {error}", spoiled.len());
            });
            assert!(host.content("f").as_ref() == Some(&content));
        }
    }
}

#[tokio::test]
async fn the_controller_goes_on_where_the_content_is_the_same() {
    let content = [&b"part"[..], &[b'x'; 96]].concat();
    let (whole, rest) = (content.clone(), content[4..].to_vec());
    let api = FakeApi::http(move |request| match (request.number, request.headers.get("range")) {
        (0, _) => Reply::Cut,
        (1, None) => Reply::new(503, ""),
        (_, Some(_)) => Reply::new(206, rest.clone()),
        _ => Reply::new(200, whole.clone()),
    });
    let host = TestHost::new();
    let more = json!({ "through": "controller", "checksum": sum(&content) });
    laws::run(op(), &host, options(&host, &api.url("/x"), &more)).await.expect("it is fetched");
    assert_eq!(host.content("f"), Some(content));
}

#[tokio::test]
async fn what_fails_is_said_and_changes_nothing() {
    let api = FakeApi::http(|request| match request.target.as_str() {
        "/silent" => Reply::Silence,
        "/gone" => Reply::new(404, "no such thing"),
        _ => Reply::Cut,
    });
    let tls = FakeApi::https(|_| Reply::new(200, "in"));
    let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port");
    let nobody = format!("http://{free}/x");
    let ca = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(ca.path(), tls.certificate()).expect("written");
    for through in ["host", "controller"] {
        for (url, more, kind) in [
            (api.url("/gone"), json!({}), ErrorKind::Failed),
            (api.url("/silent"), json!({ "timeout": "1s" }), ErrorKind::Timeout),
            (tls.url("/x"), json!({}), ErrorKind::Denied),
            (
                nobody.clone(),
                json!({}),
                if through == "host" { ErrorKind::Failed } else { ErrorKind::Unreachable },
            ),
        ] {
            let host = TestHost::new();
            host.write("f", "old");
            let before = laws::snapshot(&host.root().join("f"));
            let mut more = more.clone();
            (more["through"], more["force"]) = (json!(through), json!(true));
            let error = refusal(&host, &url, more).await;
            assert_eq!(
                error.kind,
                kind,
                "{through} {url}: {error} {:?}",
                error.command.as_ref().map(|it| it.output.stderr_text())
            );
            assert_eq!(laws::snapshot(&host.root().join("f")), before, "{through} {url}");
        }
        for more in [json!({ "ca_path": ca.path() }), json!({ "validate_certs": false })] {
            let host = TestHost::new();
            let mut more = more;
            more["through"] = json!(through);
            ensure(&host, &tls.url("/x"), more).await;
        }
    }
    let (host, _folder) = host_with(&[]);
    let message = "the host has neither `curl` nor `wget`";
    assert_eq!(refusal(&host, &api.url("/x"), json!({})).await.message, message);
    let host = TestHost::new();
    let below = host.path("none/f");
    let error = refusal(&host, &api.url("/x"), json!({ "dest": below })).await;
    assert_eq!(error.message, format!("the folder `{}` does not exist", host.path("none")));
}

#[tokio::test]
async fn wrong_calls_are_named() {
    let host = TestHost::new();
    for (more, message) in [
        (json!({ "dest": "relative" }), "`relative` is not an absolute path"),
        (json!({ "url": "ftp://x/y" }), "`ftp` addresses are not supported"),
        (json!({ "url": "x" }), "not a web address: relative URL without a base"),
        (json!({ "checksum": "sha256:12" }), "`checksum`: a sha256 has 64 hexadecimal digits"),
        (json!({ "url_username": "ada" }), "`url_username` needs the option `url_password`"),
        (json!({ "url_password": "x" }), "`url_password` needs the option `url_username`"),
        (
            json!({ "headers": { "a": "b\nc" } }),
            "a header, a user and a password cannot have more than a line",
        ),
    ] {
        assert_eq!(refusal(&host, "http://127.0.0.1:1/x", more).await.message, message);
    }
    assert_eq!(host.round_trips(), 0);
    std::fs::create_dir(host.path("folder")).expect("a folder");
    std::fs::create_dir(host.path("folder/x")).expect("a folder");
    let more = json!({ "dest": host.path("folder") });
    let message = format!("`{}` is a directory, not a file", host.path("folder/x"));
    assert_eq!(refusal(&host, "http://127.0.0.1:1/x", more).await.message, message);
}

#[tokio::test]
async fn a_cut_leaves_the_old_or_the_new() {
    let nginx = Nginx::start();
    let url = nginx.put("x", "new");
    let prepare = |host: &TestHost| {
        host.write("f", "old");
        options(host, &url, &json!({ "checksum": sum(b"new"), "mode": "0600" }))
    };
    // An operation is made anew for each run.
    assert!(laws::survives_cuts(op(), prepare, |host: &TestHost| host.content("f")).await > 3);
}

#[tokio::test]
async fn what_others_put_in_the_way_is_not_used() {
    let nginx = Nginx::start();
    let url = nginx.put("x", "content of the web");
    let sum = sum(b"content of the web");
    for wanted in [Some(sum.as_str()), None] {
        for program in PROGRAMS {
            for planted in ["link", "hard link", "of another", "open to others"] {
                let (host, _folder) = host_with(&[program]);
                let more = wanted.map_or(json!({}), |sum| json!({ "checksum": sum }));
                let staged = crate::host::ops::download::staged(
                    &host.path("f"),
                    &url,
                    wanted.map(|sum| &sum["sha256:".len()..]),
                );
                let victim = host.write("victim", "content");
                let before = std::fs::metadata(&victim).expect("metadata").ino();
                match planted {
                    "link" => symlink(&victim, &staged).expect("a link"),
                    "hard link" => {
                        std::fs::set_permissions(&victim, PermissionsExt::from_mode(0o600)).expect("a mode");
                        std::fs::hard_link(&victim, &staged).expect("a link");
                    }
                    "of another" => {
                        std::fs::write(&staged, "content of the web").expect("a file");
                        std::fs::set_permissions(&staged, PermissionsExt::from_mode(0o600)).expect("a mode");
                        chown(&staged, Some(65_533), None).expect("another owner");
                    }
                    _ => {
                        std::fs::write(&staged, "content of the web").expect("a file");
                        std::fs::set_permissions(&staged, PermissionsExt::from_mode(0o666)).expect("a mode");
                    }
                }
                let held = std::fs::File::options().append(true).open(&staged).expect("it is open");
                ensure(&host, &url, more).await;
                let name = format!("{program:?} {planted} {wanted:?}");
                assert_eq!(host.content("f").as_deref(), Some(&b"content of the web"[..]), "{name}");
                assert_eq!(host.content("victim").as_deref(), Some(&b"content"[..]), "{name}");
                let arrived = std::fs::symlink_metadata(host.path("f")).expect("metadata");
                assert!(arrived.uid() == 0 && arrived.ino() != before, "{name}");
                assert_ne!(arrived.ino(), held.metadata().expect("metadata").ino(), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn addresses_are_no_configuration() {
    let api = FakeApi::http(|_| Reply::new(200, "in"));
    for program in PROGRAMS {
        let (host, _folder) = host_with(&[program]);
        let evil = host.path("evil");
        for url in [
            api.url(&format!("/x\noutput = \"{evil}\"\n")),
            api.url(&format!("/x\noutput_document = {evil}")),
            api.url("/a b").replacen("http", "HTTP", 1),
            api.url("/[1-3]{a,b}\"'$(id)"),
        ] {
            let _ = std::fs::remove_file(host.path("f"));
            ensure(&host, &url, json!({})).await;
            assert_eq!(host.content("f").as_deref(), Some(&b"in"[..]), "{program:?} {url}");
            assert!(!std::path::Path::new(&evil).exists(), "{program:?} {url}");
        }
    }
    let tls = FakeApi::https(|_| Reply::new(200, "in"));
    let (host, _folder) = host_with(&[PROGRAMS[2]]);
    let error = refusal(&host, &tls.url("/x").replacen("https", "HTTPS", 1), json!({})).await;
    assert_eq!(error.kind, ErrorKind::Denied, "that of BusyBox trusts everybody");
    let named = api.url("/x").replacen("http://", "http://ada:hunter2@", 1);
    let error = refusal(&host, &named, json!({})).await;
    assert_eq!(error.kind, ErrorKind::Denied, "that of BusyBox would show the password");
}

#[tokio::test]
async fn a_server_that_is_not_ready_is_asked_again() {
    for (program, through) in [(PROGRAMS[0], "host"), (PROGRAMS[1], "host"), (PROGRAMS[0], "controller")] {
        let api = FakeApi::http(|request| match request.number {
            0 => Reply::new(502, ""),
            1 => Reply::new(503, ""),
            _ => Reply::new(200, "in"),
        });
        let (host, _folder) = host_with(&[program]);
        ensure(&host, &api.url("/x"), json!({ "through": through })).await;
        assert_eq!(host.content("f").as_deref(), Some(&b"in"[..]), "{program:?} {through}");
    }
}
