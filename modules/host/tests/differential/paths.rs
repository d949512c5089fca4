//! `file`, `directory`, `link`, `hardlink`, `absent` and `touch` beside the states of `file`.

use oneex_sdk::{Value, json};
use proptest::prelude::*;

use super::lines::modes;
use super::twins::{Call, Did, Seed, Twins, compare, same};
use crate::host::ops::{Absent, Directory, File, Hardlink, Link, Touch};

/// What is there: files, folders, and links to each, to nothing and to themselves.
pub(super) const THERE: [&str; 12] =
    ["f", "d", "d/g", "d/e", "lf", "ld", "dead", "loop", "a b $(id) 'x'", "-n", "new\nline", "*"];
/// What is not.
pub(super) const GONE: [&str; 5] = ["gone", "gone/below", "f/below", "d/new", "ld/new"];

pub(super) fn seeds() -> Vec<Seed> {
    let file = |name: &str, mode| Seed::File { name: name.to_owned(), content: format!("{name}\n"), mode };
    let folder = |name: &str, mode| Seed::Folder { name: name.to_owned(), mode };
    let link = |name: &str, target: &str| Seed::Link { name: name.to_owned(), target: target.to_owned() };
    vec![
        file("f", 0o640),
        folder("d", 0o750),
        file("d/g", 0o4755),
        folder("d/e", 0o1777),
        link("lf", "f"),
        link("ld", "@here/d"),
        link("dead", "nowhere"),
        link("loop", "loop"),
        file("a b $(id) 'x'", 0o600),
        file("-n", 0o644),
        file("new\nline", 0o644),
        file("*", 0o644),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    File,
    Directory,
    Link,
    Hard,
    Absent,
    Touch,
}

#[derive(Debug, Clone)]
struct Options {
    state: State,
    name: &'static str,
    target: &'static str,
    force: bool,
    mode: Option<&'static str>,
    owner: Option<&'static str>,
    group: Option<&'static str>,
}

impl Options {
    fn call(&self) -> Call {
        let path = format!("@here/{}", self.name);
        let mut attributes =
            json!({ "path": path, "mode": self.mode, "owner": self.owner, "group": self.group });
        if let Value::Object(map) = &mut attributes {
            map.retain(|_, value| !value.is_null());
        }
        let with = |more: Value| {
            let mut all = attributes.clone();
            for (key, value) in more.as_object().expect("a map") {
                all[key] = value.clone();
            }
            all
        };
        let bare = |more: Value| {
            let mut all = json!({ "path": path });
            for (key, value) in more.as_object().expect("a map") {
                all[key] = value.clone();
            }
            all
        };
        let (ours, theirs) = match self.state {
            State::File => (with(json!({ "create": false })), with(json!({ "state": "file" }))),
            State::Directory => (with(json!({})), with(json!({ "state": "directory" }))),
            State::Link => {
                let link =
                    json!({ "state": "link", "src": self.target, "force": self.force, "follow": false });
                (bare(json!({ "target": self.target, "force": self.force })), bare(link))
            }
            State::Hard => {
                let target = format!("@here/{}", self.target);
                let link = json!({ "state": "hard", "src": target, "force": self.force, "follow": false });
                (bare(json!({ "target": target, "force": self.force })), bare(link))
            }
            State::Absent => (bare(json!({})), bare(json!({ "state": "absent" }))),
            State::Touch => {
                let times = json!({ "access_time": "preserve", "modification_time": "preserve" });
                (
                    with(times.clone()),
                    with(
                        json!({ "state": "touch", "access_time": "preserve", "modification_time": "preserve" }),
                    ),
                )
            }
        };
        Call { ours, module: "file", theirs }
    }

    fn both(&self, twins: &mut Twins) -> (Did, Did) {
        let (call, seeds) = (self.call(), seeds());
        match self.state {
            State::File => twins.both(|| File, &seeds, &call),
            State::Directory => twins.both(|| Directory, &seeds, &call),
            State::Link => twins.both(|| Link, &seeds, &call),
            State::Hard => twins.both(|| Hardlink, &seeds, &call),
            State::Absent => twins.both(|| Absent, &seeds, &call),
            State::Touch => twins.both(|| Touch, &seeds, &call),
        }
    }
}

fn options() -> impl Strategy<Value = Options> {
    use State::{Absent, Directory, File, Hard, Link, Touch};
    let states = prop::sample::select(vec![File, Directory, Link, Hard, Absent, Touch]);
    let names =
        || prop_oneof![3 => prop::sample::select(THERE.to_vec()), 1 => prop::sample::select(GONE.to_vec())];
    let owners = || prop::option::weighted(0.2, prop::sample::select(vec!["root", "daemon", "2"]));
    (states, names(), names(), any::<bool>(), modes(), owners(), owners()).prop_map(
        |(state, name, target, force, mode, owner, group)| Options {
            state,
            name,
            target,
            force,
            mode,
            owner,
            group,
        },
    )
}

/// Where the two differ on purpose, or theirs breaks something.
fn differs(options: &Options) -> bool {
    let is_file = |name: &str| ["f", "d/g", "a b $(id) 'x'", "-n", "new\nline", "*"].contains(&name);
    match options.state {
        // Folders above a new one are made as any new folder; theirs get its mode and owner too.
        State::Directory => options.name == "gone/below",
        // A link may be made before what it leads to; theirs needs `force`. One that would lead to itself is refused;
        // theirs puts it in place of the file.
        State::Link => {
            let leads_to =
                options.name.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
            let leads_to = leads_to + options.target;
            !THERE.contains(&leads_to.as_str())
                || options.target == "dead"
                || options.target == "loop"
                || [options.name, "lf"].contains(&options.target)
        }
        // Another name is given to files alone, and takes the place of a link only with `force`; theirs takes links and
        // folders, loses some, and puts it into a folder that is in its place.
        State::Hard => {
            let is_in_the_way = ["d", "d/e", "ld"].contains(&options.name);
            let is_link = ["lf", "dead", "loop"].contains(&options.name) && !options.force;
            !is_file(options.target) || options.target == options.name || is_in_the_way || is_link
        }
        // As touch(1) does, what a dead link leads to is made.
        State::Touch => ["dead", "loop"].contains(&options.name),
        // Another owner would take the set-id bits away, chown(2): they stay.
        State::File => options.name == "d/g" && options.mode.is_none(),
        State::Absent => false,
    }
}

#[test]
fn paths_become_what_ansible_makes_of_them() {
    compare(400, &options(), |twins, options| {
        let call = options.call();
        let (ours, theirs) = options.both(twins);
        prop_assert!(ours.failure.is_some() || ours.runs[1] == Some(false), "{:?}\n{ours}", call.ours);
        if differs(&options) { Ok(()) } else { same(&call, &ours, &theirs) }
    });
}

/// The whole folder `d`, whose links theirs does not follow either with `follow: false`. Of a link
/// theirs says in a plan that it changes in any case.
#[test]
fn all_below_a_folder_becomes_what_ansible_makes_of_it() {
    let modes =
        prop::sample::select(vec!["0700", "0750", "2755", "u=rwX,go=rX", "a+X", "go-w", "g=u", "u+x,o="]);
    let owners = || prop::option::weighted(0.4, prop::sample::select(vec!["root", "daemon", "2"]));
    let case = (prop::option::weighted(0.8, modes), owners(), owners(), any::<bool>());
    compare(60, &case, |twins, (mode, owner, group, has_links)| {
        let mut options =
            json!({ "path": "@here/d", "recurse": true, "mode": mode, "owner": owner, "group": group });
        options.as_object_mut().expect("a map").retain(|_, value| !value.is_null());
        let mut theirs = options.clone();
        (theirs["state"], theirs["follow"]) = (json!("directory"), json!(false));
        let call = Call { ours: options, module: "file", theirs };
        let mut seeds = seeds();
        // `=` for user, group and others leaves the sticky bit, as chmod(1) does; theirs takes it away.
        for seed in &mut seeds {
            if let Seed::Folder { mode, .. } = seed {
                *mode &= 0o777;
            }
        }
        for (name, mode) in [("d/e/run", 0o755), ("d/e/a b $(id)", 0o600), ("d/e/new\nline", 0o664)] {
            seeds.push(Seed::File { name: name.into(), content: String::new(), mode });
        }
        if has_links {
            for (name, target) in
                [("d/e/out", "../../f"), ("d/e/dead", "nowhere"), ("d/to", "@here/a b $(id) 'x'")]
            {
                seeds.push(Seed::Link { name: name.into(), target: target.into() });
            }
        }
        let (ours, mut theirs) = twins.both(|| Directory, &seeds, &call);
        prop_assert!(ours.failure.is_none() && ours.runs[1] == Some(false), "{:?}\n{ours}", call.ours);
        if has_links {
            theirs.plan = ours.plan;
        }
        same(&call, &ours, &theirs)
    });
}
