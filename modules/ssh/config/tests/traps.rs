//! Configurations that are easily read wrongly; each is asked of `ssh -G` too, where that can say.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::openssh::{MACHINE, NoNames, VARIABLES, difference, resolved};
use crate::ssh::config::canonical::{Names, canonical};
use crate::ssh::config::options::{Canonicalize, Options, Proxy};
use crate::ssh::config::{ConfigSource, Given, Machine, Request, Resolved, resolve};

fn written(folder: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).expect("it is written");
    path
}

#[test]
fn traps_mean_what_ssh_says() {
    let folder = tempfile::tempdir().expect("a folder");
    // `DIR` is the folder. Each file is asked for `web` and for `db.example.com`.
    written(folder.path(), "inner", "Host db*\nUser inner\nHost *\nPort 77\n");
    written(folder.path(), "plain", "User plain\n");
    written(folder.path(), ".hidden", "User hidden\n");
    let cases = [
        ("the first value wins, also over a better match", "Host *\nUser a\nHost web\nUser b\n"),
        ("before any block everything counts", "User a\nHost web\nPort 1\n"),
        ("a negated pattern alone matches nothing", "Host !db*\nUser a\n"),
        ("a negated pattern ends the line", "Host web !web *\nUser a\n"),
        ("patterns of Host are not lists", "Host web,db*\nUser a\n"),
        ("case counts in Host and not in Match host", "Host WEB\nUser a\nMatch host WEB\nUser b\n"),
        (
            "HostName changes what Match host sees",
            "HostName other\nMatch host web\nUser a\nMatch host other\nUser b\n",
        ),
        ("originalhost stays", "HostName other\nMatch originalhost web\nUser a\n"),
        ("HostName is not seen by Host in one pass", "HostName other\nHost other\nUser a\n"),
        ("and is in the second", "HostName other\nHost other\nUser a\nMatch final\nPort 3\n"),
        ("final sees all values", "Match final user late\nPort 9\nMatch all\nUser late\n"),
        (
            "lists that add up do so once",
            "IdentityFile a\nIdentityFile b\nIdentityFile a\nMatch final\nIdentityFile a\n",
        ),
        ("an include counts where it stands", "Host web\nInclude DIR/plain\nHost *\nUser z\n"),
        ("its blocks end with it", "Include DIR/inner\nUser outer\n"),
        (
            "an include in a block that is left out sets nothing",
            "Host nobody\nInclude DIR/inner\nHost *\nPort 5\n",
        ),
        ("hidden files are not found by a star", "Include DIR/*idden\nUser z\n"),
        ("a bracket that is not closed is one", "Include DIR/no[where/x DIR/plain\nUser z\n"),
        ("a jump ends at a blank", "ProxyJump gate x,y\n"),
        ("several files and none", "Include DIR/none DIR/plain DIR/inner\n"),
        ("a quote in the middle", "User a\"b c\"\n"),
        ("an equals sign and a comment", "Port=5 # no\nUser = x#y\n"),
        ("a command is the rest of the line", "ProxyCommand nc \"%h\" # %p\n"),
        ("a command needs its quotes closed all the same", "ProxyCommand nc \"%h\n"),
        ("a jump after a command", "ProxyCommand nc %h\nProxyJump gate\n"),
        ("a command after a jump", "ProxyJump gate\nProxyCommand nc %h\n"),
        ("no command keeps a jump away", "ProxyCommand none\nProxyJump gate\n"),
        ("a comment after a jump", "ProxyJump gate # first\n"),
        (
            "Match exec runs only what can decide",
            "Match host nobody exec \"exit 0\"\nUser a\nMatch exec \"test %n = web\"\nUser b\n",
        ),
        (
            "exec sees the values so far",
            "User u\nPort 8\nMatch exec \"test %r%p = u8\"\nHashKnownHosts yes\n",
        ),
        ("all must be alone", "Match host web user x all\nUser a\n"),
        ("a condition that nobody knows", "Match hots web\nUser a\n"),
        ("a condition without a value", "Match host\nUser a\n"),
        ("no condition", "Match #x\nUser a\n"),
        ("an unknown keyword also where it does not count", "Host nobody\nHostNam x\n"),
        ("unless it is to be ignored", "IgnoreUnknown Foo*,bar\nFooBar x\nBAR y\nUser a\n"),
        ("after it only", "FooBar x\nIgnoreUnknown Foo*\n"),
        ("a time of none leaves room", "ConnectTimeout none\nConnectTimeout 7\nServerAliveInterval 1m\n"),
        ("none of several files", "UserKnownHostsFile none\nGlobalKnownHostsFile none\n"),
        ("none must be alone", "UserKnownHostsFile a none\n"),
        ("files with tokens", "HostKeyAlias KEY\nUser u\nUserKnownHostsFile ~/%k %d/%r@%h:%p ${PLACE}\n"),
        ("a variable that is not set", "UserKnownHostsFile ${NOT_SET}\n"),
        ("a token that is none", "UserKnownHostsFile %x\n"),
        ("a home of somebody else", "UserKnownHostsFile ~root/x\n"),
        ("a home of nobody", "UserKnownHostsFile ~no-such-user-here/x\n"),
        ("an agent that is not set", "IdentityAgent ${NOT_SET}\n"),
        ("an agent by a variable", "IdentityAgent $PLACE\n"),
        ("a host through itself", "ProxyJump web\n"),
        ("a value too many", "Port 22 23\n"),
        ("a folder as a file", "Include DIR\nUser a\n"),
        ("no last line break", "User a"),
        ("carriage returns", "Host web\r\n  User a\r\nHost *\r\n  Port 7\r\n"),
        ("canonical without names", "CanonicalizeHostname yes\nMatch canonical\nUser a\n"),
        ("canonical without a way out", "CanonicalizeHostname yes\nCanonicalizeFallbackLocal no\n"),
        ("not through a jump", "CanonicalizeHostname yes\nCanonicalizeFallbackLocal no\nProxyJump gate\n"),
    ];
    let mut wrong = Vec::new();
    for (what, text) in cases {
        let text = text.replace("DIR", &folder.path().display().to_string());
        let config = written(folder.path(), "config", &text);
        for host in ["web", "db.example.com"] {
            wrong.extend(difference(&config, host).map(|difference| format!("{what}: {difference}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_more_files_of_keys_are_taken_than_ssh_takes() {
    let folder = tempfile::tempdir().expect("a folder");
    for keyword in ["IdentityFile", "CertificateFile"] {
        for (count, taken) in [(100, true), (101, false)] {
            // What does not count is not counted.
            let lines: String = (0..count).map(|number| format!("{keyword} /k/{number}\n")).collect();
            let text = format!("{lines}Host other\n{keyword} /k/x\n");
            let config = written(folder.path(), "config", &text);
            assert_eq!(difference(&config, "web"), None, "{keyword}, {count}");
            let found = resolved(&config, "web").map_err(|error| error.to_string());
            let line = format!("{}:101: `{keyword}`: there are more than 100", config.display());
            assert_eq!(found.err(), (!taken).then_some(line));
        }
    }
}

#[test]
fn keys_are_those_that_ssh_tries() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "Host web\nHostName 127.0.0.9\nPort 2222\nUser u\nHostKeyAlias Alias\nProxyCommand false\n\
                IdentityFile ~/%n-%h-%p-%r\nIdentityFile %d/%k/%u-%i\nIdentityFile none\nIdentityFile ${PLACE}/%%-%L-%l-%C\n";
    let config = written(folder.path(), "config", text);
    let output = Command::new("ssh")
        .env_clear()
        .envs(VARIABLES)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .args(["-v", "-F"])
        .arg(&config)
        .arg("web")
        .stdin(Stdio::null())
        .output()
        .expect("ssh runs");
    let said = String::from_utf8_lossy(&output.stderr).replace('\r', "");
    let tried =
        said.lines().filter_map(|line| line.strip_prefix("debug1: identity file ")?.split(" type ").next());
    let tried: Vec<String> = tried.filter(|file| !file.ends_with("-cert")).map(str::to_owned).collect();
    let found = resolved(&config, "web").expect("it is resolved");
    let tokens = found.tokens("web", &MACHINE).expect("tokens");
    let files = found.options.identity_files.iter().filter(|file| file.path != "none");
    let files: Vec<String> = files.map(|file| tokens.file(&file.path, &MACHINE).expect("a path")).collect();
    assert_eq!(files, tried, "{said}");
}

#[test]
fn what_newer_versions_added_is_known_too() {
    let folder = tempfile::tempdir().expect("a folder");
    written(folder.path(), "for-web", "Port 4\n");
    let include = format!("Include {}/for-%n\nMatch tagged x\nUser t\n", folder.path().display());
    let with_tag = format!("Tag x\n{include}");
    let user_and_port = |text: &str| {
        let config = written(folder.path(), "config", text);
        let found = resolved(&config, "web").expect(text).options;
        (found.user, found.port)
    };
    assert_eq!(user_and_port(&include), (None, Some(4)));
    assert_eq!(user_and_port(&with_tag), (Some("t".into()), Some(4)));
    assert_eq!(user_and_port("Match host=web user=root,x\nUser a\nMatch !exec=true\nPort 1\n").1, None);
    let config = written(folder.path(), "config", "ProxyJump none\nProxyCommand nc %h\n");
    let way = resolved(&config, "web").expect("it is resolved").options;
    assert_eq!(way.way(), Some(&Proxy::Command("nc %h".into())));
}

fn ask(home: &Path, system: &Path, given: &[Given]) -> Result<Resolved, String> {
    let machine = Machine { home: Some(home.to_owned()), ..MACHINE.clone() };
    let source = ConfigSource::Usual { system: system.to_owned() };
    resolve(Request { original: "web", given, source: &source, machine: &machine }, &NoNames)
        .map_err(|error| error.to_string())
}

#[test]
fn the_person_comes_before_the_machine_and_the_command_line_before_both() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, system) = (folder.path().join("home"), folder.path().join("etc/ssh_config"));
    fs::create_dir_all(home.join(".ssh")).expect("a folder");
    fs::create_dir_all(folder.path().join("etc/more")).expect("a folder");
    assert_eq!(ask(&home, &system, &[]).expect("no file").options, Options::default());
    written(&home.join(".ssh"), "config", "Include mine\nUser person\n");
    written(&home.join(".ssh"), "mine", "IdentityFile mine\n");
    written(
        &folder.path().join("etc"),
        "ssh_config",
        "Include more/*\nUser machine\nPort 5\nIdentityFile all\n",
    );
    written(
        &folder.path().join("etc/more"),
        "a",
        "HashKnownHosts yes\nSendEnv LANG\nSetEnv A=1\nForwardAgent no\n",
    );
    let given =
        [Given::Line { line: "Port=9".into(), origin: "here".into() }, Given::Identity("first".into())];
    let found = ask(&home, &system, &given).expect("files");
    let files: Vec<&str> = found.options.identity_files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(files, ["first", "mine", "all"]);
    assert_eq!((found.options.user.as_deref(), found.options.port), (Some("person"), Some(9)));
    assert_eq!(found.options.hash_known_hosts, Some(true));
    let unsupported: Vec<String> =
        found.unsupported.iter().map(|found| format!("{} {}", found.what, found.place)).collect();
    assert_eq!(unsupported, [format!("SetEnv {}/etc/more/a:3", folder.path().display())]);

    written(&folder.path().join("etc"), "ssh_config", "Include ~/x\n");
    let error = ask(&home, &system, &[]).expect_err("a machine's file below a home");
    assert!(error.contains("etc/ssh_config:1: `Include`"), "{error}");
}

#[test]
fn mistakes_show_their_place_and_what_was_meant() {
    let folder = tempfile::tempdir().expect("a folder");
    written(folder.path(), "inner", "\n\nHostNam x\n");
    written(folder.path(), "loop", &format!("Include {}/loop\n", folder.path().display()));
    let dir = folder.path().display().to_string();
    for (text, wanted, hint) in [
        ("User a\nPort 0\n", "DIR/config:2: `Port`: `0` is no port from 1 to 65535", None),
        (
            "Include DIR/inner\n",
            "DIR/inner:3: `hostnam` is no keyword of ssh_config(5)",
            Some("did you mean `HostName`?"),
        ),
        ("Compression maybe\n", "DIR/config:1: `Compression`: `maybe` is none of `yes`, `no`", None),
        (
            "Include DIR/loop\n",
            "DIR/loop: files include one another too deeply",
            Some("16 levels are allowed: does a file include itself?"),
        ),
        ("User \"a\n", "DIR/config:1: a quote after `user` is not closed", None),
        ("Port\n", "DIR/config:1: `port` has no value", None),
    ] {
        let config = written(folder.path(), "config", &text.replace("DIR", &dir));
        let error = resolved(&config, "web").expect_err(text);
        assert_eq!(error.to_string(), wanted.replace("DIR", &dir));
        assert_eq!(error.hint.as_deref(), hint);
    }
    let error = resolved(&folder.path().join("missing"), "web").expect_err("it is missing");
    assert_eq!(error.to_string(), format!("{dir}/missing: it cannot be read"));
}

#[test]
fn a_file_that_others_write_is_refused_as_ssh_refuses_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let inner = written(folder.path(), "inner", "User a\n");
    let config = written(folder.path(), "config", &format!("Include {}\n", inner.display()));
    for (mode, refused) in [(0o644, false), (0o666, true), (0o646, true), (0o600, false)] {
        fs::set_permissions(&inner, fs::Permissions::from_mode(mode)).expect("a mode");
        let found = resolved(&config, "web").map_err(|error| error.to_string());
        assert_eq!(found.is_err(), refused, "{mode:o}: {found:?}");
        assert_eq!(difference(&config, "web"), None, "{mode:o}");
        if let Err(error) = found {
            assert_eq!(error, format!("{}: others can write to it (mode {mode:04o})", inner.display()));
        }
    }
}

#[test]
fn names_are_canonical_where_that_is_asked_for() {
    struct Known;
    impl Names for Known {
        fn knows(&self, name: &str) -> bool {
            ["web.b.example.", "a.b.c.example.", "full.example."].contains(&name)
        }
    }
    let domains = vec!["a.example".to_owned(), "b.example".to_owned(), "c.example".to_owned()];
    let options = Options {
        canonicalize_host_name: Some(Canonicalize::Yes),
        canonical_domains: domains,
        ..Options::default()
    };
    let through = Options { proxy: Some(Proxy::Command("nc".into())), ..options.clone() };
    let always = Options { canonicalize_host_name: Some(Canonicalize::Always), ..through.clone() };
    let dots = Options { canonicalize_max_dots: Some(0), ..options.clone() };
    let strict = Options { canonicalize_fallback_local: Some(false), ..options.clone() };
    let none = Options { canonical_domains: vec!["none".to_owned()], ..strict.clone() };
    for (host, options, wanted) in [
        ("web", &options, Ok("web.b.example")),
        ("db", &options, Ok("db")),
        ("a.b", &options, Ok("a.b.c.example")),
        ("a.b", &dots, Ok("a.b")),
        ("full.example.", &options, Ok("full.example")),
        ("web", &through, Ok("web")),
        ("web", &always, Ok("web.b.example")),
        ("web", &Options::default(), Ok("web")),
        ("10.1", &Options::default(), Ok("10.0.0.1")),
        ("db", &strict, Err("`db` is not known in any of `CanonicalDomains`")),
        ("web", &none, Err("`web` is not known in any of `CanonicalDomains`")),
    ] {
        let found = canonical(host, options, &Known);
        assert_eq!(found.as_deref().map_err(String::as_str), wanted, "{host}");
    }
}
