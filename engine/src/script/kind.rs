//! What kinds of values are called in messages.

use rhai::{Array, Blob, Dynamic, FnPtr, Map};

use super::result::OpResult;
use super::words::hosts::{HostRef, Hosts};
use super::words::tasks::Handle;

/// The kind of a value, as people call it.
pub(super) fn kind(value: &Dynamic) -> &'static str {
    if value.is_unit() {
        "nothing"
    } else if value.is_bool() {
        "bool"
    } else if value.is_int() {
        "int"
    } else if value.is_float() {
        "float"
    } else if value.is_string() {
        "string"
    } else if value.is_char() {
        "char"
    } else if value.is::<Array>() {
        "array"
    } else if value.is::<Map>() {
        "map"
    } else if value.is::<Blob>() {
        "blob"
    } else if value.is::<FnPtr>() {
        "closure"
    } else if value.is::<Handle>() {
        "task"
    } else if value.is::<HostRef>() {
        "host"
    } else if value.is::<Hosts>() {
        "hosts"
    } else if value.is::<OpResult>() {
        "result"
    } else {
        "another type"
    }
}

/// The names of kinds in a message of Rhai's, as people call them.
pub(super) fn in_words(text: &str) -> String {
    [
        ("&str | ImmutableString | String", "string"),
        ("ImmutableString", "string"),
        ("&str", "string"),
        ("i64", "int"),
        ("f64", "float"),
        ("Fn", "closure"),
        ("()", "nothing"),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (name, word)| text.replace(name, word))
}

#[cfg(test)]
mod tests {
    use rhai::{Array, Dynamic, Map};

    use super::{in_words, kind};

    #[test]
    fn kinds_have_the_names_that_people_use() {
        let values: [(Dynamic, &str); 6] = [
            (Dynamic::UNIT, "nothing"),
            (1.into(), "int"),
            (1.5.into(), "float"),
            ("x".into(), "string"),
            (Array::new().into(), "array"),
            (Map::new().into(), "map"),
        ];
        for (value, name) in values {
            assert_eq!(kind(&value), name);
        }
        assert_eq!(in_words("task, &str | ImmutableString | String, i64"), "task, string, int");
    }
}
