//! `replace` beside `replace`.

use oneex_sdk::{Value, json};
use proptest::prelude::*;

use super::lines::{modes, text};
use super::twins::{Call, Seed, compare, same};
use crate::host::ops::Replace;

fn calls() -> impl Strategy<Value = Call> {
    let patterns = [
        "a",
        "^a",
        "a$",
        "(a) = (\\d)",
        "\\n",
        "b|c",
        "^$",
        "a.*",
        "nothing",
        "ö",
        "x'y",
        "\\s+",
        "[^\\n]+$",
    ];
    // Groups are written `$1` here, as the crate `regex` has it, and `\1` there.
    let replacements = [("", ""), ("z", "z"), ("<$1>", "<\\1>"), ("$$", "$"), ("é\n", "é\n")];
    let bounds =
        || prop::option::weighted(0.25, prop::sample::select(vec!["a", "^a", "b c", "# ", "nothing", "\\n"]));
    let choices = (
        prop::sample::select(patterns.to_vec()),
        prop::sample::select(replacements.to_vec()),
        bounds(),
        bounds(),
        modes(),
    );
    choices.prop_map(|(regexp, (ours, theirs), after, before, mode)| {
        // A group that the expression does not have is a mistake to both, to them only where it is needed.
        let (ours, theirs) =
            if regexp.contains('(') || !ours.contains("$1") { (ours, theirs) } else { ("y", "y") };
        // Where a bound is not found they leave the mode as it is, too.
        let mode = mode.filter(|_| after.is_none() && before.is_none());
        let with = |replace: &str| {
            let mut all = json!({ "path": "@here/f", "regexp": regexp, "replace": replace });
            for (key, value) in [("after", after), ("before", before), ("mode", mode)] {
                if let Some(value) = value {
                    all[key] = Value::from(value);
                }
            }
            all
        };
        Call { ours: with(ours), module: "replace", theirs: with(theirs) }
    })
}

#[test]
fn what_fits_is_replaced_as_ansible_does() {
    compare(200, &(calls(), prop::option::weighted(0.95, text())), |twins, (call, text)| {
        let file = |content: String| Seed::File { name: "f".to_owned(), content, mode: 0o640 };
        let seeds: Vec<Seed> = text.map(file).into_iter().collect();
        let (ours, theirs) = twins.both(|| Replace, &seeds, &call);
        prop_assert!(ours.failure.is_some() || ours.runs[1] == Some(false), "{:?}\n{ours}", call.ours);
        // What each run would replace again is an error.
        let never_ends = ours.failure.as_ref().is_some_and(|failure| failure.contains("again"));
        // A group that the expression does not have is an error to them, and empty to the crate `regex`.
        let has_no_group =
            theirs.failure.as_ref().is_some_and(|failure| failure.contains("invalid group reference"));
        if has_no_group || never_ends && theirs.runs[1] != Some(false) {
            Ok(())
        } else {
            same(&call, &ours, &theirs)
        }
    });
}
