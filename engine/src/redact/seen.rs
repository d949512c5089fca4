//! One view of what comes in pieces, and what is found in it.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::layers::{Layer, StateID};
use super::scan::add;
use super::view::{Eye, Sight, View};

/// The shortest beginning of a form behind which a line may break without the line being shown first: else every line
/// that ends with a secret's first letter would wait for the next one.
const BROKEN: u32 = 4;
/// Bytes that are searched as one before each is looked at; so many times the longest form where that is more.
const BLOCK: usize = 8 << 10;
const FORMS: usize = 8;

/// One view of a text.
#[derive(Debug)]
pub(super) struct Seen {
    view: View,
    eye: Eye,
    states: Vec<State>,
    /// Where the last bytes that were seen stand.
    places: VecDeque<usize>,
    longest: usize,
    /// What is seen of a block, one run behind the other.
    runs: Vec<u8>,
}

/// One automaton.
#[derive(Debug)]
struct State {
    layer: Arc<Layer>,
    state: StateID,
    /// What stands before need not wait for what follows.
    from: usize,
}

impl Seen {
    /// With nothing begun.
    pub(super) fn new(view: View, layers: &[Arc<Layer>]) -> Self {
        let state = |layer: &Arc<Layer>| State { layer: Arc::clone(layer), state: layer.start(), from: 0 };
        let longest = layers.iter().map(|layer| layer.longest()).max().unwrap_or_default();
        let states = layers.iter().map(state).collect();
        Self { view, eye: Eye::new(view), states, places: VecDeque::new(), longest, runs: Vec::new() }
    }

    /// Looks at the next bytes, of which the first is number `at`, and adds the places of secrets.
    pub(super) fn feed(&mut self, bytes: &[u8], at: usize, found: &mut Vec<Range<usize>>) {
        let block = BLOCK.max(FORMS * self.longest);
        for (number, bytes) in bytes.chunks(block).enumerate() {
            let at = at + number * block;
            match bytes.len() > 4 * self.longest {
                true => self.block(bytes, at, found),
                false => self.each(bytes, at, found),
            }
        }
    }

    /// Where the first secret may have begun that is not ended.
    pub(super) fn begun(&self) -> Option<usize> {
        let begun = self.states.iter().filter_map(|state| {
            let begun = state.layer.begun(state.state).bytes;
            Some(self.start(begun as usize)?.max(state.from))
        });
        begun.min()
    }

    /// The same of those of which so much has come that it tells much of them.
    pub(super) fn told(&self) -> Option<usize> {
        let begun = self.states.iter().map(|state| state.layer.begun(state.state));
        begun.filter(|begun| begun.is_telling).filter_map(|begun| self.start(begun.bytes as usize)).min()
    }

    /// Searches a block that is much longer than a form. Where nothing is in it, only its ends are looked at: at what
    /// begun before it, and at what may go on behind it.
    fn block(&mut self, bytes: &[u8], at: usize, found: &mut Vec<Range<usize>>) {
        let mut eye = self.eye.clone();
        let runs = eye.runs(bytes);
        let seen = match runs.as_slice() {
            [all] if all.len() == bytes.len() => bytes,
            runs => {
                self.runs.clear();
                runs.iter().for_each(|run| self.runs.extend_from_slice(&bytes[run.clone()]));
                &self.runs
            }
        };
        if self.states.iter().any(|state| state.layer.is_in(seen)) {
            return self.each(bytes, at, found);
        }
        let (head, tail) = self.ends(&runs);
        if tail <= head {
            return self.each(bytes, at, found);
        }
        if self.begun().is_some() {
            self.each(&bytes[..head], at, found);
        }
        self.forget();
        self.eye = Eye::in_line(self.view);
        self.each(&bytes[tail..], at + tail, found);
    }

    /// Behind the first bytes that are seen and before the last, on each side as many as the longest form has.
    fn ends(&self, runs: &[Range<usize>]) -> (usize, usize) {
        let place = |runs: &mut dyn Iterator<Item = &Range<usize>>| {
            let mut left = self.longest;
            for run in runs {
                match left.checked_sub(run.len()) {
                    Some(rest) if rest > 0 => left = rest,
                    _ => return Some((run.clone(), left)),
                }
            }
            None
        };
        match (place(&mut runs.iter()), place(&mut runs.iter().rev())) {
            (Some((first, head)), Some((last, tail))) => (first.start + head, last.end - tail),
            _ => (0, 0),
        }
    }

    /// Looks at each byte.
    fn each(&mut self, bytes: &[u8], at: usize, found: &mut Vec<Range<usize>>) {
        for (at, byte) in (at..).zip(bytes) {
            match self.eye.see(*byte) {
                Sight::Seen => self.look(at, *byte, found),
                Sight::LeftOut => {}
                Sight::LineEnd => {
                    let is_short = |state: &&mut State| state.layer.begun(state.state).bytes < BROKEN;
                    self.states.iter_mut().filter(is_short).for_each(|state| state.from = at + 1);
                }
                Sight::Gap => self.forget(),
            }
        }
    }

    fn look(&mut self, at: usize, byte: u8, found: &mut Vec<Range<usize>>) {
        if self.places.len() == self.longest {
            self.places.pop_front();
        }
        self.places.push_back(at);
        for index in 0..self.states.len() {
            let State { layer, state, .. } = &mut self.states[index];
            *state = layer.next(*state, byte);
            let Some(length) = layer.found(*state) else { continue };
            if let Some(start) = self.start(length) {
                add(found, start..at + 1);
            }
        }
    }

    fn forget(&mut self) {
        self.places.clear();
        self.states.iter_mut().for_each(|state| state.state = state.layer.start());
    }

    /// Where the last so many bytes that were seen begin; none of no bytes.
    fn start(&self, count: usize) -> Option<usize> {
        self.places.get(self.places.len().checked_sub(count)?).copied()
    }

    /// How many places are remembered.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.places.len()
    }

    /// How many automata look at each byte.
    #[cfg(test)]
    pub(super) fn automata(&self) -> usize {
        self.states.len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::Seen;
    use crate::redact::encodings::forms;
    use crate::redact::layers::Layers;
    use crate::redact::scan::in_order;
    use crate::redact::view::View;

    proptest! {
        /// Whether a block is searched as one or byte by byte, the same is found and the same is begun.
        #[test]
        fn a_block_is_seen_as_its_bytes_are(
            secrets in vec("[ab]{3,5}|[ab\n]{8,10}", 1..3), text in "([abc]{1,9}|[ +\n\r]{1,3}|x{10,40}){0,40}", first in 0_usize..20
        ) {
            let mut layers = Layers::default();
            for secret in &secrets {
                layers.add(forms(secret));
            }
            for view in View::ALL {
                let (mut one, mut other) = (Seen::new(view, layers.of(view)), Seen::new(view, layers.of(view)));
                let (mut found, mut expected) = (Vec::new(), Vec::new());
                let (head, tail) = text.split_at(first.min(text.len()));
                other.each(text.as_bytes(), 0, &mut expected);
                one.each(head.as_bytes(), 0, &mut found);
                one.block(tail.as_bytes(), head.len(), &mut found);
                prop_assert_eq!(in_order(found), in_order(expected), "{:?}", view);
                prop_assert_eq!(one.begun(), other.begun(), "{:?}", view);
                prop_assert_eq!(one.told(), other.told(), "{:?}", view);
            }
        }

        /// What is cheap stays so: of a block without a secret only the ends are looked at byte by byte.
        #[test]
        fn of_a_block_only_the_ends_are_looked_at(text in "[x ]{4000,8000}") {
            let mut layers = Layers::default();
            layers.add(forms("hunter22"));
            for view in View::ALL {
                let mut seen = Seen::new(view, layers.of(view));
                seen.feed(text.as_bytes(), 0, &mut Vec::new());
                prop_assert!(seen.kept() <= seen.longest && seen.places.front().is_some_and(|at| *at > 2000));
            }
        }
    }

    #[test]
    fn what_goes_on_over_blocks_is_found() {
        let mut layers = Layers::default();
        layers.add(forms("hunter22"));
        let layers = Arc::new(layers);
        for shift in 0..10 {
            let text = format!("{}hunter22{}", "x".repeat(super::BLOCK - shift), "y".repeat(super::BLOCK));
            let mut seen = Seen::new(View::Whole, layers.of(View::Whole));
            let mut found = Vec::new();
            seen.feed(text.as_bytes(), 100, &mut found);
            let start = 100 + super::BLOCK - shift;
            assert_eq!((found.len(), found.first()), (1, Some(&(start..start + 8))), "{shift}");
        }
    }
}
