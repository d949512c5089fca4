//! Handlers: once on each host that notified them, after the last task that still could.

use super::fleet::{Stream, project};

/// A change that every run makes, and that notifies `$handler`.
const CHANGE: &str = "fn change(handler) { local().exec(\"true\").notify(handler); }\n";

/// Runs a book on the hosts `a`, `b` and `c`, which no operation needs to reach.
fn run(book: &str, code: i32) -> Stream {
    let project = project();
    project.write("hosts.ini", "a\nb\nc\n");
    project.write("book.rhai", &format!("{CHANGE}{book}"));
    let words = ["run", "book.rhai", "-i", "hosts.ini", "--output", "json"];
    Stream::of(&project.oneex(words).run().expect_code(code))
}

/// Every handler is called `on …` here: those that ran, in the order of their names.
fn ran(stream: &Stream) -> Vec<String> {
    let starts = stream.0.iter().filter(|event| event["event"] == "node_started");
    let mut ran: Vec<String> = starts
        .filter_map(|event| {
            let task = event["node"]["task"].as_str()?;
            let name = task.rsplit('/').next()?.strip_prefix("on ")?;
            Some(format!("{name} {}", event["node"]["host"].as_str().unwrap_or("-")))
        })
        .collect();
    ran.sort();
    ran
}

/// A task, and its host.
type Node = (&'static str, &'static str);

struct Case {
    name: &'static str,
    book: &'static str,
    code: i32,
    ran: &'static [&'static str],
    /// Pairs of nodes: the first has ended before the second begins.
    order: &'static [(Node, Node)],
}

const CASES: [Case; 14] = [
    Case {
        name: "a host that fails after its change",
        book: r#"
handler("on r").on(hosts("all")).run(|h| {});
task("t").on(hosts("a:b")).run(|h| { change("on r"); if h.name == "a" { fail("after it"); } });"#,
        code: 1,
        ran: &["r a", "r b"],
        order: &[(("t", "a"), ("on r", "a")), (("t", "b"), ("on r", "b"))],
    },
    Case {
        name: "two tasks, the second of which comes late",
        book: r#"
let r = handler("on r").on(hosts("all")).run(|h| {});
task("early").on(hosts("all")).run(|h| { change("on r"); });
task("late").on(hosts("a:b")).run(|h| { sleep("200ms"); change(r); });"#,
        code: 0,
        ran: &["r a", "r b", "r c"],
        order: &[
            (("late", "a"), ("on r", "a")),
            (("late", "b"), ("on r", "b")),
            (("early", "c"), ("on r", "c")),
        ],
    },
    Case {
        name: "nobody notified, since nothing changed",
        book: r#"
handler("on r").on(hosts("all")).run(|h| {});
task("t").on(hosts("all")).run(|h| { local().query("true").notify("on r"); });"#,
        code: 0,
        ran: &[],
        order: &[],
    },
    Case {
        name: "inside a block, by its name and by its handle",
        book: r#"
block("b", #{ on: hosts("a:b") }, || {
    let r = handler("on r").run(|h| {});
    task("one").run(|h| { change("on r"); });
    task("two").run(|h| { change(r); });
});"#,
        code: 0,
        ran: &["r a", "r b"],
        order: &[(("b/two", "a"), ("b/on r", "a")), (("b/two", "b"), ("b/on r", "b"))],
    },
    Case {
        name: "inside a block that rolls",
        book: r#"
block("b", #{ on: hosts("all"), batch: 1 }, || {
    handler("on r").run(|h| {});
    task("one").run(|h| { change("on r"); });
    task("two").run(|h| { if h.name == "b" { fail("no"); } });
});"#,
        code: 1,
        ran: &["r a", "r b"],
        order: &[(("b/one", "b"), ("b/on r", "b"))],
    },
    Case {
        name: "with needs, host by host",
        book: r#"
let pre = task("pre").on(hosts("all")).run(|h| { if h.name == "b" { fail("no"); } });
let r = handler("on r").on(hosts("all")).needs(pre).run(|h| {});
task("t").on(hosts("a:b")).run(|h| { change(r); });
task("then").on(hosts("all")).needs(r).run(|h| {});"#,
        code: 1,
        ran: &["r a"],
        order: &[(("on r", "a"), ("then", "a"))],
    },
    Case {
        name: "by handles in a loop",
        book: r#"
let all = [];
for n in 0..3 { all.push(handler(`on r${n}`).on(hosts("all")).run(|h| {})); }
task("t").on(hosts("a")).run(|h| { for one in all { change(one); change(one); } });"#,
        code: 0,
        ran: &["r0 a", "r1 a", "r2 a"],
        order: &[(("t", "a"), ("on r0", "a")), (("t", "a"), ("on r2", "a"))],
    },
    Case {
        name: "by a name that only the run knows",
        book: r#"
handler("on r").on(hosts("all")).run(|h| {});
task("t").on(hosts("a")).run(|h| { let name = "on " + "r"; change(name); });
task("late").on(hosts("a")).run(|h| { sleep("200ms"); local().exec("true").notify(["on", "r"].join(" ")); });"#,
        code: 0,
        ran: &["r a"],
        order: &[(("late", "a"), ("on r", "a"))],
    },
    Case {
        name: "from a rescue and from an always",
        book: r#"
handler("on body").on(hosts("all")).run(|h| {});
handler("on rescue").on(hosts("all")).run(|h| {});
handler("on always").on(hosts("all")).run(|h| {});
task("t").on(hosts("a:b")).run(|h| { change("on body"); if h.name == "a" { fail("no"); } })
    .rescue(|h, err| { change("on rescue"); })
    .always(|h| { change("on always"); });"#,
        code: 0,
        ran: &["always a", "always b", "body a", "body b", "rescue a"],
        order: &[
            (("t", "a"), ("on body", "a")),
            (("t", "a"), ("on rescue", "a")),
            (("t", "b"), ("on always", "b")),
        ],
    },
    Case {
        name: "a handler that notifies another, declared before it",
        book: r#"
handler("on second").on(hosts("all")).run(|h| {});
handler("on first").on(hosts("all")).run(|h| { change("on second"); });
task("t").on(hosts("a")).run(|h| { change("on first"); change("on second"); });"#,
        code: 0,
        ran: &["first a", "second a"],
        order: &[(("on first", "a"), ("on second", "a"))],
    },
    Case {
        name: "without hosts, by any of them",
        book: r#"
let r = handler("on r").run(|| {});
task("t").on(hosts("all")).run(|h| { change(r); });
task("late").run(|| { sleep("200ms"); change(r); });"#,
        code: 0,
        ran: &["r -"],
        order: &[(("t", "c"), ("on r", "")), (("late", ""), ("on r", ""))],
    },
    Case {
        name: "on all hosts, by a task that has none",
        book: r#"
let r = handler("on r").on(hosts("all")).run(|h| {});
task("t").run(|| { change(r); });"#,
        code: 0,
        ran: &["r a", "r b", "r c"],
        order: &[(("t", ""), ("on r", "a")), (("t", ""), ("on r", "c"))],
    },
    Case {
        name: "with a condition, and items that each notify",
        book: r#"
let r = handler("on r").on(hosts("all")).when(|h| h.name != "a").run(|h| {});
task("t").on(hosts("a:b")).each([1, 2, 3]).run(|h, item| { change(r); });"#,
        code: 0,
        ran: &["r b"],
        order: &[],
    },
    Case {
        name: "an attempt that failed has notified too",
        book: r#"
let r = handler("on r").on(hosts("all")).run(|h| {});
task("t").on(hosts("a")).retry(1).run(|h| { change(r); fail("each time"); });"#,
        code: 1,
        ran: &["r a"],
        order: &[(("t", "a"), ("on r", "a"))],
    },
];

#[test]
fn each_runs_once_and_after_the_last_that_may_notify_it() {
    for case in CASES {
        let stream = run(case.book, case.code);
        assert_eq!(ran(&stream), case.ran, "{}", case.name);
        for (earlier, later) in case.order {
            let (end, start) = (("node_finished", earlier.0, earlier.1), ("node_started", later.0, later.1));
            assert!(
                stream.at(end.0, end.1, end.2) < stream.at(start.0, start.1, start.2),
                "{}: {later:?} began before {earlier:?} had ended",
                case.name
            );
        }
    }
}

#[test]
fn a_circle_of_handlers_is_a_mistake_before_anything_runs() {
    for (book, told) in [
        (
            "handler(\"x\").run(|| { change(\"y\"); });\nhandler(\"y\").run(|| { change(\"x\"); });\n",
            "tasks wait for each other: `y → x → y`",
        ),
        ("handler(\"x\").run(|| { change(\"x\"); });\n", "`x` waits for itself"),
    ] {
        let project = project();
        let book = book.replace("change(", "local().exec(\"true\").notify(");
        project.write("book.rhai", &book);
        let finished = project.oneex(["run", "book.rhai"]).run().expect_code(2);
        assert!(finished.stderr.contains(told), "{}", finished.stderr);
    }
}
