//! Canaries that a person types.

use std::sync::Arc;

use super::needles::Finder;
use super::places::{Hits, Watch};
use super::site::{OWNER, Site};

#[test]
fn what_is_typed_is_shown_nowhere() {
    let site = Site::new();
    let secrets = &site.canaries;
    // Nothing is known of the secrets but what is typed.
    for name in ["host_vars/h1.yaml", "group_vars/ops.yaml"] {
        std::fs::remove_file(site.project.path(name)).unwrap();
    }
    site.project.write("group_vars/ops.yaml", "ansible_become_method: su\n");
    site.project.write(
        "asked.rhai",
        r#"
let p = params(#{ asked: #{ type: "secret", required: true, prompt: "the token?" } });
task("locked").on(hosts("web")).run(|h| {
    h.exec("cat; printenv WORD >&2; exit 3", #{ stdin: p.asked, env: #{ WORD: p.asked } });
});
task("ops").on(hosts("ops")).run(|h| { print(h.exec("sleep 0.2; cat", #{ stdin: p.asked }).stdout); });
task("deploy").on(hosts("ops")).sudo("oneex-deploy").run(|h| { print(h.exec("id -un").stdout); });
"#,
    );
    let watch = Watch::start(Arc::clone(&site.finder), Some(OWNER));
    let words = ["run", "asked.rhai", "--env", "prod", "-kK", "-vvv", "--junit", "junit.xml"];
    let terminal = site.project.terminal(40, 160, words);
    let mut left = vec![
        ("the token?", &secrets.asked.value),
        ("to log in with:", &secrets.login.value),
        ("to become another user with:", &secrets.becoming.value),
        ("the passphrase of `", &secrets.passphrase.value),
    ];
    while !left.is_empty() {
        let is_asked = |screen: &str| left.iter().position(|(question, _)| screen.contains(question));
        terminal.wait_for("a question", |screen| is_asked(screen).is_some());
        let index = is_asked(&terminal.screen()).unwrap();
        let (_, answer) = left.remove(index);
        terminal.send(&format!("{answer}\r"));
    }
    let transcript = terminal.finish();
    let shown = transcript.history.join("\n");
    let seen = watch.finish();
    assert_eq!(transcript.code, 1, "{shown}");
    assert!(shown.contains("oneex-deploy") && shown.contains("•••"), "{shown}");
    assert_eq!(explained(&site.finder, &transcript.raw), [""; 0], "{shown}");
    assert_eq!((seen.hits, site.left()), (Hits::new(), Hits::new()));
}

fn explained(finder: &Finder, bytes: &[u8]) -> Vec<String> {
    finder.explain(&String::from_utf8_lossy(bytes))
}
