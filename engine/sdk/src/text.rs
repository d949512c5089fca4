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

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn escapes_what_controls_a_terminal_and_keeps_the_rest() {
        assert_eq!(visible("plain\tünïcode\n"), "plain\tünïcode\n");
        assert_eq!(visible("\x1b[2J\x07"), "\\x1b[2J\\x07");
        assert_eq!(visible("a\r\u{9b}31mb\u{202e}"), "a\\r\\x9b31mb\\u{202e}");
    }
}
