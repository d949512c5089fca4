//! What the sweeps spoil: every kind of text that the program reads, each with a project in which it is good.

use std::path::{Path, PathBuf};

use super::stage::Stage;

/// A text to spoil, and the commands that read it.
pub(super) struct Material {
    /// What people know it by.
    pub(super) name: String,
    /// Where it stands in the project.
    pub(super) path: PathBuf,
    /// The text as it is right.
    pub(super) text: String,
    /// The other files of the project.
    pub(super) others: Vec<(PathBuf, String)>,
    /// The commands, each in words.
    pub(super) commands: Vec<Vec<String>>,
}

/// The program that a spoiled runbook calls instead of one that would walk through the file system.
const HARMLESS: (&str, &str) = ("\"find\"", "\"true\"");

/// Reads from the local machine nothing but a folder of the test's own, and starts only harmless programs.
const OPERATIONS: &str = include_str!("operations.rhai");
/// The words that declare, each at least once.
const DECLARATIONS: &str = include_str!("declarations.rhai");
const ROLE: &str = "fn site(set, options) {\n    let name = options.get(\"name\") ?? \"shop\";\n    \
    task(\"site\").on(set).run(|h| { info(`${h.name}: ${name}`); })\n}\n";
const WITH_ROLE: &str = "import \"roles/site\" as site;\nlet a = site::site(local(), #{ name: \"x\" });\n\
    task(\"after\").after(a).run(|| info(\"done\"));\n";
const PROJECT: &str = "[defaults]\ninventory = \"web1,web2\"\nforks = 8\n\n[project]\nroles = [\"roles\"]\n\n\
    [env.test]\ninventory = [\"a,b\"]\nprotected = false\nparams = { count = 3, folder = \"/tmp/x/y\" }\n\
    vars = { tier = \"blue\" }\n\n[http]\ntimeout = \"5s\"\nretries = 2\nproxy = \"http://127.0.0.1:9\"\n";
const INI: &str = "# hosts\nlb1 ansible_host=127.0.0.1 ansible_port=22\n\n[web]\nweb[1:3] http_port=8080\n\"db 1\"\n\n\
    [web:vars]\ntitle='a b' # said\nlist=[1, 2]\n\n[all_of_it:children]\nweb\n\n[local]\nlocalhost ansible_connection=local\n";
const YAML: &str = "all:\n  vars:\n    title: \"a b\"\n    ports: [80, 443]\n  children:\n    web:\n      hosts:\n        \
    web[1:3]:\n          http_port: 8080\n        db1: { ansible_host: 127.0.0.1, ansible_port: 22 }\n      vars: &shared\n        \
    tier: blue\n    other:\n      vars:\n        <<: *shared\n        text: |\n          two\n          lines\n      hosts:\n";
const READS: &str = "let all = [yaml::read(\"data.yaml\"), json::read(\"data.json\"), toml::read(\"data.toml\")];\n\
    info(`${all}`);\n";
const DATA: [(&str, &str); 3] = [
    ("data.yaml", "a: [1, 2.5, \"x\"]\nb:\n  c: true\n  d: null\n"),
    ("data.json", "{\n  \"a\": [1, 2.5, \"x\"],\n  \"b\": { \"c\": true, \"d\": null }\n}\n"),
    ("data.toml", "a = [1, 2, 3]\n[b]\nc = true\nd = 1979-05-27\n[[e]]\nf = 'x'\n"),
];
const WANTS: &str = "let p = params(#{\n    count: 1,\n    name: #{ type: \"string\", pattern: \"^[a-z]+$\" , value: \"a\" },\n    \
    list: [1],\n    limit: #{ type: \"duration\", value: \"5s\" },\n    size: #{ type: \"size\", value: \"1 GiB\" },\n});\ninfo(`${p}`);\n";
const PARAMS: [(&str, &str); 3] = [
    ("given.yaml", "count: 3\nname: shop\nlist: [1, 2]\nlimit: 1h30m\nsize: 5 MiB\n"),
    (
        "given.json",
        "{ \"count\": 3, \"name\": \"shop\", \"list\": [1], \"limit\": \"5m\", \"size\": \"1 kB\" }\n",
    ),
    ("given.toml", "count = 3\nname = 'shop'\nlist = [1]\nlimit = '5m'\nsize = '2 GB'\n"),
];

fn words(command: &str) -> Vec<String> {
    command.split(' ').map(str::to_owned).collect()
}

impl Material {
    fn new(path: &str, text: impl Into<String>, commands: &[&str]) -> Self {
        Self {
            name: path.to_owned(),
            path: path.into(),
            text: text.into(),
            others: Vec::new(),
            commands: commands.iter().map(|command| words(command)).collect(),
        }
    }

    fn beside(mut self, path: &str, text: impl Into<String>) -> Self {
        self.others.push((path.into(), text.into()));
        self
    }

    fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of that ending, below a folder.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|own| own == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The runbooks that come with the source, with what they need to be loaded.
fn runbooks(root: &Path) -> impl Iterator<Item = Material> {
    let folder = root.join("runbooks");
    files(&folder, "rhai").into_iter().map(move |path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = read(&path).replace(HARMLESS.0, HARMLESS.1);
        // The hosts of the rolling release are not there, so nothing of it can be planned.
        let commands: &[&str] = match name.as_str() {
            "rolling-release.rhai" => &["graph main.rhai -i web1,web2,lb1", "params main.rhai"],
            _ => &["graph main.rhai --format dot", "plan main.rhai"],
        };
        let template = |name: &str| (format!("templates/{name}"), read(&folder.join("templates").join(name)));
        let (page, shop) = (template("page.html.j2"), template("shop.conf.j2"));
        Material::new("main.rhai", text, commands).named(name).beside(&page.0, page.1).beside(&shop.0, shop.1)
    })
}

/// The Rhai blocks of the book, loaded only: they call what their pages are about.
fn book(root: &Path) -> Vec<Material> {
    let mut found = Vec::new();
    for page in files(&root.join("book/src"), "md") {
        for (number, block) in read(&page).split("```rhai").skip(1).enumerate() {
            let Some((_, text)) = block.split_once('\n') else { continue };
            let text = text.split("```").next().unwrap_or_default();
            let name = format!("{} block {}", page.display(), number + 1);
            found.push(Material::new("main.rhai", text, &["graph main.rhai -i web1,web2,db1"]).named(name));
        }
    }
    assert!(found.len() > 5, "the book has {} blocks", found.len());
    found
}

/// Everything.
pub(super) fn all() -> Vec<Material> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let plan = "plan main.rhai";
    let mut all: Vec<Material> = runbooks(root).collect();
    all.extend(book(root));
    all.push(Material::new("main.rhai", OPERATIONS, &[plan]).named("operations"));
    all.push(
        Material::new(
            "main.rhai",
            DECLARATIONS,
            &["graph main.rhai -i web1,web2", "plan main.rhai -i web1,web2 --skip-tags remote"],
        )
        .named("declarations"),
    );
    all.push(Material::new("roles/site/role.rhai", ROLE, &[plan]).beside("main.rhai", WITH_ROLE));
    all.push(
        Material::new("main.rhai", WITH_ROLE, &[plan])
            .named("a runbook with a role")
            .beside("roles/site/role.rhai", ROLE),
    );
    let motd = read(&root.join("stdlib/motd/role.rhai"));
    let with_motd =
        "import \"roles/motd\" as motd;\nmotd::motd(local(), #{ notice: \"hello\", sudo: false });\n";
    let template = read(&root.join("stdlib/motd/templates/motd.j2"));
    all.push(
        Material::new("roles/motd/role.rhai", &*motd, &[plan])
            .beside("main.rhai", with_motd)
            .beside("roles/motd/templates/motd.j2", &*template),
    );
    all.push(
        Material::new("roles/motd/templates/motd.j2", template, &[plan])
            .beside("main.rhai", with_motd)
            .beside("roles/motd/role.rhai", motd),
    );
    let page = read(&root.join("runbooks/templates/page.html.j2"));
    let with_page = "task(\"page\").on(local()).run(|h| {\n    h.template(\"page.html.j2\", \"/tmp/oneex-no-such-folder/x\", #{ vars: #{ title: \"a\", name: \"b\", pages: [\"a\", \"c\"] } });\n});\n";
    all.push(Material::new("templates/page.html.j2", page, &[plan]).beside("main.rhai", with_page));
    all.push(
        Material::new("oneex.toml", PROJECT, &[plan, "plan main.rhai --env test"])
            .beside("main.rhai", "info(`${hosts(\"all\").names()}`);\n"),
    );
    let hosts = ["hosts -i [OUTSIDE]", "plan main.rhai -i [OUTSIDE]"];
    let with_hosts = "for h in hosts(\"all\") { info(`${h.name} ${h.vars} ${h.address} ${h.port}`); }\n";
    for (name, text) in [("hosts.ini", INI), ("hosts.yaml", YAML)] {
        all.push(
            Material::new(
                &format!("../{name}"),
                text,
                &hosts
                    .map(|words| words.replace("[OUTSIDE]", &format!("{}/{name}", Stage::OUTSIDE)))
                    .each_ref()
                    .map(String::as_str),
            )
            .beside("main.rhai", with_hosts),
        );
    }
    for (name, text) in DATA {
        let material = Material::new(name, text, &[plan]).beside("main.rhai", READS);
        all.push(
            DATA.iter()
                .filter(|(other, _)| *other != name)
                .fold(material, |material, (path, text)| material.beside(path, *text)),
        );
    }
    all.extend(PARAMS.map(|(name, text)| {
        Material::new(name, text, &[&*format!("plan main.rhai --params {name}")]).beside("main.rhai", WANTS)
    }));
    all
}
