//! The programs that oneex is compared with, and the folder that all of them run in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folder that the peers' programs are in.
pub(crate) fn peers() -> PathBuf {
    std::env::var_os("ONEEX_BENCH_PEERS").map_or_else(|| "target/peers/bin".into(), PathBuf::from)
}

/// Says whether a program is among the peers; tells the reader of the table where it is not.
#[expect(clippy::print_stdout, reason = "it belongs to the table")]
pub(crate) fn is_here(program: &str) -> bool {
    let is_here = peers().join(program).is_file();
    if !is_here {
        println!("`{program}` is not in {}: left out", peers().display());
    }
    is_here
}

/// Runs a command in a folder that is the home folder too, so that nothing of the user's own counts.
pub(crate) fn at_home(mut command: Command, folder: &Path) -> Command {
    command.current_dir(folder).env("HOME", folder);
    command
}

/// Ends what a run left behind: Ansible keeps its connections open for a minute.
pub(crate) fn clean_up(folder: &Path) {
    for socket in fs::read_dir(folder.join(".ansible/cp")).into_iter().flatten().flatten() {
        let mut close = Command::new("ssh");
        close.arg("-S").arg(socket.path()).args(["-O", "exit", "any"]).stderr(Stdio::null());
        // One that is gone already is as good as closed.
        let _ = close.status();
    }
}
