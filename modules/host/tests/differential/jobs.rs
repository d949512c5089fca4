//! `cron` beside `cron`, in a file of its own.

use oneex_sdk::{Value, json};
use proptest::prelude::*;

use super::twins::{Call, Did, Seed, compare, same};
use crate::host::ops::Cron;

const NAMES: [&str; 3] = ["a", "b c", "ü 'x' $(id)"];
const JOBS: [&str; 4] = ["true", "echo 'a' \\% \"b\"", "ls *", "/bin/x >/dev/null 2>&1"];
const VARIABLES: [&str; 3] = ["PATH", "MAILTO", "X"];

/// What is called, and what both call it.
#[derive(Debug, Clone)]
struct Options {
    name: &'static str,
    is_variable: bool,
    options: Value,
}

impl Options {
    fn call(&self) -> Call {
        Call { ours: self.options.clone(), module: "cron", theirs: self.options.clone() }
    }
}

fn jobs() -> impl Strategy<Value = Options> {
    let times = prop_oneof![
        2 => Just(json!({})),
        2 => prop::sample::select(vec!["*/5", "0", "1-9,30"]).prop_map(|minute| json!({ "minute": minute })),
        1 => Just(json!({ "hour": "3", "weekday": "mon-fri" })),
        1 => prop::sample::select(vec!["daily", "reboot"]).prop_map(|time| json!({ "special_time": time })),
    ];
    let words = (prop::sample::select(NAMES.to_vec()), prop::sample::select(JOBS.to_vec()));
    (words, times, prop::bool::weighted(0.3), prop::bool::weighted(0.2)).prop_map(
        |((name, job), mut options, is_absent, disabled)| {
            options["name"] = json!(name);
            if is_absent {
                options["state"] = json!("absent");
            } else {
                options["job"] = json!(job);
                options["disabled"] = json!(disabled);
            }
            Options { name, is_variable: false, options }
        },
    )
}

fn variables() -> impl Strategy<Value = Options> {
    let name = || prop::sample::select(VARIABLES.to_vec());
    let place = prop_oneof![
        2 => Just(json!({})),
        1 => name().prop_map(|name| json!({ "insertafter": name })),
        1 => name().prop_map(|name| json!({ "insertbefore": name })),
    ];
    (name(), place, prop::bool::weighted(0.3)).prop_map(|(name, place, is_absent)| {
        let mut options = if is_absent { json!({ "state": "absent" }) } else { place };
        (options["name"], options["env"]) = (json!(name), json!(true));
        if !is_absent {
            options["job"] = json!("/bin:/usr/bin");
        }
        Options { name, is_variable: true, options }
    })
}

fn text() -> impl Strategy<Value = String> {
    let lines = [
        "#Ansible: a",
        "#Ansible: b c",
        "#Ansible: a b",
        "* * * * * root true",
        "*/5 * * * * root true",
        "#* * * * * root ls *",
        "@daily root true",
        "PATH=\"/bin:/usr/bin\"",
        "MAILTO=",
        "X = 1",
        "# PATH=/bin",
        "",
    ];
    prop::collection::vec(prop::sample::select(lines.to_vec()), 0..8)
        .prop_map(|lines| lines.iter().map(|line| format!("{line}\n")).collect::<String>())
}

/// Where the two differ on purpose.
fn differs(options: &Options, text: &str, ours: &Did) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    let is_name = |line: &str| line.starts_with("#Ansible: ");
    // What has the name twice is there once afterwards; theirs changes each.
    let is_it = |line: &&&str| match options.is_variable {
        true => line.strip_prefix(options.name).is_some_and(|rest| rest.trim_start().starts_with('=')),
        false => line.strip_prefix("#Ansible: ") == Some(options.name),
    };
    let is_twice = lines.iter().filter(is_it).count() > 1;
    // A name without a job gets one; theirs takes the next name for the job, or adds the name once more.
    let is_bare = |at: usize| is_name(lines[at]) && lines.get(at + 1).is_none_or(|next| is_name(next));
    let is_nameless = !options.is_variable && (0..lines.len()).any(is_bare);
    // Blanks may stand before `=`, crontab(5); theirs does not see such a variable.
    let beside = [&options.options["insertafter"], &options.options["insertbefore"]];
    let has_blank = lines.contains(&"X = 1") && (options.name == "X" || beside.contains(&&json!("X")));
    // Empty lines at the end stay, and so does a file that is empty then.
    let after = ours.trees[0].get("f").map(String::as_str).unwrap_or_default();
    let is_emptied = after.ends_with("\\n\\n\"") || after.ends_with(" \"\\n\"") || after.ends_with(" \"\"");
    is_twice || is_nameless || has_blank || is_emptied
}

#[test]
fn crontabs_become_what_ansible_makes_of_them() {
    let case = (prop_oneof![2 => jobs(), 1 => variables()], prop::option::weighted(0.9, text()));
    compare(100, &case, |twins, (mut options, text)| {
        (options.options["cron_file"], options.options["user"]) = (json!("@here/f"), json!("root"));
        let call = options.call();
        let seed = |content: &String| Seed::File { name: "f".into(), content: content.clone(), mode: 0o644 };
        let seeds: Vec<Seed> = text.iter().map(seed).collect();
        let (ours, theirs) = twins.both(|| Cron, &seeds, &call);
        prop_assert!(ours.failure.is_some() || ours.runs[1] == Some(false), "{:?}\n{ours}", call.ours);
        let text = text.unwrap_or_default();
        if differs(&options, &text, &ours) { Ok(()) } else { same(&call, &ours, &theirs) }
    });
}
