//! `path::`: paths as texts, with `/`. No file is looked at.

use rhai::Array;
use rhai::plugin::*;

pub(super) fn register(engine: &mut Engine) {
    engine.register_static_module("path", exported_module!(path_functions).into());
}

fn last(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

fn joined(base: &str, more: &str) -> String {
    match (base, more) {
        (_, more) if more.starts_with('/') => more.to_owned(),
        ("", more) => more.to_owned(),
        (base, "") => base.to_owned(),
        (base, more) => format!("{}/{more}", base.strip_suffix('/').unwrap_or(base)),
    }
}

#[export_module]
#[allow(unreachable_pub, reason = "the macro registers public functions only")]
mod path_functions {
    /// Puts two paths together; an absolute second one stands for itself.
    ///
    /// ```rhai
    /// path::join("/etc", "nginx/nginx.conf") == "/etc/nginx/nginx.conf"
    /// path::join("/etc", "/opt") == "/opt"
    /// ```
    #[rhai_fn(name = "join")]
    pub fn join(base: &str, more: &str) -> String {
        joined(base, more)
    }

    /// Puts all paths of an array together.
    ///
    /// ```rhai
    /// path::join(["/srv", "shop", "current"]) == "/srv/shop/current"
    /// ```
    #[rhai_fn(name = "join")]
    pub fn join_all(parts: Array) -> String {
        parts.iter().fold(String::new(), |path, part| joined(&path, &part.to_string()))
    }

    /// The last part of a path.
    ///
    /// ```rhai
    /// path::base_name("/etc/nginx/nginx.conf") == "nginx.conf"
    /// path::base_name("/etc/nginx/") == "nginx"
    /// ```
    pub fn base_name(path: &str) -> String {
        last(path).to_owned()
    }

    /// What is before the last part of a path; `.` where there is nothing.
    ///
    /// ```rhai
    /// path::folder("/etc/nginx/nginx.conf") == "/etc/nginx"
    /// path::folder("/etc") == "/"
    /// path::folder("motd") == "."
    /// ```
    pub fn folder(path: &str) -> String {
        match path.trim_end_matches('/').rsplit_once('/') {
            Some((folder, _)) if folder.trim_end_matches('/').is_empty() => "/".into(),
            Some((folder, _)) => folder.trim_end_matches('/').into(),
            None if path.starts_with('/') => "/".into(),
            None => ".".into(),
        }
    }

    /// What is after the last dot of the last part; empty where there is none, or only the first.
    ///
    /// ```rhai
    /// path::extension("backup.tar.gz") == "gz"
    /// path::extension("/home/ops/.bashrc") == ""
    /// ```
    pub fn extension(path: &str) -> String {
        last(path).rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map_or("", |(_, end)| end).into()
    }

    /// The last part without its extension.
    ///
    /// ```rhai
    /// path::stem("/tmp/backup.tar.gz") == "backup.tar"
    /// path::stem(".bashrc") == ".bashrc"
    /// ```
    pub fn stem(path: &str) -> String {
        let name = last(path);
        name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map_or(name, |(stem, _)| stem).into()
    }

    /// Takes `.`, `..` and doubled `/` out, without looking at links.
    ///
    /// ```rhai
    /// path::normalize("/a/./b//../c/") == "/a/c"
    /// path::normalize("../a/..") == ".."
    /// path::normalize("") == "."
    /// ```
    pub fn normalize(path: &str) -> String {
        let root = path.starts_with('/');
        let mut parts: Vec<&str> = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." if parts.last().is_some_and(|last| *last != "..") => {
                    parts.pop();
                }
                ".." if root => {}
                part => parts.push(part),
            }
        }
        match (root, parts.join("/")) {
            (true, rest) => format!("/{rest}"),
            (false, rest) if rest.is_empty() => ".".into(),
            (false, rest) => rest,
        }
    }

    /// Says whether a path begins at the root.
    ///
    /// ```rhai
    /// path::is_absolute("/etc") && !path::is_absolute("etc")
    /// ```
    pub fn is_absolute(path: &str) -> bool {
        path.starts_with('/')
    }
}
