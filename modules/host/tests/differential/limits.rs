//! `limits` beside `community.general.pam_limits`.

use oneex_sdk::json;
use proptest::prelude::*;

use super::twins::{Call, Did, Seed, compare, differ};
use crate::host::ops::Limits;

const DOMAINS: [&str; 4] = ["@web", "*", "ada", "1000:2000"];
const ITEMS: [&str; 3] = ["nofile", "nproc", "core"];
const VALUES: [&str; 4] = ["0", "65536", "unlimited", "-1"];

fn limit() -> impl Strategy<Value = [&'static str; 4]> {
    let pick = |words: &[&'static str]| prop::sample::select(words.to_vec());
    (pick(&DOMAINS), pick(&["soft", "hard", "-"]), pick(&ITEMS), pick(&VALUES))
        .prop_map(|(domain, kind, item, value)| [domain, kind, item, value])
}

fn calls() -> impl Strategy<Value = Call> {
    let comment = prop::option::weighted(0.3, prop::sample::select(vec!["why", "two words"]));
    (limit(), comment).prop_map(|([domain, kind, item, value], comment)| {
        let mut options = json!({
            "domain": domain, "limit_type": kind, "limit_item": item, "value": value, "dest": "@here/limits.conf",
        });
        if let Some(comment) = comment {
            options["comment"] = json!(comment);
        }
        Call { ours: options.clone(), module: "community.general.pam_limits", theirs: options }
    })
}

/// Files with one line a limit, and no comments behind them: theirs gives a new line the comment of whichever line was
/// the first to have one.
fn text() -> impl Strategy<Value = String> {
    let blank = prop::sample::select(vec![" ", "\t", "   "]);
    let entry = (limit(), blank).prop_map(|(words, blank)| (words[..3].join(" "), words.join(blank)));
    let other = prop::sample::select(vec!["# note", "", "#* soft core 0", "@web soft nofile"]);
    let line = prop_oneof![3 => entry, 1 => other.prop_map(|line| (line.to_owned(), line.to_owned()))];
    prop::collection::vec(line, 0..7).prop_map(|mut lines| {
        let mut known = std::collections::BTreeSet::new();
        lines.retain(|(limit, _)| known.insert(limit.clone()));
        lines.into_iter().map(|(_, line)| format!("{line}\n")).collect()
    })
}

/// A comment is set off by a blank here; one that is kept is followed by an empty line there.
fn plain(did: &Did) -> [Option<String>; 2] {
    let blanks = |text: &String| text.replace("\\t# ", "\\t#").replace("\\n\\n\"", "\\n\"");
    did.trees.each_ref().map(|tree| tree.get("limits.conf").map(blanks))
}

fn agree(call: &Call, ours: &Did, theirs: &Did) -> Result<(), TestCaseError> {
    let agrees = ours.failure.is_none()
        && theirs.failure.is_none()
        && ours.runs[1] == Some(false)
        && plain(ours) == plain(theirs)
        && (ours.plan, &ours.runs) == (theirs.plan, &theirs.runs);
    if agrees { Ok(()) } else { Err(differ(call, ours, theirs)) }
}

#[test]
fn limits_are_set_as_ansible_sets_them() {
    compare(80, &(calls(), prop::option::weighted(0.85, text())), |twins, (call, text)| {
        let file = |content: String| Seed::File { name: "limits.conf".into(), content, mode: 0o640 };
        let seeds: Vec<Seed> = text.into_iter().map(file).collect();
        let (ours, theirs) = twins.both(|| Limits, &seeds, &call);
        agree(&call, &ours, &theirs)
    });
}

#[test]
fn a_comment_stays_with_its_line() {
    compare(20, &calls(), |twins, call| {
        let of = |name: &str| call.ours[name].as_str().expect("a word").to_owned();
        let words = ["domain", "limit_type", "limit_item"].map(of).join(" ");
        let content = format!("# these\n{words} 7  # as measured\n");
        let seeds = [Seed::File { name: "limits.conf".into(), content, mode: 0o644 }];
        let (ours, theirs) = twins.both(|| Limits, &seeds, &call);
        agree(&call, &ours, &theirs)
    });
}
