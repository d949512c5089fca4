//! The reads of one call of a task's code: those that were made, those that are expected, those that are here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use oneex_sdk::{Command, CommandOutput, Exit, Program};
use tokio::sync::Mutex;

use super::{Memory, Writes};

/// How long an answer counts.
const FRESH: Duration = Duration::from_secs(5);
/// Reads that travel together; more would keep the first one waiting.
const MOST: usize = 64;
/// Reads that are remembered of one call on one host.
const MOST_REMEMBERED: usize = 1024;

/// A read that can be made again: a script and its parameters, with nothing around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Read {
    pub(super) text: Arc<str>,
    pub(super) args: Vec<String>,
    pub(super) keep: usize,
    /// Its script answers for several at once.
    pub(super) repeats: bool,
    /// An action came before it, so that what was read earlier says nothing of it.
    pub(super) begins: bool,
}

impl Read {
    /// All that it says.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&*self.text).chain(self.args.iter().map(String::as_str))
    }

    /// The read that this command is. One with an input or an environment is none: these may hold secrets.
    pub(crate) fn of(command: &Command) -> Option<Self> {
        let plain = command.env.is_empty()
            && command.cwd.is_none()
            && command.stdin.is_empty()
            && command.timeout.is_none()
            && command.umask.is_none();
        match &command.program {
            Program::Shell { text, args } if plain => Some(Self {
                text: text.as_str().into(),
                args: args.clone(),
                keep: command.keep,
                repeats: command.repeats,
                begins: false,
            }),
            _ => None,
        }
    }

    fn is(&self, other: &Self) -> bool {
        (&self.text, &self.args, self.keep) == (&other.text, &other.args, other.keep)
    }

    /// The command that makes it, as this user.
    pub(crate) fn command(&self, user: Option<&str>) -> Command {
        let mut command = Command::script(&*self.text, self.args.iter().map(String::as_str));
        command.keep = self.keep;
        command.tidy = true;
        command.repeats = self.repeats;
        command.user = user.map(str::to_owned);
        command
    }
}

/// Where something is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The task and its item.
    pub(crate) node: String,
    /// The host that is read on, which need not be the node's own.
    pub(crate) host: String,
    /// The user that reads.
    pub(crate) user: Option<String>,
}

impl Place {
    /// What separates the task's name from the item's in `node`; neither has control characters.
    const BETWEEN: char = '\u{1f}';

    /// The place of a node's reads.
    pub(crate) fn new(task: &str, item: Option<&str>, host: &str, user: Option<&str>) -> Self {
        let item = item.map(|item| format!("{}{item}", Self::BETWEEN)).unwrap_or_default();
        Self { node: format!("{task}{item}"), host: host.to_owned(), user: user.map(str::to_owned) }
    }

    /// The task's name.
    pub(super) fn task(&self) -> &str {
        self.node.split(Self::BETWEEN).next().unwrap_or_default()
    }

    /// All that it says.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        [&self.node, &self.host].into_iter().chain(&self.user).map(String::as_str)
    }
}

/// What a call of a task's code reads, by place.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    places: std::sync::Mutex<HashMap<Place, Arc<Mutex<Reads>>>>,
    /// How many actions the call ran on each host.
    actions: std::sync::Mutex<HashMap<String, u64>>,
}

impl Ahead {
    /// The reads of one place. Who holds the lock while others wait has asked for theirs too.
    pub(crate) fn at(&self, place: &Place, memory: &Memory) -> Arc<Mutex<Reads>> {
        let mut places = self.places.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(reads) = places.get(place) {
            return Arc::clone(reads);
        }
        let reads = Reads { expected: memory.expected(place), ..Reads::default() };
        Arc::clone(places.entry(place.clone()).or_insert_with(|| Arc::new(Mutex::new(reads))))
    }

    /// The call runs an action on this host, as it does every time: what is read afterwards is read for itself.
    pub(crate) fn acts(&self, host: &str) {
        let mut actions = self.actions.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *actions.entry(host.to_owned()).or_default() += 1;
    }

    /// How many actions it ran there.
    pub(crate) fn actions(&self, host: &str) -> u64 {
        let actions = self.actions.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        actions.get(host).copied().unwrap_or_default()
    }

    /// The call ended well: what it read is what the next run expects.
    pub(crate) fn learn(&self, memory: &Memory) {
        let places = self.places.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (place, reads) in places.iter() {
            if let Ok(reads) = reads.try_lock() {
                memory.learn(place, &reads.made);
            }
        }
    }
}

/// The reads of one place.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    made: Vec<Read>,
    /// The actions that came before the last of them.
    actions: u64,
    expected: Vec<Read>,
    here: Vec<(Read, CommandOutput)>,
    fetched: Option<Fetched>,
}

/// When a batch was fetched.
#[derive(Debug)]
struct Fetched {
    epoch: u64,
    at: Instant,
    /// One of its answers was used.
    useful: bool,
}

/// How a read is made.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// It was made already.
    Answer(CommandOutput),
    /// With these.
    With(Vec<Read>),
    /// By itself.
    Alone,
}

impl Reads {
    /// Notes a read, which came after so many actions, and says how it is made.
    pub(crate) fn next(&mut self, read: &Read, writes: &Writes, actions: u64) -> Next {
        if self.made.len() < MOST_REMEMBERED {
            self.made.push(Read { begins: actions > self.actions, ..read.clone() });
        }
        self.actions = self.actions.max(actions);
        if let Some(index) = self.expected.iter().position(|expected| expected.is(read)) {
            self.expected.remove(index);
        }
        let valid = |fetched: &Fetched| fetched.epoch == writes.epoch() && fetched.at.elapsed() < FRESH;
        if !self.fetched.as_ref().is_some_and(valid) {
            self.here.clear();
        }
        if let Some(index) = self.here.iter().position(|(here, _)| here.is(read)) {
            if let Some(fetched) = &mut self.fetched {
                fetched.useful = true;
            }
            return Next::Answer(self.here.remove(index).1);
        }
        // A batch of which nothing was used was the last: the task no longer does what it did.
        let useless = self.fetched.as_ref().is_some_and(|fetched| !fetched.useful);
        if !self.here.is_empty() || self.expected.is_empty() || useless || writes.is_written() {
            return Next::Alone;
        }
        // What comes after an action would be read in vain.
        let part = self.expected.iter().take_while(|expected| !expected.begins);
        let others: Vec<Read> = part.take(MOST).cloned().collect();
        if others.is_empty() { Next::Alone } else { Next::With(others) }
    }

    /// Takes the answers to what was asked with another read, at this epoch. One that a signal or a limit ended,
    /// or of which not all was kept, is none.
    pub(crate) fn keep(&mut self, asked: Vec<Read>, answers: Vec<Option<CommandOutput>>, epoch: u64) {
        let whole =
            |output: &CommandOutput| !output.truncated() && matches!(output.exit, Exit::Code(0..=128));
        let here = asked.into_iter().zip(answers);
        self.here = here.filter_map(|(read, output)| Some((read, output.filter(whole)?))).collect();
        self.fetched = Some(Fetched { epoch, at: Instant::now(), useful: false });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use oneex_sdk::{Command, CommandOutput, CutOutput, CutStream, Exit};

    use super::{Ahead, Memory, Next, Place, Read, Reads, Writes};

    fn read(name: &str) -> Read {
        Read::of(&Command::script("cat \"$1\"", [name])).expect("a plain script")
    }

    fn output(text: &str) -> CommandOutput {
        CommandOutput {
            exit: Exit::Code(0),
            stdout: text.into(),
            stderr: Vec::new(),
            cut: CutOutput::default(),
        }
    }

    fn expecting(names: &[&str]) -> Reads {
        Reads { expected: names.iter().map(|name| read(name)).collect(), ..Reads::default() }
    }

    /// Makes the read, answers what is asked with it, and says what was asked.
    fn make(reads: &mut Reads, name: &str, writes: &Writes) -> String {
        make_after(reads, name, writes, 0)
    }

    fn make_after(reads: &mut Reads, name: &str, writes: &Writes, actions: u64) -> String {
        match reads.next(&read(name), writes, actions) {
            Next::Answer(answer) => format!("had {}", answer.stdout_text()),
            Next::Alone => "alone".to_owned(),
            Next::With(others) => {
                let names: Vec<String> = others.iter().map(|other| other.args[0].clone()).collect();
                let answers = names.iter().map(|name| Some(output(name))).collect();
                reads.keep(others, answers, writes.epoch());
                format!("with {}", names.join(" "))
            }
        }
    }

    #[test]
    fn what_is_expected_travels_with_the_first() {
        let (mut reads, writes) = (expecting(&["a", "b", "c"]), Writes::default());
        let made = ["a", "b", "c", "c", "d"].map(|name| make(&mut reads, name, &writes));
        assert_eq!(made, ["with b c", "had b", "had c", "alone", "alone"]);
    }

    #[test]
    fn nothing_counts_after_a_write() {
        let (mut reads, writes) = (expecting(&["a", "b", "c", "d"]), Arc::new(Writes::default()));
        assert_eq!(make(&mut reads, "a", &writes), "with b c d");
        assert_eq!(make(&mut reads, "b", &writes), "had b");
        let writing = writes.begin();
        assert_eq!(make(&mut reads, "c", &writes), "alone", "somebody writes");
        drop(writing);
        assert_eq!(make(&mut reads, "x", &writes), "with d");
        assert_eq!(make(&mut reads, "d", &writes), "had d");
    }

    #[test]
    fn what_comes_after_an_action_does_not_travel_before_it() {
        let writes = Arc::new(Writes::default());
        let mut reads = Reads::default();
        for (name, actions) in [("a", 0), ("b", 0), ("c", 1), ("d", 1), ("e", 3)] {
            assert_eq!(make_after(&mut reads, name, &writes, actions), "alone");
        }
        let mut again = Reads { expected: reads.made.clone(), ..Reads::default() };
        for (name, actions, made) in
            [("a", 0, "with b"), ("b", 0, "had b"), ("c", 1, "with d"), ("d", 1, "had d"), ("e", 3, "alone")]
        {
            if actions > again.actions {
                drop(writes.begin());
            }
            assert_eq!(make_after(&mut again, name, &writes, actions), made, "{name}");
        }
        assert_eq!(again.made, reads.made);
        // A part whose beginning is left out is read one by one, and does no harm.
        let mut other = Reads { expected: reads.made.clone(), ..Reads::default() };
        assert_eq!(make_after(&mut other, "b", &writes, 0), "with a");
        drop(writes.begin());
        assert_eq!(make_after(&mut other, "d", &writes, 1), "alone");
    }

    #[test]
    fn a_useless_batch_is_the_last() {
        let (mut reads, writes) = (expecting(&["a", "b"]), Arc::new(Writes::default()));
        assert_eq!(make(&mut reads, "x", &writes), "with a b");
        assert_eq!(make(&mut reads, "y", &writes), "alone");
        drop(writes.begin());
        assert_eq!(make(&mut reads, "z", &writes), "alone");
    }

    #[test]
    fn half_an_answer_is_none() {
        let whole = output("x");
        let cut = CutOutput { stdout: Some(CutStream { total: 9 << 20, file: None }), stderr: None };
        for (answer, counts) in [
            (Some(whole.clone()), true),
            (Some(CommandOutput { exit: Exit::Code(3), ..whole.clone() }), true),
            (Some(CommandOutput { exit: Exit::Code(137), ..whole.clone() }), false),
            (Some(CommandOutput { exit: Exit::TimedOut, ..whole.clone() }), false),
            (Some(CommandOutput { cut, ..whole }), false),
            (None, false),
        ] {
            let (mut reads, writes) = (expecting(&["a", "b"]), Writes::default());
            assert_eq!(reads.next(&read("a"), &writes, 0), Next::With(vec![read("b")]));
            reads.keep(vec![read("b")], vec![answer.clone()], 0);
            let answered = matches!(reads.next(&read("b"), &writes, 0), Next::Answer(_));
            assert_eq!(answered, counts, "{answer:?}");
        }
    }

    #[test]
    fn only_a_plain_script_is_foreseen() {
        let plain = || Command::script("x", ["1"]);
        assert_eq!(Read::of(&plain()).map(|read| read.command(Some("app"))), {
            let mut command = plain().tidy();
            command.user = Some("app".to_owned());
            Some(command)
        });
        for other in [Command::argv(["x"]), plain().stdin("secret"), plain().env("TOKEN", "secret")] {
            assert_eq!(Read::of(&other), None, "{other:?}");
        }
    }

    #[test]
    fn what_a_call_read_is_expected_of_the_next() {
        let (memory, writes) = (Memory::default(), Writes::default());
        let place = Place::new("t", None, "h", None);
        let other = Place { user: Some("root".into()), ..place.clone() };
        for (expected, learn) in [(false, false), (false, true), (true, true)] {
            let ahead = Ahead::default();
            for at in [&place, &other] {
                let reads = ahead.at(at, &memory);
                let first = reads.try_lock().expect("nobody else").next(&read("a"), &writes, 0);
                let with = Next::With(vec![read("b")]);
                assert_eq!(first, if expected && *at == place { with } else { Next::Alone }, "{at:?}");
                if *at == place {
                    let _ = reads.try_lock().expect("nobody else").next(&read("b"), &writes, 0);
                }
            }
            if learn {
                ahead.learn(&memory);
            }
        }
    }
}
