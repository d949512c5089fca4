//! Where canaries are looked for: files by content and name, and processes while they run.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::SystemTime;

use super::needles::Finder;

/// What was found, one line each: where, and which canary.
pub(super) type Hits = BTreeSet<String>;

/// Looks into every file below `folder`, at its name and into what links say. `meant` are the files that hold secrets by
/// purpose; those that nobody but their owner may read must stay so.
pub(super) fn files(finder: &Finder, folder: &Path, meant: &[PathBuf]) -> Hits {
    let (mut hits, mut folders) = (Hits::new(), vec![folder.to_owned()]);
    let mut hit = |place: String, bytes: &[u8]| {
        hits.extend(finder.find(bytes).into_iter().map(|canary| format!("{place}: {canary}")));
    };
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let (entry, path) = entry.map(|entry| (entry.file_type().unwrap(), entry.path())).unwrap();
            hit(format!("the name of {}", path.display()), path.file_name().unwrap().as_encoded_bytes());
            if entry.is_dir() {
                folders.push(path);
            } else if entry.is_symlink() {
                let target = fs::read_link(&path).unwrap();
                hit(format!("the target of {}", path.display()), target.as_os_str().as_encoded_bytes());
            } else if entry.is_file() && !meant.contains(&path) {
                hit(path.display().to_string(), &fs::read(&path).unwrap());
            }
        }
    }
    hits
}

/// The permission bits of a file.
pub(super) fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode()
        & 0o7777
}

/// Looks into the folders that runs make on hosts, which are this machine, for what must survive a lost connection:
/// input while it is received, and output. Those that nothing was done in since then are of others. With `open` only at whether somebody else could look into them.
pub(super) fn claims(finder: &Finder, temporary: &Path, since: SystemTime, open: bool) -> Hits {
    let mut hits = Hits::new();
    for entry in fs::read_dir(temporary).unwrap().flatten() {
        let name = entry.file_name();
        let is_claim = name.to_str().and_then(|name| name.strip_prefix("oneex-")?.chars().next());
        // Those of other tests end at any time.
        let Some(metadata) = entry.metadata().ok().filter(|_| is_claim.is_some_and(|c| c.is_ascii_digit()))
        else {
            continue;
        };
        if metadata.modified().is_ok_and(|modified| modified < since) {
            continue;
        }
        if metadata.permissions().mode() & 0o077 != 0 {
            hits.insert(format!("others may look into {}", entry.path().display()));
        }
        for file in fs::read_dir(entry.path()).into_iter().flatten().flatten().filter(|_| !open) {
            // There are pipes as well, which nothing may ever be written to.
            let is_file = file.file_type().is_ok_and(|kind| kind.is_file());
            let Some(held) = is_file.then(|| fs::read(file.path()).ok()).flatten() else { continue };
            let found = finder.find(&held).into_iter();
            hits.extend(found.map(|canary| format!("{}: {canary}", file.path().display())));
        }
    }
    hits
}

/// Looks at all processes, again and again, until it is asked what it found.
pub(super) struct Watch {
    stopped: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

/// What a watch has seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) hits: Hits,
    /// How often it looked at all processes.
    pub(super) rounds: u64,
    /// The arguments of processes that were there, those of the watch's own program left out.
    pub(super) lines: BTreeSet<String>,
}

impl Watch {
    /// Begins. The environment is looked at of the processes of users other than the test's own and than `owner`, to
    /// whom the commands of the run belong.
    pub(super) fn start(finder: Arc<Finder>, owner: Option<u32>) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopped);
        let thread = std::thread::spawn(move || {
            let mut seen = Seen::default();
            while !stop.load(Ordering::Relaxed) {
                round(&finder, owner, &mut seen);
            }
            seen
        });
        Self { stopped, thread }
    }

    /// Ends, and gives what was seen.
    pub(super) fn finish(self) -> Seen {
        self.stopped.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn round(finder: &Finder, owner: Option<u32>, seen: &mut Seen) {
    let own = rustix::process::getuid().as_raw();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        // What ends meanwhile has nothing to be read.
        let (Ok(metadata), path) = (entry.metadata(), entry.path()) else { continue };
        let Ok(line) = fs::read(path.join("cmdline")) else { continue };
        let text = String::from_utf8_lossy(&line).replace('\0', " ");
        if !line.is_empty() && seen.lines.insert(text.clone()) {
            let found = finder.find(&line).into_iter();
            seen.hits.extend(found.map(|canary| format!("the arguments of `{text}`: {canary}")));
        }
        if metadata.uid() != own && Some(metadata.uid()) != owner {
            let found = finder.find(&fs::read(path.join("environ")).unwrap_or_default()).into_iter();
            seen.hits.extend(found.map(|canary| format!("the environment of `{text}`: {canary}")));
        }
    }
    seen.hits.extend(claims(finder, Path::new("/tmp"), SystemTime::UNIX_EPOCH, true));
    seen.rounds += 1;
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};

    use oneex_testkit::processes;

    use super::super::needles::{Canary, Finder};
    use super::{Watch, claims, files, mode};

    #[test]
    fn a_planted_canary_is_found_in_a_file_a_name_and_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let canary = Canary::new(90, "planted");
        let finder = Finder::new(vec![canary.clone()]);
        let place = folder.path().join("deep/er");
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(place.join("clean"), "nothing").unwrap();
        assert_eq!(files(&finder, folder.path(), &[]).len(), 0);
        std::fs::write(place.join("journal.db"), [b"\0\xff\x01", canary.value.as_bytes(), b"\0"].concat())
            .unwrap();
        std::fs::write(place.join("meant"), &canary.value).unwrap();
        let name = canary.value.replace('/', "_");
        std::fs::create_dir(place.join(&name)).unwrap();
        std::os::unix::fs::symlink(&name, place.join("link")).unwrap();
        let hits: Vec<String> = files(&finder, folder.path(), &[place.join("meant")]).into_iter().collect();
        assert_eq!(hits.len(), 3, "{hits:?}");
        assert!(hits[0].contains("deep/er/journal.db: planted"), "{hits:?}");
        assert!(hits[1].starts_with("the name of ") && hits[2].starts_with("the target of "), "{hits:?}");
        assert_eq!(mode(&place) & 0o700, 0o700);
    }

    #[test]
    fn a_planted_canary_is_found_in_what_a_run_left_on_a_host() {
        let folder = tempfile::tempdir().unwrap();
        let canary = Canary::new(93, "left");
        let finder = Finder::new(vec![canary.clone()]);
        let claim = folder.path().join("oneex-1760000000-run-root");
        for place in [&claim, &folder.path().join("oneex-test-other")] {
            std::fs::create_dir(place).unwrap();
            std::fs::write(place.join("4711.1"), &canary.value).unwrap();
        }
        let permit = |bits| std::fs::set_permissions(&claim, std::fs::Permissions::from_mode(bits)).unwrap();
        permit(0o700);
        let later = SystemTime::now() + Duration::from_secs(60);
        assert_eq!(claims(&finder, folder.path(), later, false).len(), 0);
        assert_eq!(claims(&finder, folder.path(), SystemTime::UNIX_EPOCH, true).len(), 0);
        let hits = claims(&finder, folder.path(), SystemTime::UNIX_EPOCH, false);
        assert!(hits.len() == 1 && hits.iter().all(|hit| hit.ends_with("root/4711.1: left")), "{hits:?}");
        permit(0o750);
        let hits = claims(&finder, folder.path(), SystemTime::UNIX_EPOCH, true);
        assert!(hits.len() == 1 && hits.iter().all(|hit| hit.starts_with("others may look")), "{hits:?}");
    }

    #[test]
    fn a_planted_canary_is_found_in_arguments_and_in_the_environment_of_another_user() {
        let finder = |canary: &Canary| Arc::new(Finder::new(vec![canary.clone()]));
        let (argument, variable) = (Canary::plain(91, "argument"), Canary::new(92, "variable"));
        let sleep = |mark: &str| {
            let mut command = Command::new("sleep");
            command.arg(mark);
            command
        };
        let mut one = Command::new("sh").args(["-c", "sleep 60.9101", &argument.value]).spawn().unwrap();
        let mut other = sleep("60.9102").env("PLANTED", &variable.value).uid(61_799).spawn().unwrap();
        let mut mine = sleep("60.9103").env("PLANTED", &variable.value).spawn().unwrap();
        assert!(["60.9101", "60.9102", "60.9103"].iter().all(|mark| processes::appeared(mark)));
        let seen = |canary: &Canary, owner| {
            let watch = Watch::start(finder(canary), owner);
            std::thread::yield_now();
            let mut seen = watch.finish();
            // A watch that was stopped at once has not looked yet.
            if seen.rounds == 0 {
                super::round(&finder(canary), owner, &mut seen);
            }
            seen
        };
        let (arguments, variables) = (seen(&argument, None), seen(&variable, None));
        let owners = seen(&variable, Some(61_799));
        for child in [&mut one, &mut other, &mut mine] {
            processes::descendants(child.id()).into_iter().for_each(processes::kill);
            processes::kill(child.id());
            child.wait().unwrap();
        }
        assert!(
            arguments.hits.iter().any(|hit| hit.contains("arguments") && hit.contains("60.9101")),
            "{arguments:?}"
        );
        let hits: Vec<&String> = variables.hits.iter().collect();
        assert!(matches!(hits[..], [hit] if hit.contains("environment of `sleep 60.9102")), "{hits:?}");
        assert!(owners.hits.is_empty() && owners.rounds > 0, "{owners:?}");
        assert!(owners.lines.iter().any(|line| line.contains("60.9103")));
    }
}
