//! Filters over paths, as Python's `posixpath` takes them apart.

use std::path::Path;

use minijinja::value::{Rest, ValueKind};
use minijinja::{Environment, Error, Value};

use super::data::wrong;

/// Adds the filters.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("basename", |path: String| path.rsplit('/').next().unwrap_or_default().to_owned());
    environment.add_filter("dirname", dirname);
    environment.add_filter("splitext", splitext);
    environment.add_filter("path_join", path_join);
    environment.add_filter("normpath", |path: String| normal(&path));
    environment.add_filter("relpath", relative);
}

fn dirname(path: String) -> String {
    let head = path.rfind('/').map_or("", |at| &path[..=at]);
    let trimmed = head.trim_end_matches('/');
    if trimmed.is_empty() { head.to_owned() } else { trimmed.to_owned() }
}

fn splitext(path: String) -> Vec<String> {
    let ending = Path::new(&path).extension().map(|ending| format!(".{}", ending.to_string_lossy()));
    let ending = ending.unwrap_or_default();
    vec![path[..path.len() - ending.len()].to_owned(), ending]
}

/// Parts of a path joined; an absolute one begins anew.
fn path_join(parts: &Value, more: Rest<Value>) -> Result<String, Error> {
    let mut all: Vec<Value> = match parts.kind() {
        ValueKind::String => vec![parts.clone()],
        _ => parts.try_iter()?.collect(),
    };
    all.extend(more.0);
    let mut out = String::new();
    for part in &all {
        let part = part.as_str().ok_or_else(|| wrong("`path_join` joins strings"))?;
        if part.starts_with('/') {
            out.clear();
        } else if !out.is_empty() && !out.ends_with('/') {
            out.push('/');
        }
        out.push_str(part);
    }
    Ok(out)
}

/// The path without `.`, `..` and doubled slashes, as far as its text tells.
fn normal(path: &str) -> String {
    // POSIX leaves two slashes at the beginning to the system, so Python keeps them.
    let slashes = match path.len() - path.trim_start_matches('/').len() {
        0 => "",
        2 => "//",
        _ => "/",
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        let climbs = part == "..";
        match parts.last() {
            Some(last) if climbs && *last != ".." => drop(parts.pop()),
            None if climbs && !slashes.is_empty() => {}
            _ => parts.push(part),
        }
    }
    let text = format!("{slashes}{}", parts.join("/"));
    if text.is_empty() { ".".to_owned() } else { text }
}

/// The path as it is reached from `start`.
fn relative(path: String, start: String) -> Result<String, Error> {
    if path.starts_with('/') != start.starts_with('/') {
        return Err(wrong("`relpath` takes two absolute paths, or two relative ones"));
    }
    let (path, start) = (normal(&path), normal(&start));
    let parts = |path: &str| -> Vec<String> {
        path.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect()
    };
    let (path, start) = (parts(&path), parts(&start));
    let same = path.iter().zip(&start).take_while(|(one, other)| one == other).count();
    if start[same..].iter().any(|part| part == "..") {
        return Err(wrong("`relpath`: what the start's `..` leads to is not known"));
    }
    let mut out = vec!["..".to_owned(); start.len() - same];
    out.extend_from_slice(&path[same..]);
    Ok(if out.is_empty() { ".".to_owned() } else { out.join("/") })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::template::Templates;

    /// Python 3.11 says so.
    #[test]
    fn paths_are_taken_apart_as_python_does() {
        let table = [
            ("'/a/b' | dirname", "/a"),
            ("'/a//b' | dirname", "/a"),
            ("'//b' | dirname", "//"),
            ("'a' | dirname", ""),
            ("'a/' | dirname", "a"),
            ("'a/b/' | basename", ""),
            ("'a.b/c' | splitext | join('|')", "a.b/c|"),
            ("'' | normpath", "."),
            ("'//a/../..' | normpath", "//"),
            ("'///a/./b//' | normpath", "/a/b"),
            ("'../../a/..' | normpath", "../.."),
            ("['a', '/b', 'c/', 'd'] | path_join", "/b/c/d"),
            ("'/a' | path_join('b', 'c')", "/a/b/c"),
            ("'/a/b' | relpath('/a/c/d')", "../../b"),
            ("'/a' | relpath('/a')", "."),
            ("'a/b' | relpath('a')", "b"),
        ];
        for (text, wanted) in table {
            let template = format!("{{{{ {text} }}}}");
            let rendered = Templates::default().render_text("t", &template, json!({}));
            assert_eq!(rendered.expect(text), wanted, "{text}");
        }
        let error = Templates::default().render_text("t", "{{ 'a' | relpath('/b') }}", json!({}));
        assert!(error.expect_err("a mistake").message.starts_with("`relpath` takes two"));
    }
}
