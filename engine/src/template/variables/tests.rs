use std::sync::{Arc, RwLock};

use serde_json::{Value, json};

use super::{HostVariables, is_template, literal};
use crate::diag::SourceMap;
use crate::inventory::{Inventory, InventorySource};

/// An inventory of the files of a folder.
fn inventory(files: &[(&str, &str)]) -> (Arc<RwLock<Inventory>>, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    let source = InventorySource::Folder(folder.path().to_owned());
    let inventory = Inventory::load(&[source], &SourceMap::default()).expect("an inventory");
    (Arc::new(RwLock::new(inventory)), folder)
}

fn variables(inventory: &Arc<RwLock<Inventory>>, host: &str, facts: Option<&Arc<Value>>) -> HostVariables {
    let host = inventory.read().expect("a lock").host(host).expect("a host");
    HostVariables::new(inventory, &host, facts)
}

fn of_web1(vars: &str) -> HostVariables {
    let text = format!(
        "web:\n  hosts:\n    web1.example:\n{vars}\ndb:\n  hosts:\n    db1: {{ port: 5432, url: \"pg://{{{{ inventory_hostname }}}}:{{{{ port }}}}\" }}\n    db2:\n"
    );
    let (inventory, _folder) = inventory(&[("hosts.yml", &text)]);
    variables(&inventory, "web1.example", None)
}

#[test]
fn templates_are_rendered_with_the_variables_of_the_host() {
    let vars = of_web1(
        r#"      domain: example.com
      port: 8080
      plain: "no template {x}"
      fqdn: "{{ inventory_hostname_short }}.{{ domain }}"
      url: "http://{{ fqdn }}:{{ port }}/"
      next_port: "{{ port + 1 }}"
      same: "{{ port }}"
      both: "{{ port }}-{{ port }}"
      yes: "{{ port > 80 }}"
      map: { a: "{{ port }}", b: [ "{{ fqdn }}", 1 ], c: { d: "x{{ port }}" } }
      of_map: "{{ map.b[0] }}"
      braces: "{{ {'a': {'b': port}} }}"
      groups_of: "{{ group_names | join(',') }}"
      of_group: "{{ groups.db | join(',') }}"
      of_other: "{{ hostvars['db1'].url }}"
      loop: "{% for h in groups['db'] %}{{ h }};{% endfor %}"
      fallback: "{{ nothing | default('d') }}"
      nested_fallback: "{{ broken | default('e') }}"
      is_defined: "{{ broken is defined }}"
      broken: "{{ nothing }}"
      text: |
        a {{ port }}
      unsafe: !unsafe "{{ port }}"
      unsafe_map: !unsafe { a: "{{ port }} \"q\" \\ {% x" }
      trimmed: "{{- port -}}"
      comment: "a{# not shown #}b"
"#,
    );
    let table = [
        ("plain", json!("no template {x}")),
        ("fqdn", json!("web1.example.com")),
        ("url", json!("http://web1.example.com:8080/")),
        ("next_port", json!(8081)),
        ("same", json!(8080)),
        ("both", json!("8080-8080")),
        ("yes", json!(true)),
        ("map", json!({"a": 8080, "b": ["web1.example.com", 1], "c": {"d": "x8080"}})),
        ("of_map", json!("web1.example.com")),
        ("braces", json!({"a": {"b": 8080}})),
        ("groups_of", json!("web")),
        ("of_group", json!("db1,db2")),
        ("of_other", json!("pg://db1:5432")),
        ("loop", json!("db1;db2;")),
        ("fallback", json!("d")),
        ("nested_fallback", json!("e")),
        ("is_defined", json!(false)),
        ("text", json!("a 8080\n")),
        ("unsafe", json!("{{ port }}")),
        ("unsafe_map", json!({"a": "{{ port }} \"q\" \\ {% x"})),
        ("trimmed", json!(8080)),
        ("comment", json!("ab")),
    ];
    for (name, wanted) in table {
        assert_eq!(vars.get(name), Ok(Some(wanted)), "{name}");
    }
    assert_eq!(vars.get("nothing"), Ok(None));
}

#[test]
fn what_cannot_be_rendered_says_which_variable_and_why() {
    let vars = of_web1(
        r#"      domain: example.com
      misspelt: "{{ domian }}"
      through: "x{{ misspelt }}"
      far: "{{ through }}"
      one: "{{ two }}"
      two: "{{ three }}"
      three: "{{ one }}"
      itself: "{{ itself }}"
      syntax: "{{ domain"
      filter: "{{ domain | uper }}"
      looked: "{{ lookup('env', 'HOME') }}"
      include: "{% include '/etc/passwd' %}"
      fact: "{{ ansible_facts.hostname }}"
      other: "{{ hostvars.db1.nothing }}"
      key: "{{ {'a': 1}.b }}"
"#,
    );
    let table = [
        ("misspelt", ":5:7", "`domian` is not defined", Some("did you mean `domain`?")),
        ("far", ":7:7", "the variable `through`", Some("did you mean `domain`?")),
        ("one", ":8:7", "it needs itself: `one` → `two` → `three` → `one`", None),
        ("itself", ":11:7", "it needs itself: `itself` → `itself`", None),
        ("filter", ":13:7", "there is no filter `uper`", None),
        ("looked", ":14:7", "there is no function `lookup`", None),
        ("fact", ":16:7", "`ansible_facts.hostname` is not defined", Some("give it a value")),
        ("other", ":17:7", "`hostvars.db1.nothing` is not defined", Some("give it a value")),
    ];
    for (name, place, why, hint) in table {
        let error = vars.get(name).expect_err(name);
        let text = error.to_string();
        let begin = format!("the variable `{name}` of host `web1.example` (");
        let wanted = format!("hosts.yml{place}) cannot be rendered: {why}");
        assert!(text.starts_with(&begin) && text.contains(&wanted), "{name}: {text}");
        let shown = error.hint.as_deref().unwrap_or_default();
        assert!(shown.starts_with(hint.unwrap_or_default()), "{name}: {shown}");
        assert_eq!(error.needs_facts(), name == "fact");
    }
    for name in ["syntax", "include", "key"] {
        assert!(vars.get(name).is_err(), "{name}");
    }
    let far = vars.get("far").expect_err("undefined").to_string();
    assert!(far.ends_with("cannot be rendered: `domian` is not defined"), "{far}");
    assert!(vars.all().is_err());
}

#[test]
fn facts_are_seen_where_they_are_given() {
    let (inventory, _folder) = inventory(&[(
        "hosts.ini",
        "h data='/srv/{{ ansible_facts.hostname }}' kernel='{{ facts.kernel }}'\n",
    )]);
    let facts = Arc::new(json!({"hostname": "alpha", "kernel": "6.1"}));
    let vars = variables(&inventory, "h", Some(&facts));
    assert_eq!(json!(vars.all().expect("variables")), json!({"data": "/srv/alpha", "kernel": "6.1"}));
}

#[test]
fn variables_in_files_of_groups_and_hosts_are_templates_too() {
    let (inventory, _folder) = inventory(&[
        ("hosts.ini", "[web]\nweb1\nweb2 name=own\n[web:vars]\nfull='{{ name }}.{{ domain }}'\n"),
        ("group_vars/all.yml", "domain: example.com\nname: '{{ inventory_hostname }}'\n"),
        ("host_vars/web2.yml", "domain: '{{ name }}.test'\n"),
    ]);
    let full = |host| variables(&inventory, host, None).get("full").expect("a value").expect("a value");
    assert_eq!([full("web1"), full("web2")], ["web1.example.com", "own.own.test"]);
}

#[test]
fn cycles_go_over_hosts_too() {
    let text = "a x='{{ hostvars.b.x }}'\nb x='{{ hostvars.a.x }}'\n";
    let (inventory, _folder) = inventory(&[("hosts.ini", text)]);
    let error = variables(&inventory, "a", None).get("x").expect_err("a cycle").to_string();
    assert!(error.ends_with("it needs itself: `x` → `x` of `b` → `x`"), "{error}");
}

/// Runs in a thread with the stack that tokio gives its workers.
fn with_a_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).expect("a thread").join().expect("no panic");
}

#[test]
fn chains_and_growth_have_an_end() {
    with_a_small_stack(|| {
        let chain = |length: usize| -> String {
            (0..length).map(|n| format!("      v{n}: \"{{{{ v{} }}}}\"\n", n + 1)).collect::<String>()
                + format!("      v{length}: 7\n").as_str()
        };
        assert_eq!(of_web1(&chain(30)).get("v0"), Ok(Some(json!(7))));
        let error = of_web1(&chain(100)).get("v0").expect_err("too deep").to_string();
        assert!(error.ends_with("variables name each other in a chain of more than 32"), "{error}");
    });
    let doubling: String =
        (0..31).map(|n| format!("      v{n}: \"{{{{ v{0} }}}}{{{{ v{0} }}}}\"\n", n + 1)).collect();
    let error = of_web1(&format!("{doubling}      v31: x\n")).get("v0").expect_err("too long").to_string();
    assert!(error.ends_with("it becomes longer than 16 MiB"), "{error}");
}

proptest::proptest! {
    #[test]
    fn a_literal_renders_to_itself(text in "[ -~\n{}%#é]{0,40}") {
        let value = literal(text.clone());
        let (inventory, _folder) = inventory(&[("hosts.ini", "h\n")]);
        let mut host = (*inventory.read().expect("a lock").host("h").expect("a host")).clone();
        host.vars.insert("x".into(), value);
        let vars = HostVariables::new(&inventory, &Arc::new(host), None);
        proptest::prop_assert_eq!(vars.get("x"), Ok(Some(json!(text))));
    }

    #[test]
    fn rendering_never_panics(text in "(\\{\\{|\\}\\}|\\{%|%\\}|[a-z .|'\"()\\[\\]0-9-]){0,24}") {
        let (inventory, _folder) = inventory(&[("hosts.ini", "h a=1\n")]);
        let mut host = (*inventory.read().expect("a lock").host("h").expect("a host")).clone();
        host.vars.insert("x".into(), json!(text));
        let plain = !is_template(&json!(text));
        let result = HostVariables::new(&inventory, &Arc::new(host), None).get("x");
        proptest::prop_assert!(!plain || result == Ok(Some(json!(text))));
    }
}
