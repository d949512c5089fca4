//! What is looked for, as automata that look at each byte once.

use std::sync::Arc;

use aho_corasick::automaton::Automaton as _;
pub(super) use aho_corasick::automaton::StateID;
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, Input};

use super::encodings::Forms;
use super::view::View;

/// The shortest beginning of a form that tells so much of it that it is hidden where a text is cut off behind it.
const TELLING: usize = 6;
/// The beginning that is hidden of however long a form.
const ENOUGH: usize = 24;

/// All forms of all secrets, for one view in several automata, each at least twice as large as the next: a secret that
/// becomes known costs a new one for it and those that are not much larger, instead of one for all.
#[derive(Debug, Clone, Default)]
pub(super) struct Layers {
    views: [Vec<Arc<Layer>>; View::ALL.len()],
}

/// One automaton.
#[derive(Debug)]
pub(super) struct Layer {
    automaton: NFA,
    start: StateID,
    /// For each state what may go on behind it.
    begun: Vec<Begun>,
    forms: Forms,
    bytes: usize,
}

/// The beginning of a form.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Begun {
    /// Its length; 0 where nothing is begun.
    pub(super) bytes: u32,
    /// It tells much of the form.
    pub(super) is_telling: bool,
    goes_on: bool,
}

impl Layers {
    /// True where there is nothing to look for.
    pub(super) fn is_empty(&self) -> bool {
        self.views.iter().all(Vec::is_empty)
    }

    /// What is looked for in this view.
    pub(super) fn of(&self, view: View) -> &[Arc<Layer>] {
        &self.views[view as usize]
    }

    /// Adds what is to be looked for. Gives how many bytes of forms were compiled for that.
    pub(super) fn add(&mut self, forms: [Forms; View::ALL.len()]) -> usize {
        let mut compiled = 0;
        for (layers, mut forms) in self.views.iter_mut().zip(forms) {
            if forms.is_empty() {
                continue;
            }
            let size = |forms: &Forms| forms.iter().map(Vec::len).sum::<usize>();
            let mut bytes = size(&forms);
            while let Some(layer) = layers.pop_if(|layer| layer.bytes < 2 * bytes) {
                forms.extend(layer.forms.iter().cloned());
                bytes = size(&forms);
            }
            compiled += bytes;
            layers.extend(Layer::new(forms, bytes).map(Arc::new));
        }
        compiled
    }
}

impl Layer {
    /// None where the forms are more than an automaton can have: 2³¹ states.
    fn new(forms: Forms, bytes: usize) -> Option<Self> {
        let automaton = NFA::builder().prefilter(false).build(&forms).ok()?;
        let start = automaton.start_state(Anchored::No).ok()?;
        let walk = |form: &[u8]| -> Vec<StateID> {
            let step = |state: &mut StateID, byte: &u8| {
                *state = automaton.next_state(Anchored::No, *state, *byte);
                Some(*state)
            };
            form.iter().scan(start, step).collect()
        };
        let mut begun: Vec<Begun> = Vec::new();
        for form in &forms {
            // A beginning of a form is itself the longest of its ends that a form begins with.
            for (bytes, state) in (1..).zip(walk(form)) {
                let depth = bytes as usize;
                if begun.len() <= state.as_usize() {
                    begun.resize(state.as_usize() + 1, Begun::default());
                }
                let known = &mut begun[state.as_usize()];
                known.bytes = bytes;
                known.goes_on |= depth < form.len();
                known.is_telling |= depth >= (form.len() * 3 / 4).clamp(TELLING, ENOUGH);
            }
        }
        // Where a form ends and none goes on, a shorter end of it may be the beginning of one.
        let mut ends: Vec<&Vec<u8>> = forms.iter().collect();
        ends.sort_unstable_by_key(|form| form.len());
        for form in ends {
            let Some(end) = walk(form).last().map(|state| state.as_usize()) else { continue };
            if !begun[end].goes_on {
                let shorter = walk(&form[1..]).last().and_then(|state| begun.get(state.as_usize()));
                begun[end] = shorter.copied().unwrap_or_default();
            }
        }
        Some(Self { automaton, start, begun, forms, bytes })
    }

    /// The state in which nothing is begun.
    pub(super) fn start(&self) -> StateID {
        self.start
    }

    /// The state after one more byte.
    pub(super) fn next(&self, state: StateID, byte: u8) -> StateID {
        self.automaton.next_state(Anchored::No, state, byte)
    }

    /// The length of the longest form that ends here.
    pub(super) fn found(&self, state: StateID) -> Option<usize> {
        // The first is the one that the state itself stands for, if any, and the others are ends of it.
        let is_found = self.automaton.is_match(state);
        is_found.then(|| self.automaton.pattern_len(self.automaton.match_pattern(state, 0)))
    }

    /// Whether a form stands in these bytes.
    pub(super) fn is_in(&self, bytes: &[u8]) -> bool {
        // An automaton of this kind can search in every way.
        self.automaton.try_find(&Input::new(bytes)).map_or(true, |found| found.is_some())
    }

    /// The longest beginning of a form that the last bytes are, and that is not the whole of one.
    pub(super) fn begun(&self, state: StateID) -> Begun {
        self.begun.get(state.as_usize()).copied().unwrap_or_default()
    }

    /// The length of the longest form.
    pub(super) fn longest(&self) -> usize {
        self.automaton.max_pattern_len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Forms, Layer, Layers};
    use crate::redact::view::View;

    fn forms(texts: &[&str]) -> Forms {
        texts.iter().map(|text| text.as_bytes().to_vec()).collect()
    }

    #[test]
    fn a_state_knows_what_ends_and_what_is_begun() {
        let layer = Layer::new(forms(&["abcd", "bc", "c", "cdefghijk"]), 0).expect("an automaton");
        let mut state = layer.start();
        let mut seen = Vec::new();
        for byte in *b"xabcdefghijkz" {
            state = layer.next(state, byte);
            seen.push((layer.found(state), layer.begun(state)));
        }
        let begun: Vec<u32> = seen.iter().map(|(_, begun)| begun.bytes).collect();
        assert_eq!(begun, [0, 1, 2, 3, 2, 3, 4, 5, 6, 7, 8, 0, 0]);
        let found: Vec<usize> = seen.iter().filter_map(|(found, _)| *found).collect();
        assert_eq!(found, [2, 4, 9], "the longest at each place");
        let telling: Vec<u32> = seen
            .iter()
            .map(|(_, begun)| begun)
            .filter(|begun| begun.is_telling)
            .map(|begun| begun.bytes)
            .collect();
        assert_eq!(telling, [6, 7, 8]);
    }

    /// One automaton for all of them would be compiled anew for each: a million times the length of a secret.
    #[test]
    fn a_thousand_secrets_one_by_one_compile_each_a_few_times() {
        let mut layers = Layers::default();
        let (mut compiled, mut bytes) = (0, 0);
        for number in 0..1000 {
            let secret = format!("secret number {number:04}");
            bytes += secret.len();
            compiled += layers.add([forms(&[secret.as_str()]), Forms::new(), Forms::new()]);
        }
        let levels = layers.of(View::Whole).len();
        assert!(compiled <= 20 * bytes, "{compiled} of {bytes}");
        assert!((1..=12).contains(&levels), "{levels}");
        let sizes: Vec<usize> = layers.of(View::Whole).iter().map(|layer| layer.bytes).collect();
        assert_eq!(sizes.iter().sum::<usize>(), bytes, "none is lost");
    }
}
