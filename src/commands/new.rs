//! `oneex new`: a project that runs at once.

use std::path::{Path, PathBuf};

use super::examples;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::term::BOLD;

/// Make a project that can be run at once
///
/// The folder must be empty or not exist yet. It appears whole or not at all.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::NEW)]
pub(crate) struct Args {
    /// The folder
    dir: PathBuf,
}

/// The files of a new project.
const FILES: [(&str, &str); 6] = [
    ("oneex.toml", include_str!("new/oneex.toml")),
    ("inventory.yaml", include_str!("new/inventory.yaml")),
    ("runbooks/hello.rhai", include_str!("new/runbooks/hello.rhai")),
    ("runbooks/templates/greeting.j2", include_str!("new/runbooks/templates/greeting.j2")),
    (".gitignore", include_str!("new/gitignore")),
    ("README.md", include_str!("new/README.md")),
];

/// Makes the project.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    let folder = context.cwd.join(&args.dir);
    let shown = context.shown(&folder);
    refuse_full(&folder, &shown)?;
    write(&folder).map_err(|error| {
        CommandError::failed(format!("the project `{shown}` cannot be made: {error}"))
            .hint("choose a folder that you may write to")
    })?;
    context.stdout.line(&format!("made {shown}:"));
    for (name, _) in FILES {
        context.stdout.line(&format!("  {name}"));
    }
    let command = |text: &str| context.stdout.paint(BOLD, text);
    let quoted = oneex_sdk::quote(&args.dir.to_string_lossy());
    if args.dir != Path::new(".") {
        context.stdout.line(&format!("\nnext: {}", command(&format!("cd {quoted} && oneex run hello"))));
    } else {
        context.stdout.line(&format!("\nnext: {}", command("oneex run hello")));
    }
    Ok(Exit::Ok)
}

fn refuse_full(folder: &Path, shown: &str) -> Result<(), CommandError> {
    match std::fs::read_dir(folder).map(|mut entries| entries.next().is_some()) {
        Ok(true) => Err(CommandError::usage(format!("`{shown}` is not empty"))
            .hint("name a folder that does not exist yet")),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            Err(CommandError::usage(format!("`{shown}` is not a folder")))
        }
        // What else is wrong, the writing will say.
        Ok(false) | Err(_) => Ok(()),
    }
}

/// Writes everything into a folder beside, then puts that in place: whole or not at all.
fn write(folder: &Path) -> std::io::Result<()> {
    let folder = std::path::absolute(folder)?;
    let parent = folder.parent().ok_or(std::io::ErrorKind::InvalidInput)?;
    std::fs::create_dir_all(parent)?;
    let beside = tempfile::Builder::new().prefix(".oneex-new-").tempdir_in(parent)?;
    let whole = beside.path().join("project");
    for (name, text) in FILES {
        let path = whole.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, text)?;
        if text.starts_with("#!") {
            make_executable(&path)?;
        }
    }
    if folder.is_dir() { move_into(&whole, &folder) } else { std::fs::rename(&whole, &folder) }
}

/// Fills an empty folder that may be somebody's current one, and so cannot be replaced. What was
/// moved is taken back when the rest cannot follow.
fn move_into(whole: &Path, folder: &Path) -> std::io::Result<()> {
    let mut moved: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(whole)? {
        let entry = entry?;
        let to = folder.join(entry.file_name());
        if let Err(error) = std::fs::rename(entry.path(), &to) {
            for done in moved {
                let _ =
                    if done.is_dir() { std::fs::remove_dir_all(done) } else { std::fs::remove_file(done) };
            }
            return Err(error);
        }
        moved.push(to);
    }
    Ok(())
}

#[cfg(unix)]
fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path)?.permissions().mode();
    // Whoever may read it may run it.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode | (mode & 0o444) >> 2))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Args, FILES, run};
    use crate::context::Context;

    fn make(cwd: &std::path::Path, dir: &str) -> Result<String, String> {
        let (context, captured) = Context::for_test(cwd);
        run(&Args { dir: PathBuf::from(dir) }, &context)
            .map(|_| captured.text())
            .map_err(|error| error.message)
    }

    #[test]
    fn writes_all_files_and_says_what_is_next() {
        let folder = tempfile::tempdir().unwrap();
        let said = make(folder.path(), "a/site").unwrap();
        assert!(said.ends_with("next: cd a/site && oneex run hello\n"), "{said}");
        for (name, text) in FILES {
            assert_eq!(std::fs::read_to_string(folder.path().join("a/site").join(name)).unwrap(), text);
        }
        assert_eq!(std::fs::read_dir(folder.path().join("a")).unwrap().count(), 1, "leaves nothing beside");
    }

    #[test]
    fn fills_an_empty_folder_and_refuses_a_full_one() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("empty")).unwrap();
        make(folder.path(), "empty").unwrap();
        let before = std::fs::read_dir(folder.path().join("empty")).unwrap().count();
        assert_eq!(make(folder.path(), "empty").unwrap_err(), "`empty` is not empty");
        assert_eq!(std::fs::read_dir(folder.path().join("empty")).unwrap().count(), before);
    }

    #[test]
    fn refuses_a_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "x").unwrap();
        assert_eq!(make(folder.path(), "file").unwrap_err(), "`file` is not a folder");
    }
}
