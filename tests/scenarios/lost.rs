//! Connections that are lost in the middle of a run: what reads or ensures goes on, what acts is run once.

use std::path::Path;
use std::time::Duration;

use oneex_testkit::processes;

use super::fleet::{Fleet, Stream};

/// Runs the book and, once each of these files is there, has something happen.
fn run_and(fleet: &mut Fleet, code: i32, happenings: &[(&Path, &dyn Fn(&mut Fleet))]) -> Stream {
    let child = fleet.call(&["run", "book.rhai", "--output", "json"]).start();
    for (file, happening) in happenings {
        assert!(processes::until(|| file.exists()), "`{}` does not come", file.display());
        happening(fleet);
    }
    Stream::of(&child.finish().expect_code(code))
}

#[test]
fn an_action_is_run_once_and_its_result_read_after_the_cut() {
    let mut fleet = Fleet::separate(2);
    let (begun, other) = (fleet.path(0, "begun"), fleet.path(1, "begun"));
    fleet.book(
        r#"task("act").on(hosts("web")).run(|h| {
               let folder = h.var("folder");
               let result = h.exec(`echo run >>${folder}/begun; sleep 1; echo told; echo warned >&2; exit 3`,
                   #{ ok_codes: [3] });
               h.write(`${folder}/result`, `${result.stdout} ${result.stderr.trim()} ${result.code}`);
               h.exec(`echo more >>${folder}/begun`);
           });"#,
    );
    let cut: &dyn Fn(&mut Fleet) = &|fleet| fleet.farm.cut(0);
    let stop: &dyn Fn(&mut Fleet) = &|fleet| {
        fleet.farm.stop(1);
        std::thread::sleep(Duration::from_millis(1500));
        fleet.farm.restart(1);
    };
    run_and(&mut fleet, 0, &[(&begun, cut), (&other, stop)]);
    for index in 0..2 {
        assert_eq!(fleet.read(index, "begun"), "run\nmore\n", "{index}: each ran once");
        assert_eq!(fleet.read(index, "result"), "told warned 3", "{index}");
    }
    let left = std::fs::read_dir("/tmp").unwrap().flatten();
    let ours = left.filter(|entry| entry.file_name().to_string_lossy().starts_with("oneex-1"));
    let begun = fleet.farm.dir().metadata().unwrap().modified().unwrap();
    assert_eq!(ours.filter(|entry| entry.metadata().unwrap().modified().unwrap() > begun).count(), 0);
}
