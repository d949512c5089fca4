//! `assemble` beside `assemble`, of fragments on the host.

use oneex_sdk::{Value, json};
use proptest::prelude::*;

use super::lines::modes;
use super::twins::{Call, Seed, compare, same};
use crate::host::ops::Assemble;

fn fragments() -> impl Strategy<Value = Vec<Seed>> {
    let names = ["10-a", "9", "B", "a b", ".hidden", "-n", "ü", "*", "x'y", "new\nline", "z.conf"];
    let contents = ["", "a\n", "b", "\n", "ü\r\n", "---\n", "$(id) \\n\n"];
    let content = prop::sample::select(contents.to_vec());
    prop::collection::btree_map(prop::sample::select(names.to_vec()), content, 0..6).prop_map(|files| {
        let file = |(name, content): (&str, &str)| Seed::File {
            name: format!("parts/{name}"),
            content: content.to_owned(),
            mode: 0o600,
        };
        let folders = ["parts", "parts/folder"].map(|name| Seed::Folder { name: name.into(), mode: 0o755 });
        let link = Seed::Link { name: "parts/link".into(), target: "../f".into() };
        folders.into_iter().chain([link]).chain(files.into_iter().map(file)).collect()
    })
}

#[test]
fn fragments_become_what_ansible_makes_of_them() {
    let delimiter = prop::option::of(prop::sample::select(vec!["---", "# -\n", "ü"]));
    let regexp = prop::option::of(prop::sample::select(vec!["^[a-z]", "\\.conf$", "^[0-9]+", "nothing"]));
    let case = (fragments(), delimiter, regexp, any::<bool>(), any::<bool>(), modes());
    compare(60, &case, |twins, (mut seeds, delimiter, regexp, ignore_hidden, is_there, mode)| {
        if is_there {
            seeds.push(Seed::File { name: "f".into(), content: "a\n".into(), mode: 0o640 });
        }
        let mut options = json!({
            "src": "@here/parts", "delimiter": delimiter, "regexp": regexp, "ignore_hidden": ignore_hidden,
            "mode": mode,
        });
        if let Value::Object(map) = &mut options {
            map.retain(|_, value| !value.is_null());
        }
        let (mut ours, mut theirs) = (options.clone(), options);
        (ours["path"], theirs["dest"]) = (json!("@here/g"), json!("@here/g"));
        let call = Call { ours, module: "assemble", theirs };
        let (ours, theirs) = twins.both(|| Assemble, &seeds, &call);
        // Of no fragment theirs makes an empty file.
        let is_empty = ours.failure.is_some() && theirs.trees[0]["g"].ends_with(" \"\"");
        if is_empty { Ok(()) } else { same(&call, &ours, &theirs) }
    });
}
