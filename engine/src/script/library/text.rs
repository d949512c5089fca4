//! `text::`: texts as runbooks need them. Lengths are in characters.

use rhai::plugin::*;
use rhai::{Array, Dynamic};

use super::error::{Fallible, bounded, failure, size};

pub(super) fn register(engine: &mut Engine) {
    engine.register_static_module("text", exported_module!(text_functions).into());
}

#[export_module]
#[allow(unreachable_pub, reason = "the macro registers public functions only")]
mod text_functions {
    /// The lines of a text, without their line breaks.
    ///
    /// ```rhai
    /// text::lines("a\nb\r\n") == ["a", "b"]
    /// ```
    pub fn lines(text: &str) -> Array {
        text.lines().map(|line| line.to_owned().into()).collect()
    }

    /// Puts spaces before every line that is not empty.
    ///
    /// ```rhai
    /// text::indent("a\n\nb", 2) == "  a\n\n  b"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn indent(context: NativeCallContext, text: &str, spaces: i64) -> Fallible<String> {
        let spaces = size(&context, "spaces", spaces)?;
        let lines = text.split('\n').filter(|line| !line.is_empty()).count();
        // The prefix is made even where no line takes it.
        bounded(&context, lines.max(1).saturating_mul(spaces).saturating_add(text.len()))?;
        let prefix = " ".repeat(spaces);
        let lines = text.split('\n');
        let indented =
            lines.map(|line| if line.is_empty() { String::new() } else { format!("{prefix}{line}") });
        Ok(indented.collect::<Vec<_>>().join("\n"))
    }

    /// Takes the white space off that all lines begin with, and an empty first line.
    ///
    /// ```rhai
    /// text::dedent("\n  a\n    b\n") == "a\n  b\n"
    /// ```
    pub fn dedent(text: &str) -> String {
        let text = text.strip_prefix('\n').unwrap_or(text);
        let filled = text.split('\n').filter(|line| !line.trim().is_empty());
        let common =
            filled.map(|line| line.len() - line.trim_start_matches([' ', '\t']).len()).min().unwrap_or(0);
        let cut = |line: &str| if line.trim().is_empty() { String::new() } else { line[common..].to_owned() };
        text.split('\n').map(cut).collect::<Vec<_>>().join("\n")
    }

    /// Fills a text with spaces at its end up to a length.
    ///
    /// ```rhai
    /// text::pad("ab", 4) == "ab  "
    /// ```
    #[rhai_fn(return_raw)]
    pub fn pad(context: NativeCallContext, text: &str, length: i64) -> Fallible<String> {
        let length = size(&context, "length", length)?;
        bounded(&context, length)?;
        Ok(format!("{text}{}", " ".repeat(length.saturating_sub(text.chars().count()))))
    }

    /// Fills a text with spaces at its beginning up to a length.
    ///
    /// ```rhai
    /// text::pad_start("7", 3) == "  7"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn pad_start(context: NativeCallContext, text: &str, length: i64) -> Fallible<String> {
        let length = size(&context, "length", length)?;
        bounded(&context, length)?;
        Ok(format!("{}{text}", " ".repeat(length.saturating_sub(text.chars().count()))))
    }

    /// Breaks a text between words so that no line is longer than `width`, where words allow it.
    /// Paragraphs, divided by empty lines, stay apart.
    ///
    /// ```rhai
    /// text::wrap("one two three", 8) == "one two\nthree"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn wrap(context: NativeCallContext, text: &str, width: i64) -> Fallible<String> {
        let width = size(&context, "width", width)?;
        let mut paragraphs = Vec::new();
        for paragraph in text.split("\n\n") {
            let mut out = String::new();
            let mut used = 0;
            for word in paragraph.split_whitespace() {
                let length = word.chars().count();
                if used > 0 {
                    let fits = used + 1 + length <= width;
                    out.push(if fits { ' ' } else { '\n' });
                    used = if fits { used + 1 } else { 0 };
                }
                out.push_str(word);
                used += length;
            }
            paragraphs.push(out);
        }
        Ok(paragraphs.join("\n\n"))
    }

    /// Makes a name of lower-case letters, digits and single hyphens.
    ///
    /// ```rhai
    /// text::slug("Web Tier / Staging!") == "web-tier-staging"
    /// ```
    pub fn slug(text: &str) -> String {
        let kept = text.to_lowercase();
        let words = kept.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join("-")
    }

    /// Quotes a text for a POSIX shell, so that it stands for itself as one word. `exec` with an
    /// argument vector needs no quoting.
    ///
    /// ```rhai
    /// text::quote("two words") == "'two words'"
    /// text::quote("plain") == "plain"
    /// ```
    pub fn quote(text: &str) -> String {
        oneex_sdk::quote(text)
    }

    /// Cuts a text off at a length, the last character then being `…`.
    ///
    /// ```rhai
    /// text::truncate("abcdef", 4) == "abc…"
    /// text::truncate("abc", 4) == "abc"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn truncate(context: NativeCallContext, text: &str, length: i64) -> Fallible<String> {
        let length = size(&context, "length", length)?;
        if text.chars().count() <= length {
            return Ok(text.to_owned());
        }
        let kept: String = text.chars().take(length.saturating_sub(1)).collect();
        Ok(if length == 0 { kept } else { format!("{kept}…") })
    }

    /// Makes the first letter a capital.
    ///
    /// ```rhai
    /// text::capitalize("web tier") == "Web tier"
    /// ```
    pub fn capitalize(text: &str) -> String {
        let mut letters = text.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    }

    /// Repeats a text.
    ///
    /// ```rhai
    /// text::repeat("ab", 3) == "ababab"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn repeat(context: NativeCallContext, text: &str, times: i64) -> Fallible<String> {
        let times = size(&context, "times", times)?;
        bounded(&context, text.len().saturating_mul(times))?;
        Ok(text.repeat(if text.is_empty() { 0 } else { times }))
    }

    /// Joins an array to a text, with a separator between the items.
    ///
    /// ```rhai
    /// text::join(["a", 1, true], ", ") == "a, 1, true"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn join(context: NativeCallContext, items: Array, separator: &str) -> Fallible<String> {
        super::joined(&context, &items, separator)
    }

    /// Reads a whole number; white space around it is ignored.
    ///
    /// ```rhai
    /// text::to_int(" 42\n") == 42
    /// ```
    #[rhai_fn(return_raw)]
    pub fn to_int(context: NativeCallContext, text: &str) -> Fallible<i64> {
        text.trim().parse().map_err(|_| failure(&context, format!("`{}` is not a whole number", text.trim())))
    }
}

/// Joins the items as `print` would show them.
pub(super) fn joined(context: &NativeCallContext, items: &[Dynamic], separator: &str) -> Fallible<String> {
    let mut out = String::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(separator);
        }
        match item.as_immutable_string_ref() {
            Ok(text) => out.push_str(&text),
            Err(_) => out.push_str(&context.call_native_fn::<String>("to_string", (item.clone(),))?),
        }
        bounded(context, out.len())?;
    }
    Ok(out)
}
