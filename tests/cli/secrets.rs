//! Secrets are masked in everything that leaves the program.

use oneex_testkit::project::{Finished, TestProject};

/// A parameter of the type `secret`.
const PARAMETER: &str = "param-secret-4711";
/// The password of a host of the inventory.
const INVENTORY: &str = "inventory-secret-4712";
/// The password for `sudo` of a group.
const BECOME: &str = "become-secret-4713";
/// The password of a host that a task adds.
const ADDED: &str = "added-secret-4714";
/// What opens a private key.
const PASSPHRASE: &str = "passphrase-secret-4715";

const RUNBOOK: &str = r#"
let p = params(#{ token: #{ help: "the token", type: "secret", required: true } });
let made = task("make").run(|| {
    add_host(#{
        name: "made", groups: ["made"], connection: "local",
        password: "added-" + "secret-4714", vars: #{ password: 1 },
    });
});
task("echo").on(hosts("h1")).run(|h| {
    let out = h.exec("cat; echo; cat /dev/null", #{ stdin: p.token });
    print("out " + out.stdout);
    warn("own " + h.var("ansible_password") + " and " + h.var("oneex_become_pass"));
    h.exec("base64", #{ stdin: "user:" + h.var("ansible_password") });
    h.exec("cat", #{ stdin: h.var("ansible_ssh_private_key_passphrase") });
});
task("added").needs(made).on(hosts("made")).run(|h| {
    print("added " + h.var("ansible_password"));
});
task("fail").on(hosts("h1")).run(|h| {
    h.exec("cat >&2; exit 3", #{ stdin: p.token });
});
task("throw").on(hosts("h1")).run(|h| { throw "thrown " + p.token; });
"#;

fn project() -> TestProject {
    let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
    project
        .write("run.rhai", RUNBOOK)
        .write(
            "load.rhai",
            "let p = params(#{ token: #{ type: \"secret\" } });\nthrow \"loaded \" + p.token;\n",
        )
        .write("hosts.ini", &format!("[web]\nh1 ansible_connection=local ansible_password={INVENTORY}\n"))
        .write("group_vars/web.yml", &format!("oneex_become_pass: {BECOME}\n"))
        .write(
            "host_vars/h1.yml",
            &format!("ansible_ssh_private_key_passphrase: {PASSPHRASE}\nansible_ssh_pass: x\n"),
        );
    project
}

/// No secret is in the text, and no long part of one as base64 shows it.
#[track_caller]
fn assert_hidden(what: &str, text: &str) {
    for secret in [PARAMETER, INVENTORY, BECOME, ADDED, PASSPHRASE, "secret-471"] {
        assert!(!text.contains(secret), "{what} shows `{secret}`:\n{text}");
    }
    // `user:inventory-secret-4712` in base64, without what its ends mix with.
    assert!(!text.contains("bnZlbnRvcnktc2VjcmV0LTQ3"), "{what} shows a password in base64:\n{text}");
}

#[track_caller]
fn assert_masked(what: &str, finished: &Finished) {
    assert_hidden(what, &finished.stdout);
    assert_hidden(what, &finished.stderr);
    assert!(finished.stdout.contains("•••"), "{what} shows nothing that was masked:\n{}", finished.stdout);
}

#[test]
fn no_report_of_a_run_shows_a_secret() {
    let project = project();
    let flags: [&[&str]; 5] = [&[], &["-vvv"], &["--output", "json"], &["--output", "json", "-vvv"], &["-q"]];
    for more in flags {
        let words = ["run", "run.rhai", "-i", "hosts.ini", "--junit", "junit.xml", "--stats", "stats.json"];
        let finished =
            project.oneex(words.iter().chain(more)).env("ONEEX_PARAM_TOKEN", PARAMETER).run().expect_code(1);
        assert_masked(&format!("{more:?}"), &finished);
        assert_hidden("the JUnit report", &project.read("junit.xml"));
        assert!(project.read("junit.xml").contains("thrown •••"), "{}", project.read("junit.xml"));
        assert_hidden("the statistics", &project.read("stats.json"));
    }
}

#[test]
fn everything_that_was_masked_was_there() {
    let project = project();
    let words = ["run", "run.rhai", "-i", "hosts.ini", "-vv"];
    let finished = project.oneex(words).env("ONEEX_PARAM_TOKEN", PARAMETER).run().expect_code(1);
    for line in ["out •••", "own ••• and •••", "added •••", "thrown •••"] {
        assert!(finished.stdout.contains(line), "`{line}` is missing:\n{}", finished.stdout);
    }
}

#[test]
fn a_plan_and_a_failed_load_show_no_secret() {
    let project = project();
    let set = format!("token={PARAMETER}");
    let words = ["plan", "run.rhai", "-i", "hosts.ini", "-vvv", "--set", &set];
    let finished = project.oneex(words).run();
    assert_hidden("a plan", &finished.stdout);
    assert_hidden("a plan", &finished.stderr);
    let finished = project.oneex(["run", "load.rhai", "--set", &set]).run().expect_code(2);
    assert_hidden("a failed load", &finished.stderr);
    assert!(finished.stderr.contains("loaded •••"), "{}", finished.stderr);
}

#[test]
fn an_argument_with_a_secret_is_refused_without_showing_it() {
    let project = project();
    let runbook =
        "task(\"leak\").on(hosts(\"h1\")).run(|h| { h.exec([\"echo\", h.var(\"ansible_password\")]); });";
    project.write("leak.rhai", runbook);
    let finished = project.oneex(["run", "leak.rhai", "-i", "hosts.ini", "-vvv"]).run().expect_code(1);
    assert_hidden("a refusal", &finished.stdout);
    assert!(finished.stdout.contains("stdin"), "the failure says what to do:\n{}", finished.stdout);
}

#[test]
fn a_command_that_echoes_a_password_is_masked() {
    let project = project();
    let command = format!("cat '{}'", project.path("hosts.ini").display());
    for more in [&[][..], &["--output", "json"], &["-vvv"]] {
        let words = [&["exec", "h1", "-i", "hosts.ini"], more, &["--", &command]].concat();
        let finished = project.oneex(words).run().expect_code(0);
        assert_masked("exec", &finished);
    }
}

#[test]
fn hosts_show_that_there_are_passwords() {
    let project = project();
    let finished = project.oneex(["hosts", "-i", "hosts.ini", "--vars"]).run().expect_code(0);
    let entries = finished.stdout.lines().filter_map(|line| line.split("  # ").next()).map(str::trim_end);
    let wanted = "h1:\n  ansible_connection: \"local\"\n  ansible_password: \"•••\"\n  \
                  ansible_ssh_pass: \"•••\"\n  ansible_ssh_private_key_passphrase: \"•••\"\n  \
                  oneex_become_pass: \"•••\"\n";
    assert_eq!(sorted(&entries.collect::<Vec<_>>().join("\n")), sorted(wanted));
    let finished = project.oneex(["hosts", "-i", "hosts.ini", "--output", "json"]).run().expect_code(0);
    assert_masked("hosts as JSON", &finished);
    let value: serde_json::Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(value["vars"]["ansible_ssh_pass"], "•••", "also one that is too short to be searched for");
}

#[test]
fn a_secret_is_masked_in_every_form_and_in_the_lines_of_the_script() {
    let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
    project.write(
        "run.rhai",
        r#"
let s = secret("pa/ss-wörd's 47");
task("forms").run(|| {
    print("forms: " + [url::encode(s), base64::encode("me:" + s), json::to_string(s), url::query(#{ s: s })].join(" | "));
    print(local().exec("cat >in; base64 <in; set -x; x=$(cat in); : \"$x\"", #{ stdin: s, cwd: "FOLDER" }).stdout);
});
task("lines").run(|| { throw "pa/ss-wörd's 47"; });
"#
        .replace("FOLDER", &project.folder().display().to_string())
        .as_str(),
    );
    for more in [&[][..], &["-vvv"], &["--output", "json"], &["--junit", "junit.xml"]] {
        let finished = project.oneex(["run", "run.rhai"].iter().chain(more)).run().expect_code(1);
        let text = finished.stdout + &finished.stderr;
        for part in ["ss-w", "rd's", "rd%27s", "w%C3%B6rd", "cGEvc3Mt", "BhL3Nz", "L3NzLX"] {
            assert!(!text.contains(part), "{more:?} shows `{part}`:\n{text}");
        }
        assert!(text.contains("forms: •••"), "{text}");
    }
}

/// The lines in order: that of variables is not the point.
fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(|line| line.trim_end_matches(',').to_owned()).collect();
    lines.sort();
    lines
}
