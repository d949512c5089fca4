//! `block` beside `blockinfile`.

use oneex_sdk::{Value, json};
use proptest::prelude::*;

use super::lines::{modes, place};
use super::twins::{Call, Seed, compare, same};
use crate::host::ops::Block;

/// A call of `block`, in words that both have.
fn calls() -> impl Strategy<Value = Call> {
    let blocks = ["x", "x\n", "x\ny", "x\n\n", "\nx", "", "ä\n# BEGIN m\n", "  x  \n\n\ny"];
    let block = prop::sample::select(blocks.to_vec());
    let markers = ["# {mark} m", "<!-- {mark} -->", "{mark}"];
    let names = (prop::option::weighted(0.2, Just("START")), prop::option::weighted(0.2, Just("STOP")));
    let newlines = (prop::bool::weighted(0.2), prop::bool::weighted(0.2));
    let rest = (prop::bool::weighted(0.2), prop::bool::weighted(0.3), modes());
    (block, prop::sample::select(markers.to_vec()), names, newlines, place(), rest).prop_map(
        |(block, marker, (begin, end), (append, prepend), (after, before), (is_absent, create, mode))| {
            // Of a block that is taken out, Ansible leaves the empty lines, and adds more in each run.
            let (append, prepend) = (append && !block.is_empty(), prepend && !block.is_empty());
            let mut options = json!({
                "path": "@here/f", "block": block, "marker": marker, "marker_begin": begin, "marker_end": end,
                "append_newline": append, "prepend_newline": prepend, "insertafter": after,
                "insertbefore": before, "state": if is_absent { "absent" } else { "present" },
                "create": create, "mode": mode,
            });
            if let Value::Object(map) = &mut options {
                map.retain(|_, value| !value.is_null() && *value != json!(false));
            }
            Call { ours: options.clone(), module: "blockinfile", theirs: options }
        },
    )
}

/// Texts with markers, whole and broken.
fn text() -> impl Strategy<Value = String> {
    let lines = [
        "a",
        "b c",
        "",
        "# BEGIN m",
        "# END m",
        "# START m",
        "# STOP m",
        "BEGIN",
        "END",
        "<!-- BEGIN -->",
        "<!-- END -->",
        "x",
        "  a",
    ];
    prop::collection::vec(prop::sample::select(lines.to_vec()), 0..9)
        .prop_map(|lines| lines.iter().map(|line| format!("{line}\n")).collect::<String>())
}

/// Whether markers are there that are no pairs. Ansible takes the last of each for a pair in whatever order they come,
/// and what is between an end and the beginning behind it, the user's own text, goes; or it makes of a single one and
/// the new block a pair in the next run. Ours takes a beginning and the end next to it, and leaves the rest alone; a block
/// with a mark in it is refused.
fn is_broken(call: &Call, text: &str) -> bool {
    let option = |name: &str, default: &str| call.ours[name].as_str().unwrap_or(default).to_owned();
    let line = |mark: String| option("marker", "").replace("{mark}", &mark);
    let (begin, end) = (line(option("marker_begin", "BEGIN")), line(option("marker_end", "END")));
    let is_mark = |line: &&str| *line == begin || *line == end;
    let marks: Vec<bool> = text.lines().filter(is_mark).map(|line| line == begin).collect();
    marks.chunks(2).any(|pair| pair != [true, false])
        || option("block", "").lines().any(|line| is_mark(&line))
}

#[test]
fn a_block_is_put_where_ansible_puts_it() {
    let case = (calls(), prop::option::weighted(0.9, text()));
    compare(300, &case, |twins, (call, text)| {
        let seed = |content: String| Seed::File { name: "f".to_owned(), content, mode: 0o640 };
        let is_broken = is_broken(&call, text.as_deref().unwrap_or_default());
        // Out of a file that is not there it is; to Ansible that is an error.
        if text.is_none() && call.ours["state"] == "absent" {
            return Ok(());
        }
        let seeds: Vec<Seed> = text.map(seed).into_iter().collect();
        let (ours, theirs) = twins.both(|| Block, &seeds, &call);
        if !is_broken {
            return same(&call, &ours, &theirs);
        }
        prop_assert!(ours.failure.is_some() || ours.runs[1] == Some(false), "{:?}\n{ours}", call.ours);
        Ok(())
    });
}
