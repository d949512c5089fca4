//! What each task read on each host last time, kept in a file between runs.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::{Place, Read};

/// The version of the file's format; a file of another one is not read.
const VERSION: u32 = 2;

/// What each task read on each host last time. The default knows nothing, learns during the run, and keeps nothing.
///
/// It is a cache: a file that cannot be read counts as empty, and losing it costs round trips only.
#[derive(Debug, Default)]
pub struct Memory {
    file: Option<PathBuf>,
    off: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    places: HashMap<Place, Vec<Read>>,
    /// Each text once: thousands of reads run the same few scripts.
    texts: HashSet<Arc<str>>,
    changed: bool,
}

/// The file: texts, and by place which of them were read with which parameters.
#[derive(Serialize, Deserialize)]
struct Saved {
    version: u32,
    texts: Vec<String>,
    places: Vec<SavedPlace>,
}

#[derive(Serialize, Deserialize)]
struct SavedPlace {
    node: String,
    host: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// The text's index, the bytes of output that are kept, the parameters, whether the script answers for several,
    /// whether an action comes before it.
    reads: Vec<(usize, usize, Vec<String>, bool, bool)>,
}

impl Memory {
    /// The memory that nothing is read ahead from.
    pub fn off() -> Self {
        Self { off: true, ..Self::default() }
    }

    /// The memory in this file, which need not be there.
    pub fn open(file: PathBuf) -> Self {
        let places = match std::fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Saved::places).unwrap_or_else(|error| {
                tracing::debug!(%error, file = %file.display(), "a memory of reads that cannot be used");
                HashMap::new()
            }),
            Err(_) => HashMap::new(),
        };
        let texts = places.values().flatten().map(|read: &Read| Arc::clone(&read.text)).collect();
        Self { file: Some(file), off: false, state: Mutex::new(State { places, texts, changed: false }) }
    }

    /// True where nothing is to be read ahead.
    pub(crate) fn is_off(&self) -> bool {
        self.off
    }

    /// What was read there last time.
    pub(super) fn expected(&self, place: &Place) -> Vec<Read> {
        self.state().places.get(place).cloned().unwrap_or_default()
    }

    /// This was read there now.
    pub(super) fn learn(&self, place: &Place, made: &[Read]) {
        let mut state = self.state();
        if self.off || state.places.get(place).is_some_and(|known| known == made) {
            return;
        }
        let shared = |read: &Read| {
            let text = state.texts.get(&read.text).map_or_else(|| Arc::clone(&read.text), Arc::clone);
            state.texts.insert(Arc::clone(&text));
            Read { text, ..read.clone() }
        };
        let made = made.iter().map(shared).collect();
        state.places.insert(place.clone(), made);
        state.changed = true;
    }

    /// Writes the file, where there is one and something new to write. `is_known` says of a task's name whether the
    /// runbook has it still, and `is_secret` of a text whether it holds a secret: what asked with one is forgotten.
    ///
    /// # Errors
    ///
    /// The file cannot be written. The old one is left then.
    pub fn save(
        &self,
        is_known: impl Fn(&str) -> bool,
        is_secret: impl Fn(&str) -> bool,
    ) -> std::io::Result<()> {
        let mut state = self.state();
        let Some(file) = self.file.as_ref().filter(|_| state.changed && !self.off) else { return Ok(()) };
        let is_clean = |place: &Place| !place.texts().any(&is_secret);
        state.places.retain(|place, _| is_known(place.task()) && is_clean(place));
        for reads in state.places.values_mut() {
            reads.retain(|read| !read.texts().any(&is_secret));
        }
        let folder = file.parent().unwrap_or(std::path::Path::new("."));
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(std::io::BufWriter::new(&mut new), &Saved::of(&state.places))?;
        new.flush()?;
        new.persist(file)?;
        state.changed = false;
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Saved {
    fn of(places: &HashMap<Place, Vec<Read>>) -> Self {
        let places: BTreeMap<&Place, &Vec<Read>> = places.iter().collect();
        let (mut texts, mut numbers) = (Vec::new(), HashMap::new());
        let mut number = |text: &Arc<str>| {
            *numbers.entry(Arc::clone(text)).or_insert_with(|| {
                texts.push(text.to_string());
                texts.len() - 1
            })
        };
        let saved = places.into_iter().map(|(place, reads)| SavedPlace {
            node: place.node.clone(),
            host: place.host.clone(),
            user: place.user.clone(),
            reads: reads
                .iter()
                .map(|read| (number(&read.text), read.keep, read.args.clone(), read.repeats, read.begins))
                .collect(),
        });
        let places = saved.collect();
        Self { version: VERSION, texts, places }
    }

    fn places(self) -> HashMap<Place, Vec<Read>> {
        if self.version != VERSION {
            return HashMap::new();
        }
        let texts: Vec<Arc<str>> = self.texts.into_iter().map(Arc::from).collect();
        let read = |(number, keep, args, repeats, begins)| {
            Some(Read { text: Arc::clone(texts.get::<usize>(number)?), args, keep, repeats, begins })
        };
        let places = self.places.into_iter().map(|saved| {
            let place = Place { node: saved.node, host: saved.host, user: saved.user };
            (place, saved.reads.into_iter().filter_map(read).collect())
        });
        places.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use oneex_sdk::Command;

    use super::{Memory, Place, Read};

    fn read(name: &str) -> Read {
        Read::of(&Command::script("cat \"$1\"", [name])).expect("a plain script")
    }

    fn place(task: &str, item: Option<&str>, user: Option<&str>) -> Place {
        Place::new(task, item, "h1", user)
    }

    #[test]
    fn what_is_saved_is_there_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("new/reads.json");
        let memory = Memory::open(file.clone());
        let places = [
            place("a", None, None),
            place("a", Some("x"), None),
            place("a", None, Some("root")),
            place("gone", None, None),
        ];
        for (at, name) in places.iter().zip(["1", "2", "3", "4"]) {
            memory.learn(at, &[read(name), Read { begins: true, ..read("ü\n\"") }]);
        }
        memory.save(|task| task != "gone", |_| false).expect("it is written");
        let mode = std::fs::metadata(&file).expect("the file").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let again = Memory::open(file.clone());
        let second = || Read { begins: true, ..read("ü\n\"") };
        let expected = ["1", "2", "3"].map(|name| vec![read(name), second()]);
        let found = places.map(|at| again.expected(&at));
        assert_eq!(found, [expected[0].clone(), expected[1].clone(), expected[2].clone(), Vec::new()]);

        // Nothing new: the file is left alone.
        again.learn(&place("a", None, None), &[read("1"), second()]);
        std::fs::remove_file(&file).expect("it is removed");
        again.save(|_| true, |_| false).expect("nothing to do");
        assert!(!file.exists());
    }

    #[test]
    fn what_was_asked_with_a_secret_is_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("reads.json");
        let memory = Memory::open(file.clone());
        memory.learn(&place("a", None, None), &[read("plain"), read("a hunter22"), read("other")]);
        memory.learn(&place("a", Some("hunter22"), None), &[read("plain")]);
        memory.save(|_| true, |text| text.contains("hunter22")).expect("it is written");
        assert!(!std::fs::read_to_string(&file).expect("the file").contains("hunter22"));
        let again = Memory::open(file);
        assert_eq!(again.expected(&place("a", None, None)), [read("plain"), read("other")]);
        assert_eq!(again.expected(&place("a", Some("hunter22"), None)), []);
    }

    #[test]
    fn a_file_that_makes_no_sense_counts_as_empty() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = place("a", None, None);
        for text in [
            "",
            "{",
            "[]",
            r#"{"version":1,"texts":["x"],"places":[{"node":"a","host":"h1","reads":[[0,1,[]]]}]}"#,
            r#"{"version":3,"texts":["x"],"places":[{"node":"a","host":"h1","reads":[[0,1,[],false,false]]}]}"#,
            r#"{"version":2,"texts":[],"places":[{"node":"a","host":"h1","reads":[[0,1,[],false,false],[18446744073709551615,1,[],true,false]]}]}"#,
        ] {
            let file = folder.path().join("reads.json");
            std::fs::write(&file, text).expect("it is written");
            assert_eq!(Memory::open(file).expected(&at), [], "{text}");
        }
    }

    #[test]
    fn one_that_is_off_learns_nothing() {
        let memory = Memory::off();
        memory.learn(&place("a", None, None), &[read("1")]);
        assert_eq!(memory.expected(&place("a", None, None)), []);
    }
}
