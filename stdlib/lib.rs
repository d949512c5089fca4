//! The standard library: roles written in Rhai, embedded in the binary. No logic lives here, only
//! the way to the files.
//!
//! A role is a folder: `role.rhai` with the functions that a runbook imports as `std/NAME`,
//! `README.md`, `test.rhai`, and `templates/` and `files/` as it needs them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "."]
#[include = "*/role.rhai"]
#[include = "*/README.md"]
#[include = "*/test.rhai"]
#[include = "*/templates/*"]
#[include = "*/files/*"]
struct Roles;

/// The script of a role: `motd` for `import "std/motd"`. Nothing where there is no such role.
pub fn source(name: &str) -> Option<Cow<'static, str>> {
    match file(name, "role.rhai")? {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    }
}

/// A file of a role by its path in the role's folder: `templates/motd.j2`. Nothing where there is none.
pub fn file(role: &str, path: &str) -> Option<Cow<'static, [u8]>> {
    Roles::get(&format!("{role}/{path}")).map(|file| file.data)
}

/// The paths of all files of a role, as [`file`] takes them.
pub fn files(role: &str) -> Vec<String> {
    let inside = |path: std::borrow::Cow<'static, str>| {
        path.split_once('/').filter(|(name, _)| *name == role).map(|(_, path)| path.to_owned())
    };
    Roles::iter().filter_map(inside).collect()
}

/// The names of all roles, sorted.
pub fn names() -> Vec<String> {
    let names: BTreeSet<String> =
        Roles::iter().filter_map(|path| Some(path.split_once('/')?.0.to_owned())).collect();
    names.into_iter().collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_role_is_whole() {
        let names = super::names();
        assert!(names.contains(&"motd".to_owned()), "{names:?}");
        for name in names {
            let source = super::source(&name).unwrap_or_else(|| panic!("`{name}` has no `role.rhai`"));
            assert!(source.starts_with("//!"), "`{name}` does not say what it is for");
            for path in ["README.md", "test.rhai"] {
                assert!(super::file(&name, path).is_some(), "`{name}` has no `{path}`");
            }
        }
    }

    #[test]
    fn every_file_that_is_listed_is_served() {
        for name in super::names() {
            let files = super::files(&name);
            assert!(files.contains(&"role.rhai".to_owned()), "{files:?}");
            assert!(files.iter().all(|path| super::file(&name, path).is_some()), "{files:?}");
        }
        assert!(super::files("nothing").is_empty());
    }

    #[test]
    fn only_files_of_roles_are_served() {
        assert!(super::source("nothing").is_none());
        assert!(super::file("motd", "templates/motd.j2").is_some());
        assert!(super::file("motd", "../Cargo.toml").is_none());
        assert!(super::file("motd", "templates").is_none());
        assert!(super::file(".", "lib.rs").is_none());
    }

    #[test]
    fn the_readme_shows_the_import() {
        for name in super::names() {
            let readme = super::file(&name, "README.md").unwrap();
            let readme = String::from_utf8(readme.into_owned()).unwrap();
            assert!(readme.contains(&format!("import \"std/{name}\"")), "{readme}");
        }
    }
}
