//! Texts as data formats, programming languages and shells quote them, without the quotes around them.

use std::fmt::Write as _;

/// JSON with what must be escaped, and nothing else.
pub(super) fn plain_json(secret: &str) -> Option<String> {
    let quoted = serde_json::to_string(secret).ok()?;
    Some(quoted.get(1..quoted.len() - 1)?.to_owned())
}

/// JSON: with and without `/` and what is not ASCII escaped, and as Go and .NET write it, which mind HTML.
pub(super) fn json(secret: &str, forms: &mut Vec<String>) {
    let Some(plain) = plain_json(secret) else { return };
    let go = units(&plain, |c| matches!(c, '<' | '>' | '&'), false);
    let strict = secret.chars().fold(String::new(), |mut out, c| {
        match c {
            '"' => out.push_str("\\u0022"),
            '\'' | '<' | '>' | '&' | '+' | '`' => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c => out.push(c),
        }
        out
    });
    for form in [plain, go, strict] {
        for upper in [false, true] {
            let ascii = units(&form, |c| !c.is_ascii(), upper);
            forms.push(ascii.replace('/', "\\/"));
            forms.push(ascii);
        }
        forms.push(form.replace('/', "\\/"));
        forms.push(form);
    }
}

/// The characters that are `special` as `\uXXXX`, twice beyond the basic plane.
fn units(text: &str, special: fn(char) -> bool, upper: bool) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if !special(c) {
            out.push(c);
            return out;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = match upper {
                true => write!(out, "\\u{unit:04X}"),
                false => write!(out, "\\u{unit:04x}"),
            };
        }
        out
    })
}

/// Python, Rust, YAML, TOML, SQL and CSV.
pub(super) fn languages(secret: &str, forms: &mut Vec<String>) {
    let breaks = |text: String| text.replace('\n', "\\n").replace('\t', "\\t").replace('\r', "\\r");
    let backslashes = secret.replace('\\', "\\\\");
    forms.push(breaks(backslashes.replace('\'', "\\'")));
    forms.push(backslashes.replace('\'', "\\'"));
    forms.push(breaks(backslashes.clone()));
    let debug = format!("{secret:?}");
    forms.push(debug.get(1..debug.len() - 1).unwrap_or_default().to_owned());
    // In single quotes of YAML and SQL, in double quotes of CSV.
    forms.push(secret.replace('\'', "''"));
    forms.push(secret.replace('"', "\"\""));
    // In double quotes of YAML, of which Python escapes what is not ASCII as short as it can.
    let short = breaks(backslashes.replace('"', "\\\"")).chars().fold(String::new(), |mut out, c| {
        let _ = match u32::from(c) {
            0..=0x7e => write!(out, "{c}"),
            code @ 0x7f..=0xff => write!(out, "\\x{code:02X}"),
            code @ 0x100..=0xffff => write!(out, "\\u{code:04X}"),
            code => write!(out, "\\U{code:08X}"),
        };
        out
    });
    forms.push(short);
    // Python's bytes.
    let bytes = |quote: bool| {
        let text = if quote { backslashes.replace('\'', "\\'") } else { backslashes.clone() };
        escaped_bytes(&breaks(text), |out, byte| write!(out, "\\x{byte:02x}"))
    };
    forms.extend([bytes(true), bytes(false)]);
}

/// As an argument is quoted: by this program, by Python's `shlex`, by `printf %q`, in double quotes, in `$'…'`.
pub(super) fn shell(secret: &str, forms: &mut Vec<String>) {
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
    forms.push(escaped(|c| matches!(c, '"' | '$' | '`' | '\\' | '!')));
    let ansi = secret.chars().fold(String::new(), |mut out, c| {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\u{1b}' => out.push_str("\\E"),
            c => out.push(c),
        }
        out
    });
    forms.push(escaped_bytes(&ansi, |out, byte| write!(out, "\\{byte:03o}")));
    forms.push(ansi);
}

/// Bytes that are not printable ASCII as `write` says it.
fn escaped_bytes(text: &str, write: impl Fn(&mut String, u8) -> std::fmt::Result) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if (b' '..=b'~').contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write(&mut out, byte);
        }
        out
    })
}
