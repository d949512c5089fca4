//! `yum_repository`: where dnf, yum and zypper find packages.

use oneex_sdk::{
    Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Secret, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::accounts::Presence;
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, look_and_edit};
use crate::host::many::OneOrMany;
use crate::host::packages::{check_source_name, with_section, without_section};

/// The operation `yum_repository`.
pub(crate) struct YumRepository;

/// The options of `yum_repository`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The repository's identifier, which is the name of its section.
    name: String,
    /// What people read.
    description: Option<String>,
    /// The addresses.
    #[serde(default)]
    baseurl: OneOrMany,
    /// The address of a list of addresses.
    mirrorlist: Option<String>,
    /// The address of a metalink file.
    metalink: Option<String>,
    /// Whether it is used.
    enabled: Option<bool>,
    /// Whether packages must be signed.
    gpgcheck: Option<bool>,
    /// Whether its lists must be signed.
    repo_gpgcheck: Option<bool>,
    /// The addresses of the keys that sign.
    #[serde(default)]
    gpgkey: OneOrMany,
    /// A lower number comes first.
    priority: Option<i64>,
    /// Packages that are not taken from it, as globs.
    #[serde(default)]
    exclude: OneOrMany,
    /// The only packages that are taken from it, as globs.
    #[serde(default)]
    includepkgs: OneOrMany,
    /// Whether the server's certificate must be good.
    sslverify: Option<bool>,
    /// A file of the host with authorities to trust.
    sslcacert: Option<String>,
    /// A file of the host with a certificate to show.
    sslclientcert: Option<String>,
    /// The key of that.
    sslclientkey: Option<String>,
    /// A proxy; `_none_` for none.
    proxy: Option<String>,
    /// The user.
    username: Option<String>,
    /// The password. It stands in the file, which then only its owner can read.
    password: Option<Secret<String>>,
    /// Goes on where the server does not answer.
    skip_if_unavailable: Option<bool>,
    /// Makes its packages visible whatever module streams there are.
    module_hotfixes: Option<bool>,
    /// How long lists are good: seconds, or a number with `m`, `h` or `d`, or `never`.
    metadata_expire: Option<String>,
    /// The name of the file, without its ending; the name of the repository when left out.
    file: Option<String>,
    /// The folder of the file; zypper has `/etc/zypp/repos.d`.
    #[serde(default = "folder")]
    reposdir: String,
    /// Whether it is to be there.
    #[serde(default)]
    state: Presence,
    /// The mode of the file; kept when left out.
    mode: Option<Mode>,
}

fn folder() -> String {
    "/etc/yum.repos.d".to_owned()
}

impl Params {
    fn path(&self) -> OpResult<String> {
        let file = self.file.as_ref().unwrap_or(&self.name);
        check_source_name(file)?;
        Ok(format!("{}/{file}.repo", self.reposdir.trim_end_matches('/')))
    }

    /// The section's options; nothing where it is not to be there.
    fn options(&self) -> OpResult<Option<Vec<(String, String)>>> {
        let is_wrong = |c: char| c.is_whitespace() || c.is_control() || "[]/".contains(c);
        if self.name.is_empty() || self.name.contains(is_wrong) {
            return Err(OpError::invalid(format!(
                "`name`: `{}` cannot be a repository",
                self.name.escape_debug()
            )));
        }
        if self.state == Presence::Absent {
            return Ok(None);
        }
        let sources =
            [!self.baseurl.as_slice().is_empty(), self.mirrorlist.is_some(), self.metalink.is_some()];
        if !sources.contains(&true) {
            return Err(OpError::invalid(
                "`yum_repository` needs one of `baseurl`, `mirrorlist` and `metalink`",
            ));
        }
        let list = |list: &OneOrMany, separator: &str| {
            let texts = list.as_slice();
            (!texts.is_empty()).then(|| texts.join(separator))
        };
        let bit = |value: Option<bool>| value.map(|value| if value { "1" } else { "0" }.to_owned());
        let all = [
            ("name", Some(self.description.clone().unwrap_or_else(|| self.name.clone()))),
            ("baseurl", list(&self.baseurl, "\n")),
            ("mirrorlist", self.mirrorlist.clone()),
            ("metalink", self.metalink.clone()),
            ("enabled", bit(self.enabled)),
            ("gpgcheck", bit(self.gpgcheck)),
            ("repo_gpgcheck", bit(self.repo_gpgcheck)),
            ("gpgkey", list(&self.gpgkey, "\n")),
            ("priority", self.priority.map(|priority| priority.to_string())),
            ("exclude", list(&self.exclude, " ")),
            ("includepkgs", list(&self.includepkgs, " ")),
            ("sslverify", bit(self.sslverify)),
            ("sslcacert", self.sslcacert.clone()),
            ("sslclientcert", self.sslclientcert.clone()),
            ("sslclientkey", self.sslclientkey.clone()),
            ("proxy", self.proxy.clone()),
            ("username", self.username.clone()),
            ("password", self.password.as_ref().map(|password| password.expose().clone())),
            ("skip_if_unavailable", bit(self.skip_if_unavailable)),
            ("module_hotfixes", bit(self.module_hotfixes)),
            ("metadata_expire", self.metadata_expire.clone()),
        ];
        let mut options = Vec::new();
        for (option, value) in all {
            let Some(value) = value else { continue };
            let lines: Vec<&str> = value.split('\n').collect();
            let is_list = matches!(option, "baseurl" | "gpgkey");
            if lines.iter().any(|line| line.trim().is_empty() || line.contains(char::is_control))
                || (lines.len() > 1 && !is_list)
            {
                return Err(OpError::invalid(format!(
                    "the value for `{option}` is empty, or has more than a line"
                )));
            }
            options.push((option.to_owned(), value));
        }
        Ok(Some(options))
    }

    fn attributes(&self) -> Attributes<'_> {
        Attributes { mode: self.mode.as_ref(), owner: None, group: None }
    }
}

impl Op for YumRepository {
    type Params = Params;
    /// Nothing where there is no file that could hold it.
    type State = Option<ContentState>;

    const NAME: &'static str = "yum_repository";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Says where dnf, yum and zypper find packages: a section of a file below `/etc/yum.repos.d`.

The section has the options that are given and no others; other sections of the file stay as they are. The lists are
fetched by `packages`, with `update_cache`.

Sources: dnf.conf(5), yum.conf(5), zypper(8); Ansible's module `ansible.builtin.yum_repository` for names and meaning.";
    const POSITIONAL: &'static [&'static str] = &["name"];
    const LOCK: Option<&'static str> = Some("packages");
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a repository with signed packages",
            code: r#"h.yum_repository("shop", #{
    description: "The shop's packages",
    baseurl: "https://packages.example.org/el9/$basearch",
    gpgcheck: true,
    gpgkey: "https://packages.example.org/key.asc",
    reposdir: dir,
});"#,
            proof: Proof::Run,
        },
        Example {
            about: "one that must not be there",
            code: r#"h.yum_repository("oneex-gone", #{ state: "absent", reposdir: dir });"#,
            proof: Proof::Run,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(params.path().into_iter().collect())
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Option<ContentState>> {
        let options = params.options()?;
        if let Some(password) = &params.password {
            reader.secrets().register(password.expose());
        }
        look_and_edit(reader, &params.path()?, true, options.is_none(), |text| match &options {
            Some(options) => with_section(text, &params.name, options),
            None => without_section(text, &params.name),
        })
        .await
    }

    fn diff(&self, params: &Params, state: &Option<ContentState>) -> Change {
        state.as_ref().map_or_else(Change::none, |state| state.differ(params.attributes(), true))
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &Option<ContentState>,
        change: &Change,
    ) -> OpResult<Output> {
        let Some(state) = state else { return Ok(Output::none()) };
        state.apply(writer, change, params.attributes(), false, None).await
    }

    fn output(&self, _: &Params, state: &Option<ContentState>) -> Output {
        state.as_ref().map_or_else(Output::none, ContentState::output)
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{Value, json};
    use oneex_testkit::{TestHost, laws};

    use super::YumRepository;

    fn options(host: &TestHost, more: &Value) -> Value {
        let mut options = json!({ "name": "shop", "reposdir": host.path("") });
        options.as_object_mut().expect("options").extend(more.as_object().expect("options").clone());
        options
    }

    #[tokio::test]
    async fn decisions() {
        let small = "[shop]\nname = shop\nbaseurl = https://x.org\n";
        for (before, more, after) in [
            (None, json!({ "baseurl": "https://x.org" }), Some(small.to_owned())),
            (Some(small), json!({ "baseurl": ["https://x.org"] }), Some(small.to_owned())),
            (
                Some("[other]\nname=o\n"),
                json!({ "baseurl": ["https://x.org", "https://y.org"], "description": "Größe $(id)", "enabled": false,
                        "gpgcheck": true, "gpgkey": "https://x.org/k", "priority": 7, "exclude": ["a*", "b"],
                        "metadata_expire": "6h" }),
                Some("[other]\nname=o\n\n[shop]\nname = Größe $(id)\nbaseurl = https://x.org\n    https://y.org\nenabled = 0\n\
                      gpgcheck = 1\ngpgkey = https://x.org/k\npriority = 7\nexclude = a* b\nmetadata_expire = 6h\n".into()),
            ),
            (Some(small), json!({ "state": "absent" }), Some(String::new())),
            (None, json!({ "state": "absent" }), None),
        ] {
            let host = TestHost::new();
            if let Some(before) = before {
                host.write("shop.repo", before);
            }
            let done = laws::ensures(YumRepository, &host, options(&host, &more)).await.expect("it is done");
            assert_eq!(done.changed, before.map(str::to_owned) != after, "{more}");
            assert_eq!(host.content("shop.repo"), after.map(String::into_bytes), "{more}");
        }
    }

    #[tokio::test]
    async fn a_password_is_for_its_owner_alone() {
        let host = TestHost::new();
        let more = json!({ "baseurl": "https://x.org", "username": "ada", "password": "hunter2", "file": "private" });
        let call = options(&host, &more);
        assert!(!laws::shown(YumRepository, call.clone()).to_string().contains("hunter2"));
        let plan = laws::plan(YumRepository, &host, call.clone()).await.expect("a plan").to_text();
        assert!(!plan.contains("hunter2"), "{plan}");
        laws::ensures(YumRepository, &host, call).await.expect("it is done");
        let text = String::from_utf8(host.content("private.repo").expect("a file")).expect("text");
        assert!(text.contains("password = hunter2\n") && host.mode("private.repo") == 0o600);
    }

    #[tokio::test]
    async fn wrong_calls_are_named() {
        let host = TestHost::new();
        for (more, message) in [
            (json!({}), "`yum_repository` needs one of `baseurl`, `mirrorlist` and `metalink`"),
            (json!({ "name": "a]b", "baseurl": "x" }), "`name`: `a]b` cannot be a repository"),
            (
                json!({ "file": "a/b", "baseurl": "x" }),
                "`name`: `a/b` cannot be the name of a file of sources",
            ),
            (
                json!({ "baseurl": "x", "description": "a\nenabled = 1" }),
                "the value for `name` is empty, or has more than a line",
            ),
            (json!({ "baseurl": ["x", ""] }), "the value for `baseurl` is empty, or has more than a line"),
        ] {
            let error = laws::run(YumRepository, &host, options(&host, &more)).await.expect_err(message);
            assert_eq!(error.message, message);
        }
        assert_eq!(host.round_trips(), 0);
    }

    #[tokio::test]
    async fn a_cut_leaves_the_old_or_the_new() {
        let prepare = |host: &TestHost| {
            host.write("shop.repo", "[other]\nname=o\n");
            options(host, &json!({ "baseurl": "https://x.org" }))
        };
        laws::survives_cuts(YumRepository, prepare, |host: &TestHost| host.content("shop.repo")).await;
    }
}
