//! Networks that fail: a host behind a link that goes down, in network namespaces.

use std::path::Path;

use oneex_testkit::project::{Running, TestProject};
use oneex_testkit::{Network, processes};

use crate::scenarios::fleet::Stream;

/// A project whose only host is behind the link.
struct Site {
    network: Network,
    project: TestProject,
}

impl Site {
    fn new(settings: &str) -> Self {
        let network = Network::start();
        let program = network.program_here(Path::new(env!("CARGO_BIN_EXE_oneex")));
        let project = TestProject::new(program);
        project.write("known_hosts", &network.known_hosts());
        project.write("inventory.yaml", &network.inventory_yaml());
        let text = format!(
            "[defaults]\ninventory = 'inventory.yaml'\n[ssh]\nknown_hosts = 'known_hosts'\n{settings}"
        );
        project.write("oneex.toml", &text);
        Self { network, project }
    }

    /// Starts `oneex exec` of a command in the host's folder.
    fn exec(&self, script: &str) -> Running {
        let script = format!("cd {} && {script}", self.network.folder().display());
        self.project.oneex(["exec", "far", "--", "sh", "-c", &script]).start()
    }

    /// Waits until the host has a file of that name.
    #[track_caller]
    fn appears(&self, name: &str) {
        let file = self.network.folder().join(name);
        assert!(until_two_minutes(|| file.exists()), "`{name}` never appeared; {}", self.network.log());
    }
}

/// More patient than one wait for what takes long by itself.
fn until_two_minutes(condition: impl Fn() -> bool) -> bool {
    (0..6).any(|_| processes::until(&condition))
}

#[test]
fn a_link_that_is_down_for_twenty_seconds_costs_nothing_but_them() {
    let site = Site::new("");
    // All of it happens while nothing goes through: the host goes on when it sees that the link is down.
    let running = site.exec(
        "touch began; until [ -e down ]; do sleep 0.1; done; \
         for i in $(seq 200); do echo line $i; sleep 0.1; done; touch ended; exit 3",
    );
    site.appears("began");
    site.network.link_down();
    std::fs::write(site.network.folder().join("down"), "").unwrap();
    site.appears("ended");
    site.network.link_up();
    let finished = running.finish().expect_code(1);
    let lines = finished.stdout.lines().filter(|line| line.contains("line ")).count();
    assert_eq!(lines, 200, "{}", finished.stdout);
    assert!(finished.stdout.contains("line 200"), "{}", finished.stdout);
}

#[test]
fn a_link_that_stays_down_is_noticed_within_the_time_that_is_set() {
    let site = Site::new("keepalive = '3s'\nconnect_timeout = '2s'\nreconnect = '1s'\n");
    let book = "task(\"wait\").on(\"all\").run(|h| { h.exec(\"touch \" + h.var(\"folder\") + \"/began; sleep 1000\"); });\n";
    site.project.write("book.rhai", book);
    let running = site.project.oneex(["run", "book.rhai", "--output", "json"]).start();
    site.appears("began");
    site.network.link_down();
    // The command would go on for long: that the run ends shows that it was noticed.
    let events = Stream::of(&running.finish().expect_code(3));
    assert_eq!(events.status("wait", "far"), "unreachable");
}

#[test]
fn a_link_that_is_down_for_longer_than_is_set_costs_no_result() {
    let site = Site::new("keepalive = '3s'\nconnect_timeout = '2s'\n");
    site.project.write(
        "book.rhai",
        r#"task("act").on("all").run(|h| {
               let folder = h.var("folder");
               let result = h.exec(`echo run >>${folder}/ran; until [ -e ${folder}/down ]; do sleep 0.1; done;
                   sleep 10; touch ${folder}/ended; echo told`);
               h.write(`${folder}/result`, result.stdout);
           });"#,
    );
    let running = site.project.oneex(["run", "book.rhai", "--output", "json"]).start();
    site.appears("ran");
    site.network.link_down();
    std::fs::write(site.network.folder().join("down"), "").unwrap();
    site.appears("ended");
    site.network.link_up();
    let events = Stream::of(&running.finish().expect_code(0));
    let read = |name: &str| std::fs::read_to_string(site.network.folder().join(name)).unwrap();
    assert_eq!((read("ran").as_str(), read("result").as_str()), ("run\n", "told"), "it ran once");
    let again = |event: &&serde_json::Value| {
        event["message"].as_str().is_some_and(|message| message.ends_with("connecting again"))
    };
    assert!(events.0.iter().any(|event| again(&event)), "the connection was not lost");
}
