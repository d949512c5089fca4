//! Files with a wanted content: what `write`, `copy`, `template`, `line` and `block` have in common.

use oneex_sdk::{Change, OpError, OpResult, Output, Reader, Writer};
use regex::Regex;

use super::attributes::Attributes;
use super::edit::Place;
use super::mode::Mode;
use super::place::{Placement, Source};
use super::probe::{Depth, Probe, check_file_path, probe};
use super::steps::Steps;
pub(crate) use asked::{Answer, Question, look_and_ask};
pub(crate) use wanted::Wanted;

mod asked;
mod wanted;

/// Larger files are compared by checksum alone and shown by size.
pub(crate) const LARGEST_SHOWN: u64 = 1 << 20;

/// What is there and what is wanted.
pub(crate) struct ContentState {
    pub(crate) probe: Probe,
    pub(crate) wanted: Wanted,
    /// The mode of a content that holds a secret, where the call gives none.
    private: Option<Mode>,
}

/// Looks at `path` for a wanted content.
pub(crate) async fn look(
    reader: &dyn Reader,
    path: &str,
    follow: bool,
    wanted: Wanted,
) -> OpResult<ContentState> {
    check_file_path(path)?;
    let depth = Depth::Content { unless: wanted.sha256(), limit: LARGEST_SHOWN };
    let probe = probe(reader, path, follow, depth).await?;
    probe.expect_file()?;
    Ok(ContentState::new(reader, probe, wanted))
}

impl ContentState {
    fn new(reader: &dyn Reader, probe: Probe, wanted: Wanted) -> Self {
        let private = wanted.is_secret(reader.secrets()).then(Mode::private);
        Self { probe, wanted, private }
    }

    /// What was found with its text edited; what is not there is an empty text.
    fn edited(
        reader: &dyn Reader,
        probe: Probe,
        edit: impl FnOnce(&str) -> OpResult<String>,
    ) -> OpResult<Self> {
        let path = &probe.path;
        let text = match probe.file() {
            None => "",
            Some(file) => {
                let bytes = file.content.as_deref().ok_or_else(|| {
                    OpError::invalid(format!("`{path}` has {} bytes, too many to edit", file.size))
                })?;
                std::str::from_utf8(bytes)
                    .map_err(|_| OpError::invalid(format!("`{path}` is not UTF-8 text")))?
            }
        };
        let wanted = Wanted::bytes(edit(text)?.into_bytes());
        Ok(Self::new(reader, probe, wanted))
    }

    /// Adds the mode of a secret content where none is given.
    fn guarded<'a>(&'a self, attributes: Attributes<'a>) -> Attributes<'a> {
        Attributes { mode: attributes.mode.or(self.private.as_ref()), ..attributes }
    }

    /// What differs; `replace: false` leaves the content of a file that is there.
    pub(crate) fn differ(&self, attributes: Attributes<'_>, replace: bool) -> Change {
        let mut change = Change::none();
        let file = self.probe.file();
        let name = self.probe.path.as_str();
        match file {
            _ if self.private.is_some() => {
                let is_same =
                    file.is_some_and(|file| !replace || file.sha256.as_deref() == Some(self.wanted.sha256()));
                if !is_same {
                    let before = file.map(|file| format!("{} bytes", file.size));
                    let after = format!("{} bytes with a secret, not shown", self.wanted.size());
                    change.property("content", before, Some(after));
                    change.replaces(name, file.and_then(|file| file.content.as_deref()));
                }
            }
            None => {
                let wanted = match &self.wanted.source {
                    Source::Bytes(bytes) => Some(bytes.as_ref()),
                    Source::File(_) => None,
                };
                match wanted {
                    Some(bytes) => change.text("content", name, None, Some(bytes)),
                    None => change.property("content", None, Some(format!("{} bytes", self.wanted.size()))),
                };
            }
            Some(file) if replace && file.sha256.as_deref() != Some(self.wanted.sha256()) => {
                match (&file.content, &self.wanted.source) {
                    (Some(before), Source::Bytes(after)) => {
                        change.text("content", name, Some(before), Some(after))
                    }
                    _ => change.property(
                        "content",
                        Some(format!(
                            "{} bytes, sha256 {}",
                            file.size,
                            file.sha256.as_deref().unwrap_or("unknown")
                        )),
                        Some(format!("{} bytes, sha256 {}", self.wanted.size(), self.wanted.sha256())),
                    ),
                };
            }
            Some(_) => {}
        }
        self.guarded(attributes).differ(&mut change, file, false);
        change
    }

    /// Makes it so.
    pub(crate) async fn apply(
        &self,
        writer: &dyn Writer,
        change: &Change,
        attributes: Attributes<'_>,
        backup: bool,
        validate: Option<&str>,
    ) -> OpResult<Output> {
        self.apply_between(writer, change, attributes, backup, validate, None).await
    }

    /// Makes it so, and does `steps` before and after in the same round trip.
    pub(crate) async fn apply_between(
        &self,
        writer: &dyn Writer,
        change: &Change,
        attributes: Attributes<'_>,
        backup: bool,
        validate: Option<&str>,
        steps: Option<&Steps<'_>>,
    ) -> OpResult<Output> {
        let source = change.has("content").then(|| self.wanted.source.clone());
        let attributes = self.guarded(attributes);
        let placement = Placement {
            probe: &self.probe,
            source,
            staged: None,
            sha256: self.wanted.sha256(),
            attributes,
            backup,
            validate,
        };
        let made = placement.apply_between(writer, steps).await?;
        let output = self.output();
        Ok(match made {
            Some(backup) => output.with("backup", backup),
            None => output,
        })
    }

    /// The fields of the result: `path`, `sha256`, `size`.
    pub(crate) fn output(&self) -> Output {
        Output::none()
            .with("path", self.probe.path.as_str())
            .with("sha256", self.wanted.sha256())
            .with("size", self.wanted.size())
    }
}

/// Looks at `path`, whose symbolic links are followed, for a text that is the present one, edited. Nothing
/// where there is no file and the edit only removes.
pub(crate) async fn look_and_edit(
    reader: &dyn Reader,
    path: &str,
    create: bool,
    is_removal: bool,
    edit: impl Fn(&str) -> String + Send,
) -> OpResult<Option<ContentState>> {
    look_and_try_edit(reader, path, create, is_removal, move |text| Ok(edit(text))).await
}

/// The same for an edit that may refuse the text; what it says gets the path before it.
pub(crate) async fn look_and_try_edit(
    reader: &dyn Reader,
    path: &str,
    create: bool,
    is_removal: bool,
    edit: impl Fn(&str) -> OpResult<String> + Send,
) -> OpResult<Option<ContentState>> {
    check_file_path(path)?;
    let limit = LARGEST_EDITED;
    let probe = probe(reader, path, true, Depth::Content { unless: "", limit }).await?;
    probe.expect_file()?;
    let named = |error: OpError| OpError { message: format!("`{path}`: {}", error.message), ..error };
    if probe.file().is_none() {
        return match (is_removal, create) {
            (true, _) => Ok(None),
            (false, true) => {
                let wanted = Wanted::bytes(edit("").map_err(named)?.into_bytes());
                Ok(Some(ContentState::new(reader, probe, wanted)))
            }
            (false, false) => {
                Err(OpError::invalid(format!("`{path}` does not exist"))
                    .hint("`create: true` makes the file"))
            }
        };
    }
    ContentState::edited(reader, probe, |text| edit(text).map_err(named)).map(Some)
}

/// Larger files are not edited by lines.
const LARGEST_EDITED: u64 = 16 << 20;

/// Reads the regular expression of an option.
pub(crate) fn regular_expression(option: &str, text: &str) -> OpResult<Regex> {
    Regex::new(text).map_err(|error| OpError::invalid(format!("`{option}`: {error}")))
}

/// Reads the options `insertafter` and `insertbefore`.
pub(crate) fn place(after: Option<&str>, before: Option<&str>) -> OpResult<Place> {
    match (after, before) {
        (Some(_), Some(_)) => Err(OpError::invalid("`insertafter` and `insertbefore` exclude each other")),
        (None | Some("EOF"), None) => Ok(Place::End),
        (None, Some("BOF")) => Ok(Place::Start),
        (Some(text), None) => Ok(Place::After(regular_expression("insertafter", text)?)),
        (None, Some(text)) => Ok(Place::Before(regular_expression("insertbefore", text)?)),
    }
}

/// The two lines around a block.
pub(crate) fn markers(marker: &str, begin: &str, end: &str) -> OpResult<(String, String)> {
    if !marker.contains("{mark}") {
        return Err(OpError::invalid(format!("`marker`: `{{mark}}` is missing in `{marker}`")));
    }
    let markers = (marker.replace("{mark}", begin), marker.replace("{mark}", end));
    if markers.0 == markers.1 {
        return Err(OpError::invalid("the lines before and after the block are the same"));
    }
    if [&markers.0, &markers.1].iter().any(|line| line.contains('\n')) {
        return Err(OpError::invalid("a line before or after the block holds a line break"));
    }
    Ok(markers)
}
