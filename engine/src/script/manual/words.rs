//! The manual of the words: a table, since closures that are registered carry no documentation. A test
//! compares it with what is registered.

use super::WordManual;

/// Name, ways to call it, what it does, an example.
type Row = (&'static str, &'static [&'static str], &'static str, &'static str);

const DECLARATIONS: &[Row] = &[
    (
        "params",
        &["params(#{ name: spec, … })"],
        "Declares every parameter once and returns their values. A spec is a plain value, or a map with `value required type help pattern choices min max env prompt`; types are `string int float bool list map duration size secret host hosts`.",
        "let p = params(#{ version: #{ required: true, pattern: \"^v[0-9.]+$\" }, size: 2 });",
    ),
    (
        "environment",
        &["environment()"],
        "Gives the environment that `--env` chose: `.name`, `.protected`, `.vars`.",
        "let domain = environment().vars.domain;",
    ),
    (
        "hosts",
        &["hosts(pattern)"],
        "Names a set of hosts by Ansible's patterns. Sets and hosts combine with `+`, `-` and `&`; the set is resolved when a task needs it.",
        "let web = hosts(\"web:&prod:!web3\");",
    ),
    (
        "host",
        &["host(name)"],
        "Names one host of the inventory, also from within another host's body.",
        "let lb = host(\"lb1\");",
    ),
    (
        "local",
        &["local()"],
        "Names the controller itself.",
        "task(\"build\").on(local()).run(|h| { h.exec(\"make\"); });",
    ),
    (
        "task",
        &["task(name)"],
        "Declares a task; what follows says how it runs, and `.run` gives it its body. What it returns stands for the task where others wait for it.",
        "let build = task(\"build\").run(|| { info(\"built\"); });",
    ),
    (
        "block",
        &["block(name, || { … })", "block(name, #{ … }, || { … })"],
        "Declares tasks that share `on sudo tags when needs after batch max_fail throttle exclusive` and run in the order written, host by host. With `parallel: true` nothing orders them.",
        "block(\"release\", #{ on: hosts(\"web\"), batch: 2 }, || { task(\"stop\").run(|h| { h.query(\"true\"); }); });",
    ),
    (
        "handler",
        &["handler(name)"],
        "Declares a task that runs once on each host that notified it, after every task that could still notify it there.",
        "handler(\"reload\").on(hosts(\"web\")).run(|h| { h.service(\"nginx\", #{ state: \"reloaded\" }); });",
    ),
    (
        "gate",
        &["gate(name, message)"],
        "Declares a gate: what needs it waits until a person has approved it, on the terminal or with `--approve NAME`.",
        "let rollout = gate(\"rollout\", \"roll out to production?\");",
    ),
    (
        "group_of",
        &["group_of(tasks)"],
        "Makes one handle of several tasks, as a role returns it.",
        "let all = group_of([task(\"a\").run(|| {}), task(\"b\").run(|| {})]);",
    ),
    (
        "on_end",
        &["on_end(|run| { … })"],
        "Runs last in any case, Ctrl-C included. `run` has `name status summary failed changed duration id url`.",
        "on_end(|run| { if run.status != \"ok\" { info(run.summary); } });",
    ),
];

const TASKS: &[Row] = &[
    (
        ".on",
        &[".on(hosts)", ".on(|| hosts)"],
        "Runs the task once for each host; the body gets the host. Takes a host, a set, an array of them, or a closure that gives them when the task is ready.",
        "task(\"a\").on(hosts(\"web\")).run(|h| { h.query(\"uptime\"); });",
    ),
    (
        ".each",
        &[".each(items)", ".each(|| items)"],
        "Runs the task once for each item; the body gets the item, after the host with `.on`.",
        "task(\"a\").each([\"x\", \"y\"]).run(|item| { info(item); });",
    ),
    (
        ".needs",
        &[".needs(task)"],
        "Waits until another task has ended well; where both run on the same host, only for that host.",
        "task(\"b\").needs(\"a\").run(|| {});",
    ),
    (
        ".after",
        &[".after(task)"],
        "Waits until another task has ended well on all its hosts: a barrier.",
        "task(\"b\").after(\"a\").run(|| {});",
    ),
    (
        ".after_any",
        &[".after_any(task)"],
        "Waits until another task has ended, however.",
        "task(\"b\").after_any(\"a\").run(|| {});",
    ),
    (
        ".when",
        &[".when(condition)", ".when(|h| condition)"],
        "Skips what the condition is false for; a closure is asked when the node is ready.",
        "task(\"a\").when(|| env_var(\"DEPLOY\", \"\") == \"yes\").run(|| {});",
    ),
    (
        ".batch",
        &[".batch(size)", ".batch(#{ size, pause, check })"],
        "Rolls over the hosts: at most so many (`2`, `\"25%\"`, `[1, \"25%\", \"100%\"]`) at a time, and no further batch once too many have failed.",
        "task(\"a\").on(hosts(\"web\")).batch(2).run(|h| { h.query(\"true\"); });",
    ),
    (
        ".max_fail",
        &[".max_fail(count)"],
        "Says how many nodes (`2`, `\"10%\"`) may fail before what waits for the whole of it is blocked. 0 when left out.",
        "task(\"a\").on(hosts(\"web\")).max_fail(\"10%\").run(|h| { h.query(\"true\"); });",
    ),
    (
        ".throttle",
        &[".throttle(count)"],
        "Runs at most so many nodes of this task at a time.",
        "task(\"a\").on(hosts(\"web\")).throttle(4).run(|h| { h.query(\"true\"); });",
    ),
    (
        ".exclusive",
        &[".exclusive(key)"],
        "Lets at most one node of the whole run that names this key run at a time.",
        "task(\"a\").exclusive(\"database\").run(|| {});",
    ),
    (
        ".retry",
        &[".retry(times)", ".retry(times, wait)", ".retry(#{ times, wait, backoff, max_wait, on })"],
        "Runs the body again after a failure, up to so many more times.",
        "task(\"a\").retry(3, \"5s\").run(|| {});",
    ),
    (
        ".timeout",
        &[".timeout(duration)"],
        "Ends an attempt of the body after this time, and the remote command that it waits for.",
        "task(\"a\").timeout(\"5m\").run(|| {});",
    ),
    (
        ".sudo",
        &[".sudo()", ".sudo(user)", "h.sudo()", "h.sudo(user)"],
        "Runs operations on the body's own host as root, or as this user. On a host it gives that host with that user.",
        "task(\"a\").on(hosts(\"db\")).sudo(\"postgres\").run(|h| { h.query(\"id\"); });",
    ),
    (
        ".tags",
        &[".tags([…])"],
        "Gives the task tags for `--tags` and `--skip-tags`.",
        "task(\"a\").tags([\"web\"]).run(|| {});",
    ),
    (
        ".allow_empty",
        &[".allow_empty()"],
        "Lets the set of hosts be empty, which is a failure otherwise.",
        "task(\"a\").on(hosts(\"new\")).allow_empty().run(|h| { h.query(\"true\"); });",
    ),
    (
        ".adds_hosts",
        &[".adds_hosts(groups)"],
        "Says which groups the task fills with `add_host`.",
        "task(\"a\").adds_hosts([\"workers\"]).run(|| { add_host(#{ name: \"w1\", groups: [\"workers\"] }); });",
    ),
    (
        ".sensitive",
        &[".sensitive()"],
        "Hides the task's output and diffs everywhere.",
        "task(\"a\").sensitive().run(|| {});",
    ),
    (
        ".doc",
        &[".doc(text)"],
        "Says what the task is for; shown by `graph` and `plan`.",
        "task(\"a\").doc(\"makes the folder\").run(|| {});",
    ),
    (
        ".run",
        &[".run(|| { … })", ".run(|h| { … })"],
        "Gives the task its body. What the body returns is the task's output.",
        "task(\"a\").run(|| 42);",
    ),
    (
        ".rescue",
        &[".rescue(|err| { … })", ".rescue(|h, err| { … })"],
        "Runs after a body that failed in all its attempts; when it ends without throwing, the node counts as rescued.",
        "task(\"a\").run(|| { fail(\"no\"); }).rescue(|err| { info(err.message); });",
    ),
    (
        ".always",
        &[".always(|| { … })", ".always(|h| { … })"],
        "Runs after body and rescue in any case.",
        "task(\"a\").run(|| {}).always(|| { info(\"cleaned up\"); });",
    ),
];

const HOSTS: &[Row] = &[
    (
        ".var",
        &["h.var(name)", "h.var(name, fallback)"],
        "Gives a variable of the host, or the fallback where it has none.",
        "task(\"a\").on(hosts(\"web\")).run(|h| { info(h.var(\"site\", \"none\")); });",
    ),
    (
        ".gather",
        &["h.gather()"],
        "Asks the host for its facts anew.",
        "task(\"a\").on(hosts(\"web\")).run(|h| { h.gather(); });",
    ),
    (
        ".names",
        &["set.names()"],
        "Gives the names of the hosts in a set.",
        "let names = hosts(\"all\").names();",
    ),
    (".len", &["set.len()"], "Counts the hosts in a set.", "let count = hosts(\"all\").len();"),
    (
        ".is_empty",
        &["set.is_empty()"],
        "Says whether a set has no hosts.",
        "let nobody = hosts(\"all\").is_empty();",
    ),
    (
        ".contains",
        &["set.contains(name)"],
        "Says whether a host is in a set.",
        "let known = hosts(\"all\").contains(\"web1\");",
    ),
    (
        ".filter",
        &["set.filter(|h| condition)"],
        "Keeps the hosts for which the condition is true.",
        "let big = hosts(\"all\").filter(|h| h.name.starts_with(\"big\"));",
    ),
    (
        "add_host",
        &[
            "add_host(#{ name, address, port, user, groups, vars, host_keys, connection, password, private_key_file })",
        ],
        "Puts a host into the inventory of this run, so that later tasks find it.",
        "task(\"a\").run(|| { add_host(#{ name: \"vm1\", address: \"192.0.2.7\", groups: [\"web\"] }); });",
    ),
];

const FLOW: &[Row] = &[
    (
        "fail",
        &["fail(why)"],
        "Ends the body as failed.",
        "task(\"a\").run(|| { fail(\"the disk is full\"); });",
    ),
    ("skip", &["skip(why)"], "Ends the body as skipped.", "task(\"a\").run(|| { skip(\"not today\"); });"),
    ("warn", &["warn(text)"], "Shows a warning.", "warn(\"this takes long\");"),
    ("info", &["info(text)"], "Shows a message; `print` does the same.", "info(\"hello\");"),
    (
        "error",
        &["error(thrown)"],
        "Makes an error map of whatever was caught: `message operation target code stdout stderr position kind`.",
        "try { throw \"no\"; } catch (e) { info(error(e).message); }",
    ),
    (
        "sleep",
        &["sleep(duration)"],
        "Waits for seconds, or for a duration such as `\"2s\"`.",
        "task(\"a\").run(|| { sleep(\"2s\"); });",
    ),
    (
        "wait_until",
        &["wait_until(limit, || condition)", "wait_until(limit, #{ every }, || condition)"],
        "Asks until the condition is true; fails when it is not within the limit.",
        "task(\"a\").on(local()).run(|h| { wait_until(\"60s\", #{ every: \"1s\" }, || h.query(\"true\").ok); });",
    ),
    (
        "retry",
        &["retry(times, || { … })", "retry(times, wait, || { … })"],
        "Runs code again after a failure, and gives what it returns.",
        "task(\"a\").run(|| { retry(3, \"1s\", || 42); });",
    ),
    (
        "parallel",
        &["parallel([|| …, || …])"],
        "Runs pieces of code at the same time, and gives an array of what they return.",
        "task(\"a\").run(|| { parallel([|| 1, || 2]); });",
    ),
    (
        "secret",
        &["secret(text)"],
        "Registers a text as a secret, which is masked wherever text leaves the program.",
        "let token = secret(\"hunter2-hunter2\");",
    ),
];

const RESULTS: &[Row] = &[
    (
        ".notify",
        &["result.notify(handler)"],
        "Notifies a handler where the operation changed something. Takes the handler's name as a literal, or its handle.",
        "task(\"a\").on(hosts(\"web\")).run(|h| { h.file(\"/etc/motd\").notify(\"reload\"); });",
    ),
    (
        ".json",
        &["result.json()"],
        "Reads what a command printed as JSON.",
        "task(\"a\").on(local()).run(|h| { let found = h.query(\"echo '{}'\").json(); });",
    ),
];

/// Every word of the language, group by group.
pub fn words() -> Vec<WordManual> {
    let groups = [
        ("declarations", DECLARATIONS),
        ("tasks", TASKS),
        ("hosts", HOSTS),
        ("flow", FLOW),
        ("results", RESULTS),
    ];
    let rows = groups.into_iter().flat_map(|(group, rows)| rows.iter().map(move |row| (group, row)));
    rows.map(|(group, (name, calls, text, example))| WordManual {
        name: (*name).to_owned(),
        group,
        calls: calls.iter().map(|call| (*call).to_owned()).collect(),
        text: (*text).to_owned(),
        examples: vec![(*example).to_owned()],
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rhai::Engine;

    use super::words;

    /// What is registered for conversions and comparisons, not to be called by name.
    const SILENT: [&str; 3] = ["to_string", "to_debug", "iterator"];

    /// The names of what is registered; properties and operators are no words.
    fn registered() -> BTreeSet<String> {
        let mut engine = Engine::new_raw();
        crate::script::words::register(&mut engine);
        let names = engine.collect_fn_metadata(None, |info| Some(info.metadata.name.to_string()), false);
        let is_word = |name: &String| {
            name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !SILENT.contains(&name.as_str())
        };
        names.into_iter().filter(is_word).collect()
    }

    #[test]
    fn the_manual_has_every_word_and_no_other() {
        let told: BTreeSet<String> =
            words().into_iter().map(|word| word.name.trim_start_matches('.').to_owned()).collect();
        assert_eq!(told, registered());
    }

    #[test]
    fn every_example_compiles_and_uses_its_word() {
        let mut engine = Engine::new();
        #[expect(deprecated, reason = "as the engine of scripts does it")]
        engine.on_parse_token(|token, _, _| match token {
            rhai::Token::Reserved(word) if *word == "var" => rhai::Token::Identifier(word),
            other => other,
        });
        for word in words() {
            assert!(word.text.ends_with('.'), "{word:?}");
            assert!(
                word.calls.iter().all(|call| call.contains(word.name.trim_start_matches('.'))),
                "{word:?}"
            );
            for example in &word.examples {
                assert!(example.contains(&word.name), "{word:?}");
                engine.compile(example).unwrap_or_else(|error| panic!("{example}: {error}"));
            }
        }
    }
}
