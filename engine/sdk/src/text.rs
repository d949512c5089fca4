//! Text that came from elsewhere, made safe to show.

/// Returns `text` with every control character but line break and tab written out (`\x1b`), so that
/// what a host sent cannot move the cursor, change colours or set the title of a terminal.
///
/// Covers C0, DEL, C1 and the Unicode characters that reorder text (bidirectional controls).
pub fn visible(text: &str) -> std::borrow::Cow<'_, str> {
    let unsafe_char = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
    };
    if !text.contains(unsafe_char) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\r' => out.push_str("\\r"),
            c if unsafe_char(c) && u32::from(c) < 0x100 => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if unsafe_char(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.into()
}

/// What the system says of a failed call, as our messages are written: without its number, and in
/// lower case.
pub fn io_reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{io_reason, visible};

    #[test]
    fn reasons_have_no_numbers() {
        assert_eq!(io_reason(&std::io::Error::from_raw_os_error(2)), "no such file or directory");
        assert_eq!(io_reason(&std::io::Error::other("it broke")), "it broke");
    }

    #[test]
    fn escapes_what_controls_a_terminal_and_keeps_the_rest() {
        assert_eq!(visible("plain\tünïcode\n"), "plain\tünïcode\n");
        assert_eq!(visible("\x1b[2J\x07"), "\\x1b[2J\\x07");
        assert_eq!(visible("a\r\u{9b}31mb\u{202e}"), "a\\r\\x9b31mb\\u{202e}");
    }
}
