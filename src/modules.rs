//! What the modules are told of the world around the program.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use oneex_engine::diag::Diagnostic;
use oneex_engine::redact::Redactor;
use oneex_modules::Settings;
use oneex_modules::http::Proxies;
use oneex_modules::local::LocalSettings;
use oneex_modules::ssh::{ConfigSource, Machine, SshSettings, Warnings};
use oneex_sdk::Registry;

use crate::config::{HttpTable, SshTable};
use crate::context::Context;
use crate::report::diagnostic;

/// Private keys that OpenSSH tries too, in the order of ssh_config(5), `IdentityFile`.
const KEYS: [&str; 3] = ["id_rsa", "id_ecdsa", "id_ed25519"];

/// The machine's own file of ssh_config(5).
const SYSTEM_CONFIG: &str = "/etc/ssh/ssh_config";

/// What the project file says to the modules.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tables {
    /// The user of connections, where the inventory names none.
    pub(crate) user: Option<String>,
    /// `[http]`
    pub(crate) http: HttpTable,
    /// `[ssh]`
    pub(crate) ssh: SshTable,
}

/// Everything that the modules bring, with the settings of this machine, this person and the project.
pub(crate) fn registry(context: &Context, tables: Tables, redactor: &Arc<Redactor>) -> Registry {
    let local = LocalSettings { home: context.home.clone(), entered: context.entered.clone() };
    let http = tables.http.lazy(proxies(context), context.variables.clone(), Arc::clone(redactor));
    let settings = Settings { http, local, ssh: tables.ssh.over(ssh(context, tables.user)) };
    let mut registry = Registry::default();
    oneex_modules::register(&mut registry, settings);
    registry
}

/// The variables that curl(1) documents; as there, names in lower case win.
fn proxies(context: &Context) -> Proxies {
    let variable = |name: &str| {
        let names = [name.to_owned(), name.to_uppercase()];
        names.iter().find_map(|name| context.variables.get(name)).filter(|value| !value.is_empty()).cloned()
    };
    Proxies {
        http: variable("http_proxy"),
        https: variable("https_proxy"),
        all: variable("all_proxy"),
        except: variable("no_proxy"),
    }
}

fn ssh(context: &Context, user: Option<String>) -> SshSettings {
    let folder = context.home.as_deref().map(|home| home.join(".ssh"));
    let in_folder = |names: &[&str]| -> Vec<PathBuf> {
        folder.iter().flat_map(|folder: &PathBuf| names.iter().map(|name| folder.join(name))).collect()
    };
    let variable = |name: &str| context.variables.get(name).filter(|value| !value.is_empty());
    SshSettings {
        machine: Machine {
            home: context.home.clone(),
            user: context.user().unwrap_or_default(),
            uid: context.uid,
            host_name: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            variables: Arc::new(context.variables.clone()),
        },
        config: ConfigSource::Usual { system: SYSTEM_CONFIG.into() },
        user,
        warnings: warnings(context),
        key_files: in_folder(&KEYS),
        entered: context.entered.clone(),
        agent_socket: variable("SSH_AUTH_SOCK").map(|path| Path::new(path).to_path_buf()),
        known_hosts: in_folder(&["known_hosts", "known_hosts2"]),
        global_known_hosts: ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"]
            .map(PathBuf::from)
            .into(),
        ..SshSettings::default()
    }
}

/// Warnings go to standard error, as those of a load.
fn warnings(context: &Context) -> Warnings {
    let stderr = context.stderr.clone();
    Warnings::new(move |text| {
        stderr.write(&diagnostic::render(&Diagnostic::warning("ssh", text), stderr.is_colored()));
    })
}

#[cfg(test)]
mod tests {
    use oneex_modules::http::Proxies;

    use super::{proxies, ssh};
    use crate::context::Context;

    #[test]
    fn proxies_are_those_of_the_environment() {
        let (mut context, _) = Context::for_test("/".as_ref());
        assert_eq!(proxies(&context), Proxies::default());
        let variables = [
            ("HTTP_PROXY", "http://upper"),
            ("http_proxy", "http://lower"),
            ("HTTPS_PROXY", "http://secure"),
            ("all_proxy", ""),
            ("NO_PROXY", "localhost,.example.com"),
        ];
        context.variables.extend(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let some = |text: &str| Some(text.to_owned());
        let wanted = Proxies {
            http: some("http://lower"),
            https: some("http://secure"),
            all: None,
            except: some("localhost,.example.com"),
        };
        assert_eq!(proxies(&context), wanted);
    }

    #[test]
    fn ssh_is_told_of_keys_agent_and_known_hosts() {
        let (mut context, _) = Context::for_test("/".as_ref());
        context.home = Some("/home/ops".into());
        context.variables.insert("SSH_AUTH_SOCK".into(), "/run/agent".into());
        context.variables.insert("USER".into(), "ops".into());
        let settings = ssh(&context, None);
        assert_eq!((settings.user.as_deref(), settings.machine.user.as_str()), (None, "ops"));
        assert!(settings.key_files.contains(&"/home/ops/.ssh/id_ed25519".into()));
        assert!(settings.known_hosts.contains(&"/home/ops/.ssh/known_hosts".into()));
        assert_eq!(settings.agent_socket, Some("/run/agent".into()));
        assert_eq!(ssh(&context, Some("deploy".into())).user.as_deref(), Some("deploy"));
    }
}
