//! What a parameter's spec says, and what values it allows.

use oneex_sdk::Value;
use regex::Regex;
use rhai::Dynamic;

use super::options::{self, Options};
use crate::script::error::Thrown;
use crate::script::plain::to_argument;

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ParamType {
    String,
    Int,
    Float,
    Bool,
    List,
    Map,
    Duration,
    Size,
    Secret,
    Host,
    Hosts,
}

const TYPES: [(&str, ParamType); 11] = [
    ("string", ParamType::String),
    ("int", ParamType::Int),
    ("float", ParamType::Float),
    ("bool", ParamType::Bool),
    ("list", ParamType::List),
    ("map", ParamType::Map),
    ("duration", ParamType::Duration),
    ("size", ParamType::Size),
    ("secret", ParamType::Secret),
    ("host", ParamType::Host),
    ("hosts", ParamType::Hosts),
];

impl ParamType {
    /// Its name in specs.
    pub(super) fn name(self) -> &'static str {
        TYPES.iter().find(|(_, kind)| *kind == self).map_or("string", |(name, _)| name)
    }

    /// The value of a parameter that is not required and was not given.
    pub(super) fn empty(self) -> Value {
        match self {
            Self::Int | Self::Size => 0.into(),
            Self::Float => 0.0.into(),
            Self::Bool => false.into(),
            Self::List => Value::Array(Vec::new()),
            Self::Map => Value::Object(oneex_sdk::Map::new()),
            Self::Duration => "0s".into(),
            Self::String | Self::Secret | Self::Host | Self::Hosts => "".into(),
        }
    }

    fn of(value: &Value) -> Self {
        match value {
            Value::Number(number) if number.is_f64() => Self::Float,
            Value::Number(_) => Self::Int,
            Value::Bool(_) => Self::Bool,
            Value::Array(_) => Self::List,
            Value::Object(_) => Self::Map,
            Value::String(_) | Value::Null => Self::String,
        }
    }
}

/// A parameter's spec.
#[derive(Debug, Clone)]
pub(super) struct Spec {
    pub(super) kind: ParamType,
    pub(super) value: Option<Value>,
    pub(super) required: bool,
    pub(super) help: String,
    pub(super) pattern: Option<Regex>,
    pub(super) choices: Vec<Value>,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) env: Option<String>,
    pub(super) prompt: Option<String>,
}

const KNOWN: &[&str] =
    &["value", "required", "type", "help", "pattern", "choices", "min", "max", "env", "prompt"];

impl Spec {
    /// Reads a spec: a plain value, or a map.
    pub(super) fn read(name: &str, spec: Dynamic) -> Result<Self, Thrown> {
        let within = |error: Thrown| match error {
            Thrown::Failed(mut failure) => {
                failure.message = format!("parameter `{name}`: {}", failure.message);
                Thrown::Failed(failure)
            }
            Thrown::Stopped => Thrown::Stopped,
        };
        match spec.try_cast_result::<rhai::Map>() {
            Ok(map) => Self::from_map(map).map_err(within),
            Err(value) => Self::from_value(&value).map_err(within),
        }
    }

    fn plain(value: &Dynamic) -> Result<Value, Thrown> {
        to_argument(value).map_err(|error| Thrown::invalid(error.to_string()))
    }

    fn from_value(value: &Dynamic) -> Result<Self, Thrown> {
        let value = Self::plain(value)?;
        Ok(Self {
            kind: ParamType::of(&value),
            value: Some(value),
            required: false,
            help: String::new(),
            pattern: None,
            choices: Vec::new(),
            min: None,
            max: None,
            env: None,
            prompt: None,
        })
    }

    fn from_map(map: rhai::Map) -> Result<Self, Thrown> {
        let mut options = Options::new("params", KNOWN, map)?;
        let value = options.take("value").map(|value| Self::plain(&value)).transpose()?;
        let named = options.parse("type", options::text)?.map(|name| type_named(&name)).transpose()?;
        let kind = named.unwrap_or_else(|| value.as_ref().map_or(ParamType::String, ParamType::of));
        let pattern = options.parse("pattern", options::text)?;
        let pattern = pattern.map(|pattern| {
            Regex::new(&pattern).map_err(|error| {
                Thrown::invalid(format!("`{pattern}` is no regular expression: {}", why(&error)))
            })
        });
        let choices = match options.take("choices").map(|choices| Self::plain(&choices)).transpose()? {
            Some(Value::Array(choices)) => choices,
            Some(_) => return Err(Thrown::invalid("option `choices`: expected an array")),
            None => Vec::new(),
        };
        let spec = Self {
            kind,
            value,
            required: options.parse("required", options::boolean)?.unwrap_or(false),
            help: options.parse("help", options::text)?.unwrap_or_default(),
            pattern: pattern.transpose()?,
            choices,
            min: options.parse("min", options::number)?,
            max: options.parse("max", options::number)?,
            env: options.parse("env", options::text)?,
            prompt: options.parse("prompt", options::text)?,
        };
        let spec = spec.sound().map_err(Thrown::invalid)?;
        if let Some(value) = &spec.value {
            let accepted = spec.accept(value).and_then(|value| spec.check(&value));
            accepted.map_err(|why| Thrown::invalid(format!("its own value: {why}")))?;
        }
        // A prompt asks for what is needed: without an answer there is no value.
        let required = spec.required || (spec.prompt.is_some() && spec.value.is_none());
        Ok(Self { required, ..spec })
    }

    /// Refuses what contradicts itself or the type; the choices are read as values are.
    fn sound(mut self) -> Result<Self, String> {
        use ParamType::{Bool, Host, Hosts, Map, Secret, String};
        let name = self.kind.name();
        if self.pattern.is_some() && !matches!(self.kind, String | Secret | Host | Hosts) {
            return Err(format!("`pattern` is for texts, and this is of type `{name}`"));
        }
        if (self.min.is_some() || self.max.is_some()) && matches!(self.kind, Bool | Map | Host | Hosts) {
            return Err(format!("a value of type `{name}` has no size for `min` and `max`"));
        }
        if let (Some(min), Some(max)) = (self.min, self.max)
            && min > max
        {
            return Err(format!("`min`, {min}, is above `max`, {max}"));
        }
        let choices = self.choices.iter().map(|choice| self.accept(choice));
        self.choices = choices.collect::<Result<_, _>>().map_err(|why| format!("option `choices`: {why}"))?;
        Ok(self)
    }

    /// A value of the type, for a load that needs none: one that the spec allows, as far as it says so
    /// plainly.
    pub(super) fn sample(&self) -> Value {
        let least = self.min.filter(|min| *min > 0.0).unwrap_or(0.0).ceil();
        match (self.choices.first(), self.kind) {
            (Some(choice), _) => choice.clone(),
            (None, ParamType::Int | ParamType::Size) => (least as i64).into(),
            (None, ParamType::Float) => least.into(),
            (None, ParamType::Duration) => format!("{least}s").into(),
            (None, ParamType::Host) => "localhost".into(),
            (None, kind) => kind.empty(),
        }
    }

    /// Reads a value that was given as text.
    pub(super) fn parse(&self, text: &str) -> Result<Value, String> {
        let wrong = |what: &str| {
            let shown = if self.kind == ParamType::Secret { "•••" } else { text };
            format!("expected {what}, found `{shown}`")
        };
        match self.kind {
            ParamType::Int => {
                text.trim().parse::<i64>().map(Value::from).map_err(|_| wrong("a whole number"))
            }
            ParamType::Float => {
                let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
                number.map(Value::from).ok_or_else(|| wrong("a number"))
            }
            ParamType::Bool => match text.trim().to_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Ok(true.into()),
                "false" | "no" | "off" | "0" => Ok(false.into()),
                _ => Err(wrong("`true` or `false`")),
            },
            ParamType::List if !text.trim_start().starts_with('[') => {
                Ok(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Value::from).collect())
            }
            ParamType::List | ParamType::Map => {
                let value: Value = serde_json::from_str(text).map_err(|_| wrong("JSON"))?;
                self.accept(&value)
            }
            _ => self.accept(&Value::from(text)),
        }
    }

    /// Takes a value that was given as data, as the type allows.
    pub(super) fn accept(&self, value: &Value) -> Result<Value, String> {
        let wrong = || match self.kind {
            ParamType::Secret => "expected a string".to_owned(),
            kind => format!("expected a value of type `{}`, found `{value}`", kind.name()),
        };
        let fits = match (self.kind, value) {
            (ParamType::Int, Value::Number(number)) => number.is_i64(),
            // `1` is a float as well, and must divide as one.
            (ParamType::Float, Value::Number(number)) => return Ok(number.as_f64().into()),
            (ParamType::Bool, Value::Bool(_))
            | (ParamType::List, Value::Array(_))
            | (ParamType::Map, Value::Object(_))
            | (
                ParamType::String | ParamType::Secret | ParamType::Host | ParamType::Hosts,
                Value::String(_),
            ) => true,
            (ParamType::Duration, Value::Number(number)) if number.is_u64() => {
                return Ok(format!("{number}s").into());
            }
            (ParamType::Duration, Value::String(text)) => {
                oneex_sdk::parse_duration(text)?;
                true
            }
            (ParamType::Size, Value::Number(number)) => number.is_u64(),
            (ParamType::Size, Value::String(text)) => {
                return oneex_sdk::parse_size(text).map(Value::from);
            }
            (ParamType::Hosts, Value::Array(names)) => {
                let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
                return names.map(|names| names.join(",").into()).ok_or_else(wrong);
            }
            // YAML reads a version such as 1.20 as a number; a string is what was meant.
            (ParamType::String, Value::Number(number)) => return Ok(number.to_string().into()),
            _ => false,
        };
        if fits { Ok(value.clone()) } else { Err(wrong()) }
    }

    /// Says what a value of the right type breaks of the spec.
    pub(super) fn check(&self, value: &Value) -> Result<(), String> {
        let shown = if self.kind == ParamType::Secret { "•••".to_owned() } else { value.to_string() };
        if let (Some(pattern), Some(text)) = (&self.pattern, value.as_str())
            && !pattern.is_match(text)
        {
            return Err(format!("`{}` does not match `{pattern}`", shown.trim_matches('"')));
        }
        if !self.choices.is_empty() && !self.choices.contains(value) {
            let choices: Vec<String> = self.choices.iter().map(ToString::to_string).collect();
            let texts = self.choices.iter().filter_map(Value::as_str);
            let near = value.as_str().and_then(|text| oneex_sdk::nearest(text, texts));
            let near = near.filter(|_| self.kind != ParamType::Secret);
            let meant = near.map(|right| format!(": did you mean `{right}`?")).unwrap_or_default();
            return Err(format!("`{}` is none of {}{meant}", shown.trim_matches('"'), choices.join(", ")));
        }
        let (size, unit) = match value {
            Value::Number(number) => (number.as_f64(), ""),
            Value::String(text) if self.kind == ParamType::Duration => {
                (oneex_sdk::parse_duration(text).ok().map(|duration| duration.as_secs_f64()), " seconds")
            }
            Value::String(text) => (Some(text.chars().count() as f64), " characters"),
            Value::Array(items) => (Some(items.len() as f64), " elements"),
            _ => (None, ""),
        };
        match (size, self.min, self.max) {
            (Some(size), Some(min), _) if size < min => {
                Err(format!("`{}` is below the least, {min}{unit}", shown.trim_matches('"')))
            }
            (Some(size), _, Some(max)) if size > max => {
                Err(format!("`{}` is above the most, {max}{unit}", shown.trim_matches('"')))
            }
            _ => Ok(()),
        }
    }
}

/// Why a text is no regular expression, on one line.
fn why(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

fn type_named(name: &str) -> Result<ParamType, Thrown> {
    let found = TYPES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    found.ok_or_else(|| {
        let error = Thrown::invalid(format!("there is no type `{name}`"));
        match oneex_sdk::nearest(name, TYPES.iter().map(|(name, _)| *name)) {
            Some(right) => error.hint(format!("did you mean `{right}`?")),
            None => error
                .hint("types are: string, int, float, bool, list, map, duration, size, secret, host, hosts"),
        }
    })
}
