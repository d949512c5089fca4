//! The environment that all templates share.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

use super::{data, digest, encode, json, numbers, paths, print, search, sets, tests_of, text, time};

/// Begins the name of a template that may not be included.
const OUTSIDE: &str = "\0";

/// A template that asks for more is refused: 64 MiB.
const LARGEST: u64 = 64 << 20;

/// Makes the environment of files; see [`super::Templates::new`] for what `roots` mean.
pub(super) fn build(roots: Vec<PathBuf>) -> Environment<'static> {
    let mut environment = of_variables();
    let canonical: Vec<PathBuf> = roots.iter().filter_map(|root| root.canonicalize().ok()).collect();
    let free = roots.is_empty();
    environment.set_path_join_callback(move |name, parent| join(name, parent, free));
    environment.set_loader(move |name| load(name, &canonical, free));
    environment
}

/// Makes the environment of variables, which include nothing.
pub(super) fn of_variables() -> Environment<'static> {
    let mut environment = Environment::new();
    // Ansible's defaults. The builder refuses only delimiters, and those stay as they are.
    if let Ok(syntax) =
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(false).keep_trailing_newline(false).build()
    {
        environment.set_syntax(syntax);
    }
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_debug(true);
    minijinja_contrib::add_to_environment(&mut environment);
    data::add(&mut environment);
    digest::add(&mut environment);
    encode::add(&mut environment);
    json::add(&mut environment);
    numbers::add(&mut environment);
    paths::add(&mut environment);
    print::add(&mut environment);
    search::add(&mut environment);
    sets::add(&mut environment);
    tests_of::add(&mut environment);
    text::add(&mut environment);
    time::add(&mut environment);
    environment
}

/// The path of what `parent` includes as `name`. Without roots, it must not leave the parent's folder.
fn join<'s>(name: &'s str, parent: &'s str, free: bool) -> Cow<'s, str> {
    let folder = Path::new(parent).parent().unwrap_or_else(|| Path::new(""));
    let steps_out =
        Path::new(name).components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir));
    if free && steps_out {
        return format!("{OUTSIDE}{name}").into();
    }
    folder.join(name).to_string_lossy().into_owned().into()
}

fn load(name: &str, roots: &[PathBuf], free: bool) -> Result<Option<String>, Error> {
    let not_found = |message: String| Error::new(ErrorKind::TemplateNotFound, message);
    // Not as "not found", which `ignore missing` would pass over in silence.
    let outside = |message: String| Error::new(ErrorKind::BadInclude, message);
    if let Some(name) = name.strip_prefix(OUTSIDE) {
        return Err(outside(format!("`{name}` is outside of the template's folder")));
    }
    let path = Path::new(name);
    let real = path.canonicalize().map_err(|error| not_found(format!("cannot read `{name}`: {error}")))?;
    if !free && !roots.iter().any(|root| real.starts_with(root)) {
        return Err(outside(format!("`{name}` is outside of the project")));
    }
    let unreadable = |error: std::io::Error| not_found(format!("cannot read `{name}`: {error}"));
    if std::fs::metadata(&real).map_err(unreadable)?.len() > LARGEST {
        return Err(not_found(format!("`{name}` is larger than 64 MiB")));
    }
    let text = std::fs::read_to_string(&real).map_err(unreadable)?;
    Ok(Some(print::with_plain_line_breaks(&text).into_owned()))
}
