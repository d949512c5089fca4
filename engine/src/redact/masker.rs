//! Masking what comes in pieces, as a command writes it: a secret may be split anywhere.

use std::ops::Bound;
use std::sync::PoisonError;

use super::{Known, MASK, Redactor, spans};

/// Masks one stream of bytes. It holds back only what may be the beginning of a secret, so that a line is seen as soon
/// as it is written; and no more than the longest secret, however much comes.
#[derive(Debug, Default)]
pub struct Masker {
    held: Vec<u8>,
    /// Bytes of what is held that stand in a secret whose mask is given out already.
    covered: usize,
}

impl Masker {
    /// Takes the next bytes and gives what can be shown.
    pub fn feed(&mut self, redactor: &Redactor, bytes: Vec<u8>) -> Vec<u8> {
        self.mask(redactor, bytes, false)
    }

    /// Gives what is left: nothing comes any more.
    pub fn finish(&mut self, redactor: &Redactor) -> Vec<u8> {
        self.mask(redactor, Vec::new(), true)
    }

    fn mask(&mut self, redactor: &Redactor, mut bytes: Vec<u8>, is_last: bool) -> Vec<u8> {
        let known = redactor.inner.read().unwrap_or_else(PoisonError::into_inner);
        if !self.held.is_empty() {
            self.held.append(&mut bytes);
            bytes = std::mem::take(&mut self.held);
        }
        let Some(automaton) = &known.automaton else { return bytes };
        let until = if is_last { bytes.len() } else { known.begun(&bytes) };
        let covered = std::mem::take(&mut self.covered);
        if covered == 0 && !automaton.is_match(&bytes) {
            self.held = bytes.split_off(until);
            return bytes;
        }
        let (mut out, mut from) = (Vec::with_capacity(bytes.len()), 0);
        for (start, end) in
            spans(automaton, &bytes, covered).into_iter().take_while(|(start, _)| *start < until)
        {
            out.extend_from_slice(&bytes[from..start]);
            if covered == 0 || start > 0 {
                out.extend_from_slice(MASK.as_bytes());
            }
            from = end;
        }
        out.extend_from_slice(bytes.get(from..until).unwrap_or_default());
        self.covered = from.max(covered).saturating_sub(until);
        self.held = bytes.split_off(until);
        out
    }
}

impl Known {
    /// Where the end of `bytes` may be the beginning of a form of a secret that goes on; their length where it is not.
    fn begun(&self, bytes: &[u8]) -> usize {
        let first = bytes.len().saturating_sub(self.longest.saturating_sub(1));
        let is_begun = |at: &usize| self.firsts[usize::from(bytes[*at])] && self.goes_on(&bytes[*at..]);
        (first..bytes.len()).find(is_begun).unwrap_or(bytes.len())
    }

    /// True where a form begins with `bytes` and is longer.
    fn goes_on(&self, bytes: &[u8]) -> bool {
        let after = (Bound::Excluded(bytes), Bound::Unbounded);
        self.patterns.range::<[u8], _>(after).next().is_some_and(|form| form.starts_with(bytes))
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
            (&["hun", "ny", " hunter2"], &["", "hunny", " ", "hunter2"]),
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
