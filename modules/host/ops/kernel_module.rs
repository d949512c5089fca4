//! `kernel_module`: a module of the kernel, now and at every start.

use oneex_sdk::{Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::accounts::Presence;
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, Question, look_and_ask};
use crate::host::place::staged_name;
use crate::host::steps::Steps;
use crate::host::system::{ModuleState, Tool, check_module_name, plain_module, with_module};

/// The operation `kernel_module`.
pub(crate) struct KernelModule;

/// The options of `kernel_module`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The module's name; `-` and `_` are the same.
    name: String,
    /// Parameters for when it is loaded: `"a=1 b=2"`. One that is loaded keeps those that it has.
    #[serde(default)]
    params: String,
    /// Whether it is loaded.
    #[serde(default)]
    state: Presence,
    /// Whether it is loaded at every start, with its parameters; left as it is when left out.
    persistent: Option<Presence>,
}

/// What there is.
pub(crate) struct State {
    /// The file that loads it at the start; nothing where none is there and none is wanted.
    content: Option<ContentState>,
    found: ModuleState,
}

impl Params {
    fn load_file(&self) -> String {
        format!("/etc/modules-load.d/{}.conf", self.name)
    }

    fn options_file(&self) -> String {
        format!("/etc/modprobe.d/{}.conf", self.name)
    }

    /// The file of parameters that is wanted; nothing where it is to go, or does not count.
    fn options(&self) -> Option<String> {
        let is_wanted = self.persistent == Some(Presence::Present) && !self.params.is_empty();
        is_wanted.then(|| format!("options {} {}\n", self.name, self.params))
    }

    fn check(&self) -> OpResult<()> {
        check_module_name(&self.name)?;
        let good = |c: char| c.is_ascii_graphic() || c == ' ';
        let is_pair = |word: &str| !word.starts_with('-');
        if !self.params.chars().all(good) || !self.params.split(' ').all(is_pair) {
            return Err(OpError::invalid(format!("`params`: `{}` are no parameters", self.params))
                .hint("write for example `a=1 b=2`"));
        }
        Ok(())
    }
}

/// Parameters: the module as the kernel writes it, and its file of parameters.
const LOOK: &str = r#"while read -r line; do printf 'module %s\n' "${line%% *}"; done </proc/modules
if [ -d "/sys/module/$1" ] && [ ! -e "/sys/module/$1/initstate" ]; then echo builtin
elif grep -q "/$1\.ko" "/lib/modules/$(uname -r)/modules.builtin" 2>/dev/null; then echo builtin; fi
[ ! -f "$2" ] || printf 'options %s\n' "$(base64 <"$2" | tr -d '\n')""#;

/// Parameters: the module, its parameters, what is done with it, the file that goes, the file of parameters, what is
/// done with that, its new text, and a name for it beside its place.
const ACT: &str = r#"[ -z "$4" ] || rm -f "$4" || return
case $6 in
write)
    trap 'rm -f "$8"' EXIT
    printf %s "$7" >"$8" && put "$8" "$5" || return
    trap - EXIT ;;
remove) rm -f "$5" || return ;;
esac
set -f
case $3 in
load) modprobe "$1" $2 ;;
unload) modprobe -r "$1" ;;
esac"#;

const TOOL: Tool = Tool { name: "modprobe", packages: "`kmod`" };

impl Op for KernelModule {
    type Params = Params;
    type State = State;

    const NAME: &'static str = "kernel_module";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Loads a module of the kernel, or unloads it, and says whether it is loaded at every start.

A module that is a part of the kernel itself counts as loaded, and cannot be unloaded. With `persistent: \"present\"`
the name stands in `/etc/modules-load.d/NAME.conf` and the parameters in `/etc/modprobe.d/NAME.conf`.

Sources: modprobe(8), modules-load.d(5), modprobe.d(5); Ansible's module `community.general.modprobe` for names.";
    const POSITIONAL: &'static [&'static str] = &["name"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "bridges that packet filters see",
            code: r#"h.kernel_module("br_netfilter", #{ persistent: "present" });"#,
            proof: Proof::Plan,
        },
        Example {
            about: "a module that is not wanted",
            code: r#"h.kernel_module("oneex-none", #{ state: "absent" });"#,
            proof: Proof::Run,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Named(vec![format!("kernel_module:{}", plain_module(&params.name))])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<State> {
        params.check()?;
        let (name, options) = (plain_module(&params.name), params.options_file());
        let question = Question { script: LOOK, words: vec![&name, &options] };
        let answer = look_and_ask(reader, &params.load_file(), false, question).await?;
        let found = ModuleState::parse(&answer.said, &params.name);
        if found.is_builtin && params.state == Presence::Absent {
            return Err(OpError::failed(format!("`{}` is a part of the kernel itself", params.name))
                .hint("it cannot be unloaded"));
        }
        let content = answer.edited(reader, |text| {
            let is_wanted = params.persistent == Some(Presence::Present);
            Ok(if is_wanted { with_module(text, &params.name) } else { text.to_owned() })
        })?;
        Ok(State { content, found })
    }

    fn diff(&self, params: &Params, state: &State) -> Change {
        let mut change = Change::none();
        let word = |is_loaded| Some(if is_loaded { "loaded" } else { "not loaded" }.to_owned());
        let is_there = state.found.is_loaded || state.found.is_builtin;
        change.property("state", word(is_there), word(params.state == Presence::Present));
        match params.persistent {
            None => {}
            Some(Presence::Present) => {
                if let Some(content) = &state.content {
                    change.items.extend(content.differ(Attributes::default(), true).items);
                }
                let wanted = params.options();
                if wanted.is_some() {
                    let trimmed = |text: &String| text.trim_end().to_owned();
                    let present = state.found.options.as_ref().map(trimmed);
                    change.property("parameters", present, wanted.as_ref().map(trimmed));
                }
            }
            Some(Presence::Absent) => {
                let path = |is_there: bool, path: String| is_there.then_some(path);
                change.property("at the start", path(state.content.is_some(), params.load_file()), None);
                let is_there = state.found.options.is_some();
                change.property("parameters", path(is_there, params.options_file()), None);
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
        let verb = match (change.has("state"), params.state) {
            (false, _) => "",
            (true, Presence::Present) => "load",
            (true, Presence::Absent) => "unload",
        };
        let text = params.options().filter(|_| change.has("parameters"));
        let on_options = match (&text, change.has("parameters")) {
            (Some(_), _) => "write",
            (None, true) => "remove",
            (None, false) => "",
        };
        let gone = if change.has("at the start") { params.load_file() } else { String::new() };
        let options = params.options_file();
        let words = vec![
            params.name.clone(),
            params.params.clone(),
            verb.to_owned(),
            gone,
            options.clone(),
            on_options.to_owned(),
            text.unwrap_or_default(),
            staged_name(&options)?,
        ];
        let subject = format!("`{}`", params.name);
        let steps = Steps { before: "", after: ACT, words, tool: TOOL, subject, env: Vec::new() };
        match &state.content {
            Some(content) if change.has("content") => {
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
    use oneex_sdk::json;
    use oneex_testkit::{FakeHost, TestHost, laws};

    use super::KernelModule;

    #[tokio::test]
    async fn decisions() {
        for (said, file, options, expected) in [
            ("module x\n", "absent\n", json!({}), ""),
            ("builtin\n", "absent\n", json!({}), ""),
            ("module y\n", "absent\n", json!({}), "state: not loaded → loaded\n"),
            ("module x\n", "absent\n", json!({ "state": "absent" }), "state: loaded → not loaded\n"),
            ("", "absent\n", json!({ "state": "absent" }), ""),
            (
                "module x\n",
                "absent\n",
                json!({ "persistent": "present" }),
                "--- /f\n+++ /f\n@@ -0,0 +1 @@\n+x\n",
            ),
            (
                "module x\n",
                "stat 81a4 0 0 2 0 0 0 1 1 1 root root\ncontent\nx\n",
                json!({ "persistent": "present", "params": "a=1 b=2" }),
                "parameters: + options x a=1 b=2\n",
            ),
            (
                "module x\noptions b3B0aW9ucyB4IGE9MQo=\n",
                "stat 81a4 0 0 2 0 0 0 1 1 1 root root\ncontent\nx\n",
                json!({ "persistent": "present", "params": "a=1" }),
                "",
            ),
            (
                "options b3B0aW9ucyB4IGE9MQo=\n",
                "stat 81a4 0 0 2 0 0 0 1 1 1 root root\ncontent\nx\n",
                json!({ "persistent": "absent", "state": "absent" }),
                "at the start: - /etc/modules-load.d/x.conf\nparameters: - /etc/modprobe.d/x.conf\n",
            ),
        ] {
            let host = FakeHost::new().answer("ask", &format!("{said}--\nL2Y=\n{file}"));
            let mut options = options;
            options["name"] = json!("x");
            let change = laws::plan(KernelModule, &host, options.clone()).await.expect("a plan");
            assert_eq!(change.to_text(), expected, "{options}");
        }
    }

    /// A host without modules, whose modprobe(8) only writes down what it is told: no test loads a module.
    fn host() -> TestHost {
        let host = TestHost::new().with_private(&["/etc"]);
        for folder in ["etc/modules-load.d", "etc/modprobe.d", "bin"] {
            std::fs::create_dir(host.path(folder)).expect(folder);
        }
        let log = host.path("told");
        let stand_in = host.write("bin/modprobe", format!("#!/bin/sh\nprintf '<%s>' \"$@\" >>{log}\n"));
        std::fs::set_permissions(stand_in, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .expect("a mode");
        let path = format!("{}:{}", host.path("bin"), std::env::var("PATH").expect("a path"));
        host.with_search_path(path)
    }

    #[tokio::test]
    async fn modprobe_is_told_and_the_files_are_those_of_the_start() {
        let host = host();
        let options = json!({ "name": "oneex-none", "params": "a=* b=$(id)", "persistent": "present" });
        laws::run(KernelModule, &host, options).await.expect("it is done");
        let told = || host.content("told").map(|bytes| String::from_utf8(bytes).expect("text"));
        assert_eq!(told().as_deref(), Some("<oneex-none><a=*><b=$(id)>"));
        assert_eq!(host.content("etc/modules-load.d/oneex-none.conf").as_deref(), Some(&b"oneex-none\n"[..]));
        let expected = b"options oneex-none a=* b=$(id)\n";
        assert_eq!(host.content("etc/modprobe.d/oneex-none.conf").as_deref(), Some(&expected[..]));
        let gone = json!({ "name": "oneex-none", "state": "absent", "persistent": "absent" });
        let done = laws::ensures(KernelModule, &host, gone).await.expect("it is done");
        assert!(done.changed);
        let left = |folder: &str| std::fs::read_dir(host.path(folder)).expect("a folder").count();
        assert_eq!((left("etc/modules-load.d"), left("etc/modprobe.d")), (0, 0));
        assert_eq!(told().as_deref(), Some("<oneex-none><a=*><b=$(id)>"), "it is not told once more");
    }

    #[tokio::test]
    async fn wrong_calls_are_named() {
        let host = FakeHost::new().answer("ask", "builtin\n--\nL2Y=\nabsent\n");
        for (options, message) in [
            (json!({ "name": "a b" }), "`a b` is not the name of a kernel module"),
            (json!({ "name": "-r" }), "`-r` is not the name of a kernel module"),
            (json!({ "name": "x", "params": "a=1\nb=2" }), "are no parameters"),
            (json!({ "name": "x", "params": "-r y" }), "`params`: `-r y` are no parameters"),
            (json!({ "name": "x", "state": "absent" }), "`x` is a part of the kernel itself"),
        ] {
            let error = laws::plan(KernelModule, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
    }
}
