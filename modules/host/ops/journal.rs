//! `journal`: what services and the kernel wrote into the journal.

use oneex_sdk::{
    Command, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, parse_duration, visible,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::many::OneOrMany;
use crate::host::services::check_name;
use crate::host::system::{PRIORITIES, Tool, journal_entry, tool_failure};

/// The operation `journal`.
pub(crate) struct Journal;

/// The options of `journal`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Only entries of these units.
    #[serde(default)]
    unit: OneOrMany,
    /// Only entries that are no older: a duration such as `"1h"`, or a time as systemd.time(7) has it.
    since: Option<String>,
    /// Only entries that are no younger: a duration, or a time.
    until: Option<String>,
    /// How many of them at most, the last ones.
    #[serde(default = "hundred")]
    lines: u32,
    /// Only entries of this priority and of more important ones, from `emerg` over `err` to `debug`, or of a range:
    /// `"err..err"`.
    priority: Option<String>,
    /// Only entries whose message this regular expression fits, pcre2pattern(3).
    grep: Option<String>,
    /// Only entries of this program.
    identifier: Option<String>,
    /// Only entries since the last start of the host.
    #[serde(default)]
    boot: bool,
}

fn hundred() -> u32 {
    100
}

/// A duration is so long ago; anything else is left to journalctl(1).
fn time(text: &str) -> String {
    match parse_duration(text) {
        Ok(ago) if text.ends_with(|c: char| c.is_ascii_alphabetic()) => format!("-{}s", ago.as_secs()),
        _ => text.to_owned(),
    }
}

impl Params {
    fn words(&self) -> OpResult<Vec<String>> {
        let mut words = ["journalctl", "--no-pager", "--quiet", "--all", "--reverse", "--output=json"]
            .map(str::to_owned)
            .to_vec();
        words.push(format!("--lines={}", self.lines));
        for unit in self.unit.as_slice() {
            check_name(unit)?;
            words.push(format!("--unit={unit}"));
        }
        if let Some(priority) = &self.priority {
            let is_one =
                |word: &str| PRIORITIES.contains(&word) || word.parse::<u8>().is_ok_and(|number| number < 8);
            if !priority.splitn(2, "..").all(is_one) {
                return Err(OpError::invalid(format!("`priority`: there is no `{priority}`"))
                    .hint(format!("priorities are: {}", PRIORITIES.join(", "))));
            }
            words.push(format!("--priority={priority}"));
        }
        for (option, value) in [
            ("since", self.since.as_deref().map(time)),
            ("until", self.until.as_deref().map(time)),
            ("grep", self.grep.clone()),
            ("identifier", self.identifier.clone()),
        ] {
            let Some(value) = value else { continue };
            if value.contains(['\0', '\n']) || value.is_empty() {
                return Err(OpError::invalid(format!("`{option}` cannot be empty or hold a line break")));
            }
            words.push(format!("--{option}={value}"));
        }
        words.extend(self.boot.then(|| "--boot".to_owned()));
        Ok(words)
    }
}

const TOOL: Tool = Tool { name: "journalctl", packages: "`systemd`" };

impl Op for Journal {
    type Params = Params;
    type State = Output;

    const NAME: &'static str = "journal";
    const KIND: Kind = Kind::Read;
    const MANUAL: &'static str = "\
Reads what services and the kernel wrote into the journal.

The result has `entries`, the oldest first, and their `count`. Each has `time` in seconds since 1970 and the
`microseconds` of it, `message`, `priority` by its name, `unit`, `identifier` (the program), `pid`, `uid`, `boot` and
`cursor`; what an entry does not have is `()`. Bytes that are no text become U+FFFD.

Sources: journalctl(1), systemd.journal-fields(7), systemd.time(7).";
    const POSITIONAL: &'static [&'static str] = &["unit"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "errors of a service in the last hour",
            code: r#"for entry in h.journal("nginx", #{ since: "1h", priority: "err" }).entries {
    warn(`${entry.time}: ${entry.message}`);
}"#,
            proof: Proof::Check,
        },
        Example {
            about: "whether the kernel ran out of memory since the start",
            code: r#"if h.journal(#{ identifier: "kernel", grep: "Out of memory", boot: true }).count > 0 { warn("it did"); }"#,
            proof: Proof::Check,
        },
    ];

    fn resources(&self, _: &Params) -> Resources {
        Resources::Host
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Output> {
        let mut command = Command::argv(params.words()?).env("LC_ALL", "C").tidy();
        command.keep = LARGEST;
        let output = reader.query(command).await?;
        // Status 1 alone says that no entry fits.
        let is_none = output.code() == 1 && output.stdout.is_empty() && output.stderr.is_empty();
        if !output.ok() && !is_none {
            let said = output.stderr_text();
            if said.contains("parse timestamp") {
                return Err(OpError::invalid(visible(said.trim()).into_owned())
                    .hint("a duration such as `1h`, or a time such as `2031-01-31 12:00:00`"));
            }
            return Err(tool_failure(TOOL, "the journal", output));
        }
        if output.truncated() {
            return Err(OpError::failed(format!("the entries have more than {} MiB", LARGEST >> 20))
                .hint("ask for fewer `lines`"));
        }
        let text = output.stdout_text();
        // Newest first: after `since`, journalctl(1) would otherwise give the first lines and not the last.
        let entries: Vec<_> = text.lines().rev().filter_map(journal_entry).collect();
        Ok(Output::none().with("count", entries.len()).with("entries", entries))
    }

    fn output(&self, _: &Params, state: &Output) -> Output {
        state.clone()
    }
}

/// Bytes of entries that are read.
const LARGEST: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use oneex_sdk::{Command, Program, json};
    use oneex_testkit::{FakeHost, laws};

    use super::Journal;

    #[tokio::test]
    async fn options_become_those_of_journalctl() {
        let usual = "journalctl --no-pager --quiet --all --reverse --output=json";
        for (options, expected) in [
            (json!({}), "--lines=100"),
            (json!({ "unit": ["a.service", "b"] }), "--lines=100 --unit=a.service --unit=b"),
            (json!({ "since": "1h30m", "until": "90s" }), "--lines=100 --since=-5400s --until=-90s"),
            (json!({ "since": "2031-01-31 12:00" }), "--lines=100 --since=2031-01-31 12:00"),
            (json!({ "since": "today", "boot": true }), "--lines=100 --since=today --boot"),
            (json!({ "priority": "3", "lines": 5 }), "--lines=5 --priority=3"),
            (json!({ "priority": "emerg..err" }), "--lines=100 --priority=emerg..err"),
            (json!({ "grep": "a b'$(id)" }), "--lines=100 --grep=a b'$(id)"),
            (json!({ "identifier": "-x" }), "--lines=100 --identifier=-x"),
        ] {
            let host = FakeHost::new().answer("journalctl", "");
            let done = laws::run(Journal, &host, options.clone()).await.expect("it is read");
            assert_eq!(done.output.fields["count"], json!(0));
            let [Command { program: Program::Argv(words), .. }] = &host.commands()[..] else {
                panic!("one command");
            };
            assert_eq!(words.join(" "), format!("{usual} {expected}"), "{options}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_told() {
        let host = FakeHost::new();
        for (options, message) in [
            (json!({ "priority": "loud" }), "`priority`: there is no `loud`"),
            (json!({ "priority": "8" }), "`priority`: there is no `8`"),
            (json!({ "unit": "-f" }), "`-f` is not the name of a service"),
            (json!({ "grep": "" }), "`grep` cannot be empty"),
            (json!({ "lines": -1 }), "`lines`"),
        ] {
            let error = laws::run(Journal, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
        for (code, said, message) in [
            (1, "Failed to parse timestamp: soon\n", "Failed to parse timestamp: soon"),
            (127, "sh: journalctl: not found\n", "the host has no `journalctl`"),
            (
                1,
                "Failed to open journal: Permission denied\n",
                "`journalctl` has no permission for the journal",
            ),
        ] {
            let host = FakeHost::new().answer_with("journalctl", code, "", said);
            let error = laws::run(Journal, &host, json!({})).await.expect_err(message);
            assert_eq!(error.message, message);
        }
    }
}
