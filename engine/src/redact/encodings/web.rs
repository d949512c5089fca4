//! Percent-encoding (RFC 3986) and the entities of HTML and XML.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What RFC 3986, section 2.3, leaves as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same with `/`, as paths have it and Python's `quote`.
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');
/// What JavaScript's `encodeURIComponent` leaves as it is.
const COMPONENT: &AsciiSet = &UNRESERVED.remove(b'!').remove(b'*').remove(b'\'').remove(b'(').remove(b')');
/// What JavaScript's `encodeURI` leaves as it is.
const WHOLE: &AsciiSet = &COMPONENT
    .remove(b';')
    .remove(b',')
    .remove(b'/')
    .remove(b'?')
    .remove(b':')
    .remove(b'@')
    .remove(b'&')
    .remove(b'=')
    .remove(b'+')
    .remove(b'$')
    .remove(b'#');

/// With the digits in upper and in lower case.
pub(super) fn percent(secret: &str, forms: &mut Vec<String>) {
    let mut encoded: Vec<String> = [NON_ALPHANUMERIC, UNRESERVED, PATH, COMPONENT, WHOLE]
        .into_iter()
        .map(|set| utf8_percent_encode(secret, set).to_string())
        .collect();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    encoded.push(form.replace("%7E", "~"));
    encoded.push(form);
    // As the password of a URL and its query have it.
    if let Ok(mut url) = url::Url::parse("http://host") {
        let is_set = url.set_password(Some(secret)).is_ok();
        encoded.extend(url.password().filter(|_| is_set).map(str::to_owned));
        url.set_query(Some(secret));
        encoded.extend(url.query().map(str::to_owned));
    }
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

/// `&`, `<` and `>`, and quotes as each library writes them: XML's, Python's, Go's, PHP's and none.
pub(super) fn entities(secret: &str, forms: &mut Vec<String>) {
    let text = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let double = text.replace('"', "&quot;");
    for single in ["&apos;", "&#x27;", "&#39;", "&#039;"] {
        forms.push(double.replace('\'', single));
        forms.push(text.replace('\'', single));
    }
    let go = text.replace('"', "&#34;").replace('\'', "&#39;");
    forms.push(go.replace('+', "&#43;"));
    forms.extend([go, double, text]);
}
