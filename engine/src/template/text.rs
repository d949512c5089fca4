//! Filters that lay out text, and methods of Python's `str` that MiniJinja does not have.

use minijinja::value::{Kwargs, from_args};
use minijinja::{Environment, Error, State, Value};

use super::data::wrong;

/// A text that is to be made wider is refused.
const WIDEST: usize = 10_000;

/// Adds filters and methods.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("indent", indent);
    environment.add_filter("truncate", truncate);
    environment.add_filter("center", |text: String, width: Option<usize>| {
        Ok::<_, Error>(centred(&text, checked(width.unwrap_or(80))?, ' '))
    });
    environment.add_filter("wordwrap", wordwrap);
    environment.add_filter("urldecode", |text: String| {
        let spaced = text.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    });
    environment.set_unknown_method_callback(|state, value, method, args| {
        match value.as_str().map(|text| of_text(text, method, args)) {
            Some(Ok(Some(result))) => Ok(result),
            Some(Err(error)) => Err(error),
            _ => pycompat(state, value, method, args),
        }
    });
}

fn pycompat(state: &mut State, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args)
}

fn checked(width: usize) -> Result<usize, Error> {
    if width > WIDEST { Err(wrong(format!("a width of more than {WIDEST} is refused"))) } else { Ok(width) }
}

/// Every line but the first after `width` blanks, or after that text; empty lines only with `blank`.
fn indent(
    text: String,
    width: Option<Value>,
    first: Option<bool>,
    blank: Option<bool>,
    options: Kwargs,
) -> Result<String, Error> {
    let width = width.or(options.get("width")?);
    let first = first.or(options.get("first")?).unwrap_or(false);
    let blank = blank.or(options.get("blank")?).unwrap_or(false);
    options.assert_all_used()?;
    let before = match &width {
        None => "    ".to_owned(),
        Some(width) => match (width.as_str(), width.as_usize()) {
            (Some(text), _) => text.to_owned(),
            (None, Some(count)) => " ".repeat(checked(count)?),
            (None, None) => return Err(wrong("`indent` takes a number of blanks, or a text")),
        },
    };
    let mut out = String::with_capacity(text.len());
    // Jinja2 looks at the text with a line break added, so that an empty last line counts.
    for (index, line) in format!("{text}\n").lines().enumerate() {
        out.push_str(if index > 0 { "\n" } else { "" });
        if if index == 0 { first } else { blank || !line.is_empty() } {
            out.push_str(&before);
        }
        out.push_str(line);
    }
    Ok(out)
}

/// The text cut to `length` characters with `end` among them, where it is longer by more than `leeway`.
fn truncate(
    text: String,
    length: Option<usize>,
    kill_words: Option<bool>,
    end: Option<String>,
    options: Kwargs,
) -> Result<String, Error> {
    let length = length.or(options.get("length")?).unwrap_or(255);
    let kill_words = kill_words.or(options.get("killwords")?).unwrap_or(false);
    let end = end.or(options.get("end")?).unwrap_or_else(|| "...".to_owned());
    let leeway = options.get::<Option<usize>>("leeway")?.unwrap_or(5);
    options.assert_all_used()?;
    let Some(kept) = length.checked_sub(end.chars().count()) else {
        return Err(wrong(format!("`truncate`: `{end}` is longer than {length}")));
    };
    if text.chars().count() <= length.saturating_add(leeway) {
        return Ok(text);
    }
    let cut: String = text.chars().take(kept).collect();
    let words = if kill_words { None } else { cut.rsplit_once(' ') };
    Ok(format!("{}{end}", words.map_or(cut.as_str(), |(words, _)| words)))
}

/// The width may stand without its name, as Jinja2 allows.
fn wordwrap(text: &Value, width: Option<Value>, options: Kwargs) -> Result<Value, Error> {
    let mut named = Vec::new();
    for name in options.args() {
        named.push((name.to_owned(), options.get::<Value>(name)?));
    }
    named.extend(width.map(|width| ("width".to_owned(), width)));
    minijinja_contrib::filters::wordwrap(text, named.into_iter().collect())
}

/// A method of `str`; `None` where it is none of these.
fn of_text(text: &str, method: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    let padded = |pad: fn(&str, usize, char) -> String| {
        let (width, fill): (usize, Option<char>) = from_args(args)?;
        Ok::<_, Error>(Value::from(pad(text, checked(width)?, fill.unwrap_or(' '))))
    };
    Ok(Some(match method {
        "center" => padded(centred)?,
        "ljust" => padded(|text, width, fill| format!("{text}{}", filling(text, width, fill)))?,
        "rjust" => padded(|text, width, fill| format!("{}{text}", filling(text, width, fill)))?,
        "zfill" => {
            let (width,): (usize,) = from_args(args)?;
            let (sign, digits) = text.split_at(usize::from(text.starts_with(['+', '-'])));
            Value::from(format!("{sign}{}{digits}", filling(text, checked(width)?, '0')))
        }
        "swapcase" => {
            let swapped = |c: char| -> String {
                if c.is_uppercase() { c.to_lowercase().collect() } else { c.to_uppercase().collect() }
            };
            Value::from(text.chars().map(swapped).collect::<String>())
        }
        "rsplit" => {
            let (separator, most): (Option<&str>, Option<i64>) = from_args(args)?;
            let most = most.and_then(|most| usize::try_from(most).ok());
            Value::from(rsplit(text, separator, most.map_or(usize::MAX, |most| most.saturating_add(1))))
        }
        "partition" | "rpartition" => {
            let (separator,): (&str,) = from_args(args)?;
            let first = method == "partition";
            let parts = if first { text.split_once(separator) } else { text.rsplit_once(separator) };
            let parts = match parts {
                Some((before, after)) => [before, separator, after],
                None if first => [text, "", ""],
                None => ["", "", text],
            };
            Value::from(parts.map(str::to_owned).to_vec())
        }
        "removeprefix" => {
            let (prefix,): (&str,) = from_args(args)?;
            Value::from(text.strip_prefix(prefix).unwrap_or(text))
        }
        "removesuffix" => {
            let (suffix,): (&str,) = from_args(args)?;
            Value::from(text.strip_suffix(suffix).unwrap_or(text))
        }
        _ => return Ok(None),
    }))
}

/// At most `most` parts, counted from the end; without a separator, words.
fn rsplit(text: &str, separator: Option<&str>, most: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text;
    match separator {
        Some(separator) => {
            parts = rest.rsplitn(most, separator).map(str::to_owned).collect();
        }
        None => loop {
            rest = rest.trim_end();
            match rest.rsplit_once(char::is_whitespace).filter(|_| parts.len() + 1 < most) {
                Some((before, word)) => {
                    parts.push(word.to_owned());
                    rest = before;
                }
                None => {
                    parts.extend((!rest.is_empty()).then(|| rest.to_owned()));
                    break;
                }
            }
        },
    }
    parts.reverse();
    parts
}

fn filling(text: &str, width: usize, fill: char) -> String {
    std::iter::repeat_n(fill, width.saturating_sub(text.chars().count())).collect()
}

/// In the middle; where the blanks cannot be shared evenly, Python's `str.center` says on which side.
fn centred(text: &str, width: usize, fill: char) -> String {
    let room = width.saturating_sub(text.chars().count());
    let left = room / 2 + (room & width & 1);
    let blanks = |count: usize| std::iter::repeat_n(fill, count).collect::<String>();
    format!("{}{text}{}", blanks(left), blanks(room - left))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::template::Templates;

    #[test]
    fn methods_are_those_of_python() {
        let table = [
            ("'abc'.center(6) ~ '|'", " abc  |"),
            ("'ab'.center(5, '*')", "**ab*"),
            ("'-5'.zfill(4)", "-005"),
            ("'a b  c '.rsplit() | join(',')", "a,b,c"),
            ("' a b c'.rsplit(none, 1) | join(',')", " a b,c"),
            ("'a,b,c'.rsplit(',', 1) | join('|')", "a,b|c"),
            ("'k=v=w'.partition('=') | join('|')", "k|=|v=w"),
            ("'kv'.rpartition('=') | join('|')", "||kv"),
            ("'v1'.removeprefix('v') ~ 'a.gz'.removesuffix('.gz')", "1a"),
            ("'some long words'| truncate(10, leeway=0)", "some..."),
            ("'some long words'| truncate(10, true, '…', leeway=0)", "some long…"),
        ];
        for (text, wanted) in table {
            let template = format!("{{{{ {text} }}}}");
            let rendered = Templates::default().render_text("t", &template, json!({}));
            assert_eq!(rendered.expect(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_width_has_its_limit() {
        for text in ["'a' | indent(10001)", "'a' | center(999999999999)", "'a'.zfill(10001)"] {
            let template = format!("{{{{ {text} }}}}");
            let error = Templates::default().render_text("t", &template, json!({})).expect_err("too wide");
            assert_eq!(error.message, "a width of more than 10000 is refused", "{text}");
        }
    }
}
