//! Runs beside each other: who is refused, who waits, and what becomes of the lock of a run that ends in any way.

use oneex_testkit::processes::{self, until};
use oneex_testkit::project::{Finished, Running, TestProject};
use rustix::process::Signal;

use super::fleet::{Stream, project};

/// Acts on a host, stands still until the file `go` is there, and acts again.
const BOOK: &str = "task(\"act\").on(hosts(\"all\")).run(|h| {
    h.exec(`touch begun-${h.name}; while [ -e begun-${h.name} ] && [ ! -e go ]; do sleep 0.02; done`);
    h.exec(`touch ended-${h.name}`);
});
";

/// A project with two environments of hosts on this machine.
fn site() -> TestProject {
    let project = project();
    project
        .write("oneex.toml", "[env.prod]\ninventory = 'a,b,c'\n[env.test]\ninventory = 'c,d'\n")
        .write("group_vars/all.yml", "ansible_connection: local\n")
        .write("book.rhai", BOOK);
    project
}

/// Starts the runbook, and waits until it acts on the host.
fn begun(project: &TestProject, host: &str, more: &[&str]) -> Running {
    let mark = project.home().join(format!("begun-{host}"));
    drop(std::fs::remove_file(&mark));
    let running = project.oneex(["run", "book", "--output", "json"].iter().chain(more)).start();
    assert!(until(|| mark.exists()), "the run never began");
    running
}

fn go(project: &TestProject) {
    std::fs::write(project.home().join("go"), "").unwrap();
}

fn ran(project: &TestProject, words: &str) -> Finished {
    project.oneex(words.split(' ')).run()
}

#[test]
fn runs_on_the_same_are_refused_and_others_go_side_by_side() {
    let project = site();
    project.write("none.rhai", "task(\"none\").run(|| {});");
    for (first, others) in [
        (
            "--env prod",
            &[
                ("run none --env prod", 6),
                ("run none --env prod --lock hosts", 6),
                ("exec a --env prod -- true", 6),
                ("exec a --env prod --lock none -- true", 0),
                ("run none --env prod --lock none", 0),
                ("plan none --env prod", 0),
                ("facts a --env prod", 0),
                ("hosts --env prod", 0),
                ("run none --env test", 0),
                ("exec d --env test -- true", 0),
            ][..],
        ),
        (
            "--env prod --lock hosts --limit a,c",
            &[
                ("run none --env prod", 6),
                ("exec a --env prod -- true", 6),
                ("exec a:b --env prod -- true", 6),
                ("exec b --env prod -- true", 0),
                ("exec c --env test -- true", 6),
                ("exec d --env test -- true", 0),
                ("run none --env test", 0),
            ][..],
        ),
    ] {
        drop(std::fs::remove_file(project.home().join("go")));
        let more: Vec<&str> = first.split(' ').collect();
        let running = begun(&project, "a", &more);
        for (words, code) in others {
            let finished = ran(&project, words);
            assert_eq!(finished.code, *code, "{first}: {words}\n{}{}", finished.stdout, finished.stderr);
        }
        go(&project);
        drop(running.finish().expect_code(0));
        drop(ran(&project, "run none --env prod").expect_code(0));
    }
}

#[test]
fn who_is_refused_learns_who_has_it_and_what_to_do() {
    let project = site();
    let running = begun(&project, "a", &["--env", "prod"]);
    let process = running.id();
    let refused = project.oneex(["run", "book", "--env", "prod"]).run().expect_code(6);
    assert_eq!(refused.stdout, "");
    let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let said = project.redact(&refused.stderr).replace(&format!(" {machine} "), " [MACHINE] ");
    let user = said.split_once("help: ").unwrap().1.split(' ').next().unwrap().to_owned();
    let expected = format!(
        "error: the environment `prod` cannot be locked: another run has it\n |\n \
         = help: {user} on [MACHINE] runs `book.rhai` since [TIME] (process {process}, run [ID])\n \
         = help: nothing was run; `--lock-wait 10m` waits for the lock, `oneex lock show` lists all of them, and \
         `oneex lock break` takes one from a run that hangs\n"
    );
    assert_eq!(said, expected);
    let shown = ran(&project, "lock show").expect_code(0).stdout;
    let shown = project.redact(&shown).replace(&format!(" {machine} "), " [MACHINE] ");
    let line = format!("  {user} on [MACHINE] runs `book.rhai` since [TIME] (process {process}, run [ID])");
    assert_eq!(shown, format!("the environment `prod`\n{line}\n"));
    let shown = ran(&project, "lock show --output json").expect_code(0).stdout;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["locks"][0]["process"], process);
    assert_eq!(shown["locks"][0]["scope"]["environment"], "prod");
    go(&project);
    let stream = Stream::of(&running.finish().expect_code(0));
    assert_eq!(stream.summary()["id"], shown["locks"][0]["run"]);
    assert_eq!(ran(&project, "lock show").expect_code(0).stdout, "no lock is held\n");
}

#[test]
fn a_refused_run_never_began_and_one_that_goes_on_needs_the_lock_too() {
    let project = site();
    project.write("breaks.rhai", "task(\"t\").run(|| { local().exec(\"touch tried; test -e mended\"); });");
    drop(ran(&project, "run breaks --env test").expect_code(1));
    let runs = || ran(&project, "history --output json").expect_code(0).stdout.lines().count();
    let before = runs();
    let running = begun(&project, "c", &["--env", "test"]);
    let with_it = runs();
    assert_eq!(with_it, before + 1);
    std::fs::remove_file(project.home().join("tried")).unwrap();
    let id = ran(&project, "history breaks --output json").stdout;
    let id: serde_json::Value = serde_json::from_str(id.lines().next().unwrap()).unwrap();
    let id = id["id"].as_str().unwrap();
    for words in ["run breaks --env test".to_owned(), format!("resume {id}")] {
        let refused = ran(&project, &words).expect_code(6);
        assert!(refused.stderr.contains("the environment `test` cannot be locked"), "{}", refused.stderr);
    }
    assert!(!project.home().join("tried").exists());
    assert_eq!(runs(), with_it, "nothing of them is in the journal");
    go(&project);
    drop(running.finish().expect_code(0));
    std::fs::write(project.home().join("mended"), "").unwrap();
    drop(ran(&project, &format!("resume {id}")).expect_code(0));
}

#[test]
fn who_waits_says_so_once_and_runs_when_the_lock_is_free() {
    let project = site();
    let running = begun(&project, "a", &["--env", "prod"]);
    project.write("next.rhai", "task(\"next\").run(|| { local().exec(\"touch next\"); });");
    let waiting = project.terminal(30, 200, ["run", "next", "--env", "prod", "--lock-wait", "5m"]);
    waiting.wait_for("it waits", |screen| screen.contains("waiting up to 5m for the lock: "));
    let gives_up = project.oneex(["run", "next", "--env", "prod", "--lock-wait", "700ms"]).run();
    assert_eq!(
        gives_up.expect_code(6).stderr.matches("waiting up to ").count(),
        1,
        "it looked more than once"
    );
    assert!(!project.home().join("next").exists());
    go(&project);
    drop(running.finish().expect_code(0));
    let transcript = waiting.finish();
    assert_eq!(transcript.code, 0, "{}", transcript.screen);
    assert_eq!(transcript.screen.matches("waiting up to").count(), 1, "{}", transcript.screen);
    assert!(project.home().join("next").exists());
}

#[test]
fn a_run_that_waits_is_interrupted_like_any_other() {
    let project = site();
    let running = begun(&project, "a", &["--env", "prod"]);
    let waiting = project.terminal(30, 200, ["run", "book", "--env", "prod", "--lock-wait", "1h"]);
    waiting.wait_for("it waits", |screen| screen.contains("waiting up to 1h for the lock: "));
    waiting.signal(Signal::INT);
    assert_eq!(waiting.finish().code, 130);
    running.signal(Signal::INT);
    drop(running.finish().expect_code(130));
    assert_eq!(ran(&project, "lock show").stdout, "no lock is held\n", "an interrupted run gives it back");
}

#[test]
fn a_person_is_asked_before_a_lock_is_broken() {
    let project = site();
    let running = begun(&project, "a", &["--env", "prod"]);
    for (answer, code) in [("n\n", 1), ("y\n", 0)] {
        let asked = project.terminal(30, 200, ["lock", "break", "--reason", "it hangs"]);
        asked.wait_for("it asks", |screen| screen.contains("[y/N]"));
        assert!(
            asked.screen().contains("break the lock on the environment `prod` of "),
            "{}",
            asked.screen()
        );
        asked.send(answer);
        let transcript = asked.finish();
        assert_eq!(transcript.code, code, "{}", transcript.screen);
    }
    assert_eq!(ran(&project, "lock show").stdout, "no lock is held\n");
    running.signal(Signal::INT);
    drop(running.finish());
}

#[test]
fn the_lock_of_a_run_that_was_killed_is_free_at_once() {
    let project = site();
    let running = begun(&project, "a", &["--env", "prod"]);
    let children = processes::descendants(running.id());
    running.signal(Signal::KILL);
    assert_eq!(running.finish().code, 128 + 9);
    assert!(children.iter().any(|child| processes::alive(*child)), "what it ran goes on, and has no lock");
    assert_eq!(ran(&project, "lock show").expect_code(0).stdout, "no lock is held\n");
    go(&project);
    drop(ran(&project, "run book --env prod").expect_code(0));
    let left: Vec<_> = std::fs::read_dir(project.path(".oneex/locks")).unwrap().collect();
    assert_eq!(left.len(), 2, "nothing is left of the dead: {left:?}");
}

#[test]
fn a_run_whose_lock_was_broken_stops_before_its_next_change() {
    let project = site();
    let running = begun(&project, "a", &["--env", "prod", "--limit", "a"]);
    let refused = ran(&project, "lock break prod --reason hangs").expect_code(2);
    assert!(refused.stderr.contains("nobody is there to be asked"), "{}", refused.stderr);
    assert_eq!(ran(&project, "lock break tset --reason hangs --yes").code, 2);
    let broken = project.oneex(["lock", "break", "--reason", "it hangs", "--yes"]).run().expect_code(0);
    assert!(broken.stdout.starts_with("broke the lock on the environment `prod` of "), "{}", broken.stdout);
    // Another has it by now; the first hears of that while its command still runs.
    project.write("second.rhai", "task(\"second\").run(|| { sleep(\"7s\"); local().exec(\"touch go\"); });");
    drop(ran(&project, "run second --env prod").expect_code(0));
    let stream = Stream::of(&running.finish().expect_code(1));
    assert!(project.home().join("begun-a").exists() && !project.home().join("ended-a").exists());
    let halted = stream.named("halted");
    assert_eq!(halted.len(), 1);
    let reason = halted[0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("the lock was lost: ") && reason.ends_with(": it hangs"), "{reason}");
    assert_eq!(stream.summary()["status"], "failed");
    assert_eq!(stream.status("act", "a"), "cancelled");
    let shown = ran(&project, "lock show -v").expect_code(0).stdout;
    assert!(shown.starts_with("no lock is held\nbroken by ") && shown.contains(": it hangs\n"), "{shown}");
    assert_eq!(ran(&project, "lock break --reason x --yes").code, 2, "nothing is held");
}

#[test]
fn of_twenty_runs_at_once_one_is_at_work_at_a_time() {
    let project = site();
    project.write(
        "turn.rhai",
        "task(\"turn\").run(|| { local().exec(\"echo begin >> turns; sleep 0.05; echo end >> turns\"); });",
    );
    let start = |_| project.oneex(["run", "turn", "--env", "prod", "--lock-wait", "110s", "-q"]).start();
    let all: Vec<Running> = (0..20).map(start).collect();
    for running in all {
        drop(running.finish().expect_code(0));
    }
    let turns = std::fs::read_to_string(project.home().join("turns")).unwrap();
    assert_eq!(turns, "begin\nend\n".repeat(20));
    let register = project.read(".oneex/locks/register.json");
    assert!(register.contains("\"fence\":20,"), "every run had a number of its own: {register}");
}

#[test]
fn hosts_are_taken_when_a_task_adds_them() {
    let project = site();
    project.write(
        "grow.rhai",
        "let grow = task(\"grow\").run(|| {
            let said = \"\";
            try { add_host(#{ name: \"a\", connection: \"local\" }); } catch (e) { said = e.message; }
            add_host(#{ name: \"new\", connection: \"local\" });
            local().exec(\"touch here\");
            said
        });
        task(\"use\").needs(grow).on(hosts(\"new\")).run(|h| { h.exec(\"touch used\"); });",
    );
    let running = begun(&project, "a", &["--env", "prod", "--lock", "hosts"]);
    let grown = project.oneex(["run", "grow", "--env", "prod", "--lock", "hosts", "--output", "json"]).run();
    let stream = Stream::of(&grown.expect_code(0));
    let end = stream.named("node_finished").into_iter().find(|end| end["node"]["task"] == "grow").unwrap();
    let said = end["output"].as_str().unwrap();
    assert!(said.starts_with("the host `a` is locked: "), "{said}");
    assert!(project.home().join("used").exists());
    go(&project);
    drop(running.finish().expect_code(0));
}

#[test]
fn a_lock_that_cannot_be_taken_runs_nothing() {
    let project = site();
    project.write(".oneex/locks/register.json", "{\"format\":1,\"fence\":");
    let failed = ran(&project, "exec a --env prod -- touch x").expect_code(1);
    assert!(failed.stderr.contains("what it holds is damaged"), "{}", failed.stderr);
    assert_eq!(ran(&project, "lock show").code, 1);
    drop(ran(&project, "exec a --env prod --lock none -- touch x").expect_code(0));
    assert_eq!(ran(&project, "run book --lock everything --env prod").code, 2);
}

#[test]
fn without_a_project_there_is_no_lock() {
    let project = project();
    drop(ran(&project, "exec localhost -- true").expect_code(0));
    assert_eq!(ran(&project, "exec localhost --lock hosts -- true").code, 2);
    assert_eq!(ran(&project, "lock show").code, 2);
    assert!(!project.path(".oneex").exists());
}
