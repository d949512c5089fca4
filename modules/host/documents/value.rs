//! Sets and removes values of a document, with the least change to its text.

use oneex_sdk::{Map, OpError, OpResult, Value};

use super::lines::split_mark;
use super::step::{Step, shown};
use super::tree::kind;

/// A grammar of documents. All functions get texts without a byte order mark.
pub(crate) trait Grammar {
    /// What it is called in messages.
    const NAME: &'static str;
    /// A document without anything in it.
    const EMPTY: &'static str;

    /// Reads a document.
    fn read(text: &str) -> OpResult<Value>;
    /// Refuses a value that it cannot hold.
    fn check(value: &Value) -> OpResult<()>;
    /// Replaces the value at `steps`, or adds it to the map or array there; all before the last step is there.
    fn set(text: &str, steps: &[Step], value: &Value) -> OpResult<String>;
    /// Takes what `steps` lead to out; it is there.
    fn remove(text: &str, steps: &[Step]) -> OpResult<String>;
}

/// One edit: a value that is set, or removed.
type Edit = (Vec<Step>, Option<Value>);

/// Sets the value at a place; maps on the way that are not there are made.
pub(crate) fn with_value<G: Grammar>(text: &str, steps: &[Step], wanted: &Value) -> OpResult<String> {
    G::check(wanted)?;
    let (mark, body) = split_mark(text);
    let start = if body.trim().is_empty() { G::EMPTY } else { body };
    let before = G::read(start)?;
    let mut edits = Vec::new();
    differences(&before, steps, wanted, &mut edits)?;
    if edits.is_empty() {
        return Ok(text.to_owned());
    }
    done::<G>(start, &before, edits).map(|new| [mark, &new].concat())
}

/// Removes what is at a place.
pub(crate) fn without_value<G: Grammar>(text: &str, steps: &[Step]) -> OpResult<String> {
    let (mark, body) = split_mark(text);
    if body.trim().is_empty() {
        return Ok(text.to_owned());
    }
    let before = G::read(body)?;
    if steps.split_last().and_then(|(_, parent)| at(&before, parent)).is_some_and(Value::is_array) {
        let error =
            OpError::invalid(format!("`{}` is a position, which the next item would take", shown(steps)));
        return Err(error.hint("give the array its new items as `value`"));
    }
    if at(&before, steps).is_none() {
        return Ok(text.to_owned());
    }
    done::<G>(body, &before, vec![(steps.to_vec(), None)]).map(|new| [mark, &new].concat())
}

/// Does the edits, and makes sure that the new text says what it is to say and all else what it said.
fn done<G: Grammar>(text: &str, before: &Value, edits: Vec<Edit>) -> OpResult<String> {
    let (mut new, mut expected) = (text.to_owned(), before.clone());
    for (steps, value) in edits {
        let failed = || {
            OpError::invalid(format!(
                "`{}` cannot be edited without touching what is around it",
                shown(&steps)
            ))
            .hint(format!("write that part of the {} in a more usual way first", G::NAME))
        };
        new = match &value {
            Some(value) => G::set(&new, &steps, value)?,
            None => G::remove(&new, &steps)?,
        };
        put(&mut expected, &steps, value);
        if G::read(&new).map_err(|_| failed())? != expected {
            return Err(failed());
        }
    }
    Ok(new)
}

fn at<'a>(value: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    steps.iter().try_fold(value, |value, step| match value {
        Value::Object(map) => map.get(step.name()?),
        Value::Array(items) => items.get(step.position()?),
        _ => None,
    })
}

fn put(value: &mut Value, steps: &[Step], new: Option<Value>) {
    let Some((first, rest)) = steps.split_first() else {
        if let Some(new) = new {
            *value = new;
        }
        return;
    };
    match value {
        Value::Object(map) => {
            let Some(name) = first.name() else { return };
            match new {
                None if rest.is_empty() => {
                    map.shift_remove(name);
                }
                Some(new) if rest.is_empty() => {
                    map.insert(name.to_owned(), new);
                }
                new => {
                    if let Some(inner) = map.get_mut(name) {
                        put(inner, rest, new);
                    }
                }
            }
        }
        Value::Array(items) => {
            let Some(at) = first.position() else { return };
            match new {
                None if rest.is_empty() && at < items.len() => {
                    items.remove(at);
                }
                Some(new) if rest.is_empty() && at == items.len() => items.push(new),
                new => {
                    if let Some(inner) = items.get_mut(at) {
                        put(inner, rest, new);
                    }
                }
            }
        }
        _ => {}
    }
}

/// Finds the least edits that make the value at `steps` the wanted one.
fn differences(document: &Value, steps: &[Step], wanted: &Value, edits: &mut Vec<Edit>) -> OpResult<()> {
    let mut current = document;
    for (depth, step) in steps.iter().enumerate() {
        let wrong = |what: &str| {
            let place =
                if depth == 0 { "the document".to_owned() } else { format!("`{}`", shown(&steps[..depth])) };
            Err(OpError::invalid(format!("{place} is {}, not {what}", kind(current))))
        };
        let next = match (current, step) {
            (Value::Object(map), Step::Name(name)) => map.get(name),
            (Value::Array(items), step) if kind(current) == "an array" => match step.position() {
                None => return wrong("a map"),
                Some(at) if at > items.len() => {
                    let message = format!(
                        "`{}` has {} items, so that there is no place {at}",
                        shown(&steps[..depth]),
                        items.len()
                    );
                    return Err(OpError::invalid(message)
                        .hint("the place after the last item is the one of a new one"));
                }
                Some(at) => items.get(at),
            },
            // What is nothing yet is made a map or an array.
            (Value::Null, _) if depth > 0 => {
                edits.push((steps[..depth].to_vec(), Some(nested(&steps[depth..], wanted)?)));
                return Ok(());
            }
            (_, Step::Index(_)) => return wrong("an array"),
            (_, Step::Name(_)) => return wrong("a map"),
        };
        match next {
            Some(next) => current = next,
            None => {
                edits.push((steps[..=depth].to_vec(), Some(nested(&steps[depth + 1..], wanted)?)));
                return Ok(());
            }
        }
    }
    replace(current, steps, wanted, edits);
    Ok(())
}

/// Of maps only the entries that differ are changed.
fn replace(current: &Value, steps: &[Step], wanted: &Value, edits: &mut Vec<Edit>) {
    match (current, wanted) {
        (Value::Object(present), Value::Object(wanted)) if !wanted.is_empty() => {
            let below = |name: &String| [steps, &[Step::Name(name.clone())]].concat();
            for (name, value) in wanted {
                match present.get(name) {
                    Some(present) => replace(present, &below(name), value, edits),
                    None => edits.push((below(name), Some(value.clone()))),
                }
            }
            let gone = present.keys().filter(|name| !wanted.contains_key(*name));
            edits.extend(gone.map(|name| (below(name), None)));
        }
        (current, wanted) if current != wanted => edits.push((steps.to_vec(), Some(wanted.clone()))),
        _ => {}
    }
}

/// The value in the maps and arrays that are not there yet.
fn nested(steps: &[Step], wanted: &Value) -> OpResult<Value> {
    steps.iter().rev().try_fold(wanted.clone(), |value, step| match step {
        Step::Name(name) => Ok(Value::Object(Map::from_iter([(name.clone(), value)]))),
        Step::Index(0) => Ok(Value::Array(vec![value])),
        Step::Index(at) => {
            Err(OpError::invalid(format!("there is no array yet, so that it has no place {at}")))
        }
    })
}

#[cfg(test)]
pub(super) mod tests {
    use oneex_sdk::{Map, Value, json};
    use proptest::prelude::*;
    use proptest::test_runner::TestCaseError;

    use super::{Grammar, at, put, with_value, without_value};
    use crate::host::documents::step::Step;

    /// Names that a grammar could take for something else.
    const NAMES: [&str; 12] = ["a", "b", "a b", "é\"x'", "0", "-", "yes", "a.b", "#x", "a: b", "", "null"];

    fn scalar() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<bool>().prop_map(Value::from),
            (-1000_i64..1000).prop_map(Value::from),
            (-100_i32..100).prop_map(|number| json!(f64::from(number) / 8.0)),
            "[a-z]{0,6}".prop_map(Value::from),
            "[ -~é\n\t]{0,8}".prop_map(Value::from),
            proptest::sample::select(vec![
                "yes",
                "null",
                "~",
                "1e3",
                "0x1f",
                "- a",
                "a: b",
                "a #b",
                "[x",
                "*a",
                "&a",
                "!t",
                "%",
                "@",
                "'",
                "\"",
                "?",
                "1:30",
                "2024-01-01",
                ".5",
                "|",
                "---",
                " a",
                "a "
            ])
            .prop_map(Value::from),
        ]
    }

    fn nested(inner: BoxedStrategy<Value>, least: usize) -> BoxedStrategy<Value> {
        let map = proptest::collection::btree_map(
            proptest::sample::select(NAMES.to_vec()),
            inner.clone(),
            least..4,
        );
        let map = map.prop_map(|map| {
            Value::Object(Map::from_iter(map.into_iter().map(|(name, value)| (name.to_owned(), value))))
        });
        prop_oneof![2 => map, 1 => proptest::collection::vec(inner, least..4).prop_map(Value::from)].boxed()
    }

    /// A value that a call may ask for.
    pub(in crate::host::documents) fn value() -> BoxedStrategy<Value> {
        let inner = scalar().prop_recursive(2, 8, 3, |inner| nested(inner.boxed(), 0));
        inner.boxed()
    }

    /// A map that a file may hold.
    pub(in crate::host::documents) fn document() -> BoxedStrategy<Value> {
        let inner = scalar().prop_recursive(3, 16, 3, |inner| nested(inner.boxed(), 0));
        let map = proptest::collection::btree_map(proptest::sample::select(NAMES.to_vec()), inner, 0..5);
        map.prop_map(|map| {
            Value::Object(Map::from_iter(map.into_iter().map(|(name, value)| (name.to_owned(), value))))
        })
        .boxed()
    }

    fn places(value: &Value, here: &[Step], all: &mut Vec<Vec<Step>>) {
        let below = |step: Step| [here, &[step]].concat();
        match value {
            Value::Object(map) => {
                for (name, value) in map {
                    all.push(below(Step::Name(name.clone())));
                    places(value, &below(Step::Name(name.clone())), all);
                }
                all.push(below(Step::Name("new".to_owned())));
                all.push(
                    [below(Step::Name("new: 'x'".to_owned())), vec![Step::Name("y".to_owned())]].concat(),
                );
            }
            Value::Array(items) => {
                for (at, value) in items.iter().enumerate() {
                    all.push(below(Step::Index(at)));
                    places(value, &below(Step::Index(at)), all);
                }
                all.push(below(Step::Index(items.len())));
            }
            _ => {}
        }
    }

    /// Some place of a document, which is there or could be.
    pub(in crate::host::documents) fn steps_of(
        document: &Value,
        choice: proptest::sample::Index,
    ) -> Vec<Step> {
        let mut all = Vec::new();
        places(document, &[], &mut all);
        choice.get(&all).clone()
    }

    /// Whether all that is no blank of `part` is in `whole`, in its order.
    fn is_in(part: &str, whole: &str) -> bool {
        let mut rest = whole.chars();
        part.chars().filter(|c| !c.is_whitespace()).all(|c| rest.any(|other| other == c))
    }

    /// How many lines of `part`, breaks included, must be left out for the others to be in `whole` in their order.
    fn changed_lines(part: &str, whole: &str) -> usize {
        let whole: Vec<&str> = whole.split_inclusive('\n').collect();
        // The longest common sequence, by the row of the table for the lines of `part` so far.
        let mut row = vec![0; whole.len() + 1];
        for line in part.split_inclusive('\n') {
            let above = row.clone();
            for (at, other) in whole.iter().enumerate() {
                row[at + 1] = if line == *other { above[at] + 1 } else { row[at].max(above[at + 1]) };
            }
        }
        part.split_inclusive('\n').count() - row[whole.len()]
    }

    /// Asserts for an edit of `text`, which says `document`: what is read back is the value, all else says what it
    /// said, nothing of the text is lost but what was asked for, and a second edit changes nothing.
    pub(in crate::host::documents) fn holds<G: Grammar>(
        text: &str,
        document: &Value,
        steps: &[Step],
        wanted: &Value,
    ) -> Result<(), TestCaseError> {
        prop_assert_eq!(&G::read(text).expect("the test writes documents"), document, "{:?}", text);
        let is_there = at(document, steps).is_some();
        let once = match with_value::<G>(text, steps, wanted) {
            Ok(once) => once,
            Err(error) => {
                return Err(TestCaseError::fail(format!("{text:?}: {} {:?}", error.message, error.hint)));
            }
        };
        let read = G::read(&once).expect("a document");
        prop_assert_eq!(at(&read, steps), Some(wanted), "{:?} of {:?}", once, text);
        let (mut rest, mut rest_before) = (read.clone(), document.clone());
        let depth =
            (1..=steps.len()).find(|depth| at(document, &steps[..*depth]).is_none()).unwrap_or(steps.len());
        put(&mut rest, &steps[..depth], None);
        put(&mut rest_before, &steps[..depth], None);
        prop_assert_eq!(rest, rest_before, "{:?} of {:?}", once, text);
        prop_assert_eq!(with_value::<G>(&once, steps, wanted).expect("again"), once.clone());
        if !is_there {
            prop_assert!(is_in(text, &once), "{:?} of {:?}", once, text);
        }
        let is_one_line = at(document, steps).is_none_or(|old| !old.is_object() && !old.is_array());
        if is_one_line {
            // The one with the old value, or with the entry before the new one, and no other.
            prop_assert!(changed_lines(text, &once) <= 1, "{:?} of {:?}", once, text);
        }
        let gone = match without_value::<G>(&once, steps) {
            Ok(gone) => gone,
            Err(error) if error.message.contains("is a position") => return Ok(()),
            Err(error) => {
                return Err(TestCaseError::fail(format!(
                    "{once:?} without: {} {:?}",
                    error.message, error.hint
                )));
            }
        };
        prop_assert!(at(&G::read(&gone).expect("a document"), steps).is_none(), "{:?}", gone);
        // What is left without an entry may need brackets to be an empty map.
        prop_assert!(is_in(&gone.replace("{}", ""), &once), "{:?} of {:?}", gone, once);
        prop_assert_eq!(without_value::<G>(&gone, steps).expect("again"), gone);
        Ok(())
    }
}
