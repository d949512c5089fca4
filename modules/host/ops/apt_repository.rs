//! `apt_repository`: where apt finds packages.

use oneex_sdk::{
    Change, Command, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::accounts::Presence;
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, Wanted, look};
use crate::host::many::OneOrMany;
use crate::host::packages::{Paragraph, check_source_name, parse_line};
use crate::host::probe::failure;

/// The operation `apt_repository`.
pub(crate) struct AptRepository;

/// The options of `apt_repository`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The name of the file, without its ending: `docker` is `/etc/apt/sources.list.d/docker.sources`.
    name: String,
    /// A line of the older form in place of the options below: `deb [signed-by=…] https://example.org stable main`.
    repo: Option<String>,
    /// `deb`, `deb-src`, or both.
    #[serde(default = "deb")]
    types: OneOrMany,
    /// The addresses.
    #[serde(default)]
    uris: OneOrMany,
    /// The suites, such as `bookworm`. One that ends with `/` is a path, and has no components.
    #[serde(default)]
    suites: OneOrMany,
    /// The components, such as `main`.
    #[serde(default)]
    components: OneOrMany,
    /// The architectures; those of the host when left out.
    #[serde(default)]
    architectures: OneOrMany,
    /// Who signs: the absolute path of a file with keys, their fingerprints, or a key as text, which becomes a part of
    /// the file (apt 2.3.10 or newer). `apt_key` brings a key to a file.
    signed_by: Option<OneOrMany>,
    /// Whether apt uses it.
    enabled: Option<bool>,
    /// Takes it without any signature for `true`, and with no signature for `false`.
    trusted: Option<bool>,
    /// Takes it without a signature, with a warning.
    allow_insecure: Option<bool>,
    /// Takes it with a signature that is too weak.
    allow_weak: Option<bool>,
    /// Takes it without a signature although it had one.
    allow_downgrade_to_insecure: Option<bool>,
    /// Whether lists are fetched by their checksums.
    by_hash: Option<bool>,
    /// Whether lists from the future are refused.
    check_date: Option<bool>,
    /// Whether lists that are too old are refused.
    check_valid_until: Option<bool>,
    /// How many seconds lists may come from the future.
    date_max_future: Option<u64>,
    /// The path of `InRelease`, where it is not at its usual place.
    inrelease_path: Option<String>,
    /// The languages of descriptions; `none` for none.
    #[serde(default)]
    languages: OneOrMany,
    /// Whether changes of lists are fetched in place of whole ones.
    pdiffs: Option<bool>,
    /// What is fetched, by the names of apt.conf(5).
    #[serde(default)]
    targets: OneOrMany,
    /// Whether it is to be there.
    #[serde(default)]
    state: Presence,
    /// Fetches its lists. What apt cannot use then does not come to the host.
    #[serde(default = "yes")]
    update_cache: bool,
    /// The mode of the file.
    mode: Option<Mode>,
}

fn yes() -> bool {
    true
}

fn deb() -> OneOrMany {
    OneOrMany::One("deb".to_owned())
}

/// apt tells by its ending how a file is read. The lists that are fetched are those that stay.
const USABLE: &str = r#"sh -c 'export LC_ALL=C
trap "rm -rf \"\$folder\"" EXIT
trap "exit 143" HUP INT TERM
folder=$(mktemp -d) || exit
new=$folder/new.sources
cat "$0" >"$new" || exit
chmod 755 "$folder"
set -- -o "Dir::Etc::sourcelist=$new" -o Dir::Etc::sourceparts=/dev/null
ACTION' %s"#;

const FETCHES: &str = "apt-get -q update -o APT::Get::List-Cleanup=0 -o APT::Update::Error-Mode=any \"$@\"";
const READS: &str = "apt-get indextargets \"$@\" >/dev/null";

impl Params {
    fn path(&self) -> OpResult<String> {
        check_source_name(&self.name)?;
        Ok(format!("/etc/apt/sources.list.d/{}.sources", self.name))
    }

    /// The content of the file; nothing where it is not to be there.
    fn text(&self) -> OpResult<Option<String>> {
        if self.state == Presence::Absent {
            return Ok(None);
        }
        let lists = [&self.uris, &self.suites, &self.components, &self.architectures];
        if let Some(line) = &self.repo {
            if lists.iter().any(|list| !list.as_slice().is_empty()) || self.signed_by.is_some() {
                return Err(OpError::invalid(
                    "`repo` excludes `uris`, `suites`, `components`, `architectures` and `signed_by`",
                ));
            }
            let mut paragraph = parse_line(line)?;
            self.add_options(&mut paragraph)?;
            return Ok(Some(paragraph.text()));
        }
        let mut paragraph = Paragraph::default();
        for (field, option, list) in [
            ("Types", "types", &self.types),
            ("URIs", "uris", &self.uris),
            ("Suites", "suites", &self.suites),
            ("Components", "components", &self.components),
            ("Architectures", "architectures", &self.architectures),
        ] {
            paragraph.field(field, words(option, list)?);
        }
        for (field, option) in [("Types", "types"), ("URIs", "uris"), ("Suites", "suites")] {
            if paragraph.get(field).is_none() {
                return Err(OpError::invalid(format!("`apt_repository` needs the option `{option}`"))
                    .hint("or all in a line: `repo: \"deb https://example.org stable main\"`"));
            }
        }
        if let Some(kind) =
            self.types.as_slice().iter().find(|kind| !matches!(kind.as_str(), "deb" | "deb-src"))
        {
            return Err(OpError::invalid(format!("`types`: `{kind}` is neither `deb` nor `deb-src`")));
        }
        if let Some(uri) = self.uris.as_slice().iter().find(|uri| !uri.contains(':')) {
            return Err(OpError::invalid(format!("`uris`: `{uri}` has no scheme such as `https://`")));
        }
        let are_paths = self.suites.as_slice().iter().all(|suite| suite.ends_with('/'));
        if are_paths != self.components.as_slice().is_empty() {
            return Err(OpError::invalid(
                "`components` are needed where a suite does not end with `/`, and only there",
            ));
        }
        if let Some(keys) = &self.signed_by {
            paragraph.field("Signed-By", signers(keys)?);
        }
        self.add_options(&mut paragraph)?;
        Ok(Some(paragraph.text()))
    }

    fn add_options(&self, paragraph: &mut Paragraph) -> OpResult<()> {
        for (field, value) in [
            ("Enabled", self.enabled),
            ("Trusted", self.trusted),
            ("Allow-Insecure", self.allow_insecure),
            ("Allow-Weak", self.allow_weak),
            ("Allow-Downgrade-To-Insecure", self.allow_downgrade_to_insecure),
            ("By-Hash", self.by_hash),
            ("Check-Date", self.check_date),
            ("Check-Valid-Until", self.check_valid_until),
            ("PDiffs", self.pdiffs),
        ] {
            paragraph.field(field, value.map_or("", |value| if value { "yes" } else { "no" }));
        }
        paragraph.field(
            "Date-Max-Future",
            self.date_max_future.map(|limit| limit.to_string()).unwrap_or_default(),
        );
        if let Some(path) = &self.inrelease_path {
            paragraph.field("InRelease-Path", word("inrelease_path", path)?);
        }
        paragraph.field("Languages", words("languages", &self.languages)?);
        paragraph.field("Targets", words("targets", &self.targets)?);
        Ok(())
    }

    fn attributes(&self) -> Attributes<'_> {
        Attributes { mode: self.mode.as_ref(), owner: None, group: None }
    }
}

fn word<'a>(option: &str, text: &'a str) -> OpResult<&'a str> {
    if text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(OpError::invalid(format!("`{option}`: `{}` is not one word", text.escape_debug())));
    }
    Ok(text)
}

fn words(option: &str, list: &OneOrMany) -> OpResult<String> {
    let words: OpResult<Vec<&str>> = list.as_slice().iter().map(|text| word(option, text)).collect();
    Ok(words?.join(" "))
}

/// Paths and fingerprints in a line, or one key as it is.
fn signers(keys: &OneOrMany) -> OpResult<String> {
    if let [key] = keys.as_slice()
        && key.contains("-----BEGIN PGP PUBLIC KEY BLOCK-----")
    {
        return Ok(key.clone());
    }
    for key in keys.as_slice() {
        let digits = key.trim_end_matches('!');
        let is_fingerprint = digits.len() == 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !(is_fingerprint || key.starts_with('/')) {
            return Err(OpError::invalid(format!(
                "`signed_by`: `{}` is no absolute path, no fingerprint and no key",
                key.escape_debug()
            ))
            .hint("`apt_key` brings a key to a file and returns its `path`"));
        }
    }
    words("signed_by", keys)
}

impl Op for AptRepository {
    type Params = Params;
    type State = ContentState;

    const NAME: &'static str = "apt_repository";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Says where apt finds packages, in a file of its own.

The file has the form with a field a line, which apt prefers. Unless `update_cache` is false, the lists of this
repository are fetched before the file takes its place: an address that does not answer, a suite that is not there and a
signature that nobody vouches for leave the host as it was. A file that other tools wrote in the older form,
`/etc/apt/sources.list.d/NAME.list`, is not looked at.

Sources: sources.list(5), apt-get(8), apt-secure(8); Ansible's modules `ansible.builtin.deb822_repository` and
`ansible.builtin.apt_repository` for names and meaning.";
    const POSITIONAL: &'static [&'static str] = &["name"];
    const LOCK: Option<&'static str> = Some("packages");
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a repository and the key that signs it",
            code: r#"let key = h.apt_key("docker", #{ src: "docker.asc" });
h.apt_repository("docker", #{
    uris: "https://download.docker.com/linux/debian",
    suites: "bookworm",
    components: "stable",
    signed_by: key.path,
});"#,
            proof: Proof::Check,
        },
        Example {
            about: "the same in a line, as older instructions have it",
            code: r#"h.apt_repository("docker", #{ repo: "deb [signed-by=/etc/apt/keyrings/docker.asc] https://download.docker.com/linux/debian bookworm stable" });"#,
            proof: Proof::Check,
        },
        Example {
            about: "one that must not be there",
            code: r#"h.apt_repository("docker", #{ state: "absent" });"#,
            proof: Proof::Check,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(params.path().into_iter().collect())
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<ContentState> {
        let text = params.text()?.unwrap_or_default();
        look(reader, &params.path()?, false, Wanted::bytes(text.into_bytes())).await
    }

    fn diff(&self, params: &Params, state: &ContentState) -> Change {
        if params.state == Presence::Present {
            return state.differ(params.attributes(), true);
        }
        let mut change = Change::none();
        params.state.differ(&mut change, state.probe.found.is_some());
        change
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &ContentState,
        change: &Change,
    ) -> OpResult<Output> {
        let path = state.probe.path.as_str();
        if params.state == Presence::Absent {
            let output = writer.run(Command::argv(["rm", "-f", path]).env("LC_ALL", "C").tidy()).await?;
            return if output.ok() { Ok(Output::none()) } else { Err(failure(path, &output.stderr_text())) };
        }
        if params.update_cache {
            writer.progress(&format!("fetching the lists of {}", params.name));
        }
        let usable = USABLE.replace("ACTION", if params.update_cache { FETCHES } else { READS });
        let done = state.apply(writer, change, params.attributes(), false, Some(&usable)).await;
        done.map_err(|error| refusal(&params.name, error))
    }

    fn output(&self, params: &Params, state: &ContentState) -> Output {
        if params.state == Presence::Present { state.output() } else { Output::none() }
    }
}

/// What apt has against a repository, in the words of people.
fn refusal(name: &str, error: OpError) -> OpError {
    let said = match &error.command {
        Some(command) if error.message.contains("the validation refused") => command.output.stderr_text(),
        _ => return error,
    };
    let has = |texts: &[&str]| texts.iter().any(|text| said.contains(text));
    let hint = if has(&["apt-get: not found"]) {
        "the host has no `apt-get`: it is no Debian or Ubuntu"
    } else if has(&["NO_PUBKEY", "is not signed", "no public key", "Missing key", "couldn't be verified"]) {
        "nothing that the host has vouches for it: see `signed_by` and `apt_key`"
    } else if has(&["does not have a Release file", "404"]) {
        "nothing is at this address: check `uris`, `suites` and `components`"
    } else if has(&[
        "Could not resolve",
        "Temporary failure resolving",
        "Could not connect",
        "Connection failed",
    ]) {
        "does the host reach the server, and does a proxy stand between?"
    } else if has(&["Could not get lock", "Unable to lock"]) {
        "another package manager works on the host: let it end"
    } else if has(&["ermission denied", "are you root"]) {
        "sources of packages need root: use `h.sudo().apt_repository(…)`"
    } else {
        "the output says why"
    };
    let output = error.command.map(|failed| failed.output);
    let told = OpError::failed(format!("apt cannot use the repository `{name}`")).hint(hint);
    match output {
        Some(output) => told.command("apt-get", output),
        None => told,
    }
}
