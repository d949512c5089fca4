//! Locks in PostgreSQL: two checkouts of a project, as on two machines, and one database.

use oneex_testkit::PostgresServer;
use oneex_testkit::processes::until;
use oneex_testkit::project::{Finished, Invocation, Running, TestProject};
use rustix::process::Signal;

use super::fleet::{Stream, project};

/// Acts, stands still until the file `go` is there, and acts again.
const BOOK: &str = "task(\"act\").on(hosts(\"all\")).run(|h| {
    h.exec(`touch begun; while [ -e begun ] && [ ! -e go ]; do sleep 0.02; done`);
    h.exec(`touch ended`);
});
";

/// A checkout of the project.
struct Checkout(TestProject);

impl Checkout {
    fn new(server: &PostgresServer, ttl: &str) -> Self {
        let project = project();
        let ca_file = server.ca_file().display().to_string();
        let lock = format!(
            "[lock]\nurl = '{}'\npassword = {{ env = 'LOCK_PASSWORD' }}\nca_file = '{ca_file}'\nproject = 'shop'\nttl = '{ttl}'\n",
            server.url()
        );
        project
            .write(
                "oneex.toml",
                &format!("{lock}[env.prod]\ninventory = 'a,'\n[env.test]\ninventory = 'a,'\n"),
            )
            .write("group_vars/all.yml", "ansible_connection: local\n")
            .write("book.rhai", BOOK)
            .write("none.rhai", "task(\"none\").run(|| {});");
        Self(project)
    }

    fn call(&self, words: &str) -> Invocation {
        self.0.oneex(words.split(' ')).env("LOCK_PASSWORD", PostgresServer::PASSWORD)
    }

    /// Runs it; whatever it says, the password is not in it.
    fn ran(&self, words: &str) -> Finished {
        let finished = self.call(words).run();
        for text in [&finished.stdout, &finished.stderr] {
            assert!(!text.contains(PostgresServer::PASSWORD), "{words}: {text}");
        }
        finished
    }

    fn begun(&self, more: &str) -> Running {
        let running = self.call(&format!("run book --output json{more}")).start();
        assert!(until(|| self.at_home("begun")), "the run never began");
        running
    }

    fn at_home(&self, name: &str) -> bool {
        self.0.home().join(name).exists()
    }

    fn go(&self) {
        std::fs::write(self.0.home().join("go"), "").unwrap();
    }
}

#[test]
fn a_lock_is_one_for_all_machines() {
    let server = PostgresServer::start();
    let (one, other) = (Checkout::new(&server, "2s"), Checkout::new(&server, "2s"));
    let running = one.begun(" --env prod");
    let refused = other.ran("run none --env prod").expect_code(6);
    assert!(refused.stderr.contains("runs `book.rhai` since "), "{}", refused.stderr);
    drop(other.ran("run none --env test").expect_code(0));
    let shown = other.ran("lock show --env prod").expect_code(0).stdout;
    assert!(shown.starts_with("the environment `prod`\n  ") && shown.contains("\n  ends at "), "{shown}");
    assert!(!one.0.path(".oneex/locks").exists());
    let command_line = std::fs::read(format!("/proc/{}/cmdline", running.id())).unwrap();
    assert!(!String::from_utf8_lossy(&command_line).contains(PostgresServer::PASSWORD));

    drop(other.ran("lock break prod --env prod --reason moved --yes").expect_code(0));
    // Longer than anybody goes by a lease without asking.
    other.0.write("second.rhai", "task(\"second\").run(|| sleep(\"2500ms\"));");
    drop(other.ran("run second --env prod").expect_code(0));
    one.go();
    let stream = Stream::of(&running.finish().expect_code(1));
    let reason = stream.named("halted")[0]["reason"].as_str().unwrap();
    assert!(reason.ends_with(": moved") && !one.at_home("ended"), "{reason}");
    let shown = other.ran("lock show --env prod -v").expect_code(0).stdout;
    assert!(shown.starts_with("no lock is held\nbroken by ") && shown.contains(": moved\n"), "{shown}");
}

#[test]
fn a_machine_that_sleeps_is_fenced_when_it_wakes_up() {
    let server = PostgresServer::start();
    let (one, other) = (Checkout::new(&server, "2s"), Checkout::new(&server, "2s"));
    let running = one.begun(" --env prod");
    assert_eq!(other.ran("run none --env prod").code, 6);
    running.signal(Signal::STOP);
    drop(other.ran("run none --env prod --lock-wait 100s").expect_code(0));
    // Whoever has it now has a greater number; the first wakes up, and its command has ended meanwhile.
    let later = other.begun(" --env prod");
    one.go();
    running.signal(Signal::CONT);
    let stream = Stream::of(&running.finish().expect_code(1));
    assert!(!one.at_home("ended"), "nothing is changed by who has lost the lock");
    let reason = stream.named("halted")[0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("the lock was lost: another run has it: "), "{reason}");
    other.go();
    drop(later.finish().expect_code(0));
    assert!(other.at_home("ended"));
}

#[test]
fn the_lock_of_a_killed_run_ends_with_its_time() {
    let server = PostgresServer::start();
    let (one, other) = (Checkout::new(&server, "2s"), Checkout::new(&server, "2s"));
    let running = one.begun(" --env prod");
    running.signal(Signal::KILL);
    drop(running.finish());
    drop(other.ran("run none --env prod --lock-wait 100s").expect_code(0));
    one.go();
}

#[test]
fn a_run_goes_on_while_its_database_restarts() {
    let mut server = PostgresServer::start();
    let checkout = Checkout::new(&server, "30s");
    let (running, url) = (checkout.begun(" --env prod"), server.url());
    server.crash();
    let failed = checkout.ran("run none --env prod").expect_code(1);
    let address = url.split(['@', '/']).nth(3).unwrap();
    let said = format!("error: the lock in the database `oneex` at {address} cannot be taken: ");
    assert!(failed.stderr.starts_with(&said), "{}", failed.stderr);
    checkout.go();
    assert!(until(|| checkout.at_home("ended")), "its lease lasts longer than that");
    server.restart();
    let finished = running.finish();
    assert_eq!(Stream::of(&finished).summary()["status"], "ok", "{}", finished.stderr);
    drop(checkout.ran("run none --env prod --lock-wait 100s").expect_code(0));
}

#[test]
fn of_twenty_runs_at_once_one_is_at_work_at_a_time() {
    let server = PostgresServer::start();
    let checkout = Checkout::new(&server, "60s");
    checkout.0.write(
        "turn.rhai",
        "task(\"turn\").run(|| { local().exec(\"echo begin >> turns; sleep 0.05; echo end >> turns\"); });",
    );
    let start = |_| checkout.call("run turn --env prod --lock-wait 110s -q").start();
    let all: Vec<Running> = (0..20).map(start).collect();
    for running in all {
        drop(running.finish().expect_code(0));
    }
    let turns = std::fs::read_to_string(checkout.0.home().join("turns")).unwrap();
    assert_eq!(turns, "begin\nend\n".repeat(20));
    let fence = server.query("select text::json->>'fence' from oneex_texts where name = 'locks of shop'");
    assert_eq!(fence, "20");
}
