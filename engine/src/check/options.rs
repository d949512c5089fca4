//! Options of operations and of the words of the language, where they are written out.

use oneex_sdk::{Manual, nearest};
use rhai::{Expr, Ident};

use super::calls::Call;
use super::request::{Look, Report};
use super::schema::{Literal, Mismatch, mismatch};
use super::words::{PARAM_SPEC, PARAM_TYPES, WORDS, Word};

type Entry = (Ident, Expr);

/// Checks the options of a call whose name and number of arguments are right.
pub(super) fn check(look: &Look<'_>, call: &Call<'_>, report: &mut Report<'_>) {
    let name = call.expression.name.as_str();
    let is_own = look.known.scripts.iter().any(|functions| functions.contains_key(name));
    let is_plain = call.expression.namespace.path.is_empty();
    // A function of the script, or a closure in a map, is something else of the same name.
    if is_plain && (is_own || (call.is_method && look.known.keys.contains(name))) {
        return;
    }
    let is_word = |word: &&Word| is_plain && word.name == name && word.is_method == call.is_method;
    if let Some(word) = WORDS.iter().find(is_word) {
        word_options(word, call, report);
    } else if is_plain && !call.is_method && name == "params" {
        params(call, report);
    } else if let Some(manual) = operation(look, call) {
        Operation { manual, call }.check(look, report);
    }
}

fn word_options(word: &Word, call: &Call<'_>, report: &mut Report<'_>) {
    let (count, index) = word.map_at;
    let Some(Expr::Map(map, _)) =
        call.expression.args.get(index).filter(|_| call.expression.args.len() == count)
    else {
        return;
    };
    if unknown(word.name, &map.0, word.options, report) {
        missing(call, &map.0, word.required.iter().copied(), report);
    }
}

fn params(call: &Call<'_>, report: &mut Report<'_>) {
    let [Expr::Map(params, _)] = call.expression.args.as_slice() else { return };
    for (param, spec) in &params.0 {
        let Expr::Map(spec, _) = spec else { continue };
        let what = format!("parameter `{}`", param.name);
        for (key, value) in &spec.0 {
            if !PARAM_SPEC.contains(&key.name.as_str()) {
                let hint = options_hint(&key.name, PARAM_SPEC);
                let message = format!("{what}: a spec has no `{}`", key.name);
                report.error("unknown-option", report.key(key), message, Some(hint));
            }
            if let Expr::StringConstant(given, position) = value
                && key.name == "type"
                && !PARAM_TYPES.contains(&given.as_str())
            {
                let place = (*position, given.chars().count() + 2);
                let hint = values_hint(given, PARAM_TYPES.iter().copied());
                report.error(
                    "option-value",
                    place,
                    format!("{what}: there is no type `{given}`"),
                    Some(hint),
                );
            }
        }
    }
}

fn operation<'a>(look: &Look<'a>, call: &Call<'_>) -> Option<&'a Manual> {
    let namespace = call.namespace();
    if namespace.is_none() != call.is_method {
        return None;
    }
    if namespace.is_some_and(|namespace| look.aliases.contains(namespace)) {
        return None;
    }
    let mut manuals = look.request.manuals.iter().copied();
    manuals.find(|manual| manual.namespace == namespace && manual.name == call.expression.name.as_str())
}

/// A call of an operation.
struct Operation<'a> {
    manual: &'a Manual,
    call: &'a Call<'a>,
}

impl Operation<'_> {
    fn check(&self, look: &Look<'_>, report: &mut Report<'_>) {
        let args = self.call.expression.args.as_slice();
        let (name, count) = (self.manual.name, args.len() + 1);
        // Other things may have a method of that name: then the arguments must tell them apart.
        let is_sure = !self.call.is_method || look.known.is_only(name, count);
        let (positional, map) = match args {
            [positional @ .., Expr::Map(map, _)] if !self.takes_map_at(positional.len()) => {
                if !is_sure && !look.known.one_takes_a_map(name, count) {
                    return;
                }
                (positional, map.0.as_slice())
            }
            _ if !is_sure => return,
            _ => (args, &[][..]),
        };
        let is_written_out =
            args.len() > positional.len() || args.iter().all(|arg| Literal::of(arg).is_some());
        let full_name = self.manual.full_name();
        let all_known = unknown(&full_name, map, &self.manual.options(), report);
        for (key, value) in map {
            if self.manual.positional.iter().take(positional.len()).any(|given| *given == key.name.as_str()) {
                let message = format!("`{full_name}`: `{}` is given by position and as an option", key.name);
                report.error("option-twice", report.key(key), message, None);
            }
            self.literal(&key.name, value, report);
        }
        for (key, value) in self.manual.positional.iter().zip(positional) {
            self.literal(key, value, report);
        }
        if is_written_out && all_known {
            let given = self.manual.positional.get(..positional.len()).unwrap_or(self.manual.positional);
            let required = self.manual.required();
            missing(self.call, map, required.into_iter().filter(|name| !given.contains(name)), report);
        }
    }

    /// Says whether the argument at that position is an option that may be a map itself.
    fn takes_map_at(&self, position: usize) -> bool {
        let schema = self.manual.positional.get(position).and_then(|name| self.schema(name));
        schema.is_some_and(|schema| mismatch(&Literal::Map, schema, &self.manual.schema).is_none())
    }

    fn schema(&self, option: &str) -> Option<&oneex_sdk::Value> {
        self.manual.schema.get("properties")?.get(option)
    }

    fn literal(&self, option: &str, value: &Expr, report: &mut Report<'_>) {
        let (Some(literal), Some(schema)) = (Literal::of(value), self.schema(option)) else { return };
        let name = self.manual.full_name();
        let length = match &literal {
            Literal::Text(Some(text)) => text.chars().count() + 2,
            _ => 1,
        };
        let place = (value.start_position(), length);
        match mismatch(&literal, schema, &self.manual.schema) {
            None => {}
            Some(Mismatch::Type(right)) => {
                let message =
                    format!("the option `{option}` of `{name}` must be {right}, not {}", literal.name());
                let hint = (option == "mode" && matches!(literal, Literal::Integer))
                    .then(|| "a file mode stands in quotes, such as `\"0644\"`".to_owned());
                report.error("option-type", place, message, hint);
            }
            Some(Mismatch::Value(texts)) => {
                let Literal::Text(Some(given)) = literal else { return };
                let hint = values_hint(&given, texts.iter().map(String::as_str));
                let message = format!("the option `{option}` of `{name}` cannot be `{given}`");
                report.error("option-value", place, message, Some(hint));
            }
        }
    }
}

/// Reports options that do not exist. False where there are any: one of them may be meant for what
/// then seems to be missing.
fn unknown(name: &str, map: &[Entry], known: &[&str], report: &mut Report<'_>) -> bool {
    let mut all_known = true;
    for (key, _) in map.iter().filter(|(key, _)| !known.contains(&key.name.as_str())) {
        let hint = options_hint(&key.name, known);
        let message = format!("`{name}` has no option `{}`", key.name);
        report.error("unknown-option", report.key(key), message, Some(hint));
        all_known = false;
    }
    all_known
}

fn missing<'a>(
    call: &Call<'_>,
    map: &[Entry],
    required: impl Iterator<Item = &'a str>,
    report: &mut Report<'_>,
) {
    for name in required.filter(|name| !map.iter().any(|(key, _)| key.name == *name)) {
        let message = format!("`{}` needs the option `{name}`", call.full_name());
        report.error("missing-option", call.place(), message, None);
    }
}

fn options_hint(wrong: &str, known: &[&str]) -> String {
    match nearest(wrong, known.iter().copied()) {
        Some(right) => format!("did you mean `{right}`?"),
        None => format!("options are: {}", known.join(", ")),
    }
}

fn values_hint<'a>(wrong: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(wrong, known.clone()) {
        Some(right) => format!("did you mean `{right}`?"),
        None => {
            format!("it is one of: {}", known.map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", "))
        }
    }
}
