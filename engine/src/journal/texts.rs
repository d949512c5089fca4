//! Long texts: they stand beside the records, once however often they come, compressed.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::chain::{Hash, shown};

/// Texts of so many bytes stand in the record itself.
const LONGEST: usize = 4096;
/// A body that is not longer holds no text that is.
pub(super) const SMALL: usize = LONGEST;
/// What a text that stands elsewhere begins with; no JSON that oneex writes has such a text of its own, since those that
/// begin so are taken elsewhere too.
const MARK: &str = "\u{0}text:";

/// A text that stands beside the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) digest: Hash,
    pub(super) size: usize,
    pub(super) data: Vec<u8>,
}

impl Text {
    fn new(text: &str) -> Self {
        Self { digest: Sha256::digest(text).into(), size: text.len(), data: packed(text.as_bytes()) }
    }
}

/// Compressed as zlib does, RFC 1950.
pub(super) fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// Takes the long texts out of a body; each leaves its digest there.
pub(super) fn take(body: &mut Value, taken: &mut Vec<Text>) {
    match body {
        Value::String(text) if text.len() > LONGEST || text.starts_with(MARK) => {
            let long = Text::new(text);
            *text = format!("{MARK}{}", shown(&long.digest));
            taken.push(long);
        }
        Value::Array(values) => values.iter_mut().for_each(|value| take(value, taken)),
        Value::Object(map) => map.values_mut().for_each(|value| take(value, taken)),
        _ => {}
    }
}

/// Puts the texts back, which `find` gives by the digest as [`take`] left it.
pub(super) fn put_back<E>(
    body: &mut Value,
    find: &mut impl FnMut(&str) -> Result<String, E>,
) -> Result<(), E> {
    match body {
        Value::String(text) => {
            if let Some(digest) = text.strip_prefix(MARK) {
                *text = find(digest)?;
            }
        }
        Value::Array(values) => values.iter_mut().try_for_each(|value| put_back(value, find))?,
        Value::Object(map) => map.values_mut().try_for_each(|value| put_back(value, find))?,
        _ => {}
    }
    Ok(())
}

/// The digests of texts that a body points to.
pub(super) fn digests(body: &Value, found: &mut Vec<String>) {
    match body {
        Value::String(text) => found.extend(text.strip_prefix(MARK).map(str::to_owned)),
        Value::Array(values) => values.iter().for_each(|value| digests(value, found)),
        Value::Object(map) => map.values().for_each(|value| digests(value, found)),
        _ => {}
    }
}

/// Says whether a body in its written form may point to a text.
pub(super) fn may_point(body: &[u8]) -> bool {
    memchr::memmem::find(body, b"\\u0000text:").is_some()
}

/// The text again, of which it was said how long it is and what its digest is.
pub(super) fn unpacked(data: &[u8], size: usize, digest: &[u8]) -> Result<String, String> {
    let mut text = String::new();
    // One byte more than there may be shows that there is more, without reading all of it.
    let mut decoder = ZlibDecoder::new(data).take(size as u64 + 1);
    decoder.read_to_string(&mut text).map_err(|error| error.to_string())?;
    if text.len() != size || Sha256::digest(&text).as_slice() != digest {
        return Err("the text is not the one that was written".to_owned());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::json;

    use super::{LONGEST, SMALL, Text, digests, may_point, put_back, take, unpacked};
    use crate::journal::chain::shown;

    #[test]
    fn long_texts_go_and_come_back() {
        let long = "line\n".repeat(LONGEST);
        let odd = "\u{0}text:abc".to_owned();
        let whole = json!({ "a": [{ "b": long }, "short", 7, null], "c": long, "d": odd });
        let (mut body, mut taken) = (whole.clone(), Vec::new());
        take(&mut body, &mut taken);
        assert_eq!(taken.len(), 3);
        assert_eq!(taken[0], taken[1], "the same text has one digest");
        assert!(taken[0].data.len() < long.len() / 50, "{}", taken[0].data.len());
        let written = body.to_string();
        assert!(written.len() < SMALL && may_point(written.as_bytes()));
        let by_digest: HashMap<String, &Text> =
            taken.iter().map(|text| (shown(&text.digest), text)).collect();
        let mut found = Vec::new();
        digests(&body, &mut found);
        assert!(found.len() == 3 && found.iter().all(|digest| by_digest.contains_key(digest)));
        let mut find = |digest: &str| {
            let text = by_digest[digest];
            unpacked(&text.data, text.size, &text.digest)
        };
        put_back(&mut body, &mut find).expect("all are there");
        assert_eq!(body, whole);
    }

    #[test]
    fn a_text_that_was_changed_is_noticed() {
        let text = Text::new(&"x".repeat(9000));
        assert!(unpacked(&text.data, text.size, &text.digest).is_ok());
        let other = Text::new(&"x".repeat(9001));
        assert!(unpacked(&other.data, text.size, &text.digest).is_err(), "longer");
        let other = Text::new(&"y".repeat(9000));
        assert!(unpacked(&other.data, text.size, &text.digest).is_err(), "another");
        assert!(unpacked(&text.data[..text.data.len() / 2], text.size, &text.digest).is_err(), "cut");
        assert!(unpacked(b"", 0, &text.digest).is_err(), "nothing");
    }
}
