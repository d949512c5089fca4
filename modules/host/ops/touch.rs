//! Gives a file new times, and makes it where there is none.

use oneex_sdk::{
    Change, Command, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::attributes::Attributes;
use crate::host::mode::octal;
use crate::host::place::FUNCTIONS;
use crate::host::probe::{Depth, FileType, Found, Probe, check_path, failure, probe};

/// The operation `touch`.
pub(crate) struct Touch;

/// A time that a file is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected `\"now\"`, `\"preserve\"`, or whole seconds since 1970")]
pub(crate) enum Time {
    /// One that has a word.
    Word(Word),
    /// Whole seconds since 1970.
    Seconds(i64),
}

/// A word for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Word {
    /// The time of the call.
    Now,
    /// What it is; of a new file the time of the call.
    Preserve,
}

impl Time {
    /// What a file with `present` is to be given: `now`, seconds, or nothing where it has it.
    fn wanted(self, present: Option<i64>) -> String {
        match self {
            Self::Word(Word::Now) if present.is_some() => "now".to_owned(),
            Self::Word(_) => String::new(),
            Self::Seconds(seconds) if present == Some(seconds) => String::new(),
            Self::Seconds(seconds) => seconds.to_string(),
        }
    }
}

/// The options of `touch`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The absolute path of a file or a folder; a symbolic link is followed.
    path: String,
    /// The mode, such as `"0644"`; kept when left out, and 0666 less the umask for a new file.
    mode: Option<Mode>,
    /// The owner, by name or number; kept when left out.
    owner: Option<String>,
    /// The group, by name or number; kept when left out.
    group: Option<String>,
    /// The time of the last change: `"now"`, `"preserve"`, or whole seconds since 1970.
    #[serde(default = "now")]
    modification_time: Time,
    /// The time of the last access: `"now"`, `"preserve"`, or whole seconds since 1970.
    #[serde(default = "now")]
    access_time: Time,
}

fn now() -> Time {
    Time::Word(Word::Now)
}

impl Params {
    fn attributes(&self) -> Attributes<'_> {
        Attributes { mode: self.mode.as_ref(), owner: self.owner.as_deref(), group: self.group.as_deref() }
    }

    fn times(&self, found: Option<&Found>) -> [String; 2] {
        [
            self.modification_time.wanted(found.map(|found| found.mtime)),
            self.access_time.wanted(found.map(|found| found.atime)),
        ]
    }
}

/// Parameters: path, mode, owner, group, time of the last change, time of the last access, whether it is new.
const SCRIPT: &str = r#"
set -eu
export LC_ALL=C
if [ "$7" = new ]; then
    there "$1"
    (if [ -n "$2" ]; then umask 077; fi; : >>"$1")
fi
[ -z "$3" ] || chown "$3" "$1"
[ -z "$4" ] || chgrp "$4" "$1"
[ -z "$2" ] || chmod "$2" "$1"
stamp() {
    case $2 in
    '') ;;
    now) touch -c "$1" "$3" ;;
    *) touch -c "$1" -d "@$2" "$3" ;;
    esac
}
if [ "$5" = now ] && [ "$6" = now ]; then touch -c "$1"; exit; fi
stamp -m "$5" "$1"
stamp -a "$6" "$1"
"#;

impl Op for Touch {
    type Params = Params;
    type State = Probe;

    const NAME: &'static str = "touch";
    const KIND: Kind = Kind::Action;
    const MANUAL: &'static str = "\
Gives a file new times, and makes it where there is none.

It changes something each time, as the clock goes on; with `\"preserve\"` or seconds for both times only where something
differs, and `changed` says whether it did. `file` makes a file and leaves its times alone.

Sources: touch(1p), Ansible's module `file` with `state: touch`.";
    const POSITIONAL: &'static [&'static str] = &["path"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a flag for something that looks at its time",
            code: r#"h.touch(`${dir}/reload`);"#,
            proof: Proof::Run,
        },
        Example {
            about: "a file that is there, with a time of its own",
            code: r#"h.touch(`${dir}/stamp`, #{ modification_time: 1700000000, access_time: "preserve" });"#,
            proof: Proof::Run,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Probe> {
        check_path(&params.path)?;
        let probe = probe(reader, &params.path, true, Depth::Facts).await?;
        if probe.found.is_none() && params.path.ends_with('/') {
            let message = format!("the folder `{}` does not exist", params.path);
            return Err(OpError::invalid(message).hint("`directory` makes it"));
        }
        Ok(probe)
    }

    fn diff(&self, params: &Params, state: &Probe) -> Change {
        let found = state.found.as_ref();
        let times = params.times(found);
        let mut change = Change::none();
        if found.is_none() {
            change.property("state", None, Some("file".to_owned()));
        }
        let is_folder = found.is_some_and(|found| found.file_type == FileType::Directory);
        params.attributes().differ(&mut change, found, is_folder);
        let present = [found.map(|found| found.mtime), found.map(|found| found.atime)];
        for ((what, wanted), present) in
            ["modification_time", "access_time"].into_iter().zip(times).zip(present)
        {
            change.unknown |= wanted == "now";
            if !wanted.is_empty() && wanted != "now" {
                change.property(what, present.map(|time| time.to_string()), Some(wanted));
            }
        }
        change
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &Probe,
        _: &Change,
    ) -> OpResult<Output> {
        let found = state.found.as_ref();
        let is_folder = found.is_some_and(|found| found.file_type == FileType::Directory);
        // Of fewer than five digits, chmod(1) leaves the set-id bits of a folder.
        let mode = params.attributes().bits(found, is_folder).map(|bits| format!("0{}", octal(bits)));
        let mode = mode.unwrap_or_default();
        let [modified, accessed] = params.times(found);
        let word = |text: &Option<String>| text.clone().unwrap_or_default();
        let is_new = if found.is_none() { "new" } else { "" };
        let args =
            [&state.path, &mode, &word(&params.owner), &word(&params.group), &modified, &accessed, is_new];
        let output = writer.run(Command::script(format!("{FUNCTIONS}{SCRIPT}"), args).tidy()).await?;
        if output.ok() {
            Ok(Output::none().with("path", state.path.as_str()).changed(true))
        } else {
            Err(failure(&state.path, &output.stderr_text()))
        }
    }

    fn output(&self, _: &Params, state: &Probe) -> Output {
        Output::none().with("path", state.path.as_str()).changed(false)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;
    use std::time::{Duration, SystemTime};

    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::Touch;

    fn times(host: &TestHost, name: &str) -> (i64, i64) {
        let metadata = std::fs::metadata(host.path(name)).expect("it is there");
        (metadata.mtime(), metadata.atime())
    }

    #[tokio::test]
    async fn decisions() {
        for (options, is_changed, modified, accessed) in [
            (json!({}), true, None, None),
            (json!({ "modification_time": "preserve" }), true, Some(1000), None),
            (json!({ "access_time": "preserve" }), true, None, Some(2000)),
            (
                json!({ "modification_time": "preserve", "access_time": "preserve" }),
                false,
                Some(1000),
                Some(2000),
            ),
            (json!({ "modification_time": 1000, "access_time": 2000 }), false, Some(1000), Some(2000)),
            (json!({ "modification_time": 5, "access_time": "preserve" }), true, Some(5), Some(2000)),
            (
                json!({ "modification_time": "preserve", "access_time": "preserve", "mode": "0600" }),
                true,
                Some(1000),
                Some(2000),
            ),
        ] {
            for name in ["f", "folder"] {
                let host = TestHost::new();
                host.write("f", "kept");
                std::fs::create_dir(host.path("folder")).expect("a folder");
                let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
                let old = std::fs::FileTimes::new().set_modified(at(1000)).set_accessed(at(2000));
                std::fs::File::open(host.path(name)).and_then(|file| file.set_times(old)).expect("times");
                let mut options = options.clone();
                options["path"] = json!(host.path(name));
                let before = host.round_trips();
                let done = laws::run(Touch, &host, options.clone()).await.expect("it is touched");
                assert_eq!(host.round_trips() - before, 1 + u64::from(is_changed), "{options}");
                assert_eq!(done.changed, is_changed, "{options}");
                let (now_modified, now_accessed) = times(&host, name);
                let is_new = |time: i64| time > 1_000_000_000;
                assert!(
                    modified.map_or_else(|| is_new(now_modified), |time| time == now_modified),
                    "{options}"
                );
                assert!(
                    accessed.map_or_else(|| is_new(now_accessed), |time| time == now_accessed),
                    "{options}"
                );
                assert_eq!(host.content("f").as_deref(), Some(&b"kept"[..]));
            }
        }
    }

    #[tokio::test]
    async fn what_is_not_there_is_made_with_its_mode() {
        for name in ["f", "a b", "-n", "$(touch pwned)", "new\nline", "*"] {
            let host = TestHost::new();
            let options = json!({ "path": host.path(name), "mode": "0640", "modification_time": 7 });
            let done = laws::run(Touch, &host, options).await.expect(name);
            assert!(done.changed && done.change.has("state"), "{name}");
            assert_eq!((host.mode(name), times(&host, name).0), (0o640, 7), "{name}");
            assert_eq!(std::fs::read_dir(host.root()).expect("the folder").count(), 1, "{name}");
        }
    }

    #[tokio::test]
    async fn links_are_followed_and_wrong_calls_named() {
        let host = TestHost::new();
        host.write("real", "");
        std::os::unix::fs::symlink("real", host.path("l")).expect("a link");
        laws::run(Touch, &host, json!({ "path": host.path("l"), "modification_time": 9 }))
            .await
            .expect("it is touched");
        assert_eq!(times(&host, "real").0, 9);
        for (options, message) in [
            (json!({ "path": "f" }), "is not an absolute path"),
            (json!({ "path": host.path("no/f") }), "does not exist"),
            (json!({ "path": host.path("no/") }), "does not exist"),
            (json!({ "path": host.path("f"), "access_time": "today" }), "whole seconds since 1970"),
        ] {
            let error = laws::run(Touch, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
    }

    #[tokio::test]
    async fn a_cut_leaves_each_old_or_new() {
        let prepare = |host: &TestHost| json!({ "path": host.path("f"), "mode": "0600", "modification_time": 1000, "access_time": 2000 });
        let places = laws::survives_cuts(Touch, prepare, |host: &TestHost| host.content("f")).await;
        assert!(places >= 3, "it was cut at {places} places");
        let there = |host: &TestHost| {
            host.write("f", "kept");
            prepare(host)
        };
        laws::survives_cuts(Touch, there, |host: &TestHost| host.mode("f")).await;
        laws::survives_cuts(Touch, there, |host: &TestHost| {
            // Of what is not stamped yet, the time is that of the test.
            (host.content("f"), times(host, "f").0 == 1000)
        })
        .await;
    }
}
