//! `oneex hosts`: who is in the inventory, as people and programs read it.

use oneex_testkit::project::TestProject;
use serde_json::{Value, json};

const INI: &str = "\
[web]
web[1:3] ansible_user=ops
[db]
db1 ansible_host=10.0.0.9 ansible_port=2222
[prod:children]
web
db
[prod:vars]
stage=prod
";

const YAML: &str = "\
web:
  hosts:
    web[1:3]: { ansible_user: ops }
db:
  hosts:
    db1: { ansible_host: 10.0.0.9, ansible_port: 2222 }
prod:
  children: { web: , db: }
  vars: { stage: prod }
";

fn project() -> TestProject {
    let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
    project.write("hosts.ini", INI).write("hosts.yaml", YAML);
    project
}

fn lines(project: &TestProject, words: &[&str]) -> Vec<String> {
    let finished = project.oneex(["hosts"].iter().chain(words)).run().expect_code(0);
    assert_eq!(finished.stderr, "", "{words:?}");
    finished.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn patterns_choose() {
    let project = project();
    let table: [(&str, &[&str]); 9] = [
        ("all", &["web1", "web2", "web3", "db1"]),
        ("web", &["web1", "web2", "web3"]),
        ("prod:!web", &["db1"]),
        ("web:&prod", &["web1", "web2", "web3"]),
        ("web[0]", &["web1"]),
        ("web[-1]", &["web3"]),
        ("web[1:2]", &["web2", "web3"]),
        ("*1", &["web1", "db1"]),
        ("~web[23]", &["web2", "web3"]),
    ];
    for (pattern, wanted) in table {
        assert_eq!(lines(&project, &[pattern, "-i", "hosts.ini"]), wanted, "{pattern}");
    }
}

#[test]
fn ini_and_yaml_mean_the_same() {
    let project = project();
    for more in [&["--graph"][..], &["--vars"], &["--output", "json"]] {
        // But for the places, which are those of two files.
        let entry = |line: &String| line.split("  # ").next().map(|entry| entry.trim_end().to_owned());
        let of = |file: &str| -> Vec<_> {
            lines(&project, &[&["-i", file], more].concat()).iter().map(entry).collect()
        };
        assert_eq!(of("hosts.ini"), of("hosts.yaml"), "{more:?}");
    }
}

#[test]
fn programs_read_one_object_a_line() {
    let project = project();
    let found: Vec<Value> = lines(&project, &["db1:web2", "-i", "hosts.ini", "--output", "json"])
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let db1 = json!({
        "name": "db1", "groups": ["db", "prod"], "connection": "ssh", "address": "10.0.0.9", "port": 2222,
        "user": null, "vars": { "ansible_host": "10.0.0.9", "ansible_port": 2222, "stage": "prod" },
    });
    let web2 = json!({
        "name": "web2", "groups": ["web", "prod"], "connection": "ssh", "address": null, "port": null,
        "user": "ops", "vars": { "ansible_user": "ops", "stage": "prod" },
    });
    assert_eq!(found.len(), 2);
    assert!(found.contains(&db1) && found.contains(&web2), "{found:#?}");
}

#[test]
fn groups_are_drawn_as_a_tree() {
    let project = project();
    let drawn = lines(&project, &["web1:db1", "-i", "hosts.ini", "--graph"]);
    let wanted = ["@all", "  @ungrouped", "  @prod", "    @web", "      web1", "    @db", "      db1"];
    assert_eq!(drawn, wanted);
}

#[test]
fn the_nearest_source_of_a_variable_wins() {
    let project = project();
    // From the weakest to the strongest; each adds a variable of its own and claims `who`.
    let sources = [
        ("group_vars/all.yml", "all"),
        ("group_vars/prod.yml", "prod"),
        ("group_vars/web.yml", "web"),
        ("host_vars/web1.yml", "web1"),
    ];
    for (file, name) in sources {
        project.write(file, &format!("who: {name}\nfrom_{name}: true\n"));
        let line = lines(&project, &["web1", "-i", "hosts.ini", "--output", "json"]).concat();
        let host: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(host["vars"]["who"], name, "{file}");
        assert_eq!(host["vars"]["from_all"], true, "what nobody else says stays");
    }
    project.write(
        "other/high.ini",
        "[a]\nh\n[b]\nh\n[a:vars]\nwho=a\nansible_group_priority=10\n[b:vars]\nwho=b\n",
    );
    let line = lines(&project, &["h", "-i", "other/high.ini", "--output", "json"]).concat();
    let host: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(host["vars"]["who"], "a", "a higher priority beats the order of names");
}

#[test]
fn every_variable_names_the_place_that_it_comes_from() {
    let project = project();
    project.write("group_vars/all.yml", "zone: z\nbase: none\n").write(
        "host_vars/web1.yml",
        "# mine\nname: \"{{ inventory_hostname }}.{{ zone }}\"\nodd: \"a\\e[2J # b\"\n",
    );
    let sources = ["-i", "hosts.ini", "-i", "web1:2222,new,"];
    let wanted = "\
web1:
  ansible_port: 2222     # host web1
  ansible_user: \"ops\"    # host web1, hosts.ini:2:10
  base: \"none\"           # group all, group_vars/all.yml:2:1
  name: \"web1.z\"         # host web1, host_vars/web1.yml:2:1
  odd: \"a\\u001b[2J # b\"  # host web1, host_vars/web1.yml:3:1
  stage: \"prod\"          # group prod, hosts.ini:9:1
  zone: \"z\"              # group all, group_vars/all.yml:1:1
new:
  base: \"none\"  # group all, group_vars/all.yml:2:1
  zone: \"z\"     # group all, group_vars/all.yml:1:1
localhost:
  ansible_connection: \"local\"  # implied
  base: \"none\"                 # group all, group_vars/all.yml:2:1
  zone: \"z\"                    # group all, group_vars/all.yml:1:1";
    let mut shown = Vec::new();
    for host in ["web1", "new", "localhost"] {
        shown.extend(lines(&project, &[&[host, "--vars"], &sources[..]].concat()));
    }
    assert_eq!(shown.join("\n"), wanted);

    let words = [&["web1", "--vars", "--output", "json"], &sources[..]].concat();
    let host: Value = serde_json::from_str(&lines(&project, &words).concat()).unwrap();
    let origins = json!({
        "ansible_port": { "host": "web1" },
        "ansible_user": { "host": "web1", "file": "hosts.ini", "line": 2, "column": 10 },
        "base": { "group": "all", "file": "group_vars/all.yml", "line": 2, "column": 1 },
        "name": { "host": "web1", "file": "host_vars/web1.yml", "line": 2, "column": 1 },
        "odd": { "host": "web1", "file": "host_vars/web1.yml", "line": 3, "column": 1 },
        "stage": { "group": "prod", "file": "hosts.ini", "line": 9, "column": 1 },
        "zone": { "group": "all", "file": "group_vars/all.yml", "line": 1, "column": 1 },
    });
    assert_eq!(host["origins"], origins);
    assert_eq!(host["vars"].as_object().unwrap().len(), origins.as_object().unwrap().len());
}

#[test]
fn several_inventories_are_read_as_one() {
    let project = project();
    project.write("more/one.ini", "[web]\nweb9\n").write("more/two.yaml", "db: { hosts: { db9: } }\n");
    let words = ["web:db", "-i", "hosts.ini", "-i", "more", "-i", "x1,x2"];
    let mut found = lines(&project, &words);
    found.sort();
    assert_eq!(found, ["db1", "db9", "web1", "web2", "web3", "web9"]);
    assert_eq!(lines(&project, &["-i", "x[1:2]:2222,y"]), ["x1", "x2", "y"]);
}

#[test]
fn a_pattern_that_matches_nothing_names_the_nearest() {
    let project = project();
    let table: [(&[&str], &str); 3] = [
        (&["wbe", "-i", "hosts.ini"], "error: `wbe` matches no host\n |\n = help: did you mean `web`?\n"),
        (
            &["zzzzzz", "-i", "hosts.ini"],
            "error: `zzzzzz` matches no host\n |\n = help: `oneex hosts` lists them all\n",
        ),
        (
            &["web"],
            "error: `web` matches no host\n |\n = help: there are no hosts: give an inventory with `-i`, or in `oneex.toml`\n",
        ),
    ];
    for (words, wanted) in table {
        let finished = project.oneex(["hosts"].iter().chain(words)).run().expect_code(2);
        assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("", wanted), "{words:?}");
    }
}
