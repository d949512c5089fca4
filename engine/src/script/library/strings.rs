//! Rhai's methods that change a string in place, made to return it as well, so that
//! `let name = line.trim();` means what it says.

use std::ops::{Range, RangeInclusive};

use rhai::ImmutableString;
use rhai::plugin::*;

use super::error::{Fallible, bounded, size};

pub(super) fn register(engine: &mut Engine) {
    engine.register_global_module(exported_module!(string_methods).into());
}

/// Sets the string and returns it.
fn set(string: &mut ImmutableString, text: impl Into<ImmutableString>) -> ImmutableString {
    *string = text.into();
    string.clone()
}

/// The characters from `start` (from the end where negative), `length` of them.
fn section(string: &str, start: i64, length: i64) -> String {
    let count = i64::try_from(string.chars().count()).unwrap_or(i64::MAX);
    let start = if start < 0 { count.saturating_add(start).max(0) } else { start };
    let as_size = |number: i64| usize::try_from(number.max(0)).unwrap_or(usize::MAX);
    string.chars().skip(as_size(start)).take(as_size(length)).collect()
}

#[export_module]
#[allow(unreachable_pub, reason = "the macro registers public functions only")]
#[allow(clippy::unwrap_used, reason = "the macro unwraps the receiver, whose type rhai has checked")]
mod string_methods {
    /// Takes the white space off both ends, in place, and returns the string.
    ///
    /// ```rhai
    /// "  a b\n".trim() == "a b"
    /// ```
    pub fn trim(string: &mut ImmutableString) -> ImmutableString {
        let text = string.trim().to_owned();
        set(string, text)
    }

    /// Replaces all of one text by another, in place, and returns the string.
    ///
    /// ```rhai
    /// "a.b.c".replace(".", "::") == "a::b::c"
    /// ```
    #[rhai_fn(name = "replace", return_raw)]
    pub fn replace(
        context: NativeCallContext,
        string: &mut ImmutableString,
        find: &str,
        with: &str,
    ) -> Fallible<ImmutableString> {
        let found = string.matches(find).count();
        bounded(&context, found.saturating_mul(with.len()).saturating_add(string.len()))?;
        let text = string.replace(find, with);
        Ok(set(string, text))
    }

    /// Replaces all of a text by a character, in place, and returns the string.
    #[rhai_fn(name = "replace")]
    pub fn replace_with_char(string: &mut ImmutableString, find: &str, with: char) -> ImmutableString {
        let text = string.replace(find, with.encode_utf8(&mut [0; 4]));
        set(string, text)
    }

    /// Replaces a character by a text, in place, and returns the string.
    #[rhai_fn(name = "replace", return_raw)]
    pub fn replace_char(
        context: NativeCallContext,
        string: &mut ImmutableString,
        find: char,
        with: &str,
    ) -> Fallible<ImmutableString> {
        replace(context, string, find.encode_utf8(&mut [0; 4]), with)
    }

    /// Replaces a character by another, in place, and returns the string.
    #[rhai_fn(name = "replace")]
    pub fn replace_char_with_char(string: &mut ImmutableString, find: char, with: char) -> ImmutableString {
        let text = string.replace(find, with.encode_utf8(&mut [0; 4]));
        set(string, text)
    }

    /// Takes a text out wherever it stands, in place, and returns the string.
    ///
    /// ```rhai
    /// "1,234,567".remove(",") == "1234567"
    /// ```
    #[rhai_fn(name = "remove")]
    pub fn remove(string: &mut ImmutableString, find: &str) -> ImmutableString {
        let text = string.replace(find, "");
        set(string, text)
    }

    /// Takes a character out wherever it stands, in place, and returns the string.
    #[rhai_fn(name = "remove")]
    pub fn remove_char(string: &mut ImmutableString, find: char) -> ImmutableString {
        let text = string.replace(find, "");
        set(string, text)
    }

    /// Keeps the characters from `start` on, in place, and returns the string.
    ///
    /// ```rhai
    /// "v1.2".crop(1) == "1.2"
    /// "v1.2".crop(-3) == "1.2"
    /// ```
    #[rhai_fn(name = "crop")]
    pub fn crop_from(string: &mut ImmutableString, start: i64) -> ImmutableString {
        let text = section(string, start, i64::MAX);
        set(string, text)
    }

    /// Keeps `length` characters from `start` on, in place, and returns the string.
    #[rhai_fn(name = "crop")]
    pub fn crop(string: &mut ImmutableString, start: i64, length: i64) -> ImmutableString {
        let text = section(string, start, length);
        set(string, text)
    }

    /// Keeps the characters of a range, in place, and returns the string.
    #[rhai_fn(name = "crop")]
    pub fn crop_range(string: &mut ImmutableString, range: Range<i64>) -> ImmutableString {
        let start = range.start.max(0);
        let text = section(string, start, range.end.max(0).saturating_sub(start));
        set(string, text)
    }

    /// Keeps the characters of a range, in place, and returns the string.
    #[rhai_fn(name = "crop")]
    pub fn crop_inclusive_range(string: &mut ImmutableString, range: RangeInclusive<i64>) -> ImmutableString {
        let start = (*range.start()).max(0);
        let text = section(string, start, (*range.end()).max(-1).saturating_sub(start).saturating_add(1));
        set(string, text)
    }

    /// Keeps the first `length` characters, in place, and returns the string.
    ///
    /// ```rhai
    /// "abcdef".truncate(3) == "abc"
    /// ```
    pub fn truncate(string: &mut ImmutableString, length: i64) -> ImmutableString {
        let text = section(string, 0, length);
        set(string, text)
    }

    /// Fills up to `length` characters with a character, in place, and returns the string.
    ///
    /// ```rhai
    /// "7".pad(3, '.') == "7.."
    /// ```
    #[rhai_fn(name = "pad", return_raw)]
    pub fn pad(
        context: NativeCallContext,
        string: &mut ImmutableString,
        length: i64,
        character: char,
    ) -> Fallible<ImmutableString> {
        pad_with_text(context, string, length, character.encode_utf8(&mut [0; 4]))
    }

    /// Fills up to at least `length` characters with a text, in place, and returns the string.
    #[rhai_fn(name = "pad", return_raw)]
    pub fn pad_with_text(
        context: NativeCallContext,
        string: &mut ImmutableString,
        length: i64,
        text: &str,
    ) -> Fallible<ImmutableString> {
        let length = size(&context, "length", length)?;
        let missing = length.saturating_sub(string.chars().count());
        let times = missing.div_ceil(text.chars().count().max(1));
        bounded(&context, times.saturating_mul(text.len()).saturating_add(string.len()))?;
        let text = format!("{string}{}", text.repeat(if text.is_empty() { 0 } else { times }));
        Ok(set(string, text))
    }

    /// Makes all letters capitals, in place, and returns the string.
    ///
    /// ```rhai
    /// "ab".make_upper() == "AB"
    /// ```
    pub fn make_upper(string: &mut ImmutableString) -> ImmutableString {
        let text = string.to_uppercase();
        set(string, text)
    }

    /// Makes all letters small, in place, and returns the string.
    ///
    /// ```rhai
    /// "AB".make_lower() == "ab"
    /// ```
    pub fn make_lower(string: &mut ImmutableString) -> ImmutableString {
        let text = string.to_lowercase();
        set(string, text)
    }

    /// Sets the character at an index (from the end where negative), in place, and returns the
    /// string. An index outside changes nothing.
    ///
    /// ```rhai
    /// "cat".set(0, 'b') == "bat"
    /// ```
    #[rhai_fn(name = "set")]
    pub fn set_character(string: &mut ImmutableString, index: i64, character: char) -> ImmutableString {
        let mut letters: Vec<char> = string.chars().collect();
        let index = if index < 0 { index.saturating_add_unsigned(letters.len() as u64) } else { index };
        if let Some(letter) = usize::try_from(index).ok().and_then(|index| letters.get_mut(index)) {
            *letter = character;
        }
        set(string, letters.into_iter().collect::<String>())
    }
}
