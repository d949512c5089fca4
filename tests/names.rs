//! Guard: names that say nothing, marks of unfinished work, and traces of the place where it was made.

use std::path::Path;

use crate::sources;

/// Names under which things pile up.
const EMPTY_NAMES: [&str; 9] =
    ["util", "utils", "helper", "helpers", "common", "manager", "imp", "misc", "stuff"];

/// Files whose text is not ours to word.
const NOT_OURS: [&str; 3] = ["Cargo.lock", "LICENSE-APACHE", "LICENSE-MIT"];

#[test]
fn names_say_what_a_thing_is() {
    for path in sources::files_below(sources::root()) {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_lowercase();
        let folder =
            path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
        for name in EMPTY_NAMES {
            assert!(stem != name && folder != name, "{}: `{name}` says nothing", path.display());
        }
    }
    for file in sources::all() {
        for item in &file.syntax.items {
            let (syn::Item::Struct(syn::ItemStruct { ident, .. })
            | syn::Item::Enum(syn::ItemEnum { ident, .. })
            | syn::Item::Trait(syn::ItemTrait { ident, .. })) = item
            else {
                continue;
            };
            let name = ident.to_string();
            let empty = ["Manager", "Helper", "Utils", "Util"].iter().any(|word| name.ends_with(word));
            // What apt, dnf and apk are called everywhere.
            let empty = empty && name != "PackageManager";
            assert!(!empty && name != "Engine", "{}: `{name}`", file.path.display());
        }
    }
}

#[test]
fn nothing_names_the_place_where_it_was_made() {
    let home = std::env::var("HOME").unwrap_or_default();
    let mut places = vec![sources::root().display().to_string(), ["/wo", "rk/"].concat()];
    if home.len() > "/root".len() {
        places.push(home);
    }
    for (path, text) in texts() {
        for place in &places {
            assert!(!text.contains(place), "{path} names `{place}`");
        }
    }
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [["TO", "DO"], ["FIX", "ME"], ["XX", "X:"], ["HA", "CK:"]].map(|parts| parts.concat());
    for (path, text) in texts() {
        for mark in &marks {
            assert!(!text.contains(mark), "{path} says `{mark}`: finish it, or write an issue");
        }
    }
}

/// Every text of the repository with its path from the root.
fn texts() -> impl Iterator<Item = (String, String)> {
    sources::files_below(sources::root()).into_iter().filter_map(|path| {
        let name = path.strip_prefix(sources::root()).ok()?.display().to_string();
        let ours = !NOT_OURS.contains(&name.as_str());
        ours.then(|| std::fs::read_to_string(&path).ok()).flatten().map(|text| (name, text))
    })
}
