//! Waits until a file is there, is gone, or holds a text.

use std::time::Duration as StdDuration;

use oneex_sdk::{Duration, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources};
use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::host::probe::{Depth, FileType, check_path, probe_all};

/// The operation `wait_file`.
pub(crate) struct WaitFile;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum State {
    /// Something is at the path.
    #[default]
    Present,
    /// Nothing is at the path.
    Absent,
}

/// The options of `wait_file`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The absolute path of a file, a folder or anything else; a symbolic link is followed.
    path: String,
    /// Whether it is to be there (`present`) or not (`absent`).
    #[serde(default)]
    state: State,
    /// Waits until this regular expression fits in the file, whose `^` and `$` fit at line breaks.
    search_regex: Option<String>,
    /// How long it may take.
    #[serde(default = "five_minutes")]
    timeout: Duration,
    /// How long is waited before the first look.
    delay: Option<Duration>,
    /// The pause between two looks.
    #[serde(default = "second")]
    interval: Duration,
}

fn five_minutes() -> Duration {
    Duration(StdDuration::from_secs(300))
}

fn second() -> Duration {
    Duration(StdDuration::from_secs(1))
}

/// How much of a file is searched.
const LARGEST_SEARCHED: u64 = 16 << 20;

/// What came of waiting.
pub(crate) struct Waited {
    took: StdDuration,
    /// What the regular expression fitted, and its groups.
    found: Option<Vec<Option<String>>>,
}

/// What one look found.
enum Look {
    Absent,
    Present,
    Fits(Vec<Option<String>>),
}

impl Op for WaitFile {
    type Params = Params;
    type State = Waited;

    const NAME: &'static str = "wait_file";
    const KIND: Kind = Kind::Read;
    const MANUAL: &'static str = "\
Waits until a file is there, is gone, or holds a text.

With `search_regex` it is waited until the regular expression fits somewhere in the file; what is no UTF-8 is read as
U+FFFD. Passing `timeout` is an error of kind `timeout`. The result has `seconds`; with `search_regex` also `match`,
what fits, and `groups`, what its groups fit, with `()` for one that does not take part.

Sources: Ansible's module `wait_for` for the names of the options.";
    const POSITIONAL: &'static [&'static str] = &["path"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a service that says when it is ready",
            code: r#"h.write(`${dir}/log`, "listening on 8080\n");
let port = h.wait_file(`${dir}/log`, #{ search_regex: `listening on (\d+)`, timeout: "10s" }).groups[0];"#,
            proof: Proof::Check,
        },
        Example {
            about: "until nobody holds a lock",
            code: r#"h.wait_file(`${dir}/lock`, #{ state: "absent", timeout: "10s" });"#,
            proof: Proof::Run,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Waited> {
        let start = Instant::now();
        check_path(&params.path)?;
        let regexp = match (&params.search_regex, params.state) {
            (None, _) => None,
            (Some(_), State::Absent) => {
                return Err(OpError::invalid("`search_regex` is for a file that is there"));
            }
            (Some(text), State::Present) => {
                let built = RegexBuilder::new(text).multi_line(true).build();
                Some(built.map_err(|error| OpError::invalid(format!("`search_regex`: {error}")))?)
            }
        };
        let path = params.path.as_str();
        let wanted = match (&regexp, params.state) {
            (Some(_), _) => "holds what is searched",
            (None, State::Present) => "is there",
            (None, State::Absent) => "is gone",
        };
        if let Some(delay) = params.delay {
            pause(reader, delay.0).await?;
        }
        let mut known = String::new();
        loop {
            reader.progress(&format!("waits until `{path}` {wanted}"));
            let found = match look(reader, path, regexp.as_ref(), &mut known).await? {
                Look::Fits(found) => Some(Some(found)),
                Look::Present if params.state == State::Present && regexp.is_none() => Some(None),
                Look::Absent if params.state == State::Absent => Some(None),
                _ => None,
            };
            if let Some(found) = found {
                return Ok(Waited { took: start.elapsed(), found });
            }
            if start.elapsed() + params.interval.0 >= params.timeout.0 {
                let message = format!("within {} it did not come that `{path}` {wanted}", params.timeout);
                return Err(OpError::timeout(message));
            }
            pause(reader, params.interval.0).await?;
        }
    }

    fn output(&self, _: &Params, waited: &Waited) -> Output {
        let output = Output::none().with("seconds", waited.took.as_secs_f64());
        match waited.found.as_deref() {
            Some([whole, groups @ ..]) => output.with("match", whole.clone()).with("groups", groups.to_vec()),
            _ => output,
        }
    }
}

/// Looks once; a content whose checksum is `known` was searched already, and is not sent again.
async fn look(reader: &dyn Reader, path: &str, regexp: Option<&Regex>, known: &mut String) -> OpResult<Look> {
    let depth = match regexp {
        None => Depth::Facts,
        Some(_) => Depth::Content { unless: known, limit: LARGEST_SEARCHED },
    };
    let probe = probe_all(reader, path, true, depth).await?;
    let found = match probe.found {
        // What a link leads to is not there.
        None => return Ok(Look::Absent),
        Some(found) if found.file_type == FileType::Link => return Ok(Look::Absent),
        Some(found) => found,
    };
    let Some(regexp) = regexp else { return Ok(Look::Present) };
    probe_is_searchable(path, found.file_type, found.size)?;
    let text = found.content.as_deref().map(String::from_utf8_lossy);
    *known = found.sha256.unwrap_or_default();
    let captures = text.as_deref().and_then(|text| regexp.captures(text));
    Ok(captures.map_or(Look::Present, |captures| {
        Look::Fits(captures.iter().map(|group| group.map(|group| group.as_str().to_owned())).collect())
    }))
}

fn probe_is_searchable(path: &str, file_type: FileType, size: u64) -> OpResult<()> {
    if file_type != FileType::File {
        return Err(OpError::invalid(format!("`{path}` is a {}, not a file", file_type.as_str())));
    }
    if size > LARGEST_SEARCHED {
        return Err(OpError::invalid(format!("`{path}` has {size} bytes, too many to search")));
    }
    Ok(())
}

async fn pause(reader: &dyn Reader, time: StdDuration) -> OpResult<()> {
    tokio::select! {
        () = tokio::time::sleep(time) => Ok(()),
        () = reader.cancel().cancelled() => Err(OpError::cancelled()),
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{ErrorKind, Reader as _, json};
    use oneex_testkit::{TestHost, laws};

    use super::WaitFile;

    #[tokio::test]
    async fn decisions() {
        let host = TestHost::new();
        host.write("f", b"one\nport 80, \n\xff");
        host.write("empty", "");
        std::os::unix::fs::symlink("f", host.path("l")).expect("a link");
        std::os::unix::fs::symlink("gone", host.path("nowhere")).expect("a link");
        for (name, options, is_well) in [
            ("f", json!({}), true),
            ("", json!({}), true),
            ("l", json!({ "state": "present" }), true),
            ("nowhere", json!({}), false),
            ("nowhere", json!({ "state": "absent" }), true),
            ("gone", json!({}), false),
            ("no/folder", json!({ "state": "absent" }), true),
            ("f", json!({ "state": "absent" }), false),
            ("f", json!({ "search_regex": "^port \\d+" }), true),
            ("l", json!({ "search_regex": "^one$" }), true),
            ("f", json!({ "search_regex": "two" }), false),
            ("empty", json!({ "search_regex": "^$" }), true),
            ("gone", json!({ "search_regex": "" }), false),
        ] {
            let mut options = options;
            options["path"] = json!(host.path(name));
            options["timeout"] = json!(0);
            let done = laws::run(WaitFile, &host, options.clone()).await;
            match done {
                Ok(done) => assert!(is_well && !done.changed, "{name} {options}"),
                Err(error) => {
                    assert!(!is_well && error.kind == ErrorKind::Timeout, "{name} {options}: {error}");
                }
            }
        }
    }

    #[tokio::test]
    async fn what_is_found_is_told() {
        let host = TestHost::new();
        let path = host.write("f", "a\nport 80\n");
        let options = json!({ "path": path, "search_regex": "^port (\\d+)(x)?$" });
        let done = laws::run(WaitFile, &host, options).await.expect("it fits");
        assert_eq!(done.output.fields["match"], json!("port 80"));
        assert_eq!(done.output.fields["groups"], json!(["80", null]));
    }

    #[tokio::test]
    async fn it_looks_until_it_comes() {
        let host = std::sync::Arc::new(TestHost::new());
        let path = host.write("f", "x".repeat(8000));
        let options = json!({ "path": path, "search_regex": "ready", "interval": "1ms", "timeout": "60s" });
        let waiting = tokio::spawn({
            let host = std::sync::Arc::clone(&host);
            async move { laws::run(WaitFile, &*host, options).await }
        });
        // It comes only when it was looked for in vain, more than once.
        while host.round_trips() < 3 {
            assert!(!waiting.is_finished(), "it does not wait");
            tokio::task::yield_now().await;
        }
        host.write("new", "ready\n");
        std::fs::rename(host.path("new"), host.path("f")).expect("it is renamed");
        let done = waiting.await.expect("it ends").expect("it fits");
        assert_eq!(done.output.fields["match"], json!("ready"));
    }

    #[tokio::test]
    async fn wrong_calls_are_named_and_cancelling_ends_the_wait() {
        let host = TestHost::new();
        host.write("f", "");
        for (options, message) in [
            (json!({ "path": "f" }), "is not an absolute path"),
            (json!({ "path": host.path("f"), "search_regex": "(" }), "`search_regex`: "),
            (
                json!({ "path": host.path("f"), "search_regex": "a", "state": "absent" }),
                "is for a file that is there",
            ),
            (json!({ "path": host.path(""), "search_regex": "a" }), "is a directory, not a file"),
        ] {
            let error = laws::run(WaitFile, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
        host.cancel().cancel();
        let options = json!({ "path": host.path("gone"), "interval": "1h", "timeout": "2h" });
        let error = laws::run(WaitFile, &host, options).await.expect_err("cancelled");
        assert_eq!(error.kind, ErrorKind::Cancelled);
    }
}
