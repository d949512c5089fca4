//! The forms in which a secret comes back: as it is, in base64, URLs, JSON and what shells print.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Where `base64` and PEM files break their lines.
const WRAPPED: [usize; 2] = [76, 64];
/// The shortest line of a wrapped text that says enough of a secret.
const LINE: usize = 8;

/// What RFC 3986, section 2.3, leaves as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same with `/`, as paths have it and Python's `quote`.
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');
/// What JavaScript's `encodeURIComponent` leaves as it is.
const COMPONENT: &AsciiSet = &UNRESERVED.remove(b'!').remove(b'*').remove(b'\'').remove(b'(').remove(b')');

/// All forms of a secret, with doubles.
pub(super) fn encodings(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned(), secret.trim().to_owned()];
    base64(secret, &mut forms);
    percent(secret, &mut forms);
    json(secret, &mut forms);
    shell(secret, &mut forms);
    forms
}

/// In all three alignments, because something may stand before the secret; and as lines, because
/// `base64` wraps what is long.
fn base64(secret: &str, forms: &mut Vec<String>) {
    for offset in 0..3_usize {
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let padded: Vec<u8> = std::iter::repeat_n(0, offset).chain(secret.bytes()).collect();
            let text = engine.encode(&padded);
            // The characters at both ends mix with what stands beside the secret.
            let head = offset + usize::from(offset > 0);
            let tail = usize::from(!padded.len().is_multiple_of(3));
            let Some(inner) = text.get(head..text.len() - tail).filter(|inner| inner.len() >= 4) else {
                continue;
            };
            forms.push(inner.to_owned());
            for width in WRAPPED.into_iter().filter(|width| offset == 0 && inner.len() > *width) {
                let lines = inner.as_bytes().chunks(width).filter(|line| line.len() >= LINE);
                forms.extend(lines.map(|line| String::from_utf8_lossy(line).into_owned()));
            }
        }
    }
}

fn percent(secret: &str, forms: &mut Vec<String>) {
    let mut encoded: Vec<String> = [NON_ALPHANUMERIC, UNRESERVED, PATH, COMPONENT]
        .into_iter()
        .map(|set| utf8_percent_encode(secret, set).to_string())
        .collect();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    encoded.push(form.replace("%7E", "~"));
    encoded.push(form);
    forms.extend(encoded.iter().map(|text| lower_digits(text)));
    forms.extend(encoded);
}

/// Percent-encoding with its digits in lower case: `%2f`.
fn lower_digits(text: &str) -> String {
    let mut digits = 0;
    let change = |c: char| {
        let is_digit = digits > 0;
        digits = if c == '%' { 2 } else { digits.max(1) - 1 };
        if is_digit { c.to_ascii_lowercase() } else { c }
    };
    text.chars().map(change).collect()
}

/// Without the quotes around it: with and without `/` and what is not ASCII escaped, and with `'`
/// escaped, as programming languages print a text.
fn json(secret: &str, forms: &mut Vec<String>) {
    let Ok(quoted) = serde_json::to_string(secret) else { return };
    let plain = quoted.get(1..quoted.len() - 1).unwrap_or_default();
    let ascii: String = plain.chars().fold(String::new(), |mut out, c| {
        let mut units = [0; 2];
        match c.is_ascii() {
            true => out.push(c),
            false => {
                c.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")))
            }
        }
        out
    });
    for form in [plain, &ascii] {
        forms.push(form.to_owned());
        forms.push(form.replace('/', "\\/"));
    }
    forms.push(secret.replace('\\', "\\\\").replace('\'', "\\'"));
    let debug = format!("{secret:?}");
    forms.push(debug.get(1..debug.len() - 1).unwrap_or_default().to_owned());
}

/// As an argument is quoted: by this program, by Python's `shlex`, by `printf %q`, in double quotes.
fn shell(secret: &str, forms: &mut Vec<String>) {
    forms.push(oneex_sdk::quote(secret));
    forms.push(secret.replace('\'', "'\"'\"'"));
    forms.push(secret.replace('\'', "'\\''"));
    let escaped = |special: fn(char) -> bool| {
        secret.chars().fold(String::new(), |mut out, c| {
            if special(c) {
                out.push('\\');
            }
            out.push(c);
            out
        })
    };
    forms.push(escaped(|c| c.is_ascii() && !c.is_ascii_alphanumeric() && !"_@%+=:./-".contains(c)));
    forms.push(escaped(|c| c.is_ascii() && !c.is_ascii_alphanumeric() && !"_@%+=:,./-~".contains(c)));
    forms.push(escaped(|c| matches!(c, '"' | '$' | '`' | '\\')));
}

#[cfg(test)]
mod tests {
    use super::encodings;

    /// What programs print for the secret that the test is about.
    const PRINTED: [(&str, &str); 19] = [
        ("itself", "a b/-c~ü'\"$x"),
        ("printf %q, with a comma left alone", "a\\ b/-c~ü\\'\\\"\\$x"),
        ("bash's printf %q", "a\\ b/-c\\~ü\\'\\\"\\$x"),
        ("sh -x", "a b/-c~ü'\\''\"$x"),
        ("python: shlex.quote", "a b/-c~ü'\"'\"'\"$x"),
        ("in double quotes", "a b/-c~ü'\\\"\\$x"),
        ("python: repr", "a b/-c~ü\\'\"$x"),
        ("python: json.dumps", "a b/-c~\\u00fc'\\\"$x"),
        ("jq", "a b/-c~ü'\\\"$x"),
        ("php: json_encode", "a b\\/-c~\\u00fc'\\\"$x"),
        ("python: quote", "a%20b/-c~%C3%BC%27%22%24x"),
        ("python: quote with no safe character", "a%20b%2F-c~%C3%BC%27%22%24x"),
        ("python: quote_plus", "a+b%2F-c~%C3%BC%27%22%24x"),
        ("a form of a browser", "a+b%2F-c%7E%C3%BC%27%22%24x"),
        ("javascript: encodeURIComponent", "a%20b%2F-c~%C3%BC'%22%24x"),
        ("everything encoded", "a%20b%2F%2Dc%7E%C3%BC%27%22%24x"),
        ("in lower case", "a%20b%2f-c~%c3%bc%27%22%24x"),
        ("base64", "YSBiLy1jfsO8JyIkeA"),
        ("base64 behind `user:`", "HNlcjphIGIvLWN-w7wnIiR4"),
    ];

    #[test]
    fn what_programs_print_holds_a_form() {
        let forms = encodings("a b/-c~ü'\"$x");
        for (program, printed) in PRINTED {
            assert!(forms.iter().any(|form| printed.contains(form.as_str())), "{program}: {printed}");
        }
    }

    #[test]
    fn each_line_of_a_wrapped_base64_text_is_a_form() {
        let secret = "0123456789abcdefghijklmnopqrstuvwxyz".repeat(4);
        let forms = encodings(&secret);
        // `printf %s "$secret" | base64`, and the same with `-w 64`.
        for line in [
            "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6MDEyMzQ1Njc4OWFiY2RlZmdoaWpr",
            "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6MDEyMzQ1Njc4OWFi",
            "Y2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1u",
        ] {
            assert!(forms.iter().any(|form| form == line), "{line}");
        }
    }
}
