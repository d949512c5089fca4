//! Connections that are lost in the middle of a run: what reads or ensures goes on, what acts is run once.

use std::path::Path;
use std::time::Duration;

use oneex_testkit::processes;

use super::fleet::{Fleet, Stream};

/// What happens once this file is there.
type Happening<'a> = (&'a Path, &'a dyn Fn(&mut Fleet));

/// Runs the book and, once each of these files is there, has something happen.
fn run_and(fleet: &mut Fleet, code: i32, happenings: &[Happening]) -> Stream {
    let child = fleet.call(&["run", "book.rhai", "--output", "json"]).start();
    for (file, happening) in happenings {
        if !processes::until(|| file.exists()) {
            panic!("`{}` does not come: {}", file.display(), child.finish().stdout);
        }
        happening(fleet);
    }
    Stream::of(&child.finish().expect_code(code))
}

/// Three hosts are lost in three ways: the connection alone, the server for a while, and all that it started.
#[test]
fn an_action_is_run_once_and_its_result_read_after_the_cut() {
    let mut fleet = Fleet::separate(3);
    let [cut, halted, killed] = [0, 1, 2].map(|index| fleet.path(index, "begun"));
    fleet.book(
        r#"task("act").on(hosts("web")).run(|h| {
               let folder = h.var("folder");
               let result = h.exec(`echo run >>${folder}/begun; sleep 1; echo told; echo warned >&2; exit 3`,
                   #{ ok_codes: [3] });
               h.write(`${folder}/result`, `${result.stdout} ${result.stderr.trim()} ${result.code}`);
               h.exec(`echo more >>${folder}/begun`);
           });"#,
    );
    let halt = |fleet: &mut Fleet, index: usize| {
        fleet.farm.halt(index);
        std::thread::sleep(Duration::from_millis(300));
        fleet.farm.restart(index);
    };
    let kill = |fleet: &mut Fleet| {
        fleet.farm.stop(2);
        fleet.farm.restart(2);
    };
    let happenings: [Happening; 3] =
        [(&cut, &|fleet| fleet.farm.cut(0)), (&halted, &|fleet| halt(fleet, 1)), (&killed, &kill)];
    let events = run_and(&mut fleet, 1, &happenings);
    for index in 0..2 {
        assert_eq!(fleet.read(index, "begun"), "run\nmore\n", "{index}: each ran once");
        assert_eq!(fleet.read(index, "result"), "told warned 3", "{index}");
    }
    assert_eq!((fleet.read(2, "begun").as_str(), fleet.read(2, "result").as_str()), ("run\n", ""));
    let failed =
        events.named("operation").into_iter().find(|event| event["status"] == "failed").expect("one");
    assert_eq!((failed["target"].as_str(), failed["failure"]["kind"].as_str()), (Some("h3"), Some("failed")));
    let message = failed["failure"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("the host does not know what became of it"), "{message}");
    let told = events.named("progress").into_iter().filter(|event| {
        event["message"].as_str().is_some_and(|message| message.ends_with("connecting again"))
    });
    assert_eq!(told.count(), 3);
}

#[test]
fn what_ensures_or_reads_goes_on_and_what_was_written_counts_as_a_change() {
    let mut fleet = Fleet::separate(1);
    let (begun, read, wrote) = (fleet.path(0, "begun"), fleet.path(0, "read"), fleet.path(0, "wrote"));
    fleet.project.write("files/large", &"x".repeat(3_000_000));
    fleet.book(
        r#"let told = handler("told").on(hosts("web")).run(|h| h.write(`${h.var("folder")}/told`, "told"));
           task("web").on(hosts("web")).run(|h| {
               let folder = h.var("folder");
               // A read that is cut off is made again.
               let found = h.query(`echo >>${folder}/read; sleep 0.5; wc -l <${folder}/read`);
               h.write(`${folder}/found`, found.stdout.trim());
               h.write(`${folder}/begun`, "begun");
               // An upload that is cut off is made again.
               for turn in 0..20 { h.copy("large", `${folder}/large${turn}`).notify(told); }
               h.write(`${folder}/wrote`, "wrote");
           });"#,
    );
    let cut: &dyn Fn(&mut Fleet) = &|fleet| fleet.farm.cut(0);
    run_and(&mut fleet, 0, &[(&read, cut), (&begun, cut)]);
    assert!(wrote.exists());
    assert_eq!((fleet.read(0, "found").as_str(), fleet.read(0, "told").as_str()), ("2", "told"));
    for turn in 0..20 {
        assert_eq!(fleet.read(0, &format!("large{turn}")).len(), 3_000_000, "{turn}");
    }
    let names =
        std::fs::read_dir(&fleet.farm.host(0).folder).unwrap().flatten().map(|entry| entry.file_name());
    let temporary = names.filter(|name| name.to_string_lossy().starts_with('.')).count();
    assert_eq!(temporary, 0, "what was cut off leaves no file");
}

#[test]
fn a_host_that_does_not_come_back_is_unreachable_in_time() {
    let mut fleet = Fleet::separate(1);
    let begun = fleet.path(0, "begun");
    fleet.project.write("oneex.toml", "[ssh]\nreconnect = '2s'\n");
    fleet.book(
        r#"task("act").on(hosts("web")).run(|h| h.exec(`: >${h.var("folder")}/begun; sleep 60.70361`));"#,
    );
    let events = run_and(&mut fleet, 3, &[(&begun, &|fleet| fleet.farm.halt(0))]);
    processes::with_argument("60.70361").into_iter().for_each(processes::kill);
    let failed = &events.named("operation")[0]["failure"];
    assert_eq!(failed["kind"], "unreachable");
    let message = failed["message"].as_str().unwrap_or_default();
    assert!(message.contains("within 2 s it was not there again"), "{message}");
}
