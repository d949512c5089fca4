//! Every operation on files takes every name as it is.

use oneex_sdk::{Value, json};
use oneex_testkit::{TestHost, laws};

use crate::host::ops::{
    Absent, Block, Copy, Directory, EnvFile, Fetch, File, Find, HostsEntry, Ini, Line, Link, Read, Replace,
    Stat, Template, Write,
};

/// Names that a shell, an option parser, a glob or a protocol by lines would take for something else.
const NAMES: &[&str] = &[
    "plain",
    "a b",
    " leading and trailing ",
    "it's",
    "say \"x\"",
    "new\nline",
    "end\n",
    "\n",
    "tab\t",
    "cr\r",
    "-n",
    "--help",
    "-rf",
    "--",
    "$(touch pwned)",
    "`touch pwned`",
    "$HOME",
    "${x:?}",
    "*",
    "?[a-z]",
    "~",
    "#hash",
    "a;touch pwned",
    "a|b&c>d<e",
    "!x",
    "\\",
    "\\n\\0101",
    "%s%n",
    "größe",
    "日本語",
    "👩‍🚀",
    ".hidden",
    "...",
    "{a,b}",
    "=",
    "\u{1b}[31m",
];

/// Runs `$op` on each name in a host of its own; `$prepare` gives the options, `$check` looks at the end.
macro_rules! any_name {
    ($test:ident, $op:expr, $prepare:expr, $check:expr) => {
        #[tokio::test]
        async fn $test() {
            for name in NAMES {
                let host = TestHost::new();
                let prepare: fn(&TestHost, &str) -> Value = $prepare;
                let options = prepare(&host, name);
                let done = laws::ensures($op, &host, options).await;
                let done = done.unwrap_or_else(|error| panic!("{name:?}: {error}"));
                let check: fn(&TestHost, &str, laws::Done) = $check;
                check(&host, name, done);
                assert!(!host.root().join("pwned").exists(), "{name:?} was run");
            }
        }
    };
}

any_name!(
    write,
    Write,
    |host, name| json!({ "path": host.path(name), "content": "x" }),
    |host, name, _| assert_eq!(host.content(name).as_deref(), Some(&b"x"[..]), "{name:?}")
);

any_name!(
    file,
    File,
    |host, name| json!({ "path": host.path(name), "mode": "0604" }),
    |host, name, _| assert_eq!(host.mode(name), 0o604, "{name:?}")
);

any_name!(
    directory,
    Directory,
    |host, name| json!({ "path": host.path(&format!("{name}/{name}")), "mode": "0705" }),
    |host, name, _| assert_eq!(host.mode(&format!("{name}/{name}")), 0o705, "{name:?}")
);

any_name!(
    absent,
    Absent,
    |host, name| {
        std::fs::create_dir(host.path(name)).expect("a folder");
        host.write("kept", "");
        json!({ "path": host.path(name) })
    },
    |host, name, _| {
        let left: Vec<_> = std::fs::read_dir(host.root()).expect("the folder").flatten().collect();
        assert_eq!(left.len(), 1, "{name:?}");
        assert_eq!(left[0].file_name(), "kept");
    }
);

any_name!(link, Link, |host, name| json!({ "target": name, "path": host.path(name) }), |host, name, _| {
    let target = std::fs::read_link(host.path(name)).expect("a link");
    assert_eq!(target.to_str(), Some(name));
});

any_name!(
    copy_of_a_file,
    Copy,
    |host, name| {
        host.project_write(&format!("files/{name}"), "x");
        json!({ "src": name, "path": host.path(name) })
    },
    |host, name, _| assert_eq!(host.content(name).as_deref(), Some(&b"x"[..]), "{name:?}")
);

any_name!(
    copy_of_a_folder,
    Copy,
    |host, name| {
        host.project_write(&format!("files/{name}/{name}"), "x");
        json!({ "src": name, "path": host.path(name) })
    },
    |host, name, _| {
        let copied = host.content(&format!("{name}/{name}"));
        assert_eq!(copied.as_deref(), Some(&b"x"[..]), "{name:?}");
    }
);

any_name!(
    template,
    Template,
    |host, name| {
        host.project_write(&format!("templates/{name}"), "{{ x }}");
        json!({ "src": name, "path": host.path(name), "vars": { "x": name } })
    },
    |host, name, _| assert_eq!(host.content(name).as_deref(), Some(name.as_bytes()), "{name:?}")
);

any_name!(
    block,
    Block,
    |host, name| json!({ "path": host.path(name), "block": "x", "marker": "#{mark}", "create": true }),
    |host, name, _| assert_eq!(host.content(name).as_deref(), Some(&b"#BEGIN\nx\n#END\n"[..]), "{name:?}")
);

any_name!(
    line,
    Line,
    |host, name| json!({ "path": host.write(name, "a\n"), "line": "b" }),
    |host, name, _| assert_eq!(host.content(name).as_deref(), Some(&b"a\nb\n"[..]), "{name:?}")
);

any_name!(read, Read, |host, name| json!({ "path": host.write(name, name) }), |_, name, done| assert_eq!(
    done.output.fields["content"],
    json!(name)
));

any_name!(
    stat,
    Stat,
    |host, name| json!({ "path": host.write(name, "12345"), "checksum": true }),
    |_, name, done| assert_eq!(done.output.fields["size"], json!(5), "{name:?}")
);

any_name!(
    find,
    Find,
    |host, name| {
        std::fs::create_dir(host.path(name)).expect("a folder");
        host.write(&format!("{name}/{name}"), "");
        json!({ "paths": [host.path(name)], "hidden": true })
    },
    |host, name, done| {
        let files = &done.output.fields["files"];
        assert_eq!(files[0]["path"], json!(host.path(&format!("{name}/{name}"))));
    }
);

any_name!(
    fetch,
    Fetch,
    |host, name| json!({ "path": host.write(name, "x"), "to": format!("{}/", host.path("all")) }),
    |_, name, done| {
        let to = done.output.fields["to"].as_str().expect("a path");
        assert_eq!(std::fs::read(to).expect("the file"), b"x", "{name:?}");
    }
);

any_name!(
    replace,
    Replace,
    |host, name| json!({ "path": host.write(name, "a\n"), "regexp": "a", "replace": "b" }),
    |host, name, _| assert_eq!(host.content(name).as_deref(), Some(&b"b\n"[..]), "{name:?}")
);

any_name!(
    ini,
    Ini,
    |host, name| json!({ "path": host.path(name), "section": "s" }),
    |host, name, _| assert_eq!(host.content(name).as_deref(), Some(&b"[s]\n"[..]), "{name:?}")
);

any_name!(
    env_file,
    EnvFile,
    |host, name| json!({ "path": host.write(name, ""), "name": "A", "value": 1 }),
    |host, name, _| assert_eq!(host.content(name).as_deref(), Some(&b"A=1\n"[..]), "{name:?}")
);

any_name!(
    hosts_entry,
    HostsEntry,
    |host, name| json!({ "path": host.path(name), "address": "::1", "names": "a" }),
    |host, name, _| assert_eq!(host.content(name).as_deref(), Some(&b"::1\ta\n"[..]), "{name:?}")
);
