//! `download`: a file from the web, on a host.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oneex_sdk::{
    Change, Command, Duration, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources,
    Secret, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::host::Mode;
use crate::host::attributes::Attributes;
use crate::host::download::{Algorithm, Checksum, Fetch, failure, find_sum};
use crate::host::place::{Placement, Source};
use crate::host::probe::{self, FileType, Probe, check_path, parse_facts};
use crate::host::steps::Steps;
use crate::host::system::Tool;
use crate::http::{self, Auth, Clients, Method, Request};

/// The operation `download`.
pub(crate) struct Download {
    clients: Arc<Clients>,
}

impl Download {
    /// With the clients that fetch what comes through the controller.
    pub(crate) fn new(clients: Arc<Clients>) -> Self {
        Self { clients }
    }
}

/// Who fetches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Through {
    /// The host.
    #[default]
    Host,
    /// The controller, which sends it on.
    Controller,
}

/// The options of `download`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The address, `http` or `https`.
    url: String,
    /// The absolute path on the host. In a folder that is there, the file gets the last part of the address as its name.
    dest: String,
    /// The sum that the file must have: `sha256:DIGITS`, or `sha256:URL` of a file with sums, which the controller reads.
    checksum: Option<String>,
    /// Fetches also where a file is there and no `checksum` says that it is another; a plan cannot tell then whether
    /// something would change.
    #[serde(default)]
    force: bool,
    /// Who fetches: the `host`, with its curl or wget, or the `controller`.
    #[serde(default)]
    through: Through,
    /// Further headers by name. Never shown, for they often hold a token.
    #[serde(default)]
    headers: BTreeMap<String, Secret<String>>,
    /// The user.
    url_username: Option<String>,
    /// The password.
    url_password: Option<Secret<String>>,
    /// How long nothing may come; 30 s.
    timeout: Option<Duration>,
    /// Whether the server's certificate must be good.
    #[serde(default = "yes")]
    validate_certs: bool,
    /// A PEM file with authorities that are trusted; of the host, or of the controller where that fetches.
    ca_path: Option<String>,
    /// The file mode; kept when left out, and 0666 less the umask for a new file.
    mode: Option<Mode>,
    /// The owner, by name or number; kept when left out.
    owner: Option<String>,
    /// The group, by name or number; kept when left out.
    group: Option<String>,
    /// Keeps the old file beside the new one, under its name with `.` a random suffix and `~`.
    #[serde(default)]
    backup: bool,
    /// A command that must accept the new file before it takes its place; `%s` stands for its name.
    validate: Option<String>,
}

fn yes() -> bool {
    true
}

/// Parameters: path, name in a folder, algorithm.
const LOOK: &str = r#"export LC_ALL=C
path=$1
case $path in /) path=/$2 ;; */) path=$path$2 ;; *) [ ! -d "$path" ] || path=$path/$2 ;; esac
if [ -L "$path" ]; then path=$(readlink -f "$path" && echo .) && path=${path%??} || exit; fi
printf %s "$path" | base64 | tr -d '\n'
echo
[ -e "$path" ] || exit 0
stat -c '%f %u %g %s %Y %X %Z %i %d %h %U %G' "$path" || exit
[ ! -f "$path" ] || "$3sum" <"$path""#;

impl Params {
    fn login(&self) -> OpResult<Option<(&str, &str)>> {
        match (&self.url_username, &self.url_password) {
            (None, None) => Ok(None),
            (Some(user), Some(password)) => Ok(Some((user, password.expose()))),
            (Some(_), None) => Err(OpError::invalid("`url_username` needs the option `url_password`")),
            (None, Some(_)) => Err(OpError::invalid("`url_password` needs the option `url_username`")),
        }
    }

    /// The last part of the address.
    fn name(&self) -> OpResult<String> {
        let url = Request::parse_url(&self.url)?;
        let last = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
        let name = percent_encoding::percent_decode_str(last).decode_utf8_lossy().into_owned();
        let is_name = !matches!(name.as_str(), "" | "." | "..") && !name.contains(['/', '\0']);
        Ok(if is_name { name } else { "index.html".to_owned() })
    }

    fn fetch(&self, reader: &dyn Reader) -> OpResult<Fetch<'_>> {
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.expose().as_str())).collect();
        let login = self.login()?;
        let texts = headers.iter().copied().chain(login).flat_map(|(name, value)| [name, value]);
        if texts.chain(self.ca_path.as_deref()).any(|text| text.contains(['\n', '\r', '\0'])) {
            return Err(OpError::invalid("a header, a user and a password cannot have more than a line"));
        }
        let (secrets, url) = (reader.secrets(), Request::parse_url(&self.url)?);
        headers.iter().for_each(|(_, value)| secrets.register(value));
        if let Some((_, password)) = login {
            secrets.register(password);
        }
        Ok(Fetch {
            // As it is parsed: what is left out of an address is not what a configuration takes for its end.
            url: url.to_string(),
            headers,
            login,
            authorities: self.ca_path.as_deref(),
            verified: self.validate_certs,
            patience: self.timeout.map_or(30, |limit| limit.0.as_secs().max(1)),
            is_secret: secrets.is_tainted(&self.url) || url.password().is_some(),
        })
    }

    fn request(&self, url: &str) -> OpResult<Request> {
        let mut request = Request::new(Method::Get, Request::parse_url(url)?);
        let headers =
            self.headers.iter().map(|(name, value)| (name.clone(), value.expose().clone())).collect();
        request.headers = Secret::new(headers);
        request.auth = self.login()?.map(|(user, password)| Auth::Basic {
            user: user.to_owned(),
            password: Secret::new(password.to_owned()),
        });
        request.timeout = self.timeout.map(|limit| limit.0);
        Ok(request)
    }

    fn attributes(&self) -> Attributes<'_> {
        Attributes { mode: self.mode.as_ref(), owner: self.owner.as_deref(), group: self.group.as_deref() }
    }
}

/// What is there, and what is wanted.
pub(crate) struct State {
    probe: Probe,
    /// The sum of what is there.
    sum: Option<String>,
    algorithm: Algorithm,
    /// The sum that is wanted.
    wanted: Option<String>,
    /// The address as people see it.
    shown: String,
}

impl Download {
    fn client(&self, params: &Params) -> OpResult<http::Client> {
        let authorities = params.ca_path.as_deref().filter(|_| params.through == Through::Controller);
        self.clients.client(authorities.map(Path::new), !params.validate_certs)
    }

    /// The sum that is wanted, which may stand in a file of the web.
    async fn wanted(&self, reader: &dyn Reader, params: &Params) -> OpResult<(Algorithm, Option<String>)> {
        let Some(text) = &params.checksum else { return Ok((Algorithm::Sha256, None)) };
        match Checksum::parse(text)? {
            Checksum::Digits(algorithm, sum) => Ok((algorithm, Some(sum))),
            Checksum::At(algorithm, url) => {
                let sums = self.client(params)?.send(&params.request(&url)?, reader.cancel()).await?;
                let name = params.name()?;
                let sum = find_sum(algorithm, &name, &sums.body).ok_or_else(|| {
                    OpError::failed(format!("`{}` has no {} for `{name}`", sums.url, algorithm.name()))
                })?;
                Ok((algorithm, Some(sum)))
            }
        }
    }

    /// Fetches to a file of the controller.
    async fn save(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &State,
    ) -> OpResult<tempfile::TempPath> {
        let failed = |error: std::io::Error| OpError::failed(format!("the download: {error}"));
        let (file, path) = tempfile::NamedTempFile::new().map_err(failed)?.into_parts();
        let mut file = tokio::fs::File::from_std(file);
        let client = self.client(params)?;
        client.save(&params.request(&params.url)?, &mut file, writer.cancel()).await?;
        if let Some(wanted) = &state.wanted {
            let found = state.algorithm.of_file(&path).map_err(failed)?;
            if found != *wanted {
                return Err(OpError::failed(format!(
                    "`{}` has the sum {found}, and not {wanted}",
                    state.shown
                ))
                .hint("nothing was changed; is it another version, or did somebody tamper with it?"));
            }
        }
        Ok(path)
    }
}

impl Op for Download {
    type Params = Params;
    type State = State;

    const NAME: &'static str = "download";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Brings a file from the web to a host.

With `checksum` the file has that content or the task fails, a plan tells the truth, nothing is fetched where it is there,
and a download that was ended on the way is gone on with. Without one, a file that is there stays unless `force` is set.
The file is replaced whole or not at all.

The host fetches with curl, or with wget, and asks a server that is not ready again; what must not be seen is in none of
their arguments. Where it cannot reach the server, `through: \"controller\"` lets the controller fetch and send it on, with
the settings of `[http]`.

The result has `path` and, with `backup`, the path of the old file.

Sources: curl(1), wget(1), RFC 9110; Ansible's module `ansible.builtin.get_url` for names and meaning.";
    const POSITIONAL: &'static [&'static str] = &["url", "dest"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a program of a certain version",
            code: r#"h.download("https://example.org/shop-2.1", "/usr/local/bin/shop", #{
    checksum: "sha256:https://example.org/SHA256SUMS",
    mode: "0755",
});"#,
            proof: Proof::Check,
        },
        Example {
            about: "for a host that does not reach the web",
            code: r#"h.download("https://example.org/shop.tgz", "/var/tmp/", #{ through: "controller" });"#,
            proof: Proof::Check,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.dest.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<State> {
        check_path(&params.dest)?;
        let shown = http::shown(&Request::parse_url(&params.url)?);
        params.fetch(reader)?;
        let (algorithm, wanted) = self.wanted(reader, params).await?;
        let words = [params.dest.clone(), params.name()?, algorithm.name().to_owned()];
        let output = reader.query(Command::script(LOOK, words).tidy()).await?;
        if !output.ok() {
            return Err(probe::failure(&params.dest, &output.stderr_text()));
        }
        let printed = output.stdout_text();
        let mut lines = printed.lines();
        let path = lines.next().and_then(|line| STANDARD.decode(line).ok());
        let path = path.and_then(|path| String::from_utf8(path).ok()).ok_or_else(|| {
            OpError::failed(format!("`{}`: the host answered in a way that is not understood", params.dest))
        })?;
        let found = lines.next().and_then(parse_facts);
        if let Some(found) = found.as_ref().filter(|found| found.file_type != FileType::File) {
            return Err(OpError::invalid(format!("`{path}` is a {}, not a file", found.file_type.as_str())));
        }
        let sum = lines.next().and_then(|line| line.split(' ').next()).map(str::to_owned);
        Ok(State { probe: Probe { path, found }, sum, algorithm, wanted, shown })
    }

    fn diff(&self, params: &Params, state: &State) -> Change {
        let mut change = Change::none();
        let name = state.algorithm.name();
        let sum = |sum: &Option<String>| sum.as_ref().map(|sum| format!("{name} {sum}"));
        match (&state.probe.found, &state.wanted) {
            (None, _) => {
                change.property("content", None, Some(sum(&state.wanted).unwrap_or(state.shown.clone())))
            }
            (Some(_), Some(_)) => change.property("content", sum(&state.sum), sum(&state.wanted)),
            (Some(_), None) if params.force => {
                change.property("content", sum(&state.sum), Some(format!("what `{}` is now", state.shown)))
            }
            (Some(_), None) => &mut change,
        };
        params.attributes().differ(&mut change, state.probe.found.as_ref(), false);
        change
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &State,
        change: &Change,
    ) -> OpResult<Output> {
        let path = state.probe.path.as_str();
        let output = Output::none().with("path", path);
        let mut placement = Placement {
            probe: &state.probe,
            source: None,
            staged: None,
            sha256: "",
            attributes: params.attributes(),
            backup: params.backup,
            validate: params.validate.as_deref(),
        };
        let with_backup = |made: Option<String>| match made {
            Some(backup) => output.clone().with("backup", backup),
            None => output.clone(),
        };
        if !change.has("content") {
            return placement.apply(writer).await.map(with_backup);
        }
        writer.progress(&format!("fetching {}", state.shown));
        // What is the same is left alone, unless something else is to be done with it.
        let may_stay = state.wanted.is_none() && change.items.iter().all(|item| item.what == "content");
        if params.through == Through::Controller {
            let saved = self.save(writer, params, state).await?;
            let sha256 = Algorithm::Sha256.of_file(&saved);
            let sha256 = sha256.map_err(|error| OpError::failed(format!("the download: {error}")))?;
            if may_stay && state.sum.as_ref() == Some(&sha256) {
                return Ok(output.changed(false));
            }
            placement.source = Some(Source::File(PathBuf::from(&*saved)));
            placement.sha256 = &sha256;
            return placement.apply(writer).await.map(with_backup);
        }
        let fetch = params.fetch(writer)?;
        let staged = staged(path, &params.url, state.wanted.as_deref());
        let words = vec![
            path.to_owned(),
            staged.clone(),
            state.algorithm.name().to_owned(),
            state.wanted.clone().unwrap_or_default(),
            if may_stay && state.probe.found.is_some() { "same" } else { "" }.to_owned(),
        ];
        let steps = Steps {
            before: Fetch::script(),
            after: ":",
            words,
            tool: Tool { name: "curl", packages: "`curl`" },
            env: fetch.env(),
            subject: format!("`{}`", state.shown),
        };
        placement.staged = Some(&staged);
        match placement.apply_between(writer, Some(&steps)).await {
            Ok(made) => Ok(with_backup(made)),
            Err(error) => match error.command {
                Some(failed) if failed.command == "curl" => {
                    match failure(&state.shown, state.wanted.as_deref().unwrap_or_default(), failed.output) {
                        Some(error) => Err(error),
                        None => Ok(output.changed(false)),
                    }
                }
                _ => Err(error),
            },
        }
    }

    fn output(&self, _: &Params, state: &State) -> Output {
        Output::none().with("path", state.probe.path.as_str())
    }
}

/// Where a download is kept on its way. The next run finds the same place, where it fetches the same.
pub(super) fn staged(path: &str, url: &str, sum: Option<&str>) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let short = &name[..name.floor_char_boundary(200)];
    let digest = format!("{:x}", Sha256::digest(format!("{url}\0{}", sum.unwrap_or_default())));
    format!("{folder}/.{short}.oneex-{}", &digest[..16])
}
