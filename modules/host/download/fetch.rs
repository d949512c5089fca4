//! How a host fetches a file: with curl(1), or with wget(1).

use std::fmt::Write as _;

use oneex_sdk::{CommandOutput, OpError};

/// What a host fetches.
pub(crate) struct Fetch<'a> {
    /// The whole address, as RFC 3986 writes it.
    pub(crate) url: String,
    /// Further headers.
    pub(crate) headers: Vec<(&'a str, &'a str)>,
    /// User and password.
    pub(crate) login: Option<(&'a str, &'a str)>,
    /// A file of the host with authorities that are trusted, in place of its own.
    pub(crate) authorities: Option<&'a str>,
    /// Whether the server's certificate must be good.
    pub(crate) verified: bool,
    /// How many seconds nothing may come.
    pub(crate) patience: u64,
    /// Whether other users of the host must not see the address.
    pub(crate) is_secret: bool,
}

/// The status where what came is not what was expected; its sum is the last line of standard error.
const NOT_AS_EXPECTED: i32 = 96;
const TOO_WEAK: i32 = 95;
/// The status where what came is what is there already.
const SAME: i32 = 94;
const NO_PROGRAM: i32 = 93;

/// Parameters: place, what is staged, algorithm, sum or nothing, `same` where what is there may be the same. What must
/// not be seen comes by the environment and reaches programs by their input or a file.
///
/// Where the sum is known, what an earlier run has left is gone on with. The folder may be one that others write to, such
/// as `/tmp`, and the name can be guessed: only a file that this user has made and nobody else may write is used, and a
/// new one is made before a program writes to it, so that no link and no open file of others is in its place.
const FETCH: &str = r#"path=$1 staged=$2 algorithm=$3 sum=$4 same=$5
folder=${path%/*}
[ -d "${folder:-/}" ] || { echo "the folder \`${folder:-/}\` does not exist" >&2; exit 1; }
umask 077
trap 'rm -f "$staged.rc"' EXIT
trap 'exit 143' HUP INT TERM
ours() { [ -f "$1" ] && [ ! -L "$1" ] && [ -O "$1" ] && [ "$(stat -c '%a %h' "$1")" = '600 1' ]; }
fresh() { rm -f "$1" && (set -C; : >"$1"); }
size() { stat -c %s "$staged" 2>/dev/null || echo 0; }
found() { found=$("${algorithm}sum" <"$staged") && found=${found%% *}; }
right() { [ -z "$sum" ] || { found && [ "$found" = "$sum" ]; }; }
give_up() { { [ -n "$sum" ] && [ -s "$staged" ]; } || rm -f "$staged"; exit "$1"; }
if command -v curl >/dev/null 2>&1; then
    get() { printf '%s\n' "$ONEEX_CURL" | curl --config - ${1:+--continue-at -} --output "$staged"; }
elif wget --version 2>/dev/null | grep -q GNU; then
    get() {
        fresh "$staged.rc" && printf '%s\n' "$ONEEX_WGET" >"$staged.rc" || return
        # As curl does by itself; older ones do not know it.
        case $(wget --help) in
        *--retry-on-http-error*) echo 'retry_on_http_error = 500,502,503,504' >>"$staged.rc" ;;
        esac
        printf '%s\n' "$ONEEX_URL" | WGETRC=$staged.rc wget ${1:+-c} -O "$staged" -i -
    }
elif command -v wget >/dev/null 2>&1; then
    # That of BusyBox shows its arguments, and trusts every certificate.
    case $ONEEX_SECRET/$ONEEX_URL/$sum/$ONEEX_UNVERIFIED in
    yes/*) exit 95 ;;
    /https:*//) exit 95 ;;
    esac
    # With `-T`, that of 1.35 ends by a fault of its own.
    get() { wget -q ${1:+-c} -O "$staged" "$ONEEX_URL"; }
else
    exit 93
fi
left=4
while :; do
    resume=
    if [ -n "$sum" ] && [ -s "$staged" ] && ours "$staged"; then
        if right; then break; fi
        resume=yes
    else
        fresh "$staged" || exit 1
    fi
    before=$(size)
    get "$resume" && status=0 || status=$?
    [ "$status" != 0 ] || [ -n "$resume" ] || break
    if [ "$status" = 0 ] && right; then break; fi
    left=$((left - 1))
    [ "$left" -gt 0 ] || give_up 1
    # What cannot be gone on with, or was of another content, is begun again; what broke on the way is gone on with.
    case $resume/$status in
    yes/0 | yes/22 | yes/33 | yes/8 | yes/1) rm -f "$staged" ;;
    */18 | */52 | */55 | */56 | */92) ;;
    # The programs have waited several times by themselves.
    */28 | */4 | */1) [ "$(size)" -gt "$before" ] || give_up 1 ;;
    *) give_up 1 ;;
    esac
done
if ! right; then
    rm -f "$staged"
    echo "$found" >&2
    exit 96
fi
if [ -n "$same" ] && cmp -s "$staged" "$path"; then
    rm -f "$staged"
    exit 94
fi"#;

impl Fetch<'_> {
    /// The script, which does nothing but fetch.
    pub(crate) fn script() -> &'static str {
        FETCH
    }

    /// The variables that the script finds.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        let secret = self.is_secret || self.login.is_some() || !self.headers.is_empty();
        let word = |yes: bool| if yes { "yes" } else { "" }.to_owned();
        [
            ("ONEEX_URL", self.url.clone()),
            ("ONEEX_CURL", self.curl()),
            ("ONEEX_WGET", self.wget()),
            ("ONEEX_SECRET", word(secret)),
            ("ONEEX_UNVERIFIED", word(!self.verified)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// A configuration as curl(1) reads it.
    fn curl(&self) -> String {
        let mut text =
            String::from("location\nfail\nsilent\nshow-error\ngloboff\nretry = 2\nconnect-timeout = 20\n");
        let mut set = |name: &str, value: &str| {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\t', "\\t");
            let _ = writeln!(text, "{name} = \"{escaped}\"");
        };
        set("url", &self.url);
        set("proto", "=http,https");
        // Encryption is not given up on the way.
        set("proto-redir", if self.url.starts_with("https:") { "=https" } else { "=http,https" });
        set("user-agent", concat!("oneex/", env!("CARGO_PKG_VERSION")));
        for (name, value) in &self.headers {
            set("header", &format!("{name}: {value}"));
        }
        if let Some((user, password)) = self.login {
            set("user", &format!("{user}:{password}"));
        }
        if let Some(authorities) = self.authorities {
            set("cacert", authorities);
        }
        if !self.verified {
            text.push_str("insecure\n");
        }
        let _ = write!(text, "speed-limit = 1\nspeed-time = {}", self.patience);
        text
    }

    /// The same for GNU's wget(1).
    fn wget(&self) -> String {
        let mut text = format!(
            "verbose = off\nquiet = off\ntries = 3\ntimeout = {}\nuser_agent = oneex/{}\n",
            self.patience,
            env!("CARGO_PKG_VERSION")
        );
        for (name, value) in &self.headers {
            let _ = writeln!(text, "header = {name}: {value}");
        }
        if let Some((user, password)) = self.login {
            let _ = writeln!(text, "http_user = {user}\nhttp_password = {password}\nauth_no_challenge = on");
        }
        if let Some(authorities) = self.authorities {
            let _ = writeln!(text, "ca_certificate = {authorities}");
        }
        if !self.verified {
            text.push_str("check_certificate = off\n");
        }
        text
    }
}

const WHO: &str = "give `url_username` and `url_password`, or a token in `headers`";

/// What went wrong, in the words of people; nothing where what came is there already.
pub(crate) fn failure(shown: &str, expected: &str, output: CommandOutput) -> Option<OpError> {
    let said = output.stderr_text();
    let has = |texts: &[&str]| texts.iter().any(|text| said.contains(text));
    let error = match output.code() {
        SAME => return None,
        NOT_AS_EXPECTED => {
            let found = said.lines().last().unwrap_or_default();
            OpError::failed(format!("`{shown}` has the sum {found}, and not {expected}"))
                .hint("nothing was changed; is it another version, or did somebody tamper with it?")
        }
        TOO_WEAK => OpError::denied(
            "the host has only the `wget` of BusyBox, which keeps no secret and trusts everybody",
        )
        .hint("install `curl`, use `through: \"controller\"`, or give a `checksum` where there is no secret"),
        NO_PROGRAM => OpError::failed("the host has neither `curl` nor `wget`")
            .hint("install one, or use `through: \"controller\"`"),
        _ if said.contains("the folder `") => {
            let line = said.lines().rfind(|line| line.starts_with("the folder `")).unwrap_or_default();
            OpError::failed(line.to_owned()).hint("`directory` makes it")
        }
        _ if has(&[
            "curl: (60)",
            "curl: (77)",
            "ertificate verif",
            "annot verify",
            "certificate common name",
        ]) =>
        {
            OpError::denied(format!("the host does not trust the server of `{shown}`"))
                .hint("`ca_path` names a file of the host with authorities to trust")
        }
        _ if has(&["curl: (22)", "ERROR 4", "ERROR 5", "HTTP/1.", "server returned error"]) => {
            let status =
                said.split(|c: char| !c.is_ascii_digit()).rfind(|word| word.len() == 3 && *word >= "400");
            let message = format!("`{shown}` was answered with {}", status.unwrap_or("a refusal"));
            match status {
                Some("401" | "403") => OpError::denied(message).hint(WHO),
                _ => OpError::failed(message),
            }
        }
        _ if has(&[
            "curl: (6)",
            "curl: (7)",
            "unable to resolve",
            "failed: Connection refused",
            "can't connect",
            "bad address",
        ]) =>
        {
            OpError::failed(format!("the host does not reach the server of `{shown}`"))
                .hint("does a proxy stand between? `through: \"controller\"` goes another way")
        }
        _ if has(&["Authentication Failed"]) => {
            OpError::denied(format!("`{shown}` was answered with 401")).hint(WHO)
        }
        _ if has(&["curl: (28)", "timed out"]) => {
            OpError::timeout(format!("the server of `{shown}` sent nothing for too long"))
        }
        _ => {
            let line = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it gave no reason");
            OpError::failed(format!("`{shown}` was not fetched: {}", line.trim()))
        }
    };
    Some(error.command("curl", output))
}

#[cfg(test)]
mod tests {
    use super::Fetch;

    #[test]
    fn what_curl_and_wget_are_told() {
        let fetch = Fetch {
            url: "https://x.org/a\"b\\c".to_owned(),
            headers: vec![("X-Token", "t\"\\1")],
            login: Some(("ada", "p w\"")),
            authorities: Some("/etc/ca.pem"),
            verified: false,
            patience: 7,
            is_secret: false,
        };
        let curl = fetch.curl();
        for line in [
            "url = \"https://x.org/a\\\"b\\\\c\"",
            "proto-redir = \"=https\"",
            "header = \"X-Token: t\\\"\\\\1\"",
            "user = \"ada:p w\\\"\"",
            "cacert = \"/etc/ca.pem\"",
            "insecure",
            "speed-time = 7",
        ] {
            assert!(curl.lines().any(|known| known == line), "{line}\n{curl}");
        }
        let wget = fetch.wget();
        for line in
            ["header = X-Token: t\"\\1", "http_password = p w\"", "check_certificate = off", "timeout = 7"]
        {
            assert!(wget.lines().any(|known| known == line), "{line}\n{wget}");
        }
        assert!(fetch.env().contains(&("ONEEX_SECRET".to_owned(), "yes".to_owned())));
    }
}
