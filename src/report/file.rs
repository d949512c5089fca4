//! Files that reports are written to.

use std::io::Write;
use std::path::Path;

use crate::error::CommandError;

/// Replaces `path` by `text`: whole or not at all.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), CommandError> {
    let write = || {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().prefix(".oneex-").tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        share(file.as_file())?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error: std::io::Error| {
        let shown = oneex_sdk::visible(&path.to_string_lossy()).into_owned();
        CommandError::failed(format!("`{shown}` cannot be written: {error}"))
    })
}

/// A temporary file is for its owner alone; a report is for everyone that the umask lets in.
fn share(file: &std::fs::File) -> std::io::Result<()> {
    let mask = rustix::process::umask(rustix::fs::Mode::empty());
    rustix::process::umask(mask);
    let mode = rustix::fs::Mode::from_raw_mode(0o666) & !mask;
    Ok(rustix::fs::fchmod(file, mode)?)
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
    fn says_which_file_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let error = replace(&folder.path().join("no/report.xml"), "x").unwrap_err();
        assert!(error.message.contains("no/report.xml` cannot be written"), "{}", error.message);
    }
}
