//! The language's first look over six hosts: packages, a template, a handler, rolling batches, a load
//! balancer that is told from within another host's body, waits, a rescue and a last word.
//!
//! The programs that would need a whole machine (`nginx`, `docker`, `systemctl`, `curl`, `lbctl`) are small
//! scripts in each host's folder that write down how they were called.

use std::os::unix::fs::PermissionsExt;

use oneex_testkit::api::{FakeApi, Reply};

use super::fleet::Fleet;

const BOOK: &str = r#"
//! Roll a new version of the shop out to the web tier, two hosts at a time.

let p = params(#{
    version: #{ help: "image tag to deploy", required: true, pattern: "^v[0-9.]+$" },
    batch:   #{ help: "hosts at a time", value: 2 },
});

let web = hosts("web:!h6");

let nginx = task("nginx").on(web).sudo().run(|h| {
    let root = h.vars.folder;
    h.packages(["openssh-server"]);
    h.directory(`${root}/conf.d`);
    h.template("shop.conf.j2", `${root}/conf.d/shop.conf`, #{ mode: "0644", vars: #{ version: p.version } })
        .notify("reload nginx");
    h.write(`${root}/enabled`, "nginx\n");
});

let reload = handler("reload nginx").on(web).sudo().run(|h| {
    h.query([`${h.vars.folder}/nginx`, "-t"]);
    h.exec([`${h.vars.folder}/nginx`, "reload"]);
});

task("release").on(web).needs([nginx, reload]).batch(p.batch).timeout("5m").run(|h| {
    let root = h.vars.folder;
    let lb = host("h6");
    lb.exec([`${lb.vars.folder}/lbctl`, "drain", h.name]);
    h.exec([`${root}/docker`, "pull", `registry.example/shop:${p.version}`]);
    h.exec([`${root}/systemctl`, "restart", "shop"]);
    wait_until("60s", #{ every: "10ms" }, || {
        h.query([`${root}/curl`, "-fsS", "localhost:8080/health"], #{ ok_codes: [0, 7, 22] }).code == 0
    });
    lb.exec([`${lb.vars.folder}/lbctl`, "enable", h.name]);
}).rescue(|h, err| {
    h.exec([`${h.vars.folder}/systemctl`, "restart", "shop-previous"]);
    throw err;
});

on_end(|run| {
    if run.status != "ok" {
        http::post(env_var("CHAT_HOOK"), #{ json: #{ text: `${run.name}: ${run.summary}` } });
    }
});
"#;

/// Writes its name and arguments to the log of its host; ends as `broken` and `health` beside it say.
const STAND_IN: &str = r#"#!/bin/sh
here=${0%/*} name=${0##*/}
[ "$name" = curl ] || echo "$name $*" >>"$here/log"
case "$name $*" in
"systemctl restart shop") [ ! -e "$here/broken" ] || { echo "shop: exec format error" >&2; exit 1; }; : >"$here/health" ;;
curl*) echo x >>"$here/health"; [ "$(wc -l <"$here/health")" -ge 3 ] || exit 7 ;;
esac
"#;

fn fleet() -> Fleet {
    let fleet = Fleet::new(6);
    fleet.book(BOOK);
    fleet.project.write("templates/shop.conf.j2", "# {{ inventory_hostname }}\nimage shop:{{ version }};\n");
    for index in 0..6 {
        for name in ["nginx", "docker", "systemctl", "curl", "lbctl"] {
            let path = fleet.path(index, name);
            std::fs::write(&path, STAND_IN).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    fleet
}

fn run(fleet: &Fleet, hook: &FakeApi, version: &str, code: i32) -> super::fleet::Stream {
    let version = format!("version={version}");
    let words = ["run", "book.rhai", "--output", "json", "--set", &version];
    let call = fleet.call(&words).env("CHAT_HOOK", hook.url("/hook"));
    super::fleet::Stream::of(&call.run().expect_code(code))
}

#[test]
fn a_release_rolls_is_rescued_and_then_finds_nginx_as_it_should_be() {
    let hook = FakeApi::http(|_| Reply::new(204, ""));
    let fleet = fleet();
    std::fs::write(fleet.path(3, "broken"), "").unwrap();

    let first = run(&fleet, &hook, "v1.2", 1);
    assert_eq!(first.changed("nginx"), 15, "a folder, the template and the mark, on five hosts");
    assert_eq!(first.count("notified", "nginx"), 5);
    assert_eq!(first.count("node_started", "reload nginx"), 5);
    assert_eq!(fleet.read(0, "conf.d/shop.conf"), "# h1\nimage shop:v1.2;\n");
    assert_eq!(first.batches("release"), [["h1", "h2"], ["h3", "h4"]], "no batch after a failed one");
    for (host, status) in [("h1", "changed"), ("h2", "changed"), ("h3", ""), ("h4", "failed")] {
        let ended = first.status("release", host);
        // The other host of the failed batch is cancelled where it has not ended yet.
        let fits = if host == "h3" { ["changed", "cancelled"].contains(&ended) } else { ended == status };
        assert!(fits, "{host}: {ended}");
        first.before(("node_finished", "reload nginx", host), ("node_started", "release", host));
    }
    assert_eq!(first.status("release", "h5"), "blocked");
    first.before(("node_finished", "release", "h1"), ("node_started", "release", "h3"));
    first.before(("node_finished", "release", "h2"), ("node_started", "release", "h4"));
    assert_eq!(first.0[first.at("node_phase", "release", "h4")]["phase"], "rescue");
    let failure = &first.0[first.at("node_finished", "release", "h4")]["failure"];
    assert_eq!(failure["code"], 1, "the rescue threw what it was given: {failure}");
    assert!(failure["stderr"].as_str().unwrap().contains("exec format error"), "{failure}");
    assert_eq!(
        fleet.read(3, "log"),
        "nginx -t\nnginx reload\ndocker pull registry.example/shop:v1.2\nsystemctl restart shop\n\
         systemctl restart shop-previous\n"
    );
    let balancer = fleet.read(5, "log");
    let mut lines: Vec<&str> = balancer.lines().collect();
    lines.sort_unstable();
    // Whether `h3` came so far is a matter of time.
    lines.retain(|line| *line != "lbctl enable h3");
    assert_eq!(
        lines,
        [
            "lbctl drain h1",
            "lbctl drain h2",
            "lbctl drain h3",
            "lbctl drain h4",
            "lbctl enable h1",
            "lbctl enable h2"
        ],
        "the failed host stays out"
    );
    let posts = hook.requests();
    assert_eq!(posts.len(), 1);
    assert!(posts[0].body.contains("book") && posts[0].body.contains("1 failed"), "{}", posts[0].body);

    std::fs::remove_file(fleet.path(3, "broken")).unwrap();
    let second = run(&fleet, &hook, "v1.2", 0);
    assert_eq!(second.changed("nginx"), 0);
    assert_eq!(second.count("node_started", "reload nginx"), 0, "nothing changed, so nothing is reloaded");
    for host in ["h1", "h2", "h3", "h4", "h5"] {
        assert_eq!(second.status("nginx", host), "ok", "{host}");
        assert_eq!(second.status("release", host), "changed", "{host}");
    }
    assert_eq!(second.batches("release"), [vec!["h1", "h2"], vec!["h3", "h4"], vec!["h5"]]);
    assert_eq!(hook.requests().len(), 1, "a run that ended well says nothing");

    let third = run(&fleet, &hook, "v1.3", 0);
    assert_eq!((third.changed("nginx"), third.count("node_started", "reload nginx")), (5, 5));
}

#[test]
fn a_wrong_version_is_told_before_anything_runs() {
    let fleet = fleet();
    let finished = fleet.call(&["run", "book.rhai", "--set", "version=latest"]).run().expect_code(2);
    assert!(finished.stderr.contains("version"), "{}", finished.stderr);
    assert_eq!(fleet.read(0, "log") + &fleet.read(5, "log"), "");
}
