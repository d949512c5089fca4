//! Whether a literal can be what a JSON schema asks for.

use std::collections::BTreeSet;

use oneex_sdk::Value;
use rhai::{Expr, FnPtr};

/// The keyword of a property that a closure may answer, see [`oneex_sdk::Manual::takes_closure`].
const CLOSURE: &str = "closure";

/// What a literal is, as far as the text tells.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    /// True or false.
    Bool,
    /// A whole number.
    Integer,
    /// A number with a fraction.
    Float,
    /// A text; nothing where it is interpolated.
    Text(Option<String>),
    /// An array.
    Array,
    /// A map.
    Map,
    /// A closure.
    Function,
}

impl Literal {
    /// What `expression` is; nothing where only a run knows, and for `()`.
    pub(super) fn of(expression: &Expr) -> Option<Self> {
        Some(match expression {
            Expr::BoolConstant(..) => Self::Bool,
            Expr::IntegerConstant(..) => Self::Integer,
            Expr::FloatConstant(..) => Self::Float,
            Expr::StringConstant(text, _) => Self::Text(Some(text.to_string())),
            Expr::CharConstant(character, _) => Self::Text(Some(character.to_string())),
            Expr::InterpolatedString(..) => Self::Text(None),
            Expr::Array(..) => Self::Array,
            Expr::Map(..) => Self::Map,
            Expr::DynamicConstant(value, _) if value.is::<FnPtr>() => Self::Function,
            _ => return None,
        })
    }

    /// As people say it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Integer => "a whole number",
            Self::Float => "a number with a fraction",
            Self::Text(_) => "a string",
            Self::Array => "an array",
            Self::Map => "a map",
            Self::Function => "a function",
        }
    }

    fn fits(&self, kind: &str) -> bool {
        match self {
            Self::Bool => kind == "boolean",
            Self::Integer => kind == "integer" || kind == "number",
            Self::Float => kind == "number",
            Self::Text(_) => kind == "string",
            Self::Array => kind == "array",
            Self::Map => kind == "object",
            Self::Function => kind == CLOSURE,
        }
    }
}

/// What is wrong with a literal.
#[derive(Debug, PartialEq)]
pub(super) enum Mismatch {
    /// It is of another type; what is right, as people say it.
    Type(String),
    /// The text is none of these.
    Value(Vec<String>),
}

/// What a schema allows.
#[derive(Default)]
struct Allowed {
    types: BTreeSet<String>,
    /// The only texts; nothing where any text will do.
    texts: Option<Vec<String>>,
}

/// Compares a literal with a schema. `root` holds the definitions that the schema refers to. What
/// the schema leaves open, or says in a way that is not understood, fits.
pub(super) fn mismatch(literal: &Literal, schema: &Value, root: &Value) -> Option<Mismatch> {
    let allowed = allowed(schema, root, 0)?;
    if !allowed.types.iter().any(|kind| literal.fits(kind)) {
        let names = allowed.types.iter().filter_map(|kind| match kind.as_str() {
            "boolean" => Some("true or false"),
            "integer" => Some("a whole number"),
            "number" => Some("a number"),
            "string" => Some("a string"),
            "array" => Some("an array"),
            "object" => Some("a map"),
            CLOSURE => Some("a closure"),
            _ => None,
        });
        let names: Vec<&str> = names.collect();
        return (!names.is_empty()).then(|| Mismatch::Type(names.join(" or ")));
    }
    match (literal, allowed.texts) {
        (Literal::Text(Some(text)), Some(texts)) if !texts.contains(text) => Some(Mismatch::Value(texts)),
        _ => None,
    }
}

fn allowed(schema: &Value, root: &Value, depth: usize) -> Option<Allowed> {
    const DEEPEST: usize = 16;
    let object = schema.as_object().filter(|_| depth < DEEPEST)?;
    if let Some(path) = object.get("$ref").and_then(Value::as_str) {
        return allowed(root.pointer(path.strip_prefix('#')?)?, root, depth + 1);
    }
    if let Some(choices) = ["anyOf", "oneOf"].iter().find_map(|key| object.get(*key)?.as_array()) {
        let mut all = Allowed { texts: Some(Vec::new()), ..Allowed::default() };
        for choice in choices {
            let one = allowed(choice, root, depth + 1)?;
            match (&mut all.texts, one.texts) {
                (Some(texts), Some(more)) => texts.extend(more),
                (texts, None) if one.types.contains("string") => *texts = None,
                _ => {}
            }
            all.types.extend(one.types);
        }
        return Some(all);
    }
    if let Some(parts) = object.get("allOf").and_then(Value::as_array) {
        return match parts.as_slice() {
            [only] => allowed(only, root, depth + 1),
            _ => None,
        };
    }
    let only = object.get("const").map(std::slice::from_ref);
    if let Some(values) = object.get("enum").and_then(Value::as_array).map(Vec::as_slice).or(only) {
        let texts = values.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        return Some(Allowed { types: values.iter().map(kind).collect(), texts: Some(texts) });
    }
    let mut types = match object.get("type")? {
        Value::String(one) => BTreeSet::from([one.clone()]),
        Value::Array(several) => several.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => return None,
    };
    if object.get(CLOSURE).and_then(Value::as_bool).unwrap_or(false) {
        types.insert(CLOSURE.to_owned());
    }
    Some(Allowed { types, texts: None })
}

fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{Value, json};

    use super::{Literal, Mismatch, mismatch};

    #[test]
    fn only_what_surely_does_not_fit_is_a_mismatch() {
        let root = json!({ "$defs": { "State": { "oneOf": [
            { "const": "started", "type": "string" },
            { "enum": ["stopped", "reloaded"], "type": "string" },
        ] } } });
        let state = json!({ "anyOf": [{ "$ref": "#/$defs/State" }, { "type": "null" }] });
        let text = |text: &str| Literal::Text(Some(text.to_owned()));
        let wrong_type = |right: &str| Some(Mismatch::Type(right.to_owned()));
        let states = ["started", "stopped", "reloaded"].map(str::to_owned).to_vec();
        let cases: [(Literal, Value, Option<Mismatch>); 14] = [
            (text("x"), json!({ "type": "string" }), None),
            (Literal::Integer, json!({ "type": ["string", "null"] }), wrong_type("a string")),
            (Literal::Integer, json!({ "type": "number" }), None),
            (Literal::Float, json!({ "type": "integer" }), wrong_type("a whole number")),
            (Literal::Bool, json!({ "type": ["array", "object"] }), wrong_type("an array or a map")),
            (Literal::Function, json!({ "type": "string" }), wrong_type("a string")),
            (text("started"), state.clone(), None),
            (Literal::Text(None), state.clone(), None),
            (text("strated"), state.clone(), Some(Mismatch::Value(states))),
            (Literal::Map, state, wrong_type("a string")),
            (text("any"), json!({ "anyOf": [{ "enum": ["a"] }, { "type": "string" }] }), None),
            (Literal::Map, json!({}), None),
            (Literal::Map, json!(true), None),
            (Literal::Map, json!({ "$ref": "#/$defs/Missing" }), None),
        ];
        for (literal, schema, expected) in cases {
            assert_eq!(mismatch(&literal, &schema, &root), expected, "{literal:?} for {schema}");
        }
    }
}
