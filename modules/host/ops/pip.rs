//! `pip`: packages of Python.

use oneex_sdk::{
    Change, Command, CommandOutput, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources,
    Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::many::OneOrMany;
use crate::host::probe::check_path;

/// The operation `pip`.
pub(crate) struct Pip;

/// Which state is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Installed, as the requirement says.
    #[default]
    Present,
    /// Not installed.
    Absent,
    /// Installed, in the newest version that the index has.
    Latest,
}

/// The options of `pip`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Requirements: `flask`, `flask==3.0.2`, `flask>=3,<4`, with extras and markers as PEP 508 has them.
    #[serde(default)]
    name: OneOrMany,
    /// A file of the host with requirements, a line each. Its lines with options are for pip alone.
    requirements: Option<String>,
    /// `present` (the default), `absent` or `latest`.
    #[serde(default)]
    state: State,
    /// The folder of a virtual environment; it is made where it is not there.
    virtualenv: Option<String>,
    /// The Python that a new virtual environment is made with, or the one that packages are for.
    #[serde(default = "python")]
    virtualenv_python: String,
    /// Lets a new virtual environment see the system's packages.
    #[serde(default)]
    virtualenv_site_packages: bool,
    /// Further words for `pip install`, as a shell would part them: `--index-url …`.
    #[serde(default)]
    extra_args: String,
    /// Installs beside the distribution's own packages, which may break what the distribution brings.
    #[serde(default)]
    break_system_packages: bool,
    /// The folder that pip runs in.
    chdir: Option<String>,
    /// What others may not do with the files, such as `"0027"`.
    umask: Option<Mode>,
}

fn python() -> String {
    "python3".to_owned()
}

/// What is asked of each requirement.
const LOOK_PY: &str = include_str!("../python/look.py");

/// Parameters: virtual environment, Python, the program, and its parameters.
const LOOK: &str = r#"export LC_ALL=C PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
python=$2 program=$3
if [ -n "$1" ]; then
    if [ -x "$1/bin/python" ]; then python=$1/bin/python
    else command -v "$python" >/dev/null 2>&1 || exit 127; echo none; exit 0
    fi
fi
command -v "$python" >/dev/null 2>&1 || exit 127
shift 3
"$python" -c 'import pip' 2>/dev/null || exit 126
exec "$python" -c "$program" "$@""#;

/// Parameters: virtual environment, Python, `site` or nothing, how many words pip gets, these words, requirements.
const ACT: &str = r#"export LC_ALL=C PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
python=$2
if [ -n "$1" ]; then
    [ -x "$1/bin/python" ] || "$python" -m venv ${3:+--system-site-packages} "$1" || exit
    python=$1/bin/python
fi
shift 3
exec "$python" -m pip "$@""#;

impl Params {
    fn words(&self) -> OpResult<Vec<String>> {
        if let Some(folder) = &self.virtualenv {
            check_path(folder)?;
        }
        if let Some(path) = &self.requirements {
            check_path(path)?;
            if self.state == State::Absent {
                return Err(OpError::invalid("`state: \"absent\"` excludes `requirements`"));
            }
        }
        let names = self.name.as_slice();
        if names.is_empty() && self.requirements.is_none() && self.virtualenv.is_none() {
            return Err(OpError::invalid("`pip` needs one of `name`, `requirements` and `virtualenv`"));
        }
        if let Some(name) = names.iter().find(|name| name.trim().is_empty() || name.starts_with('-')) {
            return Err(OpError::invalid(format!("`name`: `{name}` is no requirement"))
                .hint("write `flask`, `flask==3.0.2` or `flask>=3,<4`"));
        }
        shlex::split(&self.extra_args)
            .ok_or_else(|| OpError::invalid("`extra_args`: the quotes do not match"))
    }

    fn place(&self) -> [String; 2] {
        [self.virtualenv.clone().unwrap_or_default(), self.virtualenv_python.clone()]
    }
}

/// A requirement, and what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    name: String,
    version: Option<String>,
    is_right: bool,
    newest: Option<String>,
}

/// What is there; nothing where the virtual environment is not.
pub(crate) struct Found(Option<Vec<Row>>);

fn rows(printed: &str) -> Vec<Row> {
    let some = |text: Option<&str>| text.map(str::to_owned).filter(|text| !text.is_empty());
    let row = |line: &str| {
        let mut words = line.split('\t');
        Some(Row {
            name: words.next()?.to_owned(),
            version: some(words.next()),
            is_right: words.next()? == "yes",
            newest: some(words.next()),
        })
    };
    printed.lines().filter_map(row).collect()
}

impl Op for Pip {
    type Params = Params;
    type State = Found;

    const NAME: &'static str = "pip";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Installs, updates or removes packages of Python, in a virtual environment or for the system.

What is installed is asked of the Python in question, which also says whether it is as required; nothing is fetched for
that but with `latest`, which asks the index. A requirement at an address, `shop @ https://…`, is met by any version.
Distributions that manage their Python themselves refuse packages beside theirs: use `virtualenv`.

Sources: pip(1), PEP 508, PEP 668; Ansible's module `ansible.builtin.pip` for names and meaning.";
    const POSITIONAL: &'static [&'static str] = &["name"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "an application in an environment of its own",
            code: r#"h.pip(["flask>=3,<4", "gunicorn"], #{ virtualenv: "/srv/shop/venv" });"#,
            proof: Proof::Check,
        },
        Example {
            about: "what a file requires",
            code: r#"h.pip(#{ requirements: "/srv/shop/requirements.txt", virtualenv: "/srv/shop/venv" });"#,
            proof: Proof::Check,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.virtualenv.clone().unwrap_or_else(|| "/usr/local/lib".to_owned())])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Found> {
        params.words()?;
        let mut words: Vec<String> = params.place().into();
        words.push(LOOK_PY.to_owned());
        words.push(if params.state == State::Latest { "latest" } else { "" }.to_owned());
        words.push(params.requirements.clone().unwrap_or_default());
        words.extend_from_slice(params.name.as_slice());
        let mut look = Command::script(LOOK, words).tidy();
        look.cwd.clone_from(&params.chdir);
        let output = reader.query(look).await?;
        if !output.ok() {
            return Err(failure(params, output));
        }
        let printed = output.stdout_text();
        Ok(Found((printed != "none\n").then(|| rows(&printed))))
    }

    fn diff(&self, params: &Params, found: &Found) -> Change {
        let mut change = Change::none();
        let Some(rows) = &found.0 else {
            if params.state != State::Absent {
                change.property("virtualenv", None, params.virtualenv.clone());
                for name in params.name.as_slice() {
                    change.property(&format!("package {name}"), None, Some("installed".to_owned()));
                }
            }
            return change;
        };
        for row in rows {
            let wanted = match params.state {
                State::Absent => None,
                _ if !row.is_right => Some("as required".to_owned()),
                State::Latest => row.newest.clone().or_else(|| row.version.clone()),
                State::Present => row.version.clone(),
            };
            change.property(&format!("package {}", row.name), row.version.clone(), wanted);
        }
        change
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        found: &Found,
        change: &Change,
    ) -> OpResult<Output> {
        let mut words: Vec<String> = params.place().into();
        words.push(if params.virtualenv_site_packages { "site" } else { "" }.to_owned());
        let names = params.name.as_slice();
        let is_empty = names.is_empty() && params.requirements.is_none();
        if params.state == State::Absent {
            words.extend(["uninstall", "-y"].map(str::to_owned));
            let there = found.0.iter().flatten().filter(|row| change.has(&format!("package {}", row.name)));
            words.extend(there.map(|row| row.name.clone()));
        } else if is_empty {
            // The environment alone.
            words.push("--version".to_owned());
        } else {
            words.push("install".to_owned());
            if params.state == State::Latest {
                words.push("--upgrade".to_owned());
            }
            words.extend(params.words()?);
        }
        if params.break_system_packages {
            words.push("--break-system-packages".to_owned());
        }
        if params.state != State::Absent {
            if let Some(path) = &params.requirements {
                words.extend(["-r".to_owned(), path.clone()]);
            }
            words.extend_from_slice(names);
        }
        writer.progress(if params.state == State::Absent { "removing" } else { "installing" });
        let mut command = Command::script(ACT, words);
        command.cwd.clone_from(&params.chdir);
        command.umask = params.umask.as_ref().map(|mode| mode.bits(0, false));
        let output = writer.run(command).await?;
        if output.ok() { Ok(Output::none()) } else { Err(failure(params, output)) }
    }
}

fn failure(params: &Params, output: CommandOutput) -> OpError {
    let said = output.stderr_text();
    let python = &params.virtualenv_python;
    let has = |texts: &[&str]| texts.iter().any(|text| said.contains(text));
    let error = if output.code() == 127 {
        OpError::failed(format!("the host has no `{python}`")).hint("install it: `h.packages(\"python3\")`")
    } else if output.code() == 126 {
        OpError::failed(format!("`{python}` of the host has no pip"))
            .hint("install it: `h.packages(\"python3-pip\")`; or use `virtualenv`")
    } else if has(&["externally-managed-environment"]) {
        OpError::failed("the distribution manages this Python itself")
            .hint("use `virtualenv`, or `break_system_packages: true` where nothing can break")
    } else if has(&["ensurepip is not", "No module named venv"]) {
        OpError::failed(format!("`{python}` of the host makes no virtual environments"))
            .hint("install what it needs: `h.packages(\"python3-venv\")`")
    } else if has(&["ermission denied"]) {
        OpError::denied("pip may not write there").hint("does the task need `.sudo()`?")
    } else {
        let line = said.lines().rfind(|line| line.starts_with("ERROR: ") || line.starts_with('`'));
        let line = line.or_else(|| said.lines().rfind(|line| !line.trim().is_empty()));
        let line = line.unwrap_or("it gave no reason").trim_start_matches("ERROR: ");
        OpError::failed(format!("`pip` failed: {line}"))
    };
    error.command("pip", output)
}
