//! What commands write: more than memory should hold, and shown while they run.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use oneex_testkit::SmallDisk;
use serde_json::Value;

use super::fleet::{Fleet, Stream, project};

/// 64 bytes with the line break.
const LINE: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde";
const GIBIBYTE: u64 = 1 << 30;

/// More than is kept of one stream, with a secret in two writes, while the other stream is written too.
const SECRETS: &str = r#"
let p = params(#{ token: #{ type: "secret", required: true } });
task("talk").on(hosts("web")).run(|h| {
    let noise = "head -c 9000000 /dev/zero | tr '\\0' x; printf '\\n%s' \"$half\"; sleep 0.1; echo \"${s#$half}.\"";
    let talk = "read -r s; half=${s%????????}; { " + noise + "; } & { " + noise + "; } >&2; wait";
    let r = h.exec(talk, #{ stdin: p.token });
    print(`${r.stdout_file}`);
    print(`${r.stderr_file}`);
});
"#;

/// Hosts, and a project that what is kept of a run goes into.
fn fleet(count: usize) -> Fleet {
    let fleet = Fleet::new(count);
    fleet.project.write("oneex.toml", "");
    fleet
}

/// The files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The file has so many bytes, all of them lines of [`LINE`].
#[track_caller]
fn assert_lines(path: &Path, bytes: u64) {
    let mut file = std::fs::File::open(path).unwrap();
    let expected = format!("{LINE}\n").repeat(1 << 14).into_bytes();
    let (mut block, mut read) = (vec![0; expected.len()], 0);
    while read < bytes {
        file.read_exact(&mut block).unwrap();
        assert!(block == expected, "the block at {read} differs");
        read += block.len() as u64;
    }
    assert_eq!((file.read(&mut block).unwrap(), read), (0, bytes), "the length");
}

#[test]
fn a_gibibyte_of_one_command_is_kept_whole_and_in_little_memory() {
    let fleet = fleet(1);
    fleet.book(&format!(
        r#"
        let hidden = secret("hunter22-hunter22");
        task("much").on(hosts("web")).run(|h| {{
            let r = h.exec("yes {LINE} | head -c {GIBIBYTE}; echo said >&2");
            print(`${{r.truncated}} ${{r.stdout_size}} ${{r.stdout.len}} ${{r.stderr}}`);
            print(r.stdout_file);
        }});"#
    ));
    let stream = fleet.run(0, &["--stats", "stats.json"]);
    let messages = stream.messages();
    assert_eq!(messages[0], format!("true {GIBIBYTE} {} said\n", (8 << 20) - 1));
    let file = Path::new(messages[1]);
    assert!(file.starts_with(fleet.project.path(".oneex/runs")) && file.ends_with("outputs/1-h1.stdout"));
    assert_lines(file, GIBIBYTE);
    std::fs::remove_file(file).unwrap();
    let stats: Value = serde_json::from_str(&fleet.project.read("stats.json")).unwrap();
    let memory = stats["peak_memory_bytes"].as_u64().unwrap();
    assert!(memory < 400 << 20, "{memory} bytes of memory for 8 MiB of output");
}

#[test]
fn secrets_are_masked_in_the_files_wherever_they_are_split() {
    let fleet = fleet(1);
    for (hosts, folder) in [("hosts(\"web\")", "1-h1"), ("local()", "1-localhost")] {
        fleet.book(&SECRETS.replace("hosts(\"web\")", hosts));
        let words = ["run", "book.rhai", "--output", "json", "-v"];
        let call = fleet.call(&words).env("ONEEX_PARAM_TOKEN", "hunter22-hunter22");
        let stream = Stream::of(&call.run().expect_code(0));
        for (path, name) in stream.messages().into_iter().zip(["stdout", "stderr"]) {
            let text = std::fs::read_to_string(path).unwrap();
            assert!(path.ends_with(&format!("{folder}.{name}")), "{path}");
            assert!(text.ends_with("xxx\n•••.\n"), "{path}");
            assert!(!text.contains("hunter22-hunter22") && text.len() > 9_000_000);
            let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(Path::new(path)), mode(Path::new(path).parent().unwrap())), (0o600, 0o700));
        }
        let told = stream.0.iter().filter(|event| event["event"] == "output" && event["text"] == "•••.");
        assert_eq!(told.count(), 2, "and in what is shown");
    }
}

#[test]
fn nothing_is_written_for_what_fits_for_a_plan_or_for_a_sensitive_task() {
    let project = project();
    project.write("oneex.toml", "");
    let long = "h.query(\"head -c 9000000 /dev/zero; echo long\")";
    project.write(
        "book.rhai",
        &format!(
            r#"
            task("short").on(local()).run(|h| {{ h.exec("head -c 8388608 /dev/zero"); }});
            task("hidden").on(local()).sensitive().run(|h| {{ print(`${{{long}.stdout_file}}`); }});
            task("long").on(local()).tags(["long"]).run(|h| {{ {long}; }});"#
        ),
    );
    for (words, count) in [
        (&["plan", "book.rhai"][..], 0),
        (&["run", "book.rhai", "--skip-tags", "long"], 0),
        (&["run", "book.rhai", "--tags", "long"], 1),
    ] {
        let finished = project.oneex(words).run().expect_code(0);
        let files = files(&project.path(".oneex/runs"));
        assert_eq!(files.len(), count, "{words:?}: {files:?}\n{}", finished.stdout);
    }
}

#[test]
fn a_failure_shows_what_was_said_how_much_it_was_and_where_all_of_it_is() {
    let fleet = fleet(1);
    let talk = format!("yes {LINE} | head -c 16777216; echo broken >&2");
    fleet.book(&format!(
        r#"task("fail").on(hosts("web")).run(|h| {{
            try {{ h.exec("{talk}; sleep 600", #{{ timeout: "4s" }}) }} catch (e) {{ print(`${{e.kind}} ${{e.truncated}} ${{e.stdout_file}}`) }}
            h.exec("{talk}; exit 3");
        }});"#
    ));
    let finished = fleet.call(&["run", "book.rhai"]).run().expect_code(1);
    let shown = &finished.stdout;
    for part in
        [LINE, "broken", "ended with status 3", "stdout is cut: it has 16.0 MiB, and all of it is in `"]
    {
        assert!(shown.contains(part), "no {part} in\n{shown}");
    }
    assert!(shown.contains("timeout true /"), "{shown}");
    let mut files = files(&fleet.project.path(".oneex/runs"));
    files.sort();
    assert_eq!(files.len(), 2, "{files:?}");
    for file in &files {
        assert!(shown.contains(&file.display().to_string()), "{} in\n{shown}", file.display());
        assert_lines(file, 16 << 20);
    }
    let adhoc = fleet.call(&["exec", "h1", "--", &talk]).run().expect_code(0);
    assert!(adhoc.stdout.contains("  stdout is cut: it has 16.0 MiB, and all of it is in `"));
}

#[test]
fn a_full_disk_of_the_controller_costs_the_rest_of_the_output_and_nothing_else() {
    let fleet = fleet(1);
    let runs = fleet.project.path(".oneex/runs");
    std::fs::create_dir_all(&runs).unwrap();
    let _disk = SmallDisk::mount(&runs, 10 << 20);
    fleet.book(&format!(
        r#"task("much").on(hosts("web")).run(|h| {{
            let r = h.exec("yes {LINE} | head -c 33554432; echo said >&2; exit 3", #{{ ok_codes: [3] }});
            print(`${{r.code}} ${{r.stdout_size}} ${{r.stdout_file}} ${{r.stderr}}`);
            print(h.exec(["echo", "next"]).stdout);
        }});"#
    ));
    let stream = fleet.run(0, &[]);
    let [warning, result, next] = stream.messages()[..] else { panic!("{:?}", stream.messages()) };
    assert!(
        warning.contains("`stdout` of the command on `h1`") && warning.contains("no space left"),
        "{warning}"
    );
    assert_eq!((result, next), ("3 33554432  said\n", "next"));
}

#[test]
fn lines_are_events_only_where_somebody_follows() {
    let fleet = fleet(2);
    fleet.book(
        r#"
        task("talk").on(hosts("web")).run(|h| {
            h.exec(`for n in 1 2 3; do printf '${h.name}-%s-' $n; sleep 0.01; echo end; done; printf '10%%\r99%%\rdone\n\033[2J' >&2`);
        });
        task("ask").on(hosts("h1")).run(|h| { h.query("echo asked"); h.find("/etc/hostname"); });
        task("hidden").on(hosts("h1")).sensitive().run(|h| { h.query("echo hidden"); });
        "#,
    );
    let quiet = fleet.run(0, &[]);
    assert!(quiet.0.iter().all(|event| event["event"] != "output"));
    let stream = fleet.run(0, &["-v"]);
    let said = |host: &str, task: &str, name: &str| -> Vec<&str> {
        let of = |event: &&Value| {
            event["event"] == "output"
                && event["node"]["host"] == host
                && event["node"]["task"] == task
                && event["stream"] == name
        };
        stream.0.iter().filter(of).map(|event| event["text"].as_str().unwrap()).collect()
    };
    for host in ["h1", "h2"] {
        let lines: Vec<String> = (1..=3).map(|n| format!("{host}-{n}-end")).collect();
        assert_eq!(said(host, "talk", "stdout"), lines);
        assert_eq!(said(host, "talk", "stderr"), ["done", "\u{1b}[2J"]);
    }
    assert_eq!((said("h1", "ask", "stdout"), said("h1", "hidden", "stdout")), (vec!["asked"], vec![]));
    let operation =
        stream.0.iter().find(|event| event["event"] == "operation" && event["node"]["task"] == "ask");
    let output = stream.0.iter().find(|event| event["event"] == "output" && event["node"]["task"] == "ask");
    assert_eq!(output.unwrap()["op"], operation.unwrap()["op"]);
    assert_eq!(output.unwrap()["continued"], false);

    let shown = fleet.call(&["run", "book.rhai", "-vv"]).run().expect_code(0).stdout;
    assert!(shown.contains("stdout      talk [h1]  h1-2-end\n"), "{shown}");
    assert!(shown.contains("stderr      talk [h2]  \\x1b[2J\n"), "{shown}");
    assert_eq!(shown.matches("h1-2-end").count(), 1, "what was shown is not shown again:\n{shown}");
    let adhoc = fleet
        .call(&["exec", "-v", "web", "--", "echo one; echo two >&2; exit 4"])
        .run()
        .expect_code(1)
        .stdout;
    for line in ["stdout  h1  one\n", "stderr  h2  two\n", "h1  failed, status 4"] {
        assert_eq!(adhoc.matches(line).count(), 1, "{line} in\n{adhoc}");
    }
    assert_eq!(adhoc.matches("one\n").count(), 2, "{adhoc}");
}

#[test]
fn a_line_is_on_the_terminal_while_its_command_runs() {
    let fleet = fleet(1);
    let wait =
        |go: &Path| format!("echo ready; until [ -e {} ]; do sleep 0.02; done; echo over", go.display());
    for (index, words) in [&["run", "book.rhai"][..], &["exec", "h1", "--"]].into_iter().enumerate() {
        let go = fleet.project.path(format!("go{index}"));
        let command = wait(&go);
        fleet.book(&format!(r#"task("wait").on(hosts("web")).run(|h| {{ h.exec("{command}"); }});"#));
        let (first, rest) = words.split_first().unwrap();
        let mut all = vec![*first, "-v", "-i", "inventory.yaml"];
        all.extend(rest);
        if index == 1 {
            all.push(&command);
        }
        let terminal = fleet.project.terminal(24, 100, all);
        terminal.wait_for("the line", |screen| screen.lines().any(|line| line.ends_with("  ready")));
        assert!(!terminal.screen().lines().any(|line| line.ends_with("  over")), "{}", terminal.screen());
        std::fs::write(&go, "").unwrap();
        let transcript = terminal.finish();
        let history = transcript.history.join("\n");
        assert_eq!(transcript.code, 0, "{history}");
        let ends =
            |end: &str| transcript.history.iter().filter(|line| line.trim_end().ends_with(end)).count();
        assert_eq!((ends("  ready"), ends("  over")), (1, 1), "{history}");
    }
}
