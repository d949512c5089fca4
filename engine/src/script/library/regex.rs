//! `regex::`: regular expressions with the syntax of the `regex` crate, which take linear time.

use rhai::plugin::*;

use super::error::{Fallible, MOST, bounded, failure};

pub(super) fn register(engine: &mut Engine) {
    engine.register_static_module("regex", exported_module!(regex_functions).into());
}

fn compiled(context: &NativeCallContext, pattern: &str) -> Fallible<regex::Regex> {
    regex::Regex::new(pattern).map_err(|error| {
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ");
        failure(context, format!("the pattern `{pattern}` is wrong: {reason}"))
    })
}

#[export_module]
#[allow(unreachable_pub, reason = "the macro registers public functions only")]
mod regex_functions {
    use rhai::{Array, Dynamic, Map};

    /// Says whether a pattern matches anywhere in a text.
    ///
    /// ```rhai
    /// regex::is_match("^v[0-9.]+$", "v1.2")
    /// ```
    #[rhai_fn(return_raw)]
    pub fn is_match(context: NativeCallContext, pattern: &str, text: &str) -> Fallible<bool> {
        Ok(compiled(&context, pattern)?.is_match(text))
    }

    /// The first match; `()` where there is none.
    ///
    /// ```rhai
    /// regex::find("[0-9]+", "port 8080, port 9090") == "8080"
    /// regex::find("x", "port") ?? "none" == "none"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn find(context: NativeCallContext, pattern: &str, text: &str) -> Fallible<Dynamic> {
        let found = compiled(&context, pattern)?.find(text).map(|found| found.as_str().to_owned());
        Ok(found.map_or(Dynamic::UNIT, Dynamic::from))
    }

    /// All matches that do not overlap, at most 65,536.
    ///
    /// ```rhai
    /// regex::find_all("[0-9]+", "8080 and 9090") == ["8080", "9090"]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn find_all(context: NativeCallContext, pattern: &str, text: &str) -> Fallible<Array> {
        let regex = compiled(&context, pattern)?;
        Ok(regex.find_iter(text).take(MOST).map(|found| found.as_str().to_owned().into()).collect())
    }

    /// The groups of the first match: `"0"` is the whole, named groups stand under their names
    /// too; `()` where nothing matches, and for a group that took no part.
    ///
    /// ```rhai
    /// regex::captures("(?<user>[^@]+)@(.+)", "ops@web1").user == "ops"
    /// regex::captures("(a)(b)?", "a") == #{ "0": "a", "1": "a", "2": () }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn captures(context: NativeCallContext, pattern: &str, text: &str) -> Fallible<Dynamic> {
        let regex = compiled(&context, pattern)?;
        let Some(groups) = regex.captures(text) else { return Ok(Dynamic::UNIT) };
        let mut map = Map::new();
        for (number, name) in regex.capture_names().enumerate() {
            let value = groups.get(number).map_or(Dynamic::UNIT, |group| group.as_str().to_owned().into());
            if let Some(name) = name {
                map.insert(name.into(), value.clone());
            }
            map.insert(number.to_string().into(), value);
        }
        Ok(map.into())
    }

    /// Replaces every match; `$1` and `${name}` stand for groups, `$$` for a dollar sign.
    ///
    /// ```rhai
    /// regex::replace("([a-z]+)=([0-9]+)", "a=1 b=2", "$2=$1") == "1=a 2=b"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn replace(context: NativeCallContext, pattern: &str, text: &str, with: &str) -> Fallible<String> {
        let regex = compiled(&context, pattern)?;
        let mut out = String::new();
        let mut end = 0;
        for groups in regex.captures_iter(text) {
            let Some(whole) = groups.get(0) else { continue };
            out.push_str(&text[end..whole.start()]);
            // Each `$` may stand for the whole match, so this is the most that comes.
            let most = with.matches('$').count().saturating_mul(whole.len()).saturating_add(with.len());
            bounded(&context, out.len().saturating_add(most))?;
            groups.expand(with, &mut out);
            end = whole.end();
        }
        bounded(&context, out.len() + text.len() - end)?;
        out.push_str(&text[end..]);
        Ok(out)
    }

    /// The parts between the matches, at most 65,536; the last one holds the rest.
    ///
    /// ```rhai
    /// regex::split("[, ]+", "a, b c") == ["a", "b", "c"]
    /// ```
    #[rhai_fn(return_raw)]
    pub fn split(context: NativeCallContext, pattern: &str, text: &str) -> Fallible<Array> {
        Ok(compiled(&context, pattern)?.splitn(text, MOST).map(|part| part.to_owned().into()).collect())
    }
}
