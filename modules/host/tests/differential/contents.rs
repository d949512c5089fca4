//! `write`, and `copy` of a file, beside `copy` with a content.

use oneex_sdk::{Value, json};
use proptest::prelude::*;

use super::lines::modes;
use super::paths::{self, GONE, THERE};
use super::twins::{Call, Seed, compare, same};
use crate::host::ops::{Copy, Write};

#[derive(Debug, Clone)]
struct Options {
    name: &'static str,
    content: &'static str,
    mode: Option<&'static str>,
    owner: Option<&'static str>,
    follow: bool,
}

impl Options {
    fn call(&self) -> Call {
        let path = format!("@here/{}", self.name);
        let with = |start: Value| {
            let mut all = start;
            for (key, value) in [("mode", self.mode), ("owner", self.owner)] {
                if let Some(value) = value {
                    all[key] = json!(value);
                }
            }
            all
        };
        let ours = with(json!({ "path": path, "content": self.content, "follow": self.follow }));
        let theirs = with(json!({
            "content": self.content, "dest": path, "follow": self.follow, "_original_basename": "source",
        }));
        Call { ours, module: "copy", theirs }
    }
}

fn options() -> impl Strategy<Value = Options> {
    let names =
        prop_oneof![3 => prop::sample::select(THERE.to_vec()), 1 => prop::sample::select(GONE.to_vec())];
    let contents = ["", "x", "f\n", "d/g\n", "ü\n\n", "a\tb\r\n", "$(id) `x` 'y' \"z\" \\n %s\n", "-n\n"];
    let owner = prop::option::weighted(0.2, prop::sample::select(vec!["daemon", "2"]));
    (names, prop::sample::select(contents.to_vec()), modes(), owner, any::<bool>())
        .prop_map(|(name, content, mode, owner, follow)| Options { name, content, mode, owner, follow })
}

/// Where the two differ on purpose.
fn differs(options: &Options) -> bool {
    // Theirs goes into a folder that is in the place, and makes what a dead link leads to.
    let is_folder = ["d", "d/e", "ld"].contains(&options.name);
    let is_dead = options.follow && ["dead", "loop"].contains(&options.name);
    // Another owner would take the set-id bits away, chown(2), and new content does with theirs: they stay.
    let is_set_id = options.name == "d/g" && options.mode.is_none();
    // A link's own owner is none of the file that takes its place.
    is_folder || is_dead || is_set_id
}

#[test]
fn contents_become_what_ansible_makes_of_them() {
    compare(250, &options(), |twins, options| {
        let call = options.call();
        let (ours, theirs) = twins.both(|| Write, &paths::seeds(), &call);
        prop_assert!(ours.failure.is_some() || ours.runs[1] == Some(false), "{:?}\n{ours}", call.ours);
        if differs(&options) { Ok(()) } else { same(&call, &ours, &theirs) }
    });
}

/// The action plugin of `copy` puts a file beside the module as it does a content: theirs is called as above.
#[test]
fn files_become_what_ansible_makes_of_them() {
    let case = (options(), any::<bool>());
    compare(150, &case, |twins, (options, force)| {
        let Call { mut ours, module, mut theirs } = options.call();
        (ours["force"], theirs["force"]) = (json!(force), json!(force));
        ours["src"] = json!("@here/a source");
        ours.as_object_mut().expect("a map").remove("content");
        let call = Call { ours, module, theirs };
        let mut seeds = paths::seeds();
        seeds.push(Seed::File { name: "a source".into(), content: options.content.into(), mode: 0o600 });
        let (ours, theirs) = twins.both(|| Copy, &seeds, &call);
        prop_assert!(ours.failure.is_some() || ours.runs[1] == Some(false), "{:?}\n{ours}", call.ours);
        // Without `force` it is the content that stays, and a link wherever it leads; theirs leaves the attributes as
        // they are too, and replaces a link that leads nowhere.
        let has_attributes = options.mode.is_some() || options.owner.is_some();
        let is_dead = ["dead", "loop"].contains(&options.name);
        let stays = !force && (has_attributes || is_dead) && THERE.contains(&options.name);
        if differs(&options) || stays { Ok(()) } else { same(&call, &ours, &theirs) }
    });
}
