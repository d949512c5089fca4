//! `cron`: a job that runs at its times.

use oneex_sdk::{
    Change, Command, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::host::Mode;
use crate::host::accounts::{Presence, check_name};
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, look_and_edit};
use crate::host::system::{
    Entry, Tool, VariablePlace, tool_failure, with_entry, without_entry, without_header,
};

/// The operation `cron`.
pub(crate) struct Cron;

/// A field of crontab(5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a number or a text such as `\"*/5\"`")]
pub(crate) enum Field {
    /// One value.
    Number(u8),
    /// `*`, a list, a range, a step, or the name of a month or a day.
    Text(String),
}

impl Default for Field {
    fn default() -> Self {
        Self::Text("*".to_owned())
    }
}

/// A time with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SpecialTime {
    /// When cron starts.
    Reboot,
    /// Once a year.
    Yearly,
    /// Once a year.
    Annually,
    /// Once a month.
    Monthly,
    /// Once a week.
    Weekly,
    /// Once a day.
    Daily,
    /// Once an hour.
    Hourly,
}

/// The options of `cron`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// What the job is called in the crontab, or the name of the variable with `env`.
    pub(crate) name: String,
    /// The command, where `%` is a line break unless `\` stands before it; the value with `env`.
    pub(crate) job: Option<String>,
    /// Whether it is to be there.
    #[serde(default)]
    pub(crate) state: Presence,
    /// Whose crontab it is, and who runs the job with `cron_file`; the one who connects when left out.
    pub(crate) user: Option<String>,
    /// A file of its own: a name in `/etc/cron.d`, or an absolute path.
    pub(crate) cron_file: Option<String>,
    /// The minute, 0 to 59.
    #[serde(default)]
    pub(crate) minute: Field,
    /// The hour, 0 to 23.
    #[serde(default)]
    pub(crate) hour: Field,
    /// The day of the month, 1 to 31.
    #[serde(default)]
    pub(crate) day: Field,
    /// The month, 1 to 12 or its name.
    #[serde(default)]
    pub(crate) month: Field,
    /// The day of the week, 0 (Sunday) to 7 or its name.
    #[serde(default)]
    pub(crate) weekday: Field,
    /// A time with a name, in place of the five fields.
    pub(crate) special_time: Option<SpecialTime>,
    /// Keeps the job as a comment.
    #[serde(default)]
    pub(crate) disabled: bool,
    /// Sets a variable of the environment of all jobs that follow it.
    #[serde(default)]
    pub(crate) env: bool,
    /// With `env`: puts a new variable after this one, and not at the top.
    pub(crate) insertafter: Option<String>,
    /// With `env`: puts a new variable before this one.
    pub(crate) insertbefore: Option<String>,
}

impl Params {
    fn path(&self) -> OpResult<Option<String>> {
        let Some(file) = &self.cron_file else { return Ok(None) };
        if file.starts_with('/') {
            return Ok(Some(file.clone()));
        }
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if file.is_empty() || !file.chars().all(good) {
            return Err(OpError::invalid(format!("`cron_file`: cron would not read a file `{file}`"))
                .hint("names in `/etc/cron.d` are letters, digits, `_` and `-`"));
        }
        Ok(Some(format!("/etc/cron.d/{file}")))
    }

    fn entry(&self) -> Entry<'_> {
        if self.env { Entry::Variable(&self.name) } else { Entry::Job(&self.name) }
    }

    /// The line; nothing where it is not to be there.
    fn line(&self) -> OpResult<Option<String>> {
        self.user.as_ref().map_or(Ok(()), |user| check_name("user", user))?;
        let is_line = |text: &str| !text.contains(['\n', '\r', '\0']);
        if self.name.is_empty() || !is_line(&self.name) {
            return Err(OpError::invalid("`name` cannot be empty or hold a line break"));
        }
        if self.env && self.name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            return Err(OpError::invalid(format!("`{}` cannot be the name of a variable", self.name)));
        }
        if !self.env && (self.insertafter.is_some() || self.insertbefore.is_some()) {
            return Err(OpError::invalid("`insertafter` and `insertbefore` need `env: true`"));
        }
        if self.state == Presence::Absent {
            return Ok(None);
        }
        let job = self.job.as_deref().map(|job| job.trim_matches(['\r', '\n'])).unwrap_or_default();
        if job.is_empty() && !self.env || self.job.is_none() {
            return Err(OpError::invalid("`cron` needs the option `job`"));
        }
        if !is_line(job) {
            return Err(
                OpError::invalid("`job` holds a line break").hint("a script can be `write`n and called")
            );
        }
        if self.env {
            return Ok(Some(format!("{}=\"{job}\"", self.name)));
        }
        let times = match self.special_time {
            Some(special) => {
                let fields = [&self.minute, &self.hour, &self.day, &self.month, &self.weekday];
                if fields.into_iter().any(|field| *field != Field::default()) {
                    return Err(OpError::invalid("`special_time` excludes `minute` to `weekday`"));
                }
                format!("@{}", format!("{special:?}").to_lowercase())
            }
            None => self.times()?,
        };
        let user = match (&self.cron_file, &self.user) {
            (None, _) => String::new(),
            (Some(_), Some(user)) => format!("{user} "),
            (Some(_), None) => return Err(OpError::invalid("`cron_file` needs the option `user`")),
        };
        let sign = if self.disabled { "#" } else { "" };
        Ok(Some(format!("{sign}{times} {user}{job}")))
    }

    fn times(&self) -> OpResult<String> {
        let mut words = Vec::new();
        for (option, field, most) in [
            ("minute", &self.minute, 59),
            ("hour", &self.hour, 23),
            ("day", &self.day, 31),
            ("month", &self.month, 12),
            ("weekday", &self.weekday, 7),
        ] {
            let text = match field {
                Field::Number(number) => number.to_string(),
                Field::Text(text) => text.clone(),
            };
            let good = |c: char| c.is_ascii_alphanumeric() || "*,-/~".contains(c);
            let numbers =
                text.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse::<u32>().ok());
            if text.is_empty() || !text.chars().all(good) || numbers.into_iter().any(|number| number > most) {
                return Err(OpError::invalid(format!("`{option}`: cron does not understand `{text}`")));
            }
            words.push(text);
        }
        Ok(words.join(" "))
    }

    fn place(&self) -> OpResult<VariablePlace<'_>> {
        match (self.insertafter.as_deref(), self.insertbefore.as_deref()) {
            (None, None) => Ok(VariablePlace::Top),
            (Some(name), None) => Ok(VariablePlace::After(name)),
            (None, Some(name)) => Ok(VariablePlace::Before(name)),
            _ => Err(OpError::invalid("`insertafter` and `insertbefore` exclude each other")),
        }
    }

    fn edit(&self, text: &str, line: Option<&str>) -> OpResult<String> {
        let Some(line) = line else { return Ok(without_entry(text, self.entry())) };
        with_entry(text, self.entry(), line, self.place()?).ok_or_else(|| {
            let name = self.insertafter.as_ref().or(self.insertbefore.as_ref());
            let name = name.map(String::as_str).unwrap_or_default();
            OpError::failed(format!("there is no variable `{name}` to stand beside"))
        })
    }
}

/// What there is, and what is wanted.
pub(crate) enum State {
    /// Of a user.
    Crontab {
        /// The checksum of what crontab(1) printed.
        sha256: String,
        before: String,
        after: String,
        is_secret: bool,
    },
    /// In a file; nothing where none is there and none is wanted.
    File(Option<Box<ContentState>>, Mode),
}

const TOOL: Tool = Tool { name: "crontab", packages: "`cron` or `cronie`" };

/// Parameters: the user, where one is given.
const LOOK: &str = r#"export LC_ALL=C
if [ -n "$1" ]; then exec crontab -u "$1" -l; else exec crontab -l; fi"#;

/// Parameters: the user, where one is given, and the checksum of what was there; input: the new crontab.
const ACT: &str = r#"export LC_ALL=C
user=$1
run() { if [ -n "$user" ]; then crontab -u "$user" "$1"; else crontab "$1"; fi; }
sum=$(run -l 2>/dev/null </dev/null | sha256sum)
[ "${sum%% *}" = "$2" ] || { echo "it was changed by someone else meanwhile" >&2; exit 1; }
run -"#;

impl Op for Cron {
    type Params = Params;
    type State = State;

    const NAME: &'static str = "cron";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Gives a user a job that runs at its times, or a variable to all such jobs.

A job is known by its name, which stands before it in a comment that Ansible writes and finds too; the rest of a
crontab stays as it is. crontab(1) reads and writes the crontab of a user, and refuses one with mistakes.

Sources: crontab(1), crontab(5), cron(8); Ansible's module `cron` for names and meaning.";
    const POSITIONAL: &'static [&'static str] = &["name", "job"];
    const LOCK: Option<&'static str> = Some("crontabs");
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "every night, as a user, in a file of its own",
            code: r#"h.cron("backup", "/usr/bin/backup --all", #{ minute: 30, hour: 3, user: "root", cron_file: `${dir}/backup` });"#,
            proof: Proof::Run,
        },
        Example {
            about: "in the crontab of a user",
            code: r#"h.cron("renew", "certbot renew", #{ special_time: "daily", user: "root" });"#,
            proof: Proof::Check,
        },
        Example {
            about: "to whom cron mails what jobs print",
            code: r#"h.cron("MAILTO", "ops@example.org", #{ env: true, cron_file: `${dir}/backup` });"#,
            proof: Proof::Run,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        match params.path() {
            Ok(Some(path)) => Resources::Paths(vec![path]),
            _ => Resources::Named(vec![format!("crontab:{}", params.user.as_deref().unwrap_or_default())]),
        }
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<State> {
        let line = params.line()?;
        params.place()?;
        if let Some(path) = params.path()? {
            let failed = std::sync::Mutex::new(None);
            let content = look_and_edit(reader, &path, true, line.is_none(), |text| {
                params.edit(text, line.as_deref()).unwrap_or_else(|error| {
                    *failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error);
                    text.to_owned()
                })
            })
            .await?;
            return match failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
                Some(error) => Err(error),
                None => {
                    Ok(State::File(content.map(Box::new), Mode::parse("0644").map_err(OpError::invalid)?))
                }
            };
        }
        let user = params.user.as_deref().unwrap_or_default();
        let output = reader.query(Command::script(LOOK, [user]).tidy()).await?;
        let said = output.stderr_text();
        let is_none = said.contains("no crontab for") || said.contains("No such file or directory");
        if !output.ok() && !is_none {
            return Err(tool_failure(TOOL, &subject(user), output));
        }
        let text = std::str::from_utf8(&output.stdout)
            .map_err(|_| OpError::invalid(format!("{} is not UTF-8 text", subject(user))))?;
        let before = without_header(text).to_owned();
        let after = params.edit(&before, line.as_deref())?;
        let sha256 = format!("{:x}", Sha256::digest(&output.stdout));
        let is_secret = reader.secrets().is_tainted(&after);
        Ok(State::Crontab { sha256, before, after, is_secret })
    }

    fn diff(&self, params: &Params, state: &State) -> Change {
        let mut change = Change::none();
        match state {
            State::File(None, _) => {}
            State::File(Some(content), mode) => {
                let mode = Some(mode).filter(|_| params.state == Presence::Present);
                return content.differ(Attributes { mode, ..Attributes::default() }, true);
            }
            State::Crontab { before, after, is_secret: true, .. } if before != after => {
                let size = |text: &str| Some(format!("{} bytes with a secret, not shown", text.len()));
                change.property("crontab", size(before), size(after));
                if change.is_empty() {
                    change.property("crontab", None, size(after));
                }
            }
            State::Crontab { before, after, .. } => {
                let user = params.user.as_deref().unwrap_or_default();
                let name = subject(user).replace('`', "");
                change.text("crontab", &name, Some(before.as_bytes()), Some(after.as_bytes()));
            }
        }
        change
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &State,
        change: &Change,
    ) -> OpResult<Output> {
        match state {
            State::File(None, _) => Ok(Output::none()),
            State::File(Some(content), mode) => {
                let mode = Some(mode).filter(|_| params.state == Presence::Present);
                let attributes = Attributes { mode, ..Attributes::default() };
                content.apply(writer, change, attributes, false, None).await
            }
            State::Crontab { sha256, after, .. } => {
                let user = params.user.as_deref().unwrap_or_default();
                let command = Command::script(ACT, [user, sha256]).stdin(after.as_bytes()).tidy();
                let output = writer.run(command).await?;
                if output.ok() { Ok(Output::none()) } else { Err(tool_failure(TOOL, &subject(user), output)) }
            }
        }
    }
}

fn subject(user: &str) -> String {
    if user.is_empty() { "the crontab".to_owned() } else { format!("the crontab of `{user}`") }
}
