//! Whatever text an argument, a variable or the input is, it arrives as it is: a real server says so.

use oneex_testkit::FarmOptions;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;

/// Says each of its arguments, the variable `V` and its input.
const SAYS: &str = "for word; do printf '%s\\000' \"$word\"; done; printf '%s\\000' \"$V\"; cat";

/// Texts of all characters but NUL, those that shells and terminals read something into more often.
fn any_text() -> impl Strategy<Value = String> {
    let telling = prop::sample::select(
        " \t\n\r\u{1b}\u{7f}'\"\\$`!*?[]{}()<>|&;#~%^-=\u{1}\u{85}é€😀".chars().collect::<Vec<_>>(),
    );
    let any = any::<char>().prop_filter("no program can be given a NUL", |letter| *letter != '\0');
    vec(prop_oneof![telling, any, proptest::char::range('a', 'z')], 0..40).prop_map(String::from_iter)
}

#[test]
fn every_argument_arrives_as_it_is() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let busybox = FarmOptions { busybox: true, ..FarmOptions::default() };
    for options in [FarmOptions::default(), busybox] {
        let farm = SshFarm::start_with(1, &options);
        let host = runtime.block_on(connected(&farm));
        let cases = (vec(any_text(), 0..12), any_text(), vec(any::<u8>(), 0..200));
        let mut runner =
            TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
        let checked = runner.run(&cases, |(words, value, input)| {
            let said = words.iter().chain([&value]).flat_map(|text| text.bytes().chain([0]));
            let said: Vec<u8> = said.chain(input.clone()).collect();
            let script = Command::script(SAYS, &words);
            let shell = ["sh", "-c", SAYS, "sh"].map(str::to_owned);
            let program = Command::argv(shell.into_iter().chain(words.clone()));
            for command in [script, program] {
                let command = command.env("V", &value).stdin(input.clone());
                let output = runtime.block_on(run(&host, command)).expect("it runs");
                prop_assert!(output.stdout == said, "{words:?} {value:?}: {:?}", output.stdout_text());
                prop_assert_eq!(output.stderr_text(), "");
            }
            Ok(())
        });
        checked.unwrap_or_else(|failed| panic!("{failed}"));
        runtime.block_on(host.close());
    }
}
