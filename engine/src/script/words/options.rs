//! What the words take beside closures: durations, amounts, maps of options.

use std::time::Duration;

use rhai::{Array, Dynamic, Map};

use crate::graph::Amount;
use crate::script::error::Thrown;
use crate::script::kind::kind;

/// A map of options, every key of which must be taken.
pub(super) struct Options {
    word: &'static str,
    known: &'static [&'static str],
    map: Map,
}

impl Options {
    /// Refuses keys that are not known, naming the nearest.
    pub(super) fn new(word: &'static str, known: &'static [&'static str], map: Map) -> Result<Self, Thrown> {
        if let Some(key) = map.keys().find(|key| !known.contains(&key.as_str())) {
            let error = Thrown::invalid(format!("`{word}` has no option `{key}`"));
            return Err(match oneex_sdk::nearest(key, known.iter().copied()) {
                Some(right) => error.hint(format!("did you mean `{right}`?")),
                None => error.hint(format!("options are: {}", known.join(", "))),
            });
        }
        Ok(Self { word, known, map })
    }

    /// Takes an option; a unit value counts as left out.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Dynamic> {
        debug_assert!(self.known.contains(&name), "{name} is not an option of {}", self.word);
        self.map.remove(name).filter(|value| !value.is_unit())
    }

    /// Takes an option and reads it.
    pub(super) fn parse<T>(
        &mut self,
        name: &'static str,
        read: impl Fn(&Dynamic) -> Result<T, Thrown>,
    ) -> Result<Option<T>, Thrown> {
        let word = self.word;
        self.take(name).map(|value| read(&value).map_err(|error| in_option(error, word, name))).transpose()
    }
}

fn in_option(error: Thrown, word: &str, name: &str) -> Thrown {
    match error {
        Thrown::Failed(mut failure) => {
            failure.message = format!("`{word}`: option `{name}`: {}", failure.message);
            Thrown::Failed(failure)
        }
        Thrown::Stopped => Thrown::Stopped,
    }
}

fn expected(what: &str, value: &Dynamic) -> Thrown {
    // Only plain values look in a message as they do in a script.
    let plain = value.is_bool() || value.is_int() || value.is_float() || value.is_string();
    let shown = if plain { format!("`{value}`") } else { "a value".to_owned() };
    Thrown::invalid(format!("expected {what}, found {shown} of type `{}`", kind(value)))
}

/// A duration: `"90s"`, `"5m"`, or seconds as a number.
pub(super) fn duration(value: &Dynamic) -> Result<Duration, Thrown> {
    if let Ok(seconds) = value.as_int() {
        let seconds =
            u64::try_from(seconds).map_err(|_| expected("a duration that is not negative", value))?;
        return Ok(Duration::from_secs(seconds));
    }
    if let Ok(seconds) = value.as_float() {
        return Duration::try_from_secs_f64(seconds)
            .map_err(|_| expected("a duration that is not negative", value));
    }
    match value.clone().into_immutable_string() {
        Ok(text) => oneex_sdk::parse_duration(&text).map_err(Thrown::invalid),
        Err(_) => Err(expected("a duration such as `\"90s\"`", value)),
    }
}

/// A time limit: a duration above 0.
pub(super) fn limit(value: &Dynamic) -> Result<Duration, Thrown> {
    match duration(value)? {
        Duration::ZERO => Err(expected("a time above 0", value)),
        limit => Ok(limit),
    }
}

/// A count, or a share: `2`, `"25%"`.
pub(super) fn amount(value: &Dynamic) -> Result<Amount, Thrown> {
    let wanted = "a count or a share such as `\"25%\"`";
    if let Ok(count) = value.as_int() {
        return usize::try_from(count).map(Amount::Count).map_err(|_| expected(wanted, value));
    }
    let text = value.clone().into_immutable_string().map_err(|_| expected(wanted, value))?;
    let text = text.trim();
    let share = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    match share {
        Some(percent) if (0.0..=100.0).contains(&percent) => Ok(Amount::Percent(percent)),
        _ => text.parse().map(Amount::Count).map_err(|_| expected(wanted, value)),
    }
}

/// A count of at least `least`.
pub(super) fn count(value: &Dynamic, least: usize) -> Result<usize, Thrown> {
    value
        .as_int()
        .ok()
        .and_then(|count| usize::try_from(count).ok())
        .filter(|count| *count >= least)
        .ok_or_else(|| expected(&format!("a whole number of at least {least}"), value))
}

/// A number.
pub(super) fn number(value: &Dynamic) -> Result<f64, Thrown> {
    value
        .as_float()
        .or_else(|_| value.as_int().map(|int| int as f64))
        .map_err(|_| expected("a number", value))
}

/// What each further wait is multiplied with.
pub(super) fn factor(value: &Dynamic) -> Result<f64, Thrown> {
    match number(value)? {
        factor if factor.is_finite() && factor >= 1.0 => Ok(factor),
        _ => Err(expected("a number of at least 1", value)),
    }
}

/// A bool.
pub(super) fn boolean(value: &Dynamic) -> Result<bool, Thrown> {
    value.as_bool().map_err(|_| expected("`true` or `false`", value))
}

/// What a closure that is asked something answered.
pub(crate) fn boolean_of(word: &str, answer: &Dynamic) -> Result<bool, Thrown> {
    answer.as_bool().map_err(|_| {
        let kind = kind(answer);
        Thrown::invalid(format!(
            "the closure of `{word}` must return a bool, and it returned a value of type `{kind}`"
        ))
    })
}

/// A text.
pub(super) fn text(value: &Dynamic) -> Result<String, Thrown> {
    value.clone().into_string().map_err(|_| expected("a string", value))
}

/// A text or an array of texts.
pub(super) fn texts(value: &Dynamic) -> Result<Vec<String>, Thrown> {
    if let Some(array) = value.read_lock::<Array>() {
        return array.iter().map(text).collect();
    }
    text(value).map(|text| vec![text]).map_err(|_| expected("a string or an array of strings", value))
}

/// A user for `sudo`: `true` is root.
pub(super) fn user(value: &Dynamic) -> Result<Option<String>, Thrown> {
    match value.as_bool() {
        Ok(true) => Ok(Some("root".into())),
        Ok(false) => Ok(None),
        Err(_) => text(value).map(Some).map_err(|_| expected("a user's name or `true`", value)),
    }
}
