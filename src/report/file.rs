//! Files that reports are written to.

use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::context::Context;
use crate::error::CommandError;

/// Refuses a path at which no file can be: without a folder, or a folder itself.
pub(crate) fn check(context: &Context, given: &Path) -> Result<(), CommandError> {
    let path = context.cwd.join(given);
    let shown = context.shown(&path);
    if path.is_dir() {
        return Err(CommandError::usage(format!("`{shown}` cannot be written: it is a folder")));
    }
    match path.parent() {
        Some(folder) if !folder.is_dir() => {
            let folder = context.shown(folder);
            Err(CommandError::usage(format!("`{shown}` cannot be written: there is no folder `{folder}`")))
        }
        _ => Ok(()),
    }
}

/// Replaces `path` by `text`: whole or not at all. What is no file, such as a pipe or `/dev/stderr`,
/// is written to.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), CommandError> {
    let write = || {
        // A link stays one.
        let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if path.exists() && !path.is_file() {
            return std::fs::OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes());
        }
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // For everyone that the umask lets in, as every report.
        let shared = std::fs::Permissions::from_mode(0o666);
        let mut file = tempfile::Builder::new().prefix(".oneex-").permissions(shared).tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error: std::io::Error| {
        let shown = oneex_sdk::visible(&path.to_string_lossy()).into_owned();
        CommandError::failed(format!("`{shown}` cannot be written: {}", oneex_sdk::io_reason(&error)))
    })
}

#[cfg(test)]
mod tests {
    use super::replace;

    #[test]
    fn replaces_a_file_and_leaves_nothing_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.xml");
        replace(&path, "one").unwrap();
        replace(&path, "two").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn is_for_whom_any_other_new_file_is_for() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        replace(&folder.path().join("report"), "x").unwrap();
        std::fs::write(folder.path().join("other"), "x").unwrap();
        assert_eq!(mode("report"), mode("other"));
    }

    #[test]
    fn says_which_file_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let error = replace(&folder.path().join("no/report.xml"), "x").unwrap_err();
        assert!(error.message.contains("no/report.xml` cannot be written"), "{}", error.message);
    }
}
