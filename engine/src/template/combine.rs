//! The filter `combine`.

use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Error, Value};

use super::data::wrong;

/// What becomes of a list where both maps have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lists {
    Replace,
    Keep,
    Append,
    Prepend,
    AppendUnique,
    PrependUnique,
}

#[derive(Debug, Clone, Copy)]
struct Merge {
    recursive: bool,
    lists: Lists,
}

/// Maps over one another, lists of maps one by one; with `recursive`, maps inside them too.
pub(super) fn combine(first: &Value, others: Rest<Value>, options: Kwargs) -> Result<Value, Error> {
    let recursive = options.get::<Option<bool>>("recursive")?.unwrap_or(false);
    let lists = match options.get::<Option<String>>("list_merge")?.as_deref().unwrap_or("replace") {
        "replace" => Lists::Replace,
        "keep" => Lists::Keep,
        "append" => Lists::Append,
        "prepend" => Lists::Prepend,
        "append_rp" => Lists::AppendUnique,
        "prepend_rp" => Lists::PrependUnique,
        other => {
            let known = "`replace`, `keep`, `append`, `prepend`, `append_rp` and `prepend_rp`";
            return Err(wrong(format!("`list_merge` is one of {known}, not `{other}`")));
        }
    };
    options.assert_all_used()?;
    let mut result: Option<Value> = None;
    for value in std::iter::once(first.clone()).chain(others.0) {
        let maps = if value.kind() == ValueKind::Seq { value.try_iter()?.collect() } else { vec![value] };
        for map in maps {
            result = Some(match result {
                None => map,
                Some(under) => overlay(&under, &map, Merge { recursive, lists })?,
            });
        }
    }
    let result = result.unwrap_or_else(|| Value::from_pairs(Vec::<(Value, Value)>::new()));
    if result.kind() == ValueKind::Map { Ok(result) } else { Err(wrong("`combine` combines maps")) }
}

fn overlay(under: &Value, over: &Value, merge: Merge) -> Result<Value, Error> {
    if under.kind() != ValueKind::Map || over.kind() != ValueKind::Map {
        return Err(wrong("`combine` combines maps"));
    }
    let mut pairs: indexmap::IndexMap<Value, Value> = indexmap::IndexMap::new();
    for key in under.try_iter()? {
        let value = under.get_item(&key)?;
        pairs.insert(key, value);
    }
    for key in over.try_iter()? {
        let value = over.get_item(&key)?;
        let value = match pairs.get(&key) {
            Some(before) if merge.recursive && both(before, &value, ValueKind::Map) => {
                overlay(before, &value, merge)?
            }
            Some(before) if both(before, &value, ValueKind::Seq) => joined(before, &value, merge.lists)?,
            _ => value,
        };
        pairs.insert(key, value);
    }
    Ok(Value::from_pairs(pairs))
}

fn both(one: &Value, other: &Value, kind: ValueKind) -> bool {
    one.kind() == kind && other.kind() == kind
}

fn joined(under: &Value, over: &Value, lists: Lists) -> Result<Value, Error> {
    let (old, new): (Vec<Value>, Vec<Value>) = (under.try_iter()?.collect(), over.try_iter()?.collect());
    let only_old = || old.iter().filter(|item| !new.contains(item)).cloned().collect::<Vec<_>>();
    Ok(match lists {
        Lists::Replace => over.clone(),
        Lists::Keep => under.clone(),
        Lists::Append => [old, new].concat().into(),
        Lists::Prepend => [new, old].concat().into(),
        Lists::AppendUnique => [only_old(), new].concat().into(),
        Lists::PrependUnique => [new.clone(), only_old()].concat().into(),
    })
}
