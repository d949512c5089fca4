//! `cron` beside `cron`, with the real crontab(1) and each with crontabs of its own.

use oneex_sdk::json;
use proptest::prelude::*;

use super::twins::{Call, Did, Seed, compare_in_place, differ};
use crate::host::ops::Cron;

const PRIVATE: &[&str] = &["/var/spool/cron"];
const CRONTAB: &str = "var/spool/cron/crontabs/root";

fn jobs() -> impl Strategy<Value = Call> {
    let name = prop::sample::select(vec!["a", "b c", "new", "it's $(x)"]);
    let job = prop::sample::select(vec!["/bin/true", "echo 'a b' \\% >/dev/null", "x", "$(id) `y` *"]);
    let minute = prop::option::weighted(0.5, prop::sample::select(vec!["5", "*/5", "0-10", "1,2"]));
    let hour = prop::option::weighted(0.4, prop::sample::select(vec!["3", "*/2"]));
    let weekday = prop::option::weighted(0.3, prop::sample::select(vec!["1", "mon", "0"]));
    let special = prop::option::weighted(0.2, prop::sample::select(vec!["daily", "reboot", "hourly"]));
    let flags = (prop::bool::weighted(0.2), prop::bool::weighted(0.3));
    (name, job, minute, hour, weekday, special, flags).prop_map(
        |(name, job, minute, hour, weekday, special, (disabled, is_absent))| {
            let mut options = json!({ "name": name, "state": if is_absent { "absent" } else { "present" } });
            if !is_absent {
                options["job"] = json!(job);
                options["disabled"] = json!(disabled);
                let times = [("minute", minute), ("hour", hour), ("weekday", weekday)];
                let times = times.into_iter().filter(|_| special.is_none());
                for (key, value) in times.chain([("special_time", special)]) {
                    if let Some(value) = value {
                        options[key] = json!(value);
                    }
                }
            }
            Call { ours: options.clone(), module: "cron", theirs: options }
        },
    )
}

fn variables() -> impl Strategy<Value = Call> {
    let names = || prop::sample::select(vec!["PATH", "MAILTO", "NEW"]);
    let value = prop::sample::select(vec!["/usr/bin:/bin", "", "a b"]);
    let near = (prop::option::weighted(0.3, names()), any::<bool>());
    (names(), value, near, prop::bool::weighted(0.3)).prop_map(
        |(name, value, (near, is_after), is_absent)| {
            let state = if is_absent { "absent" } else { "present" };
            let mut options = json!({ "name": name, "env": true, "state": state });
            if !is_absent {
                options["job"] = json!(value);
                if let Some(near) = near {
                    options[if is_after { "insertafter" } else { "insertbefore" }] = json!(near);
                }
            }
            Call { ours: options.clone(), module: "cron", theirs: options }
        },
    )
}

/// The crontab without what crontab(1) of some systems writes at its top, and without empty lines at its end, which
/// theirs loses.
fn crontabs(did: &Did) -> [Option<String>; 2] {
    let lines = |text: &str| {
        let is_own = |line: &&str| {
            !["# DO NOT EDIT", "# (- ", "# (/", "# (Cron "].iter().any(|begin| line.starts_with(begin))
        };
        text.lines().filter(is_own).collect::<Vec<_>>().join("\n").trim_end().to_owned()
    };
    did.trees.each_ref().map(|tree| {
        let entry = tree.get(CRONTAB)?;
        let text =
            entry.split_once('"').map_or("", |(_, text)| text).trim_end_matches('"').replace("\\n", "\n");
        Some(lines(&text)).filter(|text| !text.is_empty())
    })
}

#[test]
fn crontabs_become_what_ansible_makes_of_them() {
    let lines = [
        "# mine\n",
        "\n",
        "#Ansible: a\n5 3 * * * /bin/true\n",
        "#Ansible: b c\n#@daily x\n",
        "PATH=\"/usr/bin:/bin\"\n",
        "MAILTO=ops\n",
        "1 2 3 4 5 other job\n",
    ];
    let text =
        prop::collection::vec(prop::sample::select(lines.to_vec()), 0..5).prop_map(|lines| lines.concat());
    let case = (prop_oneof![3 => jobs(), 1 => variables()], prop::option::weighted(0.8, text));
    compare_in_place(PRIVATE, 60, &case, |twins, (call, text)| {
        let mut seeds = vec![Seed::Folder { name: "var/spool/cron/crontabs".into(), mode: 0o1730 }];
        let file = |content: String| Seed::File { name: CRONTAB.into(), content, mode: 0o600 };
        seeds.extend(text.map(file));
        let (ours, theirs) = twins.both(|| Cron, &seeds, &call);
        prop_assert!(ours.failure.is_some() || ours.runs[1] == Some(false), "{:?}\n{ours}", call.ours);
        let both_failed = ours.failure.is_some() && theirs.failure.is_some();
        let agree = ours.failure.is_none() == theirs.failure.is_none()
            && (ours.plan, &ours.runs, crontabs(&ours)) == (theirs.plan, &theirs.runs, crontabs(&theirs));
        if both_failed || agree { Ok(()) } else { Err(differ(&call, &ours, &theirs)) }
    });
}
