//! Masking what comes in pieces, as a command writes it: a secret may be split anywhere.

use std::ops::Range;
use std::sync::Arc;

use super::scan::{Scan, in_order};
use super::{MASK, Redactor};

/// Masks one stream of bytes. It holds back only what may be the beginning of a secret, so that a line is seen as soon
/// as it is written; and no more than the longest secret, however much comes.
#[derive(Debug, Default)]
pub struct Masker {
    scan: Option<Scan>,
    held: Vec<u8>,
    /// Bytes given out so far, which what is held comes behind.
    given: usize,
    /// Where the last secret ends whose mask is given out.
    masked: usize,
    /// Where secrets stand in what is held.
    found: Vec<Range<usize>>,
}

impl Masker {
    /// Takes the next bytes and gives what can be shown.
    pub fn feed(&mut self, redactor: &Redactor, bytes: Vec<u8>) -> Vec<u8> {
        let layers = redactor.layers();
        if layers.is_empty() {
            self.given += bytes.len();
            return bytes;
        }
        let from = self.held.len();
        self.held.extend(bytes);
        match &mut self.scan {
            Some(scan) if scan.is_for(&layers) => scan.feed(&self.held[from..], &mut self.found),
            // A secret has become known, and may stand in what is held.
            scan => scan.insert(Scan::new(Arc::clone(&layers), self.given)).feed(&self.held, &mut self.found),
        }
        let until = self.scan.as_ref().map_or(self.given, Scan::begun);
        self.give(until)
    }

    /// Gives what is left: nothing comes any more. What may be most of a secret, of which the rest was cut off, is
    /// masked as well.
    pub fn finish(&mut self, redactor: &Redactor) -> Vec<u8> {
        let mut out = self.feed(redactor, Vec::new());
        let end = self.given + self.held.len();
        self.found.extend(self.scan.as_ref().and_then(Scan::told).map(|start| start..end));
        out.extend(self.give(end));
        out
    }

    /// Whether there was a secret so far.
    pub fn has_masked(&self) -> bool {
        self.masked > 0
    }

    fn give(&mut self, until: usize) -> Vec<u8> {
        let until = until.max(self.given);
        let mut out = Vec::with_capacity(until - self.given);
        let mut from = self.masked.max(self.given);
        for place in in_order(std::mem::take(&mut self.found)) {
            if place.start >= until {
                self.found.push(place);
                continue;
            }
            if place.start >= self.masked {
                out.extend_from_slice(self.bytes(from..place.start));
                out.extend_from_slice(MASK.as_bytes());
            }
            from = from.max(place.end);
            self.masked = from;
        }
        out.extend_from_slice(self.bytes(from..until));
        self.held.drain(..until - self.given);
        self.given = until;
        out
    }

    fn bytes(&self, place: Range<usize>) -> &[u8] {
        let at = |place: usize| place.saturating_sub(self.given);
        self.held.get(at(place.start)..at(place.end)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::{MASK, Masker, Redactor};

    fn redactor(secrets: &[&str]) -> Redactor {
        let redactor = Redactor::default();
        redactor.register_all(secrets);
        redactor
    }

    /// What is given out after each chunk, and at the end.
    fn given(redactor: &Redactor, chunks: &[&str]) -> Vec<String> {
        let mut masker = Masker::default();
        let mut given: Vec<Vec<u8>> =
            chunks.iter().map(|chunk| masker.feed(redactor, chunk.as_bytes().to_vec())).collect();
        given.push(masker.finish(redactor));
        given.into_iter().map(|bytes| String::from_utf8(bytes).expect("a text")).collect()
    }

    #[test]
    fn a_secret_is_found_wherever_it_is_split_and_nothing_else_is_held_back() {
        let redactor = redactor(&["hunter22", "hun-ter-33\nsecond line"]);
        for (chunks, expected) in [
            (&["a line\n", "hunter22\n"][..], &["a line\n", "•••\n", ""][..]),
            (&["say hun", "ter22 now"], &["say ", "••• now", ""]),
            (&["h", "u", "n", "t", "h", "u"], &["", "", "", "", "hunt", "", "hu"]),
            (&["hun", "ny", " hunte"], &["", "hunny", " ", "hunte"]),
            (&["most of it: ", "hunter2"], &["most of it: ", "", "•••"]),
            (&["ends with h\n", "unter22"], &["ends with h\n", "•••", ""]),
            (&["x hun-ter-33", "\n", "second line."], &["x ", "", "•••.", ""]),
            (&["hunter22hunter", "22"], &["•••", "•••", ""]),
            (&["", ""], &["", "", ""]),
        ] {
            assert_eq!(given(&redactor, chunks), expected, "{chunks:?}");
        }
        assert_eq!(given(&Redactor::default(), &["hunter22"]), ["hunter22", ""]);
    }

    #[test]
    fn an_endless_overlap_takes_no_memory_and_is_one_mask() {
        let redactor = redactor(&["aaaa"]);
        let mut masker = Masker::default();
        let mut given = Vec::new();
        for _ in 0..1000 {
            given.extend(masker.feed(&redactor, vec![b'a'; 1000]));
            assert!(masker.held.len() < 64, "{}", masker.held.len());
        }
        given.extend(masker.feed(&redactor, b" end".to_vec()));
        given.extend(masker.finish(&redactor));
        assert_eq!(String::from_utf8_lossy(&given), format!("{MASK} end"));
    }

    #[test]
    fn what_is_no_text_passes_as_it_is() {
        let redactor = redactor(&["hunter22"]);
        let bytes: Vec<u8> = (0..=255).collect();
        let mut masker = Masker::default();
        let given = [masker.feed(&redactor, bytes.clone()), masker.finish(&redactor)].concat();
        assert_eq!(given, bytes);
    }

    #[test]
    fn a_secret_that_becomes_known_later_is_masked_from_then_on() {
        let redactor = redactor(&["first-one"]);
        let mut masker = Masker::default();
        let early = masker.feed(&redactor, b"first-one second-one ".to_vec());
        redactor.register_all(["second-one"]);
        let late = masker.feed(&redactor, b"second-one first-one".to_vec());
        let all = [early, late, masker.finish(&redactor)].concat();
        assert_eq!(String::from_utf8_lossy(&all), "••• second-one ••• •••");
    }

    proptest! {
        /// In whatever chunks it comes, it is masked as the whole text is.
        #[test]
        fn chunks_are_masked_as_the_whole(
            secrets in vec(prop_oneof!["[ab]{3,6}", "[a-c\n]{3,9}", "a{3,5}"], 1..5),
            text in "[ab \n]{0,60}|([ab]{0,9}[a-d\nü]{0,5}){0,6}", sizes in vec(1_usize..7, 1..20)
        ) {
            let redactor = Redactor::default();
            redactor.register_all(&secrets);
            let (mut masker, mut out) = (Masker::default(), Vec::new());
            let (mut rest, mut sizes) = (text.as_bytes(), sizes.iter().cycle());
            while !rest.is_empty() {
                let (chunk, after) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
                out.extend(masker.feed(&redactor, chunk.to_vec()));
                rest = after;
            }
            out.extend(masker.finish(&redactor));
            prop_assert_eq!(String::from_utf8_lossy(&out), redactor.text(&text), "{:?} in {:?}", secrets, text);
        }
    }
}
