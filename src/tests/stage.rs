//! A project in a temporary folder, and the commands of the program over it in this process.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use clap::Parser as _;
use oneex_testkit::looks;

use super::material::Material;
use crate::commands::Cli;
use crate::context::Context;
use crate::term::capture;

/// How long one command may take before it counts as one that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A project for one material.
pub(super) struct Stage {
    base: tempfile::TempDir,
}

/// What came of a command.
struct Played {
    code: u8,
    said: String,
}

impl Stage {
    /// Stands in a command for the folder beside the project's, in which inventories stand: paths in the project
    /// would be opened from the current folder of the test.
    pub(super) const OUTSIDE: &str = "[OUTSIDE]";

    /// Writes the other files of the project.
    pub(super) fn new(material: &Material) -> Self {
        let stage = Self { base: tempfile::tempdir().unwrap() };
        std::fs::create_dir(stage.folder()).unwrap();
        for (path, text) in &material.others {
            stage.write(path, text.as_bytes());
        }
        stage
    }

    fn folder(&self) -> PathBuf {
        self.base.path().join("project")
    }

    fn write(&self, path: &Path, bytes: &[u8]) {
        let path = self.folder().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Plays all commands with `bytes` as the material's text; returns what is wrong with what came of it.
    pub(super) fn complaints(&self, material: &Material, bytes: &[u8]) -> Vec<String> {
        self.write(&material.path, bytes);
        let given = String::from_utf8_lossy(bytes).into_owned();
        let mut complaints = Vec::new();
        for command in &material.commands {
            let played = match self.play(command) {
                Ok(played) => played,
                Err(why) => {
                    complaints.push(format!("`{}`: {why}", command.join(" ")));
                    continue;
                }
            };
            let mut found = looks::complaints(&played.said, &self.folder(), &given);
            if played.code == 2 && !looks::has_place(&played.said) && !is_about_no_place(&played.said) {
                found.push("shows no place".to_owned());
            }
            if !matches!(played.code, 0..=4) {
                found.push(format!("ends with code {}", played.code));
            }
            let said = &played.said;
            complaints.extend(found.into_iter().map(|why| format!("`{}` {why}:\n{said}", command.join(" "))));
        }
        complaints
    }

    /// What the commands say that do not end well with the material as it is.
    pub(super) fn outcome(&self, material: &Material) -> Vec<String> {
        self.write(&material.path, material.text.as_bytes());
        let played = material.commands.iter().map(|command| self.play(command));
        let bad = played.filter_map(|played| match played {
            Ok(Played { code: 0 | 4, .. }) => None,
            Ok(Played { said, .. }) | Err(said) => Some(said),
        });
        bad.collect()
    }

    /// Runs a command of the program; an error tells that it crashed or hung.
    fn play(&self, command: &[String]) -> Result<Played, String> {
        let base = self.base.path().display().to_string();
        let words = command.iter().map(|word| word.replace(Self::OUTSIDE, &base));
        let cli = Cli::try_parse_from(std::iter::once("oneex".to_owned()).chain(words))
            .map_err(|e| e.to_string())?;
        let (mut context, captured) = Context::for_test(&self.folder());
        let (stderr, errors) = capture::output(false);
        context.stderr = stderr;
        let (send, ended) = mpsc::channel();
        let work = move || {
            let exit = catch_unwind(AssertUnwindSafe(|| match cli.command.run(&context) {
                Ok(exit) => exit,
                Err(error) => error.show(&context.stderr),
            }));
            let _ = send.send(exit.map(|exit| exit.code()).map_err(|_| ()));
        };
        std::thread::Builder::new().spawn(work).map_err(|error| error.to_string())?;
        match ended.recv_timeout(PATIENCE) {
            Ok(Ok(code)) => Ok(Played { code, said: [captured.text(), errors.text()].concat() }),
            Ok(Err(())) | Err(mpsc::RecvTimeoutError::Disconnected) => Err("it crashed".to_owned()),
            Err(mpsc::RecvTimeoutError::Timeout) => Err(format!("it hung for {PATIENCE:?}")),
        }
    }
}

/// Mistakes that are in no place of a file: values that are missing, names given on the command line, files that
/// are not there.
fn is_about_no_place(said: &str) -> bool {
    let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("error")).collect();
    !errors.is_empty()
        && errors.iter().all(|line| {
            [
                "error[param]",
                "error[vault-file]",
                "error: `all` matches no host",
                "error: `oneex.toml` has no environment",
                "error[unknown-tag]",
            ]
            .iter()
            .any(|head| line.starts_with(head))
        })
}
