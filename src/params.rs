//! What was given for a runbook's parameters: `--set`, `--params`, prompts; and how they are shown.

use std::path::Path;
use std::sync::Arc;

use oneex_engine::diag::SourceMap;
use oneex_engine::script::{ParamInputs, ParamShown, Prompt};
use oneex_engine::source_file;
use oneex_sdk::{Map, Value, visible};

use crate::commands::inputs::ParamArgs;
use crate::context::Context;
use crate::data_file;
use crate::error::CommandError;
use crate::prompt::Asker;
use crate::term::{BOLD, CYAN, paint};

/// Gathers what was given. Prompts are asked only where a person is there.
pub(crate) fn inputs(
    args: &ParamArgs,
    context: &Context,
    asker: &Arc<Asker>,
) -> Result<ParamInputs, CommandError> {
    let mut inputs = ParamInputs { set: args.set.clone(), ..ParamInputs::default() };
    for file in &args.files {
        inputs.files.push((context.shown(file), read(&context.cwd.join(file), &context.shown(file))?));
    }
    if context.interactive {
        inputs.prompt = Some(Arc::new(Prompting(Arc::clone(asker))));
    }
    Ok(inputs)
}

/// What is given to a run that is resumed: the values that it had, whatever they came from.
pub(crate) fn again(values: &Map<String, Value>) -> ParamInputs {
    let given = values.iter().filter(|(_, value)| !value.is_null());
    let given = given.map(|(name, value)| (name.clone(), value.clone())).collect();
    ParamInputs { files: vec![("the journal".to_owned(), given)], ..ParamInputs::default() }
}

struct Prompting(Arc<Asker>);

impl Prompt for Prompting {
    fn ask(&self, name: &str, question: &str, secret: bool) -> Option<String> {
        let question = if question.is_empty() { name } else { question };
        self.0.ask(&format!("{}:", question.trim_end_matches(':')), secret, &|| false)
    }
}

/// Reads a file of parameters, by its ending: `.json`, `.toml`, else YAML.
fn read(path: &Path, shown: &str) -> Result<Map<String, Value>, CommandError> {
    let source = source_file::read(path, shown, &SourceMap::default())?;
    let wrong = |why: String| CommandError::usage(format!("`{shown}`: {why}"));
    let ending = path.extension().and_then(|ending| ending.to_str());
    let value: Value = data_file::parse(ending, shown, &source.text)?;
    match value {
        Value::Object(map) => Ok(map),
        // An empty YAML file.
        Value::Null => Ok(Map::new()),
        _ => Err(wrong("expected a map of parameters".to_owned())),
    }
}

/// The parameters as a table for `--help` and `oneex params`; nothing where there are none.
pub(crate) fn table(params: &[ParamShown], color: bool) -> String {
    if params.is_empty() {
        return String::new();
    }
    let mut out = format!("{}\n", paint(color, BOLD, "Parameters:"));
    let width = |cell: fn(&ParamShown) -> &str| {
        params.iter().map(|param| console::measure_text_width(cell(param))).max().unwrap_or(0)
    };
    let (names, kinds) = (width(|param| &param.name), width(|param| &param.kind));
    for param in params {
        let gap = names - console::measure_text_width(&param.name);
        let line = format!("{:kinds$}  {}", param.kind, about(param));
        let name = paint(color, CYAN, &visible(&param.name));
        out.push_str(&format!("  {name}{:gap$}  {}\n", "", visible(line.trim_end())));
    }
    out.push_str("Give them with `--set NAME=VALUE`, `--params FILE` or `ONEEX_PARAM_NAME`.\n");
    out
}

/// What there is to know of a parameter besides its name and type.
fn about(param: &ParamShown) -> String {
    let mut facts = Vec::new();
    if param.required {
        facts.push("required".to_owned());
    }
    if let Some(default) = &param.default {
        facts.push(format!("default: {default}"));
    }
    if !param.choices.is_empty() {
        let choices: Vec<String> = param.choices.iter().map(Value::to_string).collect();
        facts.push(format!("one of: {}", choices.join(", ")));
    }
    if let Some(variable) = &param.env {
        facts.push(format!("or the variable {variable}"));
    }
    let help = param.help.replace('\n', " ");
    match (help.is_empty(), facts.is_empty()) {
        (_, true) => help,
        (true, false) => format!("({})", facts.join("; ")),
        (false, false) => format!("{help} ({})", facts.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use oneex_engine::script::ParamShown;
    use oneex_sdk::{Value, json};

    use super::{read, table};

    fn param(name: &str, kind: &str, help: &str) -> ParamShown {
        ParamShown {
            name: name.into(),
            kind: kind.into(),
            help: help.into(),
            required: false,
            default: None,
            choices: Vec::new(),
            env: None,
            value: Value::Null,
        }
    }

    #[test]
    fn a_table_of_parameters() {
        let params = [
            ParamShown { required: true, ..param("version", "string", "image tag\nto deploy") },
            ParamShown { default: Some(json!(2)), ..param("batch", "int", "hosts at a time") },
            ParamShown {
                choices: vec![json!("a"), json!("b")],
                env: Some("SIDE".into()),
                ..param("side", "string", "")
            },
        ];
        insta::assert_snapshot!(table(&params, false));
        assert_eq!(table(&[], false), "");
    }

    #[test]
    fn files_are_read_by_their_ending() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("a.json", "{\"n\": 1}"),
            ("a.toml", "n = 1"),
            ("a.yaml", "n: 1"),
            ("a.yml", "n: 1"),
            ("empty.yaml", ""),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let expected = if text.is_empty() { json!({}) } else { json!({ "n": 1 }) };
            assert_eq!(Value::Object(read(&path, name).unwrap()), expected, "{name}");
        }
    }

    #[test]
    fn a_wrong_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list.yaml");
        std::fs::write(&list, "- 1\n").unwrap();
        let message = read(&list, "list.yaml").unwrap_err().message;
        assert!(message.starts_with("`list.yaml`: expected a map of parameters"), "{message}");
        for (name, text) in [("broken.json", "{"), ("broken.toml", "a =")] {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let error = read(&path, name).unwrap_err();
            let place = error.diagnostics[0].labels[0].position.to_string();
            assert!(place.starts_with(&format!("{name}:1:")), "{place}");
        }
        assert!(
            read(&folder.path().join("no"), "no").unwrap_err().diagnostics[0]
                .message
                .starts_with("`no` cannot be read")
        );
    }
}
