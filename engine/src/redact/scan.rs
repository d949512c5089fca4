//! Looks for secrets in bytes that come in pieces.

use std::ops::Range;
use std::sync::Arc;

use super::layers::Layers;
use super::seen::Seen;
use super::view::View;

/// Looks at each byte once in every view, whatever the pieces.
#[derive(Debug)]
pub(super) struct Scan {
    layers: Arc<Layers>,
    views: Vec<Seen>,
    /// Bytes looked at.
    at: usize,
}

impl Scan {
    /// At the byte `at` of a text, with nothing begun.
    pub(super) fn new(layers: Arc<Layers>, at: usize) -> Self {
        let views = View::ALL.into_iter().filter(|view| !layers.of(*view).is_empty());
        let views = views.map(|view| Seen::new(view, layers.of(view))).collect();
        Self { layers, views, at }
    }

    /// Whether it looks for these.
    pub(super) fn is_for(&self, layers: &Arc<Layers>) -> bool {
        Arc::ptr_eq(&self.layers, layers)
    }

    /// Looks at the next bytes and adds the places of secrets.
    pub(super) fn feed(&mut self, bytes: &[u8], found: &mut Vec<Range<usize>>) {
        for seen in &mut self.views {
            seen.feed(bytes, self.at, found);
        }
        self.at += bytes.len();
    }

    /// Where the first secret may have begun that is not ended; the number of bytes so far where none has.
    pub(super) fn begun(&self) -> usize {
        self.views.iter().filter_map(Seen::begun).min().unwrap_or(self.at).min(self.at)
    }

    /// The same of those of which so much has come that it must not be shown even if nothing follows.
    pub(super) fn told(&self) -> Option<usize> {
        self.views.iter().filter_map(Seen::told).min()
    }
}

/// Adds a place. Those that overlap are one, so that nothing of either is left.
pub(super) fn add(found: &mut Vec<Range<usize>>, mut place: Range<usize>) {
    while let Some(before) = found.pop_if(|before| before.end > place.start && before.start < place.end) {
        place = place.start.min(before.start)..place.end.max(before.end);
    }
    found.push(place);
}

/// The places in their order, each apart from the next.
pub(super) fn in_order(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.sort_unstable_by_key(|place| (place.start, place.end));
    let mut places: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for place in found {
        match places.last_mut() {
            Some(last) if last.end > place.start => last.end = last.end.max(place.end),
            _ => places.push(place),
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::layers::Layers;
    use super::{Scan, Seen, in_order};
    use crate::redact::encodings::forms;

    fn layers(secrets: &[&str]) -> Arc<Layers> {
        let mut layers = Layers::default();
        for secret in secrets {
            layers.add(forms(secret));
        }
        Arc::new(layers)
    }

    /// What is remembered is no longer than the longest form, and what is found no longer than the text, however
    /// many secrets stand in one another and however small the pieces are: the cost of a byte is that of a step of each
    /// automaton.
    #[test]
    fn what_is_kept_of_a_text_does_not_grow_with_it() {
        let nested: Vec<String> = (3..40).map(|length| "a".repeat(length)).collect();
        let layers = layers(&nested.iter().map(String::as_str).collect::<Vec<_>>());
        let mut scan = Scan::new(layers, 0);
        let mut found = Vec::new();
        for at in 0..20_000 {
            let bytes: &[u8] = if at % 5000 == 4999 { b" " } else { b"a" };
            scan.feed(bytes, &mut found);
            let kept = scan.views.iter().map(Seen::kept).max().unwrap_or_default();
            assert!(kept <= 400 && found.len() <= 40, "{kept} places, {} found", found.len());
        }
        let automata = scan.views.iter().map(Seen::automata).max();
        assert!(automata.is_some_and(|automata| automata < 5), "{automata:?} for {} secrets", nested.len());
    }

    proptest! {
        #[test]
        fn places_are_apart_and_cover_what_was_found(found in vec((0_usize..60, 1_usize..9), 0..20)) {
            let found: Vec<_> = found.into_iter().map(|(start, length)| start..start + length).collect();
            let places = in_order(found.clone());
            prop_assert!(places.is_sorted_by(|one, next| one.end <= next.start));
            let bytes = |places: Vec<std::ops::Range<usize>>| places.into_iter().flatten().collect::<BTreeSet<_>>();
            prop_assert_eq!(bytes(places), bytes(found));
        }
    }
}
