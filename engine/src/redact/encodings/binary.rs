//! Bytes as text: base64 (RFC 4648) and hexadecimal digits.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Bytes are shown one by one of secrets up to this length.
const SHORT: usize = 1 << 10;

/// Base64 in both alphabets and all three alignments, because something may stand before the secret. The characters at
/// both ends, which mix with what stands beside the secret, are left out.
pub(super) fn base64(secret: &[u8]) -> Vec<String> {
    let engines = [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD];
    let forms = (0..3_usize).flat_map(|offset| {
        engines.map(|engine| {
            let padded: Vec<u8> = std::iter::repeat_n(0, offset).chain(secret.iter().copied()).collect();
            let text = engine.encode(&padded);
            let head = offset + usize::from(offset > 0);
            let tail = usize::from(!padded.len().is_multiple_of(3));
            text.get(head..text.len() - tail).unwrap_or_default().to_owned()
        })
    });
    forms.filter(|form| form.len() >= 4).collect()
}

/// Hexadecimal digits in a row, as `xxd -p` and digests show them.
pub(super) fn hexadecimal(secret: &str) -> Vec<String> {
    let lower: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    vec![lower.to_uppercase(), lower]
}

/// Hexadecimal digits with colons between the bytes, as OpenSSL shows them, or with `\x` before each, as `systemd-escape`
/// and C do.
pub(super) fn bytes(secret: &str) -> Vec<String> {
    if secret.len() > SHORT {
        return Vec::new();
    }
    let digits: Vec<String> = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let colons = digits.join(":");
    vec![colons.to_uppercase(), colons, digits.into_iter().map(|digits| format!("\\x{digits}")).collect()]
}
