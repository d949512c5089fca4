//! Files: which of their lines count, and what those say.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexSet;

use super::condition::{Asked, judge, tokens_so_far};
use super::error::{ConfigError, Place};
use super::include;
use super::keyword::{self, Keyword, Known, Standing};
use super::line::{self, Line};
use super::options::{Given, Options, Origin};
use super::pattern::{list_matches, matches};
use super::token::MOST;

/// Files that may include one another in a row (`READCONF_MAX_DEPTH`).
const DEPTH: u32 = 16;

/// Something that is not supported and stands in a line that counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Unsupported {
    /// The keyword, or a condition of `Match`.
    pub(crate) what: String,
    /// Where.
    pub(crate) place: Place,
}

/// One pass over all files.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) asked: Asked<'a>,
    /// What patterns of `Host` are matched with.
    pub(super) host: &'a str,
    pub(super) options: Options,
    /// A `Match final` asks for a second pass.
    pub(super) wants_final: bool,
    pub(super) unsupported: IndexSet<Unsupported>,
}

/// How a file is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mode<'a> {
    pub(super) origin: Origin,
    /// Where includes of the machine's file are looked for.
    pub(super) beside: &'a Path,
    /// The file's owner and mode must be safe.
    pub(super) checked: bool,
    /// It is included by a line that does not count, and only its form matters.
    pub(super) never: bool,
    pub(super) depth: u32,
}

impl Reader<'_> {
    /// Takes what is said before any file.
    pub(super) fn given(&mut self, given: &Given) -> Result<(), ConfigError> {
        match given {
            Given::Line { line, origin } => self.given_line(line, origin),
            other => {
                other.set(&mut self.options);
                Ok(())
            }
        }
    }

    fn given_line(&mut self, written: &str, origin: &Arc<str>) -> Result<(), ConfigError> {
        let place = Place { file: Arc::clone(origin), line: 0 };
        let refused = |message: String| ConfigError::new(&place, message);
        let Some(line) = line::parse(written).map_err(refused)? else { return Ok(()) };
        match self.known(&line, &place)? {
            Some(Keyword::Host | Keyword::Match | Keyword::Include) => {
                Err(refused(format!("`{}` cannot stand here", line.keyword)))
            }
            Some(keyword) => {
                let machine = self.asked.machine;
                self.options
                    .set(keyword, &line, true, Origin::User, machine)
                    .map_err(|message| self.wrong(&place, &line, &message))
            }
            None => {
                self.note(&line, &place);
                Ok(())
            }
        }
    }

    /// Reads a file; false where it cannot be opened.
    pub(super) fn file(&mut self, path: &Path, mode: Mode<'_>, active: bool) -> Result<bool, ConfigError> {
        let name: Arc<str> = path.display().to_string().into();
        let whole = Place { file: Arc::clone(&name), line: 0 };
        if mode.depth > DEPTH {
            return Err(ConfigError::new(&whole, "files include one another too deeply")
                .hint(format!("{DEPTH} levels are allowed: does a file include itself?")));
        }
        let Ok(mut file) = File::open(path) else { return Ok(false) };
        if mode.checked {
            self.check_owner(&file, &whole)?;
        }
        let mut bytes = Vec::new();
        // As with ssh, what cannot be read, such as a folder, says nothing.
        let _ = file.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes);
        let mut active = active;
        for (index, written) in text.split('\n').enumerate() {
            let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
            let place = Place { file: Arc::clone(&name), line: number };
            let line = line::parse(written).map_err(|message| ConfigError::new(&place, message))?;
            if let Some(line) = line {
                self.line(&line, &place, mode, &mut active)?;
            }
        }
        Ok(true)
    }

    fn check_owner(&self, file: &File, place: &Place) -> Result<(), ConfigError> {
        let refused = |message: String| ConfigError::new(place, message);
        let found = file.metadata().map_err(|error| refused(format!("its owner is not known: {error}")))?;
        if found.uid() != 0 && found.uid() != self.asked.machine.uid {
            return Err(refused("it belongs to another user".to_owned())
                .hint(format!("ssh refuses it too: `chown` it to {}", self.asked.machine.user)));
        }
        if found.mode() & 0o022 != 0 {
            return Err(refused(format!("others can write to it (mode {:04o})", found.mode() & 0o7777))
                .hint(format!("ssh refuses it too: chmod go-w {}", place.file)));
        }
        Ok(())
    }

    fn line(
        &mut self,
        line: &Line,
        place: &Place,
        mode: Mode<'_>,
        active: &mut bool,
    ) -> Result<(), ConfigError> {
        let machine = self.asked.machine;
        let keyword = self.known(line, place)?;
        let result = match keyword {
            None => {
                if *active {
                    self.note(line, place);
                }
                return Ok(());
            }
            Some(Keyword::Host) => self.host_line(line).map(|applies| *active = applies && !mode.never),
            Some(Keyword::Match) => {
                self.match_line(line, place).map(|applies| *active = applies && !mode.never)
            }
            Some(Keyword::Include) => return self.include(line, place, mode, *active),
            Some(keyword) => self.options.set(keyword, line, *active, mode.origin, machine),
        };
        result.map_err(|message| self.wrong(place, line, &message))
    }

    fn wrong(&self, place: &Place, line: &Line, message: &str) -> ConfigError {
        let name = keyword::find(&line.keyword).map_or(line.keyword.as_str(), |(name, _)| name);
        ConfigError::new(place, format!("`{name}`: {message}"))
    }

    /// The keyword, where it has an effect here. Fails for one that nobody knows.
    fn known(&self, line: &Line, place: &Place) -> Result<Option<Keyword>, ConfigError> {
        let name = line.keyword.as_str();
        match keyword::find(name) {
            Some((_, Known::Honoured(keyword))) => Ok(Some(keyword)),
            Some(_) => Ok(None),
            None if self
                .options
                .ignore_unknown
                .as_deref()
                .is_some_and(|list| list_matches(&list.to_ascii_lowercase(), name)) =>
            {
                Ok(None)
            }
            None => {
                let error = ConfigError::new(place, format!("`{name}` is no keyword of ssh_config(5)"));
                Err(match keyword::meant(name) {
                    Some(meant) => error.hint(format!("did you mean `{meant}`?")),
                    None => error.hint("`IgnoreUnknown` names keywords that are passed over"),
                })
            }
        }
    }

    /// Notes a keyword that could matter, unless its value says that nothing is wanted.
    fn note(&mut self, line: &Line, place: &Place) {
        let Some((name, Known::Other(Standing::Unsupported))) = keyword::find(&line.keyword) else { return };
        let off = |value: &String| ["no", "none", "false"].iter().any(|off| off.eq_ignore_ascii_case(value));
        if line.arguments.first().is_some_and(off) {
            return;
        }
        self.unsupported(name.to_owned(), place);
    }

    fn unsupported(&mut self, what: String, place: &Place) {
        self.unsupported.insert(Unsupported { what, place: place.clone() });
    }

    fn host_line(&self, line: &Line) -> Result<bool, String> {
        let mut applies = false;
        for pattern in &line.arguments {
            if pattern.is_empty() {
                return Err("a pattern is empty".to_owned());
            }
            match pattern.strip_prefix('!') {
                Some(negated) if matches(negated, self.host) => return Ok(false),
                Some(_) => {}
                None => applies |= matches(pattern, self.host),
            }
        }
        Ok(applies)
    }

    fn match_line(&mut self, line: &Line, place: &Place) -> Result<bool, String> {
        let verdict = judge(&line.arguments, &self.options, &self.asked)?;
        self.wants_final |= verdict.wants_final;
        for condition in verdict.unsupported {
            self.unsupported(format!("Match {condition}"), place);
        }
        Ok(verdict.holds)
    }

    fn include(
        &mut self,
        line: &Line,
        place: &Place,
        mode: Mode<'_>,
        active: bool,
    ) -> Result<(), ConfigError> {
        let machine = self.asked.machine;
        let inner = Mode { checked: true, never: mode.never || !active, depth: mode.depth + 1, ..mode };
        for pattern in &line.arguments {
            let found: Result<Vec<PathBuf>, String> = (|| {
                if pattern.is_empty() {
                    return Err("a path is empty".to_owned());
                }
                let tokens = tokens_so_far(&self.options, &self.asked)?;
                let pattern = tokens.expand(pattern, MOST, machine, Some(&machine.variables))?;
                include::files(&pattern, mode.origin, mode.beside, machine)
            })();
            for file in found.map_err(|message| self.wrong(place, line, &message))? {
                if !self.file(&file, inner, active)? {
                    return Err(self.wrong(place, line, &format!("`{}` cannot be read", file.display())));
                }
            }
        }
        Ok(())
    }
}
