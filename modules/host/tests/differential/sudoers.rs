//! `sudoers` beside `community.general.sudoers`.

use oneex_sdk::json;
use proptest::prelude::*;

use super::twins::{Call, Seed, compare, same, without_nothing};
use crate::host::ops::Sudoers;

fn calls() -> impl Strategy<Value = Call> {
    let commands =
        ["ALL", "/usr/bin/systemctl restart shop", "/bin/ls", "/usr/bin/find -name *", "ls", "!/bin/sh"];
    let what = (
        prop::sample::select(vec!["ada", "shop"]),
        any::<bool>(),
        prop::collection::vec(prop::sample::select(commands.to_vec()), 1..4),
        prop::option::weighted(0.3, prop::sample::select(vec!["web1", "web1,!web2", "10.0.0.0/8"])),
        prop::option::weighted(0.4, prop::sample::select(vec!["alice", "ALL:ALL", "postgres:ops", ":ops"])),
    );
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), prop::bool::weighted(0.2));
    (what, flags).prop_map(
        |((who, is_user, commands, host, runas), (password, setenv, noexec, is_absent))| {
            let name = if is_user { "user" } else { "group" };
            let mut options = without_nothing(json!({
                "name": "shop rules", "host": host, "runas": runas, "setenv": setenv, "noexec": noexec,
                "sudoers_path": "@here", "state": if is_absent { "absent" } else { "present" },
            }));
            if !is_absent {
                (options[name], options["commands"]) = (json!(who), json!(commands));
                options["nopassword"] = json!(!password);
            }
            Call { ours: options.clone(), module: "community.general.sudoers", theirs: options }
        },
    )
}

#[test]
fn rules_are_what_ansible_makes_of_them() {
    let content = prop::sample::select(vec!["", "ada ALL= ALL\n", "ada ALL=NOPASSWD: ALL\n", "# nothing\n"]);
    let file = (content, prop::sample::select(vec![0o440_u32, 0o600]));
    compare(80, &(calls(), prop::option::of(file)), |twins, (call, file)| {
        let seed = |(content, mode): (&str, u32)| Seed::File {
            name: "shop rules".into(),
            content: content.into(),
            mode,
        };
        let seeds: Vec<Seed> = file.into_iter().map(seed).collect();
        let (ours, theirs) = twins.both(|| Sudoers, &seeds, &call);
        prop_assert!(!theirs.crashed, "{} {}: {theirs}", call.module, call.theirs);
        prop_assert!(ours.failure.is_some() || ours.runs[1] == Some(false), "{:?}\n{ours}", call.ours);
        same(&call, &ours, &theirs)
    });
}
