//! Finds files on a host.

use oneex_sdk::{
    Command, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Value, json,
};
use oneex_sdk::{parse_duration, parse_size};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::many::OneOrMany;
use crate::host::mode::octal;
use crate::host::probe::{FileType, check_path};

/// The operation `find`.
pub(crate) struct Find;

/// What kind of thing is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    /// Regular files.
    #[default]
    File,
    /// Folders.
    Directory,
    /// Symbolic links.
    Link,
    /// Everything.
    Any,
}

/// The options of `find`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The absolute paths of the folders that are searched: one, or an array.
    paths: OneOrMany,
    /// Patterns of the shell for the name, one or an array; one must fit.
    #[serde(default)]
    patterns: OneOrMany,
    /// Patterns of the shell for names that are left out, one or an array.
    #[serde(default)]
    excludes: OneOrMany,
    /// Searches the folders below too.
    #[serde(default)]
    recurse: bool,
    /// What is looked for: `file`, `directory`, `link` or `any`.
    #[serde(default, rename = "type")]
    wanted: Wanted,
    /// Changed at least so long ago, such as `"2d"`; with `-` before it, at most.
    age: Option<String>,
    /// Of files, those of at least this size, such as `"10M"`; with `-` before it, at most.
    size: Option<String>,
    /// Finds names that begin with a dot too.
    #[serde(default)]
    hidden: bool,
}

/// The present time, then a line of facts for each path, which ends in `//`: no path holds two slashes, so names
/// with line breaks are told apart.
const SCRIPT: &str = r#"
export LC_ALL=C
date +%s
find -H "$@" -exec stat -c '%f %u %g %s %Y %U %G %n//' {} +
"#;

impl Op for Find {
    type Params = Params;
    type State = Output;

    const NAME: &'static str = "find";
    const KIND: Kind = Kind::Read;
    const MANUAL: &'static str = "\
Finds files on a host.

The result has `files`, sorted by path, each with `path`, `type`, `mode`, `owner`, `group`, `uid`, `gid`, `size` and
`mtime`; `matched`, their number; and `skipped`, what could not be searched, as `find` says it. A link
in `paths` is followed, one below is not.

Sources: find(1p), Ansible's module `find` for the names of the options.";
    const POSITIONAL: &'static [&'static str] = &["paths"];
    const EXAMPLES: &'static [Example] = &[Example {
        about: "old logs, removed",
        code: r#"for f in h.find(dir, #{ patterns: "*.log", age: "7d", recurse: true }).files { h.absent(f.path); }"#,
        proof: Proof::Run,
    }];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(params.paths.as_slice().to_vec())
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Output> {
        let filter = Filter::new(params)?;
        let output = reader.query(Command::script(SCRIPT, words(params)?).tidy()).await?;
        if output.truncated() {
            return Err(
                OpError::failed("`find` found too much").hint("search fewer folders, or use `patterns`")
            );
        }
        let text = output.stdout_text();
        let (now, rest) = text.split_once('\n').unwrap_or_default();
        let now: i64 = now.parse().map_err(|_| OpError::failed("the host does not say what time it is"))?;
        let mut files: Vec<(&str, Value)> =
            rest.split_terminator("//\n").filter_map(|record| filter.entry(record, now)).collect();
        files.sort_by(|one, other| one.0.cmp(other.0));
        let files: Vec<Value> = files.into_iter().map(|(_, entry)| entry).collect();
        let skipped: Vec<String> = output.stderr_text().lines().map(str::to_owned).collect();
        Ok(Output::none().with("matched", files.len()).with("files", files).with("skipped", skipped))
    }

    fn output(&self, _: &Params, state: &Output) -> Output {
        state.clone()
    }
}

/// The words for find(1).
fn words(params: &Params) -> OpResult<Vec<String>> {
    if params.paths.as_slice().is_empty() {
        return Err(OpError::invalid("`paths` is empty"));
    }
    let mut words = Vec::new();
    for path in params.paths.as_slice() {
        check_path(path)?;
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        words.push(format!("/{}", parts.join("/")));
    }
    let mut add = |more: &[&str]| words.extend(more.iter().map(|word| (*word).to_owned()));
    add(&["-mindepth", "1"]);
    if !params.recurse {
        add(&["-maxdepth", "1"]);
    }
    match params.wanted {
        Wanted::File => add(&["-type", "f"]),
        Wanted::Directory => add(&["-type", "d"]),
        Wanted::Link => add(&["-type", "l"]),
        Wanted::Any => {}
    }
    if !params.hidden {
        add(&["!", "-name", ".*"]);
    }
    for pattern in params.excludes.as_slice() {
        add(&["!", "-name", pattern]);
    }
    for (at, pattern) in params.patterns.as_slice().iter().enumerate() {
        add(&[if at == 0 { "(" } else { "-o" }, "-name", pattern]);
    }
    if !params.patterns.as_slice().is_empty() {
        add(&[")"]);
    }
    Ok(words)
}

/// A bound, and whether it is the most.
type Bound = Option<(bool, u64)>;

struct Filter {
    age: Bound,
    size: Bound,
}

impl Filter {
    fn new(params: &Params) -> OpResult<Self> {
        let age = |text: &str| parse_duration(text).map(|age| age.as_secs());
        Ok(Self { age: bound("age", &params.age, age)?, size: bound("size", &params.size, parse_size)? })
    }

    /// Reads one record; nothing where it does not fit.
    fn entry<'r>(&self, record: &'r str, now: i64) -> Option<(&'r str, Value)> {
        let words: Vec<&'r str> = record.splitn(8, ' ').collect();
        let [raw, uid, gid, size, mtime, owner, group, path] = words[..] else { return None };
        let raw = u32::from_str_radix(raw, 16).ok()?;
        let (uid, gid, size): (u64, u64, u64) = (uid.parse().ok()?, gid.parse().ok()?, size.parse().ok()?);
        let mtime: i64 = mtime.parse().ok()?;
        let age = u64::try_from(now.saturating_sub(mtime)).unwrap_or(0);
        let fits = |bound: Bound, value: u64| match bound {
            Some((true, most)) => value <= most,
            Some((false, least)) => value >= least,
            None => true,
        };
        let is_file = FileType::of(raw) == FileType::File;
        (fits(self.age, age) && (!is_file || fits(self.size, size))).then(|| {
            let entry = json!({
                "path": path, "type": FileType::of(raw).as_str(), "mode": octal(raw & 0o7777), "owner": owner,
                "group": group, "uid": uid, "gid": gid, "size": size, "mtime": mtime,
            });
            (path, entry)
        })
    }
}

fn bound(
    option: &str,
    text: &Option<String>,
    parse: impl Fn(&str) -> Result<u64, String>,
) -> OpResult<Bound> {
    let Some(text) = text else { return Ok(None) };
    let (is_most, number) = text.strip_prefix('-').map_or((false, text.as_str()), |number| (true, number));
    let value = parse(number).map_err(|error| OpError::invalid(format!("`{option}`: {error}")))?;
    Ok(Some((is_most, value)))
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::Find;

    #[tokio::test]
    async fn decisions() {
        let host = TestHost::new();
        std::fs::create_dir(host.path("sub")).expect("a folder");
        for (name, content) in
            [("a.log", "12345"), ("b $x\n.log", ""), (".hidden.log", ""), ("sub/c.log", ""), ("-n", "")]
        {
            host.write(name, content);
        }
        for (options, names) in [
            (json!({}), vec!["-n", "a.log", "b $x\n.log"]),
            (json!({ "patterns": ["*.log", "none"] }), vec!["a.log", "b $x\n.log"]),
            (json!({ "patterns": ["*.log"], "excludes": ["a*"] }), vec!["b $x\n.log"]),
            (
                json!({ "patterns": ["*.log"], "hidden": true, "size": "-0" }),
                vec![".hidden.log", "b $x\n.log"],
            ),
            (json!({ "patterns": ["c*"], "recurse": true }), vec!["sub/c.log"]),
            (json!({ "type": "directory" }), vec!["sub"]),
            (json!({ "size": "5" }), vec!["a.log"]),
            (json!({ "age": "1d" }), vec![]),
            (json!({ "age": "-1d", "patterns": ["a*"] }), vec!["a.log"]),
        ] {
            let mut options = options;
            options["paths"] = json!([format!("{}//", host.path(""))]);
            let fields =
                laws::ensures(Find, &host, options.clone()).await.expect("it searches").output.fields;
            let found: Vec<&str> = fields["files"]
                .as_array()
                .expect("files")
                .iter()
                .filter_map(|file| file["path"].as_str())
                .collect();
            let expected: Vec<String> = names.iter().map(|name| host.path(name)).collect();
            assert_eq!(found, expected, "{options}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_searched_is_said() {
        let host = TestHost::new();
        let done =
            laws::run(Find, &host, json!({ "paths": [host.path("gone")] })).await.expect("it searches");
        assert_eq!(done.output.fields["matched"], json!(0));
        assert_eq!(done.output.fields["skipped"].as_array().map(Vec::len), Some(1));
        for options in
            [json!({ "paths": [] }), json!({ "paths": ["x"] }), json!({ "paths": ["/"], "age": "x" })]
        {
            assert!(laws::run(Find, &host, options).await.is_err());
        }
    }
}
