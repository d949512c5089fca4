//! One path, and many at once.

use oneex_testkit::TestHost;

use super::{Depth, FileType, probe};

#[tokio::test]
async fn any_name_is_looked_at_in_one_round_trip() {
    let host = TestHost::new();
    for name in ["plain", "a b", "it's", "new\nline\n", "-n", "$(id)", "*", "größe", "\\"] {
        let path = host.write(name, "x\0y");
        let depth = Depth::Content { unless: "", limit: 100 };
        let found = probe(&host, &path, false, depth).await.expect(name);
        assert_eq!(found.path, path);
        assert_eq!(found.found.expect(name).content.as_deref(), Some(&b"x\0y"[..]));
    }
    assert_eq!(host.round_trips(), 9);
}

#[tokio::test]
async fn links_are_followed_only_when_asked() {
    let host = TestHost::new();
    let target = host.write("target\n", "x");
    let link = host.path("link");
    std::os::unix::fs::symlink("target\n", &link).expect("a link");
    let stay = probe(&host, &link, false, Depth::Checksum).await.expect("a probe");
    assert_eq!(stay.found.expect("a link").target.as_deref(), Some("target\n"));
    let follow = probe(&host, &link, true, Depth::Checksum).await.expect("a probe");
    assert_eq!((follow.path, follow.found.map(|found| found.file_type)), (target, Some(FileType::File)));
}

#[tokio::test]
async fn what_is_not_there_is_no_error_and_a_relative_path_is() {
    let host = TestHost::new();
    for name in ["gone", "gone/below", "file/below"] {
        host.write("file", "");
        let found = probe(&host, &host.path(name), true, Depth::Facts).await.expect(name);
        assert_eq!(found.found, None, "{name}");
    }
    let error = probe(&host, "etc/motd", false, Depth::Facts).await.expect_err("a relative path");
    assert_eq!(error.message, "`etc/motd` is not an absolute path");
}

/// What the script prints for these sets of parameters, each alone or all at once.
fn printed(sh: &[&str], sets: &[[&str; 6]], is_together: bool) -> Vec<(i32, String)> {
    let run = |before: &str, args: &[&str]| {
        let text = format!("{before} eval \"$TEXT\"");
        let mut process = std::process::Command::new(sh[0]);
        process
            .args(&sh[1..])
            .args(["-c", &text, "sh"])
            .args(args)
            .env("TEXT", format!("{}{}", super::SUM, super::SCRIPT));
        let output = process.output().expect("it runs");
        (output.status.code().expect("a status"), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    if !is_together {
        return sets.iter().map(|set| run("", set)).collect();
    }
    let printed = run("oneex_each=6; answered() { printf '<END %s>' \"$1\"; };", sets.as_flattened()).1;
    let answers = printed.split_inclusive('>').map(|answer| {
        let (text, status) = answer.split_once("<END ").expect("an end");
        (status.trim_end_matches('>').parse().expect("a status"), text.to_owned())
    });
    answers.collect()
}

/// The same without the time of the last access, which looking at a content changes.
fn without_access((status, printed): &(i32, String)) -> (i32, String) {
    let line = |line: &str| {
        let is_stat = line.starts_with("stat ");
        let words = line.split(' ').enumerate().filter(|(place, _)| !is_stat || *place != 6);
        words.map(|(_, word)| word).collect::<Vec<_>>().join(" ")
    };
    (*status, printed.split('\n').map(line).collect::<Vec<_>>().join("\n"))
}

#[test]
fn many_paths_are_looked_at_as_each_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::create_dir(path("d")).expect("a folder");
    for (name, content) in [
        ("f", "x"),
        ("d/f", "y"),
        ("a b", "z"),
        ("t\tf", "1"),
        ("l\nf", "2"),
        ("-n", "3"),
        ("*", "4"),
        ("long", &"5".repeat(9000)),
    ] {
        std::fs::write(path(name), content).expect("a file");
    }
    for (to, name) in [("f", "link"), ("gone", "dead"), ("loop", "loop"), ("d", "to d")] {
        std::os::unix::fs::symlink(to, path(name)).expect("a link");
    }
    let names = [
        "f",
        "d",
        "d/f",
        "d/../f",
        "a b",
        "t\tf",
        "l\nf",
        "-n",
        "*",
        "long",
        "link",
        "dead",
        "loop",
        "to d",
        "to d/f",
        "gone",
        "gone/f",
        "f/f",
        "f",
        &"n".repeat(300),
        "",
    ];
    let paths = names.map(path);
    let mut sets = Vec::new();
    for path in &paths {
        for follow in ["follow", "stay"] {
            for (depth, known, limit) in [
                ("nothing", "", "0"),
                ("checksum", "", "0"),
                ("content", "", "100000"),
                ("content", "0", "5000"),
            ] {
                sets.push([path.as_str(), follow, depth, known, limit, "4096"]);
            }
        }
    }
    for sh in [&["dash"][..], &["bash"], &["busybox", "sh"]] {
        let alone = printed(sh, &sets, false);
        let together = printed(sh, &sets, true);
        assert_eq!(alone.len(), together.len(), "{sh:?}");
        for ((one, other), set) in alone.iter().zip(&together).zip(&sets) {
            assert_eq!(without_access(one), without_access(other), "{sh:?}: {set:?}");
        }
        let stats = |text: &str| alone.iter().filter(|(_, printed)| printed.contains(text)).count();
        assert!(stats("stat ") > 60 && stats("absent") > 20 && stats("content\n") > 20, "{sh:?}");
    }
}
