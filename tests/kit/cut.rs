//! Kills a command before a program that it starts, so that tests can stop a script anywhere.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use tempfile::TempDir;

/// The programs that scripts for hosts start.
const PROGRAMS: &[&str] = &[
    "cat",
    "chgrp",
    "chmod",
    "chown",
    "cp",
    "cut",
    "date",
    "dd",
    "dirname",
    "find",
    "git",
    "head",
    "id",
    "ln",
    "mkdir",
    "mktemp",
    "mv",
    "readlink",
    "rm",
    "rmdir",
    "sed",
    "setfacl",
    "setfattr",
    "sha256sum",
    "sort",
    "stat",
    "sync",
    "tail",
    "touch",
    "tr",
];

/// A folder of programs that count down and then kill their process group.
pub(crate) struct Cut {
    folder: TempDir,
}

impl Cut {
    /// Lets `after` programs run and kills the group in place of the next.
    pub(crate) fn new(after: usize) -> Self {
        let folder = tempfile::Builder::new().prefix("oneex-cut-").tempdir().expect("a temporary folder");
        let cut = Self { folder };
        std::fs::write(cut.counter(), format!("{after}\n")).expect("the counter");
        let counter = cut.counter();
        let search = std::env::var("PATH").unwrap_or_default();
        for program in PROGRAMS {
            // The counter is empty while another program of the same pipe writes it, and may be written once more after
            // the cut: that it happened is noted elsewhere.
            let text = format!(
                "#!/bin/sh\nread -r left <'{}'\nPATH='{search}'\n[ -n \"$left\" ] || exec {program} \"$@\"\n\
                 [ \"$left\" -gt 0 ] || {{ : >'{0}.cut'; kill -9 0; }}\n\
                 echo $((left - 1)) >'{0}'\nexec {program} \"$@\"\n",
                counter.display()
            );
            let path = cut.folder.path().join(program);
            std::fs::write(&path, text).expect("a program");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
        }
        cut
    }

    fn counter(&self) -> PathBuf {
        self.folder.path().join("counter")
    }

    /// The `PATH` under which commands are cut.
    pub(crate) fn path_variable(&self) -> OsString {
        let mut path = self.folder.path().as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        path
    }

    /// True once a command was killed.
    pub(crate) fn happened(&self) -> bool {
        self.counter().with_extension("cut").exists()
    }
}
