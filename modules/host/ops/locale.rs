//! `locale`: which languages a host speaks.

use oneex_sdk::{Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::accounts::Presence;
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, Question, look_and_ask};
use crate::host::place::staged_name;
use crate::host::steps::Steps;
use crate::host::system::{
    Tool, is_builtin_locale, plain_locale, with_language, with_locale, without_locale,
};

/// The operation `locale`.
pub(crate) struct Locale;

/// The options of `locale`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The locale's name: `de_DE.UTF-8`.
    name: String,
    /// Whether programs can use it.
    #[serde(default)]
    state: Presence,
    /// Makes it the language (`LANG`) of everybody who has set no other.
    #[serde(default)]
    language: bool,
}

/// What there is.
pub(crate) struct State {
    /// locale.gen(5), or locale.conf(5) where locales are not generated; nothing where no file is there and none is
    /// wanted.
    content: Option<ContentState>,
    is_generating: bool,
    is_there: bool,
    language: Option<String>,
    /// The file that says the language.
    language_file: String,
}

/// Parameter: the name.
const LOOK: &str = r#"locale -a 2>/dev/null | sed 's/^/has /'
at=/etc/locale.conf
if [ -e /etc/locale.gen ] || command -v locale-gen >/dev/null; then echo generates; at=/etc/locale.gen; fi
[ ! -r /usr/share/i18n/SUPPORTED ] || echo list
grep -F "$1 " /usr/share/i18n/SUPPORTED 2>/dev/null | sed 's/^/supported /'
file=/etc/locale.conf
if [ -e /etc/default/locale ] || [ -e /etc/debian_version ]; then file=$(readlink -f /etc/default/locale); fi
echo "file $file"
[ ! -r "$file" ] || sed -n 's/^LANG=/language /p' "$file" | tr -d '"'"#;

/// Parameters: the locale where it becomes the language, the file for that, a name for it beside its place, and
/// whether locales are generated.
const ACT: &str = r#"if [ "$4" = generate ]; then locale-gen >/dev/null || return; fi
[ -n "$1" ] || return 0
trap 'rm -f "$3"' EXIT
{ [ ! -r "$2" ] || grep -v '^LANG=' "$2" || :; echo "LANG=$1"; } >"$3" && chmod 0644 "$3" && put "$3" "$2" || return
trap - EXIT"#;

const TOOL: Tool = Tool { name: "locale-gen", packages: "`locales` or `glibc`" };

impl Op for Locale {
    type Params = Params;
    type State = State;

    const NAME: &'static str = "locale";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Lets programs speak a language, and says which one is everybody's.

On systems that generate locales (Debian, Ubuntu, Arch) the locale becomes a line of `/etc/locale.gen`, and is
generated. On others it comes with a package, and only the language can be set. What a package brings stays with
`absent`.

Sources: locale(1), locale.gen(5), locale-gen(8), locale.conf(5); Ansible's module `community.general.locale_gen`.";
    const POSITIONAL: &'static [&'static str] = &["name"];
    const LOCK: Option<&'static str> = Some("locales");
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "German for those who want it",
            code: r#"h.locale("de_DE.UTF-8");"#,
            proof: Proof::Check,
        },
        Example {
            about: "no language in particular, for everybody",
            code: r#"h.locale("C.UTF-8", #{ language: true });"#,
            proof: Proof::Plan,
        },
    ];

    fn resources(&self, _: &Params) -> Resources {
        Resources::Paths(
            ["/etc/locale.gen", "/etc/locale.conf", "/etc/default/locale"].map(str::to_owned).to_vec(),
        )
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<State> {
        let name = params.name.as_str();
        let good = |c: char| c.is_ascii_alphanumeric() || "_.@-".contains(c);
        if name.is_empty() || !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(good)
        {
            return Err(OpError::invalid(format!("`{name}` is not the name of a locale"))
                .hint("write for example `de_DE.UTF-8`"));
        }
        if params.language && params.state == Presence::Absent {
            return Err(OpError::invalid("`language` and `state: \"absent\"` exclude each other"));
        }
        let answer = look_and_ask(reader, "", true, Question { script: LOOK, words: vec![name] }).await?;
        let has = |word: &str| answer.said.lines().any(|line| line == word);
        let is_there = is_builtin_locale(name)
            || answer.values("has").any(|have| plain_locale(have) == plain_locale(name));
        let is_generating = has("generates");
        let codes = answer.values("supported").find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let codes = match codes {
            Some(codes) => codes.to_owned(),
            // Without a list, the codes are those of the name.
            None if !has("list") => {
                let codes = name.split('@').next().and_then(|name| name.split_once('.'));
                codes.map_or("ISO-8859-1", |(_, codes)| codes).to_owned()
            }
            None => String::new(),
        };
        let is_wanted = params.state == Presence::Present;
        if is_wanted && !is_there && (!is_generating || codes.is_empty()) {
            let hint = match is_generating {
                true => {
                    "`/usr/share/i18n/SUPPORTED` on the host lists them; Debian has it in the package `locales`"
                }
                false => "it comes with a package, such as `glibc-langpack-de`",
            };
            return Err(OpError::failed(format!("the host has no locale `{name}`")).hint(hint));
        }
        let language = answer.values("language").last().map(str::to_owned);
        let language_file = answer.values("file").next().unwrap_or_default().to_owned();
        let content = answer.edited(reader, |text| {
            Ok(match (is_generating, params.state) {
                (true, Presence::Present) if is_builtin_locale(name) || codes.is_empty() => text.to_owned(),
                (true, Presence::Present) => with_locale(text, name, &codes),
                (true, Presence::Absent) => without_locale(text, name),
                (false, _) if params.language => with_language(text, name),
                (false, _) => text.to_owned(),
            })
        })?;
        Ok(State { content, is_generating, is_there, language, language_file })
    }

    fn diff(&self, params: &Params, state: &State) -> Change {
        let mut change = Change::none();
        if params.state == Presence::Present {
            params.state.differ(&mut change, state.is_there);
        }
        if params.language {
            change.property("language", state.language.clone(), Some(params.name.clone()));
        }
        if let Some(content) = &state.content {
            change.items.extend(content.differ(Attributes::default(), true).items);
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
        let is_placed = change.has("content");
        let sets = change.has("language") && state.is_generating;
        let generates = state.is_generating && (is_placed || change.has("state"));
        let words = vec![
            if sets { params.name.clone() } else { String::new() },
            state.language_file.clone(),
            staged_name(&state.language_file)?,
            if generates { "generate" } else { "" }.to_owned(),
        ];
        if generates {
            writer.progress("generating locales");
        }
        let subject = format!("the locale `{}`", params.name);
        let steps = Steps { before: "", after: ACT, words, tool: TOOL, subject, env: Vec::new() };
        match &state.content {
            Some(content) if is_placed => {
                let attributes = Attributes::default();
                content.apply_between(writer, change, attributes, false, None, Some(&steps)).await?;
            }
            _ => steps.run(writer).await?,
        }
        Ok(Output::none())
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{Value, json};
    use oneex_testkit::{FakeHost, TestHost, laws};

    use super::Locale;

    /// A host whose locales are the test's own.
    fn host() -> TestHost {
        let host = TestHost::new().with_private(&["/etc", "/usr/lib/locale"]);
        host.write("etc/debian_version", "12\n");
        host.write("etc/locale.gen", "# Locales\n# eo UTF-8\n# de_DE.UTF-8 UTF-8\n");
        std::fs::create_dir(host.path("etc/default")).expect("a folder");
        host.write("etc/default/locale", "LC_TIME=C\n");
        std::fs::copy("/etc/locale.alias", host.path("etc/locale.alias"))
            .expect("the aliases of the machine");
        host
    }

    fn text(host: &TestHost, name: &str) -> String {
        String::from_utf8(host.content(name).expect(name)).expect("text")
    }

    async fn ensure(host: &TestHost, options: &Value) -> Vec<String> {
        let done = laws::ensures(Locale, host, options.clone()).await.unwrap_or_else(|error| {
            panic!("{options}: {error}: {:?}", error.command);
        });
        done.change.items.into_iter().map(|item| item.what).collect()
    }

    #[tokio::test]
    async fn a_locale_is_generated_and_becomes_the_language() {
        let host = host();
        assert_eq!(ensure(&host, &json!({ "name": "eo" })).await, ["state", "content"]);
        assert_eq!(text(&host, "etc/locale.gen"), "# Locales\neo UTF-8\n# de_DE.UTF-8 UTF-8\n");
        assert_eq!(ensure(&host, &json!({ "name": "eo", "language": true })).await, ["language"]);
        assert_eq!(text(&host, "etc/default/locale"), "LC_TIME=C\nLANG=eo\n");
        // Somebody removes what was generated.
        std::fs::remove_file(host.path("usr/lib/locale/locale-archive")).expect("the locales");
        assert_eq!(ensure(&host, &json!({ "name": "eo" })).await, ["state"]);
        assert_eq!(ensure(&host, &json!({ "name": "C.UTF-8", "language": true })).await, ["language"]);
        assert_eq!(text(&host, "etc/default/locale"), "LC_TIME=C\nLANG=C.UTF-8\n");
        assert_eq!(ensure(&host, &json!({ "name": "eo", "state": "absent" })).await, ["content"]);
        assert_eq!(text(&host, "etc/locale.gen"), "# Locales\n# eo UTF-8\n# de_DE.UTF-8 UTF-8\n");
        assert_eq!(ensure(&host, &json!({ "name": "eo", "state": "absent" })).await, Vec::<String>::new());
    }

    #[tokio::test]
    async fn systems_that_generate_none_take_what_packages_bring() {
        let said = "has C\nhas C.utf8\nhas de_DE.utf8\nfile /etc/locale.conf\nlanguage C.UTF-8\n";
        let host = || FakeHost::new().answer("ask", &format!("{said}--\nL2Y=\nabsent\n"));
        for (options, expected) in [
            (json!({ "name": "de_DE.UTF-8" }), Ok("")),
            (
                json!({ "name": "de_DE.UTF-8", "language": true }),
                Ok("language: C.UTF-8 → de_DE.UTF-8\n--- /f\n+++ /f\n@@ -0,0 +1 @@\n+LANG=de_DE.UTF-8\n"),
            ),
            (json!({ "name": "fr_FR.UTF-8" }), Err("the host has no locale `fr_FR.UTF-8`")),
            (json!({ "name": "fr_FR.UTF-8", "state": "absent" }), Ok("")),
        ] {
            let found = laws::plan(Locale, &host(), options.clone()).await;
            let found = found.map(|change| change.to_text()).map_err(|error| error.message);
            assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{options}");
        }
    }

    #[tokio::test]
    async fn wrong_calls_are_named() {
        let host = host();
        for (options, message) in [
            (json!({ "name": "" }), "`` is not the name of a locale"),
            (json!({ "name": "de DE" }), "`de DE` is not the name of a locale"),
            (json!({ "name": "-x" }), "is not the name of a locale"),
            (json!({ "name": "../de" }), "is not the name of a locale"),
            (json!({ "name": "xx_XX.UTF-8" }), "the host has no locale `xx_XX.UTF-8`"),
            (
                json!({ "name": "eo", "language": true, "state": "absent" }),
                "`language` and `state: \"absent\"` exclude each other",
            ),
        ] {
            let error = laws::run(Locale, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
    }
}
