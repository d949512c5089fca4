use super::forms;
use crate::redact::view::View;

/// What programs print for the secret that the test is about.
const PRINTED: [(&str, &str); 46] = [
    ("itself", "a b/-c~ü'\"$x"),
    ("printf %q, with a comma left alone", "a\\ b/-c~ü\\'\\\"\\$x"),
    ("bash's printf %q", "a\\ b/-c\\~ü\\'\\\"\\$x"),
    ("bash's printf %q in the locale C", "$'a b/-c~\\303\\274\\'\"$x'"),
    ("bash: ${x@Q} with a line break before it", "$'a b/-c~ü\\'\"$x'"),
    ("sh -x", "a b/-c~ü'\\''\"$x"),
    ("python: shlex.quote", "a b/-c~ü'\"'\"'\"$x"),
    ("in double quotes", "a b/-c~ü'\\\"\\$x"),
    ("python: repr", "a b/-c~ü\\'\"$x"),
    ("python: repr of bytes", "a b/-c~\\xc3\\xbc\\'\"$x"),
    ("python: json.dumps", "a b/-c~\\u00fc'\\\"$x"),
    ("python: yaml.dump in single quotes", "a b/-c~ü''\"$x"),
    ("python: yaml.dump in double quotes", "a b/-c~\\xFC'\\\"$x"),
    ("python: html.escape", "a b/-c~ü&#x27;&quot;$x"),
    ("go: html/template", "a b/-c~ü&#39;&#34;$x"),
    ("php: htmlspecialchars", "a b/-c~ü&#039;&quot;$x"),
    ("xml", "a b/-c~ü&apos;&quot;$x"),
    ("text of xml", "a b/-c~ü'\"$x"),
    ("sql", "a b/-c~ü''\"$x"),
    ("csv", "a b/-c~ü'\"\"$x"),
    ("toml", "a b/-c~ü'\\\"$x"),
    ("jq", "a b/-c~ü'\\\"$x"),
    (".net: JsonSerializer", "a b/-c~\\u00FC\\u0027\\u0022$x"),
    ("php: json_encode", "a b\\/-c~\\u00fc'\\\"$x"),
    ("python: quote", "a%20b/-c~%C3%BC%27%22%24x"),
    ("python: quote with no safe character", "a%20b%2F-c~%C3%BC%27%22%24x"),
    ("python: quote_plus", "a+b%2F-c~%C3%BC%27%22%24x"),
    ("a form of a browser", "a+b%2F-c%7E%C3%BC%27%22%24x"),
    ("javascript: encodeURIComponent", "a%20b%2F-c~%C3%BC'%22%24x"),
    ("javascript: encodeURI", "a%20b/-c~%C3%BC'%22$x"),
    ("a browser's line of addresses", "a%20b/-c~%C3%BC%27%22$x"),
    ("everything encoded", "a%20b%2F%2Dc%7E%C3%BC%27%22%24x"),
    ("in lower case", "a%20b%2f-c~%c3%bc%27%22%24x"),
    ("base64", "YSBiLy1jfsO8JyIkeA"),
    ("base64 behind `user:`", "HNlcjphIGIvLWN-w7wnIiR4"),
    ("base64 of base64", "WVNCaUx5MWpmc084SnlJa2VB"),
    (
        "base64 of a Docker configuration: `{\"auth\":\"` and base64 of `me:` before it",
        "eyJhdXRoIjoiYldVNllTQmlMeTFqZnNPOEp5SWtlQT09In0=",
    ),
    ("base64 of what jq prints", "ImEgYi8tY37DvCdcIiR4Ig"),
    ("xxd -p", "6120622f2d637ec3bc27222478"),
    ("a digest in upper case", "6120622F2D637EC3BC27222478"),
    ("od -A n -t x1", " 61 20 62 2f 2d 63 7e c3\n bc 27 22 24 78"),
    ("JSON in JSON", "a b/-c~ü'\\\\\\\"$x"),
    ("sh -x in JSON", "a b/-c~ü'\\\\''\\\"$x"),
    ("openssl", "61:20:62:2F:2D:63:7E:C3:BC:27:22:24:78"),
    ("perl: sprintf '\\x%02x'", "\\x61\\x20\\x62\\x2f\\x2d\\x63\\x7e\\xc3\\xbc\\x27\\x22\\x24\\x78"),
    ("with a line broken and indented", "a\n      b/-c~ü'\"$x"),
];

#[test]
fn what_programs_print_holds_a_form() {
    let forms = forms("a b/-c~ü'\"$x");
    for (program, printed) in PRINTED {
        let holds = View::ALL.iter().zip(&forms).any(|(view, forms)| {
            let seen = view.of(printed.as_bytes());
            forms.iter().any(|form| memchr::memmem::find(&seen, form).is_some())
        });
        assert!(holds, "{program}: {printed}");
    }
}

#[test]
fn go_and_php_mind_html_in_json() {
    let forms = forms("<a&b>'\"/é\n");
    for printed in [
        "\\u003ca\\u0026b\\u003e'\\\"/é\\n",
        "<a&b>'\\\"\\/\\u00e9\\n",
        "\\u003Ca\\u0026b\\u003E\\u0027\\u0022/\\u00E9\\n",
    ] {
        assert!(forms[0].contains(printed.as_bytes()), "{printed}");
    }
}

#[test]
fn each_long_line_of_a_secret_is_a_form_and_its_frame_is_not() {
    let forms = forms("-----BEGIN A KEY-----\n  first+line/one\r\nshort\n-----END A KEY-----\n");
    let is_form = |text: &str| forms[0].contains(text.as_bytes());
    assert!(is_form("first+line/one") && is_form("first%2Bline%2Fone") && is_form("first+line\\/one"));
    assert!(!is_form("-----BEGIN A KEY-----") && !is_form("-----END A KEY-----") && !is_form("short"));
}

#[test]
fn the_forms_of_a_long_secret_are_few_and_no_longer_than_a_few_times_it() {
    for length in [10, 1000, 60_000, 200_000] {
        let secret: String = ('a'..='z').cycle().take(length).collect();
        let bytes: usize = forms(&secret).iter().flatten().map(Vec::len).sum();
        assert!(bytes <= 60 * length, "{bytes} of {length}");
    }
    assert!(forms("ab").iter().all(std::collections::BTreeSet::is_empty));
    assert!(forms(" a\n ").iter().all(std::collections::BTreeSet::is_empty));
}
