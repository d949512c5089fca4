//! Mistakes in inventories: what is wrong, where, and what to do.

use oneex_testkit::project::TestProject;

struct Mistake {
    file: &'static str,
    text: &'static str,
    title: &'static str,
    place: &'static str,
    hint: Option<&'static str>,
}

const fn mistake(
    file: &'static str,
    text: &'static str,
    title: &'static str,
    place: &'static str,
    hint: Option<&'static str>,
) -> Mistake {
    Mistake { file, text, title, place, hint }
}

const MISTAKES: [Mistake; 18] = [
    mistake(
        "h.ini",
        "[web:vrs]\na=1\n",
        "error[bad-inventory]: unknown kind of section `vrs`",
        "h.ini:1:6",
        Some("did you mean `[web:vars]`?"),
    ),
    mistake(
        "h.ini",
        "\n  [web x]\n",
        "error[bad-inventory]: `[web x]` is no section header",
        "h.ini:2:3",
        Some("write `[GROUP]`, `[GROUP:children]` or `[GROUP:vars]` without spaces"),
    ),
    mistake("h.ini", "[web]\nweb1 a='x\n", "error[bad-inventory]: a quote is not closed", "h.ini:2:1", None),
    mistake(
        "h.ini",
        "[web]\nweb1  port\n",
        "error[bad-inventory]: a host's variable is `name=value`, and this is `port`",
        "h.ini:2:7",
        None,
    ),
    mistake(
        "h.yaml",
        "web:\n  host: { a: }\n",
        "error[bad-inventory]: the group `web` has no section `host`",
        "h.yaml:2:3",
        Some("did you mean `hosts`?"),
    ),
    mistake(
        "h.yaml",
        "web:\n  hosts:\n    - a\n",
        "error[bad-inventory]: `hosts` is a mapping, and this is a list",
        "h.yaml:3:5",
        Some("write `hosts` with `name:` instead of `- name`"),
    ),
    mistake(
        "h.yaml",
        "- a\n",
        "error[bad-inventory]: an inventory is a mapping of groups, and this is a list",
        "h.yaml:1:1",
        None,
    ),
    mistake(
        "h.yaml",
        "plugin: aws_ec2\n",
        "error[bad-inventory]: this configures an inventory plugin, and those are not known yet",
        "h.yaml:1:1",
        Some("list the hosts in a file"),
    ),
    mistake(
        "h.yaml",
        "a:\n  children:\n    b:\n      children:\n        a:\n",
        "error[bad-inventory]: `b` cannot be a child of `a`: `a` is below it",
        "h.yaml:3:5",
        None,
    ),
    mistake(
        "h.yaml",
        "a:\n  children:\n    a:\n",
        "error[bad-inventory]: `a` cannot be a child of `a`: `a` is the same group",
        "h.yaml:3:5",
        None,
    ),
    mistake(
        "h.ini",
        "[web:children]\ndbb\n[db]\nx\n",
        "error[bad-inventory]: the group `dbb` is declared nowhere",
        "h.ini:2:1",
        Some("did you mean `db`?"),
    ),
    mistake(
        "h.ini",
        "[x:vars]\na=1\n",
        "error[bad-inventory]: `[x:vars]` gives variables to a group that is declared nowhere",
        "h.ini:1:1",
        Some("add a section `[x]`"),
    ),
    mistake(
        "h.ini",
        "[web]\n[web:vars]\nport\n",
        "error[bad-inventory]: `name=value` is expected here, and this is `port`",
        "h.ini:3:1",
        Some("hosts stand below `[web]`, variables below `[web:vars]`"),
    ),
    mistake(
        "h.ini",
        "[web]\nx[1]\n",
        "error[bad-inventory]: the range `[1]` must be `begin:end` or `begin:end:step`",
        "h.ini:2:1",
        None,
    ),
    mistake(
        "h.ini",
        "[web]\n---\n",
        "error[bad-inventory]: `---` is no host",
        "h.ini:2:1",
        Some("end the file's name in `.yml` when it is YAML"),
    ),
    mistake(
        "h.yaml",
        "a: {}\na: {}\n",
        "error[bad-yaml]: `a` stands here a second time; first in line 1",
        "h.yaml:2:1",
        Some("remove one, or merge the two"),
    ),
    mistake("h.yaml", "a: [\n", "error[bad-yaml]: not YAML: unclosed bracket '['", "h.yaml:1:4", None),
    mistake(
        "group_vars/all.yml",
        "- 1\n",
        "error[bad-variables]: a file of variables is a mapping, and this is a list",
        "group_vars/all.yml:1:1",
        None,
    ),
];

#[test]
fn every_mistake_has_its_place_and_what_to_do() {
    for Mistake { file, text, title, place, hint } in MISTAKES {
        let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
        project.write("ok.ini", "[web]\nweb1\n").write(file, text);
        let inventory = if file.starts_with("h.") { file } else { "ok.ini" };
        let finished = project.oneex(["hosts", "-i", inventory]).run().expect_code(2);
        let lines: Vec<&str> = finished.stderr.lines().map(str::trim).collect();
        assert_eq!((finished.stdout.as_str(), lines[0]), ("", title), "{text}");
        assert_eq!(lines[1], format!("--> {place}"), "{text}");
        let hints: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("= help: ")).collect();
        assert_eq!(hints, hint.into_iter().collect::<Vec<_>>(), "{text}");
    }
}

#[test]
fn a_file_that_cannot_be_an_inventory_says_so() {
    let table = [
        (
            "h.toml",
            "a = 1\n",
            "error[bad-inventory]: `h.toml` is an inventory in TOML, which cannot be read yet",
        ),
        (
            "h.sh",
            "#!/bin/sh\n",
            "error[bad-inventory]: `h.sh` is an inventory script, which cannot be read yet",
        ),
        (
            "h.yml",
            "$ANSIBLE_VAULT;1.1;AES256\n00\n",
            "error[vault-file]: `h.yml` is encrypted by ansible-vault, which cannot be read yet",
        ),
    ];
    for (file, text, title) in table {
        let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
        project.write(file, text);
        let finished = project.oneex(["hosts", "-i", file]).run().expect_code(2);
        assert_eq!(finished.stderr.lines().next(), Some(title));
        assert!(finished.stderr.contains("= help: "), "{}", finished.stderr);
    }
}

#[test]
fn twenty_thousand_hosts_are_read_and_chosen_from() {
    let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
    project.write("h.ini", "[web]\nweb[00001:20000]\n[odd]\nweb[00001:20000:2]\n");
    for (pattern, wanted) in
        [("all", 20_000), ("odd", 10_000), ("web:!odd", 10_000), ("web0000*", 9), ("web[-1]", 1)]
    {
        let finished = project.oneex(["hosts", pattern, "-i", "h.ini"]).run().expect_code(0);
        assert_eq!(finished.stdout.lines().count(), wanted, "{pattern}");
    }
}
