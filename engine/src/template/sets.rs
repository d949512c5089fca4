//! Filters over lists as sets and as tables.

use std::collections::HashSet;

use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Environment, Error, Value};

use super::data::wrong;

/// A product with more items is refused.
const MOST: usize = 1_000_000;

/// Adds the filters.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("union", |one: &Value, other: &Value| pick(one, Some(other), |_| true));
    environment.add_filter("intersect", |one: &Value, other: &Value| {
        let other = set(other)?;
        pick(one, None, |item| other.contains(item))
    });
    environment.add_filter("difference", |one: &Value, other: &Value| {
        let other = set(other)?;
        pick(one, None, |item| !other.contains(item))
    });
    environment.add_filter("symmetric_difference", |one: &Value, other: &Value| {
        let (first, second) = (set(one)?, set(other)?);
        pick(one, Some(other), |item| first.contains(item) != second.contains(item))
    });
    environment.add_filter("flatten", flatten);
    environment.add_filter("product", product);
    environment.add_filter("zip_longest", zip_longest);
}

fn set(value: &Value) -> Result<HashSet<Value>, Error> {
    Ok(value.try_iter()?.collect())
}

/// The items of both that are wanted, each once, in their order.
fn pick(one: &Value, other: Option<&Value>, wanted: impl Fn(&Value) -> bool) -> Result<Value, Error> {
    let mut seen = HashSet::new();
    let mut out = Vec::new();
    let lists = [Some(one), other];
    for list in lists.into_iter().flatten() {
        out.extend(list.try_iter()?.filter(|item| wanted(item) && seen.insert(item.clone())));
    }
    Ok(out.into())
}

/// Lists inside the list, as deep as `levels` says, put in their place; `none` is left out.
fn flatten(list: &Value, levels: Option<usize>, options: Kwargs) -> Result<Value, Error> {
    let levels = levels.or(options.get("levels")?).unwrap_or(usize::MAX);
    let skip_nulls = options.get::<Option<bool>>("skip_nulls")?.unwrap_or(true);
    options.assert_all_used()?;
    let mut out = Vec::new();
    flatten_into(list, levels, skip_nulls, &mut out)?;
    Ok(out.into())
}

fn flatten_into(list: &Value, levels: usize, skip_nulls: bool, out: &mut Vec<Value>) -> Result<(), Error> {
    for item in list.try_iter()? {
        match item.kind() {
            ValueKind::Seq | ValueKind::Iterable if levels > 0 => {
                flatten_into(&item, levels - 1, skip_nulls, out)?;
            }
            ValueKind::None if skip_nulls => {}
            _ => out.push(item),
        }
    }
    Ok(())
}

/// Every combination of one item of each list.
fn product(first: &Value, others: Rest<Value>) -> Result<Value, Error> {
    let mut rows: Vec<Vec<Value>> = first.try_iter()?.map(|item| vec![item]).collect();
    for other in others.iter() {
        let items: Vec<Value> = other.try_iter()?.collect();
        if rows.len().saturating_mul(items.len()) > MOST {
            return Err(wrong(format!("`product` makes more than {MOST} items")));
        }
        let longer = |row: &Vec<Value>| {
            items.iter().map(|item| [row.as_slice(), std::slice::from_ref(item)].concat()).collect::<Vec<_>>()
        };
        rows = rows.iter().flat_map(longer).collect();
    }
    Ok(rows.into_iter().map(Value::from).collect())
}

/// Rows as long as the longest list makes them, with `fillvalue` where another has ended.
fn zip_longest(first: &Value, others: Rest<Value>, options: Kwargs) -> Result<Value, Error> {
    let fill = options.get::<Option<Value>>("fillvalue")?.unwrap_or(Value::from(()));
    options.assert_all_used()?;
    let lists = std::iter::once(first).chain(others.iter());
    let lists =
        lists.map(|list| Ok(list.try_iter()?.collect())).collect::<Result<Vec<Vec<Value>>, Error>>()?;
    let rows = lists.iter().map(Vec::len).max().unwrap_or_default();
    let row = |index: usize| -> Value {
        lists.iter().map(|list| list.get(index).unwrap_or(&fill).clone()).collect()
    };
    Ok((0..rows).map(row).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::template::Templates;

    #[test]
    fn lists_are_sets_and_tables() {
        let table = [
            ("[1, 2, 2] | union([2, 3])", "[1, 2, 3]"),
            ("[1, 2, 2] | intersect([2, 3])", "[2]"),
            ("[1, 2, 2] | difference([2, 3])", "[1]"),
            ("[1, 2] | symmetric_difference([2, 3])", "[1, 3]"),
            ("[1, [2, [3, none]]] | flatten", "[1, 2, 3]"),
            ("[1, none] | flatten(skip_nulls=false)", "[1, null]"),
            ("[1, [2, [3]]] | flatten(1)", "[1, 2, [3]]"),
            ("[1, 2] | product(['a', 'b'])", r#"[[1, "a"], [1, "b"], [2, "a"], [2, "b"]]"#),
            ("[1, 2] | zip(['a', 'b'])", r#"[[1, "a"], [2, "b"]]"#),
            ("[1, 1, 2] | unique", "[1, 2]"),
        ];
        for (text, wanted) in table {
            let template = format!("{{{{ {text} | list | to_json }}}}");
            assert_eq!(
                Templates::default().render_text("t", &template, json!({})).expect(text),
                wanted,
                "{text}"
            );
        }
    }

    #[test]
    fn a_product_has_its_limit() {
        let text = "{{ range(2000) | product(range(2000)) | length }}";
        let error = Templates::default().render_text("t", text, json!({})).expect_err("too many");
        assert_eq!(error.message, "`product` makes more than 1000000 items");
    }
}
