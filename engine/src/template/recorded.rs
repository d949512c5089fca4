//! What Ansible renders for more than two hundred templates, and for four hundred that were put together at random,
//! recorded from ansible-core 2.19.14.
//!
//! `recorded/cases.json` has the templates and the answers, `null` for an error; `recorded/generate.py` wrote the others
//! into `recorded/generated.json`. `recorded/record.py` wrote the answers, with the variables of
//! `recorded/variables.json`.

use serde_json::Value;

use super::Templates;

#[derive(serde::Deserialize)]
struct Case {
    template: String,
    ansible: Option<String>,
}

/// A template and what it renders here; `None` is an error.
type Rendered = (&'static str, Option<&'static str>);

/// Where ours differs on purpose: why, and what those templates render here.
const DIFFERENT: &[(&str, &[Rendered])] = &[
    (
        "macros of MiniJinja name all their parameters",
        &[(
            "{% macro list() %}{% for a in varargs %}{{ a }};{% endfor %}{% endmacro %}{{ list(1, 2) }}",
            None,
        )],
    ),
    (
        "a tuple is shown as Jinja2 shows it; Ansible turns it into a list on the way",
        &[
            ("{{ (1, 2) }} x {{ (1,) }}", Some("(1, 2) x (1,)")),
            (
                "{{ [1, 2] | zip(['a', 'b']) | list }} {{ [1, 2, 3] | zip_longest(['a'], fillvalue='-') | list }} {{ [1, 2] | product([3]) | list }}",
                Some("[(1, 'a'), (2, 'b')] [[1, 'a'], [2, '-'], [3, '-']] [[1, 3], [2, 3]]"),
            ),
            (
                "{{ shop | items | list }}",
                Some("[('port', 443), ('name', 'shop'), ('tls', True), ('hosts', ['a', 'b'])]"),
            ),
            (
                "{{ shop.items() }} x",
                Some("[('port', 443), ('name', 'shop'), ('tls', True), ('hosts', ['a', 'b'])] x"),
            ),
        ],
    ),
    ("MiniJinja formats with `format`", &[("{{ '%s is %d and %.2f' % (name, port, half) }}", None)]),
    (
        "the chain breaks where it begins: write `(missing | default({})).deeper | default('d')`",
        &[("{{ missing.deeper | default('d') }}", None)],
    ),
    (
        "expressions match in linear time, so there is no look-around",
        &[("{{ 'foobar' | regex_replace('o+(?=b)', '0') }}", None)],
    ),
    (
        "the same text in another spelling of HTML and of URLs",
        &[(
            "{{ quoted | escape }} {{ quoted | e }} {{ '<b>x</b>' | striptags }} {{ 'a b/ü&' | urlencode }} {{ {'a': 1, 'b': 'x y'} | urlencode }}",
            Some(
                "it&#x27;s &quot;so&quot; &lt;b&gt; &amp; \\ done it&#x27;s &quot;so&quot; &lt;b&gt; &amp; \\ done x a%20b/%C3%BC%26 a=1&b=x%20y",
            ),
        )],
    ),
    (
        "the same data in another layout of YAML: block style, two blanks, quotes where YAML 1.2 or 1.1 needs them",
        &[
            ("{{ shop | to_yaml }}", Some("hosts:\n- a\n- b\nname: shop\nport: 443\ntls: true\n")),
            (
                "{{ users | to_nice_yaml }}",
                Some(
                    "- admin: true\n  groups:\n  - wheel\n  name: ann\n  uid: 1000\n- admin: false\n  groups: []\n  name: bob\n  uid: 1001\n- admin: true\n  groups:\n  - wheel\n  - www\n  name: cat\n  uid: 999\n",
                ),
            ),
            (
                "{{ users | to_yaml }}",
                Some(
                    "- admin: true\n  groups:\n  - wheel\n  name: ann\n  uid: 1000\n- admin: false\n  groups: []\n  name: bob\n  uid: 1001\n- admin: true\n  groups:\n  - wheel\n  - www\n  name: cat\n  uid: 999\n",
                ),
            ),
            (
                "{{ {'s': 'yes', 't': '1', 'u': 'a: b', 'v': '', 'w': 'it\\'s', 'x': '# no', 'y': 'null', 'z': '1.5'} | to_nice_yaml }}",
                Some(
                    "s: \"yes\"\nt: \"1\"\nu: \"a: b\"\nv: \"\"\nw: it's\nx: \"# no\"\n\"y\": \"null\"\nz: \"1.5\"\n",
                ),
            ),
            (
                "{{ {'m': 'a\\nb\\n', 'e': umlaut, 'f': 1.0, 'n': none, 'l': []} | to_nice_yaml }}",
                Some("e: Grüße, 世界\nf: 1.0\nl: []\nm: |\n  a\n  b\n\"n\": null\n"),
            ),
        ],
    ),
    (
        "the same word for a shell, quoted another way",
        &[("{{ quoted | quote }}", Some("\"it's \\\"so\\\" <b> & \\\\ done\""))],
    ),
    (
        "not there: the script does it before the template",
        &[
            ("{{ 'a: 1\\n---\\nb: 2' | from_yaml_all | list }}", None),
            ("{{ numbers | shuffle(seed='x') | sort }}", None),
            ("{{ users | subelements('groups') | length }}", None),
            ("{{ [3, 1] | permutations | list }} {{ [1, 2, 3] | combinations(2) | list }}", None),
            ("{{ 1024 | human_readable }} {{ '1K' | human_to_bytes }}", None),
            ("{{ 'a' | to_uuid }}", None),
            ("{{ '2024-01-31' | to_datetime('%Y-%m-%d') }}", None),
            ("{{ '%Y' | strftime(0, utc=true) }}", None),
            ("{{ 'http://u@h.example:8080/p?q=1#f' | urlsplit('hostname') }}", None),
        ],
    ),
    ("powers are `2 ** 3`", &[("{{ 2 | pow(3) }}", None)]),
    (
        "shown for reading, and not to be read back",
        &[
            ("{{ words | pprint }}", Some("[\n    'pear',\n    'apple',\n    'Fig',\n    'apple',\n]")),
            ("{{ range(3) }} x", Some("[0, 1, 2] x")),
        ],
    ),
    (
        "`break` and `continue` are there; Ansible wants an extension for them",
        &[
            ("{% for n in numbers %}{% if n == 2 %}{% break %}{% endif %}{{ n }}{% endfor %}", Some("31")),
            (
                "{% for n in numbers %}{% if n == 1 %}{% continue %}{% endif %}{{ n }} {% endfor %}",
                Some("3 2 10 "),
            ),
        ],
    ),
    ("MiniJinja orders values of any types", &[("{{ 'a' < 1 }}", Some("False"))]),
];

fn different() -> impl Iterator<Item = &'static Rendered> {
    DIFFERENT.iter().flat_map(|(_, templates)| *templates)
}

#[test]
fn templates_at_random_render_what_ansible_renders() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("recorded/generated.json")).expect("JSON");
    let variables: Value = serde_json::from_str(include_str!("recorded/variables.json")).expect("JSON");
    let templates = Templates::default();
    let mut wrong = Vec::new();
    for Case { template, ansible } in &cases {
        let rendered = templates.render_text("t", template, variables.clone());
        let ours = rendered.as_deref().ok();
        // What renders nothing, or one value that is no text, is not given the template's line breaks there.
        let is_ended =
            ours.map(|text| text.trim_end_matches('\n')) == ansible.as_deref() && template.ends_with('\n');
        if ours != ansible.as_deref() && !is_ended {
            let ours = rendered.map_err(|error| error.to_string());
            wrong.push(format!("{template:?}\n  wanted {ansible:?}\n  got    {ours:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn templates_render_what_ansible_renders() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("recorded/cases.json")).expect("JSON");
    let variables: Value = serde_json::from_str(include_str!("recorded/variables.json")).expect("JSON");
    let templates = Templates::default();
    let mut wrong = Vec::new();
    for Case { template, ansible } in &cases {
        let differs = different().find(|(known, _)| known == template);
        let wanted = differs.map_or(ansible.as_deref(), |(_, ours)| *ours);
        let rendered = templates.render_text("t", template, variables.clone());
        if rendered.as_deref().ok() != wanted {
            let ours = rendered.map_err(|error| error.to_string());
            wrong.push(format!("{template:?}\n  wanted {wanted:?}\n  got    {ours:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    for (known, _) in different() {
        assert!(cases.iter().any(|case| case.template == *known), "no case {known}");
    }
}
