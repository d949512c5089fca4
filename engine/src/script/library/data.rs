//! `json::`, `yaml::`, `toml::`.

use std::sync::Arc;

use rhai::{Dynamic, Engine, FuncRegistration, ImmutableString, Module, NativeCallContext};
use serde_json::Value;

use super::World;
use super::error::{Fallible, failure};
use crate::inventory::yaml;
use crate::script::convert::{to_dynamic, to_value};

/// A mistake in a document.
struct Mistake {
    /// Line and column, from 1, where they are known.
    at: Option<(u64, u64)>,
    message: String,
}

impl Mistake {
    /// `vms.yaml:3:5: …`, or `line 3, column 5: …` where the text is no file.
    fn text(&self, file: Option<&str>) -> String {
        match (file, self.at) {
            (Some(file), Some((line, column))) => format!("{file}:{line}:{column}: {}", self.message),
            (Some(file), None) => format!("{file}: {}", self.message),
            (None, Some((line, column))) => format!("line {line}, column {column}: {}", self.message),
            (None, None) => self.message.clone(),
        }
    }
}

/// A data format.
struct Format {
    name: &'static str,
    title: &'static str,
    parse: fn(&str) -> Result<Value, Mistake>,
    print: fn(&Value) -> Result<String, String>,
    /// Each line evaluates to true.
    parse_example: &'static str,
    print_example: &'static str,
}

const FORMATS: &[Format] = &[
    Format {
        name: "json",
        title: "JSON",
        parse: parse_json,
        print: |value| serde_json::to_string(value).map_err(|error| error.to_string()),
        parse_example: r#"json::parse(`{"a": [1, null]}`) == #{ a: [1, ()] }"#,
        print_example: r#"json::to_string(#{ a: [1, ()] }) == `{"a":[1,null]}`"#,
    },
    Format {
        name: "yaml",
        title: "YAML",
        parse: parse_yaml,
        print: |value| serde_saphyr::to_string(value).map_err(|error| error.to_string()),
        parse_example: r#"yaml::parse("a: [1, x]\nb: true") == #{ a: [1, "x"], b: true }"#,
        print_example: r#"yaml::to_string(#{ a: 1, b: "x" }) == "a: 1\nb: x\n""#,
    },
    Format {
        name: "toml",
        title: "TOML",
        parse: parse_toml,
        print: print_toml,
        parse_example: r#"toml::parse("[a]\nb = 1") == #{ a: #{ b: 1 } }"#,
        print_example: r#"toml::to_string(#{ a: #{ b: 1 } }) == "[a]\nb = 1\n""#,
    },
];

pub(super) fn register(engine: &mut Engine, world: &Arc<dyn World>) {
    for format in FORMATS {
        let mut module = Module::new();
        module.set_id(format.name);
        parse(&mut module, format);
        read(&mut module, format, world);
        print(&mut module, format);
        if format.name == "json" {
            print_pretty(&mut module);
        }
        engine.register_static_module(format.name, module.into());
    }
}

fn parse(module: &mut Module, format: &'static Format) {
    FuncRegistration::new("parse")
        .with_params_info(["text: &str", "Result<Dynamic>"])
        .with_comments([
            format!(
                "/// Reads a {} document from a text. A mistake is an error with its line and column.",
                format.title
            ),
            "///".into(),
            format!("/// ```rhai\n/// {}\n/// ```", format.parse_example),
        ])
        .set_into_module(module, |context: NativeCallContext, text: &str| -> Fallible<Dynamic> {
            let parsed = (format.parse)(text);
            parsed.map(|value| to_dynamic(&value)).map_err(|mistake| failure(&context, mistake.text(None)))
        });
}

fn read(module: &mut Module, format: &'static Format, world: &Arc<dyn World>) {
    let world = Arc::clone(world);
    FuncRegistration::new("read")
        .with_params_info(["path: &str", "Result<Dynamic>"])
        .with_comments([
            format!(
                "/// Reads a {} file of the project. A mistake is an error with file, line and column.",
                format.title
            ),
            "///".into(),
            format!("/// ```rhai\n/// {0}::read(\"example.{0}\").name == \"shop\"\n/// ```", format.name),
        ])
        .set_into_module(module, move |context: NativeCallContext, path: &str| -> Fallible<Dynamic> {
            let bytes = world.read_file(path).map_err(|message| failure(&context, message))?;
            let text =
                String::from_utf8(bytes).map_err(|_| failure(&context, format!("{path}: not UTF-8")))?;
            let parsed = (format.parse)(text.strip_prefix('\u{feff}').unwrap_or(&text));
            parsed
                .map(|value| to_dynamic(&value))
                .map_err(|mistake| failure(&context, mistake.text(Some(path))))
        });
}

fn print(module: &mut Module, format: &'static Format) {
    FuncRegistration::new("to_string")
        .with_params_info(["value: Dynamic", "Result<String>"])
        .with_comments([
            format!("/// Writes plain data as {}. Functions and handles are refused.", format.title),
            "///".into(),
            format!("/// ```rhai\n/// {}\n/// ```", format.print_example),
        ])
        .set_into_module(module, |context: NativeCallContext, value: Dynamic| -> Fallible<ImmutableString> {
            let value = to_value(&value).map_err(|error| failure(&context, error.to_string()))?;
            (format.print)(&value).map(Into::into).map_err(|message| failure(&context, message))
        });
}

fn print_pretty(module: &mut Module) {
    FuncRegistration::new("to_string_pretty")
        .with_params_info(["value: Dynamic", "Result<String>"])
        .with_comments([
            "/// Writes plain data as JSON over several lines, indented by two spaces.\n///",
            "/// ```rhai\n/// json::to_string_pretty(#{ a: 1 }) == \"{\\n  \\\"a\\\": 1\\n}\"\n/// ```",
        ])
        .set_into_module(module, |context: NativeCallContext, value: Dynamic| -> Fallible<ImmutableString> {
            let value = to_value(&value).map_err(|error| failure(&context, error.to_string()))?;
            let text = serde_json::to_string_pretty(&value);
            text.map(Into::into).map_err(|error| failure(&context, error.to_string()))
        });
}

fn parse_json(text: &str) -> Result<Value, Mistake> {
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let message = error.to_string();
        let message = message.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&message);
        Mistake { at: Some((line as u64, column.max(1) as u64)), message: message.to_owned() }
    })
}

fn parse_yaml(text: &str) -> Result<Value, Mistake> {
    yaml::parse_as(text, yaml::Dialect::Script).map(yaml::Node::into_value).map_err(|error| Mistake {
        at: Some((error.place.line.into(), error.place.column.into())),
        message: error.message,
    })
}

fn parse_toml(text: &str) -> Result<Value, Mistake> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let at = error.span().map(|span| line_and_column(text, span.start));
        Mistake { at, message: error.message().to_owned() }
    })?;
    Ok(Value::Object(table.into_iter().map(|(key, value)| (key, from_toml(value))).collect()))
}

/// TOML's dates and times become texts as TOML writes them.
fn from_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => Value::Bool(flag),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(items) => items.into_iter().map(from_toml).collect(),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(key, value)| (key, from_toml(value))).collect())
        }
    }
}

fn print_toml(value: &Value) -> Result<String, String> {
    if !value.is_object() {
        return Err("a TOML document is a map".into());
    }
    toml::to_string(value).map_err(|error| match error.to_string() {
        message if message.contains("unsupported unit") || message.contains("unsupported None") => {
            "TOML has no `()`: leave the key out".into()
        }
        message => message,
    })
}

fn line_and_column(text: &str, offset: usize) -> (u64, u64) {
    let before = text.get(..offset.min(text.len())).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line as u64, column as u64)
}
