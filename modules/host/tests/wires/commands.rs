//! `exec`, `query` and `script`: results and failures, word for word.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use oneex_sdk::{OpResult, Value, json};
use oneex_testkit::WiredHost;
use oneex_testkit::laws::{self, Done};

use super::host::{BUSYBOX, Wires, options, told, worded};
use crate::host::ops::{Exec, Query, Script};

/// A case that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

const OUT: &[&str] = &["raw"];
const ALL: &[&str] = &["code", "ok", "raw", "stderr"];

/// What the cases run: files of the host, and scripts of the project.
fn prepare(host: &WiredHost, folder: &Path) {
    for (name, text, mode) in [
        ("plain", "echo not run\n", 0o644),
        ("no-interpreter", "#!/no/such/interpreter\n", 0o755),
        ("no-first-line", "echo \"$1\"\n", 0o755),
        ("empty", "", 0o755),
        ("program -n", "#!/bin/sh\nprintf '<%s>' \"$@\"\n", 0o755),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
    }
    std::fs::create_dir_all(folder.join("a $b\n'c'")).expect("a folder");
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    host.project_write(
        "files/args.sh",
        "printf '<%s>' \"$@\"; printf '[%s]' \"$V\"; pwd; cat; exit \"${C:-0}\"\n",
    );
    host.project_write("files/says.py", "import sys; print(sys.argv[1:])\n");
}

async fn run(op: &str, host: &WiredHost, options: Value) -> OpResult<Done> {
    match op {
        "exec" => laws::run(Exec, host, options).await,
        "query" => laws::run(Query, host, options).await,
        _ => laws::run(Script, host, options).await,
    }
}

type Case<'a> = (&'a str, Option<&'a str>, Value, &'a [&'a str], &'a str);

/// Programs of cases that BusyBox, or Debian's at least, does not bring.
const NOT_OF_BUSYBOX: [&str; 2] = ["python3", "printenv"];

/// Runs each case on all hosts, and compares what is told of it with the last of its fields.
async fn table(cases: &[Case<'_>]) {
    let mut wires = Wires::all().await;
    for (_, host, folder) in wires.each() {
        prepare(host, folder);
    }
    for (op, user, given, fields, expected) in cases {
        for (name, host, folder) in wires.each() {
            let lacks = user.is_some() || NOT_OF_BUSYBOX.iter().any(|name| given.to_string().contains(name));
            if name == BUSYBOX && lacks {
                continue;
            }
            host.act_as(*user);
            let running = run(op, host, options(given, folder));
            let result = tokio::time::timeout(PATIENCE, running).await;
            let result = result.unwrap_or_else(|_elapsed| panic!("{name}: {op} {given} hangs"));
            assert_eq!(
                told(&result, fields, folder),
                worded(name, expected),
                "{name}: {op} {given} as {user:?}"
            );
        }
    }
}

#[tokio::test]
async fn words_and_streams_arrive_byte_for_byte() {
    table(&[
        ("exec", None, json!({ "command": "echo out; echo err >&2" }), ALL, r#"changed, code 0, ok true, raw "out\n", stderr "err\n""#),
        ("exec", None, json!({ "command": ["DIR/program -n", "a b", "", "$(id)", "it's", "x\ny", "-n", "ü\u{1}", "*", "\\", 7, 1.5] }), OUT, r#"changed, raw "<a b><><$(id)><it's><x\ny><-n><ü\u{1}><*><\\><7><1.5>""#),
        ("exec", None, json!({ "command": "printf '\\000\\377x'; printf '\\001' >&2" }), ALL, r#"changed, code 0, ok true, raw "\0�x", stderr "\u{1}""#),
        ("exec", None, json!({ "command": ["cat"], "stdin": "a\u{0}b\n\n" }), OUT, r#"changed, raw "a\0b\n\n""#),
        ("exec", None, json!({ "command": "true", "stdin": "never read" }), ALL, r#"changed, code 0, ok true, raw "", stderr """#),
        ("exec", None, json!({ "command": ["cat"] }), OUT, r#"changed, raw """#),
        ("script", None, json!({ "src": "says.py", "interpreter": ["python3", "-"], "args": ["a b", 2] }), ALL, r#"changed, code 0, ok true, raw "['a b', '2']\n", stderr """#),
    ])
    .await;
}

#[tokio::test]
async fn every_end_is_told_as_it_was() {
    table(&[
        ("exec", None, json!({ "command": "exit 7", "ok_codes": [7] }), ALL, r#"changed, code 7, ok false, raw "", stderr """#),
        ("exec", None, json!({ "command": "echo o; echo e >&2; exit 7" }), ALL, r#"failed: `echo o; echo e >&2; exit 7` ended with status 7 wrote "o\ne\n""#),
        ("exec", None, json!({ "command": "exit 200" }), ALL, "failed: `exit 200` ended with status 200"),
        ("exec", None, json!({ "command": "kill -9 $$" }), ALL, "failed: `kill -9 $$` was ended by SIGKILL"),
        ("exec", None, json!({ "command": "kill -TERM $$", "ok_codes": [143] }), ALL, r#"changed, code 143, ok false, raw "", stderr """#),
        ("exec", None, json!({ "command": "kill -HUP $$" }), ALL, "failed: `kill -HUP $$` was ended by SIGHUP"),
        ("exec", None, json!({ "command": "kill -INT $$" }), ALL, "failed: `kill -INT $$` was ended by SIGINT"),
        ("exec", None, json!({ "command": "kill -PIPE $$" }), ALL, "failed: `kill -PIPE $$` was ended by SIGPIPE"),
        ("exec", None, json!({ "command": "kill -SEGV $$" }), ALL, "failed: `kill -SEGV $$` was ended by SIGSEGV"),
        ("exec", None, json!({ "command": "kill -USR1 $$" }), ALL, "failed: `kill -USR1 $$` was ended by SIGUSR1"),
        ("exec", None, json!({ "command": ["sh", "-c", "kill -ABRT $$"] }), ALL, "failed: `sh -c 'kill -ABRT $$'` was ended by SIGABRT"),
        ("exec", None, json!({ "command": "yes | head -n1; kill -l" }), &["code"], "changed, code 0"),
        ("exec", None, json!({ "command": "sleep 600", "timeout": "100ms" }), ALL, "timeout: `sleep 600` did not end within 100ms"),
        ("exec", None, json!({ "command": ["sleep", "600"], "timeout": "100ms" }), ALL, "timeout: `sleep 600` did not end within 100ms"),
        ("exec", None, json!({ "command": "echo 'open" }), ALL, r#"failed: `echo 'open` ended with status 2 wrote "sh: 1: Syntax error: Unterminated quoted string\n""#),
        ("exec", None, json!({ "command": "head -c 9000000 /dev/zero | tr '\\0' x" }), &["code", "truncated"], "changed, code 0, truncated true"),
        ("query", None, json!({ "command": "cat; exit 3", "stdin": "in", "ok_codes": [3] }), ALL, r#"ok, code 3, ok false, raw "in", stderr """#),
    ])
    .await;
}

#[tokio::test]
async fn what_cannot_be_started_is_told_with_what_to_do() {
    table(&[
        ("exec", None, json!({ "command": ["no-such-program", "x"] }), ALL, "failed: there is no program `no-such-program` (is it installed, and in the `PATH` of the host's user?)"),
        ("exec", None, json!({ "command": ["no-such-program", "x"], "ok_codes": [0, 127] }), &["code"], "changed, code 127"),
        ("exec", None, json!({ "command": ["./no-such"], "cwd": "DIR" }), ALL, "failed: there is no program `./no-such` (is the path right, and is the interpreter there that its first line names?)"),
        ("exec", None, json!({ "command": "no-such-program x" }), ALL, r#"failed: `no-such-program x` ended with status 127 wrote "sh: 1: no-such-program: not found\n""#),
        ("exec", None, json!({ "command": ["DIR/plain"] }), ALL, "failed: `DIR/plain` cannot be executed: permission denied (is it a program, and may the host's user execute it?)"),
        ("exec", None, json!({ "command": ["DIR/plain"], "ok_codes": [126] }), &["code"], "changed, code 126"),
        ("exec", None, json!({ "command": ["DIR"] }), ALL, "failed: `DIR` cannot be executed: permission denied (is it a program, and may the host's user execute it?)"),
        ("exec", None, json!({ "command": ["DIR/no-interpreter"] }), ALL, "failed: there is no program `DIR/no-interpreter` (is the path right, and is the interpreter there that its first line names?)"),
        ("exec", None, json!({ "command": ["DIR/no-first-line", "x"] }), ALL, r#"changed, code 0, ok true, raw "x\n", stderr """#),
        ("exec", None, json!({ "command": ["DIR/empty"] }), ALL, r#"changed, code 0, ok true, raw "", stderr """#),
        ("exec", None, json!({ "command": "DIR/no-interpreter" }), ALL, r#"failed: `DIR/no-interpreter` ended with status 127 wrote "sh: 1: DIR/no-interpreter: not found\n""#),
        ("exec", None, json!({ "command": "" }), ALL, "invalid: the command is empty"),
        ("exec", None, json!({ "command": [] }), ALL, "invalid: the command is empty"),
        ("exec", None, json!({ "command": ["echo", "x".repeat(200_000)] }), ALL, "invalid: an argument of 200000 bytes is longer than a system accepts (send long values as standard input or as a file)"),
        ("query", None, json!({ "command": ["no-such-program"] }), ALL, "failed: there is no program `no-such-program` (is it installed, and in the `PATH` of the host's user?)"),
        ("script", None, json!({ "src": "args.sh", "interpreter": ["no-such-program"] }), ALL, "failed: there is no program `no-such-program` (is it installed, and in the `PATH` of the host's user?)"),
        ("script", None, json!({ "src": "gone.sh" }), ALL, "invalid: there is no `gone.sh` in `files/`"),
    ])
    .await;
}

#[tokio::test]
async fn folders_and_variables() {
    table(&[
        ("exec", None, json!({ "command": "printf %s \"$V\"", "env": { "V": "it's\n$HOME\u{1}" } }), OUT, r#"changed, raw "it's\n$HOME\u{1}""#),
        ("exec", None, json!({ "command": ["printenv", "V"], "env": { "V": "" } }), OUT, r#"changed, raw "\n""#),
        ("exec", None, json!({ "command": ["true"], "env": { "A B": "x" } }), OUT, "invalid: `A B` cannot be the name of an environment variable (names are letters, digits and `_`, and do not start with a digit)"),
        ("exec", None, json!({ "command": ["true"], "env": { "V": "a\u{0}b" } }), OUT, "invalid: the variable `V` holds a NUL, which no program can be given (bytes of any kind go through standard input)"),
        ("exec", None, json!({ "command": ["echo", "a\u{0}b"] }), OUT, "invalid: an argument holds a NUL, which no program can be given (bytes of any kind go through standard input)"),
        ("exec", None, json!({ "command": "echo a\u{0}b" }), OUT, "invalid: an argument holds a NUL, which no program can be given (bytes of any kind go through standard input)"),
        ("exec", None, json!({ "command": ["pwd"], "cwd": "DIR/a $b\n'c'" }), OUT, r#"changed, raw "DIR/a $b\n'c'\n""#),
        ("exec", None, json!({ "command": ["pwd"], "cwd": "DIR/gone" }), OUT, "failed: the folder `DIR/gone` cannot be entered (it must be there already, and open to the user that runs the command)"),
        ("exec", None, json!({ "command": ["pwd"], "cwd": "DIR/plain" }), OUT, "failed: the folder `DIR/plain` cannot be entered (it must be there already, and open to the user that runs the command)"),
        ("exec", None, json!({ "command": ["pwd"], "cwd": "" }), OUT, "invalid: the command's folder is empty (without `cwd` it is the user's home)"),
        ("exec", None, json!({ "command": ["true"], "creates": "DIR/x", "cwd": "DIR/gone" }), OUT, "failed: the folder `DIR/gone` cannot be entered (it must be there already, and open to the user that runs the command)"),
        ("exec", None, json!({ "command": "umask", "umask": "027" }), OUT, r#"changed, raw "0027\n""#),
        ("exec", None, json!({ "command": "umask" }), OUT, r#"changed, raw "0022\n""#),
        ("query", None, json!({ "command": ["pwd"], "cwd": "DIR/gone" }), ALL, "failed: the folder `DIR/gone` cannot be entered (it must be there already, and open to the user that runs the command)"),
        ("script", None, json!({ "src": "args.sh", "args": ["a b", "-n", "$x", 3], "env": { "V": "v '" }, "cwd": "DIR" }), ALL, r#"changed, code 0, ok true, raw "<a b><-n><$x><3>[v ']DIR\n", stderr """#),
        ("script", None, json!({ "src": "args.sh", "env": { "C": "9" }, "cwd": "/" }), ALL, r#"failed: `sh -s --` ended with status 9 wrote "<>[]/\n""#),
        ("script", None, json!({ "src": "args.sh", "interpreter": ["sh", "-s", "--"], "cwd": "DIR/gone" }), ALL, "failed: the folder `DIR/gone` cannot be entered (it must be there already, and open to the user that runs the command)"),
    ])
    .await;
}

#[tokio::test]
async fn other_users() {
    table(&[
        ("exec", Some("nobody"), json!({ "command": "id -un; printf %s \"$V\"; umask; pwd; cat", "env": { "V": "it's" }, "stdin": "in", "cwd": "/tmp", "umask": "077" }), ALL, r#"changed, code 0, ok true, raw "nobody\nit's0077\n/tmp\nin", stderr """#),
        ("exec", Some("nobody"), json!({ "command": ["no-such-program"] }), ALL, "failed: there is no program `no-such-program` (is it installed, and in the `PATH` of the host's user?)"),
        ("exec", Some("nobody"), json!({ "command": ["pwd"], "cwd": "/no/such" }), ALL, "failed: the folder `/no/such` cannot be entered (it must be there already, and open to the user that runs the command)"),
        ("exec", Some("nobody"), json!({ "command": "kill -9 $$" }), ALL, "failed: `kill -9 $$` was ended by SIGKILL"),
        ("exec", Some("nobody"), json!({ "command": "exit 5" }), ALL, "failed: `exit 5` ended with status 5"),
        ("exec", Some("nobody"), json!({ "command": ["sleep", "600"], "timeout": "100ms" }), ALL, "timeout: `sleep 600` did not end within 100ms"),
        ("exec", Some("no-such-user"), json!({ "command": ["true"] }), ALL, "denied: `sudo` does not let this user act as `no-such-user`: sudo: unknown user no-such-user (the user must be there before anything is run as it)"),
        ("exec", Some("a b"), json!({ "command": ["true"] }), ALL, "invalid: `a b` cannot be the name of a user"),
        ("script", Some("nobody"), json!({ "src": "args.sh", "args": ["a b"], "cwd": "/" }), ALL, r#"changed, code 0, ok true, raw "<a b>[]/\n", stderr """#),
    ])
    .await;
}
