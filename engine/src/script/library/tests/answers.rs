//! Answers that others have written down: RFCs, standards, manuals.

use super::engine;

/// Each is true.
const TRUE: &[(&str, &[&str])] = &[
    (
        "RFC 4648, section 10",
        &[
            r#"base64::encode("") == """#,
            r#"base64::encode("f") == "Zg==""#,
            r#"base64::encode("fo") == "Zm8=""#,
            r#"base64::encode("foo") == "Zm9v""#,
            r#"base64::encode("foob") == "Zm9vYg==""#,
            r#"base64::encode("fooba") == "Zm9vYmE=""#,
            r#"base64::decode("Zm9vYmFy") == "foobar""#,
            r#"base64::decode("") == """#,
        ],
    ),
    (
        "FIPS 180-4, examples",
        &[
            r#"sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855""#,
            r#"sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1""#,
            r#"sha256(blob(1, 0xbd)) == "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b""#,
        ],
    ),
    (
        "RFC 3986, sections 2.3 and 5.4",
        &[
            r#"url::encode("AZaz09-._~") == "AZaz09-._~""#,
            r#"url::encode("!*'();:@&=+$,/?#[]") == "%21%2A%27%28%29%3B%3A%40%26%3D%2B%24%2C%2F%3F%23%5B%5D""#,
            r#"url::join("http://a/b/c/d;p?q", "g") == "http://a/b/c/g""#,
            r#"url::join("http://a/b/c/d;p?q", "../g") == "http://a/b/g""#,
            r#"url::join("http://a/b/c/d;p?q", "?y") == "http://a/b/c/d;p?y""#,
            r##"url::join("http://a/b/c/d;p?q", "#s") == "http://a/b/c/d;p?q#s""##,
            r#"url::join("http://a/b/c/d;p?q", "../../../g") == "http://a/g""#,
        ],
    ),
    (
        "semver.org 2.0.0, section 11",
        &[
            r#"semver::compare("1.0.0", "2.0.0") == -1 && semver::compare("2.0.0", "2.1.0") == -1"#,
            r#"semver::compare("1.0.0-alpha", "1.0.0-alpha.1") == -1"#,
            r#"semver::compare("1.0.0-alpha.1", "1.0.0-alpha.beta") == -1"#,
            r#"semver::compare("1.0.0-beta.2", "1.0.0-beta.11") == -1"#,
            r#"semver::compare("1.0.0-rc.1", "1.0.0") == -1"#,
            r#"semver::compare("1.0.0+a", "1.0.0+b") == 0"#,
            r#"!semver::is_valid("01.0.0") && !semver::is_valid("1.0.0-01") && !semver::is_valid("")"#,
        ],
    ),
    (
        "RFC 4632 and RFC 4291",
        &[
            r#"ip::subnets("10.0.0.0/8", 9) == ["10.0.0.0/9", "10.128.0.0/9"]"#,
            r#"ip::host("0.0.0.0/0", -1) == "255.255.255.255""#,
            r#"ip::host("::/0", -1) == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff""#,
            r#"ip::host("2001:db8::/32", 1) == "2001:db8::1""#,
            r#"ip::subnets("2001:db8::/32", 33) == ["2001:db8::/33", "2001:db8:8000::/33"]"#,
            r#"ip::subnets("::/0", 16).len() == 65536"#,
            r#"ip::hosts("192.0.2.0/31") == ["192.0.2.0", "192.0.2.1"]"#,
            r#"ip::hosts("192.0.2.1/32") == ["192.0.2.1"]"#,
            r#"ip::next("::ffff:ffff") == "::1:0:0""#,
        ],
    ),
    (
        "RFC 3339, and the calendar",
        &[
            r#"time::to_unix("1970-01-01T00:00:00Z") == 0"#,
            r#"time::to_unix("1969-12-31T23:59:59Z") == -1"#,
            r#"time::from_unix(-62135596800) == "0001-01-01T00:00:00Z""#,
            r#"time::parse("1985-04-12T23:20:50.52Z") == "1985-04-12T23:20:50Z""#,
            r#"time::parse("1996-12-19T16:39:57-08:00") == "1996-12-20T00:39:57Z""#,
            r#"time::parse("1937-01-01T12:00:27.87+00:20") == "1937-01-01T11:40:27Z""#,
            // A leap second: the clocks of computers do not show it.
            r#"time::parse("1990-12-31T23:59:60Z") == "1990-12-31T23:59:59Z""#,
            r#"time::add("2024-02-28T00:00:00Z", "1d") == "2024-02-29T00:00:00Z""#,
            r#"time::add("2100-02-28T00:00:00Z", "1d") == "2100-03-01T00:00:00Z""#,
            r#"time::between("2026-03-01T00:00:00Z", "2026-02-28T23:59:59Z") == -1"#,
            // Summer time begins: an hour is missing.
            r#"time::format("2026-03-29T00:59:59Z", "%H:%M", "Europe/Berlin") == "01:59""#,
            r#"time::format("2026-03-29T01:00:00Z", "%H:%M", "Europe/Berlin") == "03:00""#,
        ],
    ),
    (
        "POSIX: basename and dirname",
        &[
            r#"path::base_name("/usr/") == "usr" && path::folder("/usr/") == "/""#,
            r#"path::base_name("usr") == "usr" && path::folder("usr") == ".""#,
            r#"path::folder("/") == "/" && path::folder("") == ".""#,
            r#"path::folder("//a//b//") == "//a""#,
            r#"path::normalize("/../../etc") == "/etc" && path::normalize("a/../../b") == "../b""#,
        ],
    ),
    (
        "YAML, as Ansible reads it, and TOML 1.0",
        &[
            r#"yaml::parse("a: no\nb: 0o17\nc: ~\nd: 1.20") == #{ a: false, b: 15, c: (), d: 1.2 }"#,
            r#"yaml::parse("mode: 0644\nhouse: 007\nnone: 0\nhex: 0x1f") == #{ mode: "0644", house: "007", none: 0, hex: 31 }"#,
            r#"yaml::parse("a: &x [1]\nb: *x").b == [1]"#,
            r#"yaml::parse(yaml::to_string(#{ a: "no", b: "1", c: "", d: "a: b", e: "~" })) == #{ a: "no", b: "1", c: "", d: "a: b", e: "~" }"#,
            r#"toml::parse("a = 0xff\nb = 1979-05-27T07:32:00Z\nc.d = 1") == #{ a: 255, b: "1979-05-27T07:32:00Z", c: #{ d: 1 } }"#,
            r#"toml::parse("[[a]]\nb = 1\n[[a]]\nb = 2").a.len() == 2"#,
        ],
    ),
    (
        "RFC 8259",
        &[
            r#"json::parse(`"\ud834\udd1e"`) == "𝄞""#,
            r#"json::parse(json::to_string(#{ a: [1, -1, 1.5, true, (), "\"\\\n"] })) == #{ a: [1, -1, 1.5, true, (), "\"\\\n"] }"#,
        ],
    ),
    (
        "RFC 9562, version 4",
        &[
            r#"regex::is_match("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", uuid())"#,
        ],
    ),
];

#[test]
fn what_others_have_written_down_is_true() {
    let (engine, _) = engine();
    let mut wrong = Vec::new();
    for (source, lines) in TRUE {
        for line in *lines {
            match engine.eval::<bool>(line) {
                Ok(true) => {}
                Ok(false) => wrong.push(format!("{source}: not true: {line}")),
                Err(error) => wrong.push(format!("{source}: {error}: {line}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
