//! What a command works on: the project with its file, the environment, the hosts, the modules.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use oneex_engine::diag::SourceMap;
use oneex_engine::inventory::{HostSet, Inventory, InventorySource};
use oneex_engine::redact::Redactor;
use oneex_engine::script::{Environment, Project};
use oneex_engine::source_file;
use oneex_sdk::{DynOp, Map, Registry, Value};

use crate::commands::inputs::SiteArgs;
use crate::config::{Config, EnvConfig, EnvironmentError, HttpTable, LockTable, MODULES, SshTable};
use crate::context::{Context, PROJECT_FILE};
use crate::error::CommandError;
use crate::modules;

/// Finds the environment that holds, by the name that was given.
type ChooseEnvironment =
    for<'a> fn(&'a Config, Option<&str>) -> Result<Option<&'a EnvConfig>, EnvironmentError>;

/// Where roles are looked for when the project file does not say.
const ROLES: &str = "roles";

/// What a command works on.
pub(crate) struct Site {
    /// The project file; all defaults where there is none.
    pub(crate) config: Config,
    /// The chosen environment.
    pub(crate) environment: Option<Environment>,
    /// The environment's parameters.
    pub(crate) params: Map<String, Value>,
    /// The hosts.
    pub(crate) inventory: Inventory,
    /// What the modules bring.
    pub(crate) registry: Registry,
    /// What masks secrets.
    pub(crate) redactor: Arc<Redactor>,
    /// What was read: the project file, the inventory.
    pub(crate) sources: SourceMap,
    /// What the project file says of locks.
    pub(crate) lock: LockTable,
}

impl Site {
    /// Finds the project at or above `start`, reads its file, the inventory and what the modules
    /// bring. Where there is no project at `start`, that of the current folder counts.
    pub(crate) fn open(context: &Context, start: &Path, args: &SiteArgs) -> Result<Self, CommandError> {
        Self::open_in(context, start, args, Config::environment)
    }

    /// The same for what runs nothing: an environment need not be chosen.
    pub(crate) fn open_to_show(
        context: &Context,
        start: &Path,
        args: &SiteArgs,
    ) -> Result<Self, CommandError> {
        Self::open_in(context, start, args, Config::any_environment)
    }

    fn open_in(
        context: &Context,
        start: &Path,
        args: &SiteArgs,
        choose: ChooseEnvironment,
    ) -> Result<Self, CommandError> {
        let root = Context::project_above(start).or_else(|| Context::project_above(&context.cwd));
        let read = SourceMap::default();
        let config = config(context, root.as_deref().unwrap_or(start), &read)?;
        let environment = choose(&config, args.env.as_deref())
            .map_err(|error| CommandError::usage(error.to_string()).hint(error.hint()))?;
        let mut inventory = Inventory::load(&sources(context, args, &config, environment), &read)?;
        if let Some(root) = &root {
            inventory.read_runbook_vars(&near(context, root), &read)?;
        }
        let redactor = Arc::new(Redactor::default());
        redactor.register_all(inventory.secrets());
        context.log.mask(&redactor);
        tracing::debug!(root = %config.root.display(), hosts = inventory.names().len(), "opened the project");
        let tables = modules::Tables {
            user: config.defaults.user.clone(),
            http: HttpTable::read(&config, environment)?,
            ssh: SshTable::read(&config, environment)?,
        };
        Ok(Self {
            environment: environment.map(|environment| Environment {
                name: environment.name.clone(),
                protected: environment.protected,
                vars: environment.vars.clone(),
            }),
            params: environment.map(|environment| environment.params.clone()).unwrap_or_default(),
            inventory,
            registry: modules::registry(context, tables, &redactor),
            redactor,
            lock: LockTable::read(&config, environment)?,
            config,
            sources: read,
        })
    }

    /// Adds `group_vars` and `host_vars` beside the runbook.
    pub(crate) fn read_runbook_vars(&mut self, context: &Context, folder: &Path) -> Result<(), CommandError> {
        self.inventory.read_runbook_vars(&near(context, folder), &self.sources)?;
        self.redactor.register_all(self.inventory.secrets());
        Ok(())
    }

    /// Where scripts and their files may be read from.
    pub(crate) fn project(&self, runbook_folder: &Path) -> Project {
        let root = &self.config.root;
        let absolute = |path: &PathBuf| root.join(path);
        let roles = &self.config.project.roles;
        Project {
            root: root.clone(),
            runbook_folder: runbook_folder.to_path_buf(),
            role_paths: if roles.is_empty() {
                vec![root.join(ROLES)]
            } else {
                roles.iter().map(absolute).collect()
            },
            allow: self.config.project.allow.iter().map(absolute).collect(),
        }
    }

    /// The hosts that a pattern chooses; none is a mistake, shown with the nearest name.
    pub(crate) fn hosts(&self, pattern: &str) -> Result<HostSet, CommandError> {
        let set = HostSet::pattern(pattern).map_err(|error| CommandError::usage(error.to_string()))?;
        if set.resolve(&self.inventory).is_empty() {
            let error = CommandError::usage(format!("`{pattern}` matches no host"));
            return Err(nearest_host(error, &set, &self.inventory));
        }
        Ok(set)
    }

    /// The operation of that name.
    pub(crate) fn operation(&self, name: &str) -> Result<Arc<dyn DynOp>, CommandError> {
        let found = self.registry.ops().iter().find(|op| op.manual().full_name() == name);
        found.cloned().ok_or_else(|| CommandError::failed(format!("no module brings the operation `{name}`")))
    }
}

/// What the project file says of locks, for what needs nothing else of a site.
pub(crate) fn lock_table(context: &Context, environment: Option<&str>) -> Result<LockTable, CommandError> {
    let root = Context::project_above(&context.cwd);
    let config = config(context, root.as_deref().unwrap_or(&context.cwd), &SourceMap::default())?;
    let environment = config
        .any_environment(environment)
        .map_err(|error| CommandError::usage(error.to_string()).hint(error.hint()))?;
    Ok(LockTable::read(&config, environment)?)
}

/// Reads the project file of `root`, which may have none.
fn config(context: &Context, root: &Path, sources: &SourceMap) -> Result<Config, CommandError> {
    let path = root.join(PROJECT_FILE);
    if !path.is_file() {
        return Ok(Config { root: root.to_path_buf(), ..Config::default() });
    }
    let shown = context.shown(&path);
    let source = source_file::read(&path, &shown, sources)?;
    Ok(Config::parse(root, &shown, &source.text, &MODULES, sources)?)
}

/// Where hosts come from: `-i`, else the environment's inventory, else the project's.
fn sources(
    context: &Context,
    args: &SiteArgs,
    config: &Config,
    environment: Option<&EnvConfig>,
) -> Vec<InventorySource> {
    let of_project = || {
        let own = environment.map(|environment| &environment.inventory).filter(|own| !own.is_empty());
        own.unwrap_or(&config.defaults.inventory)
    };
    let (texts, folder) = match args.inventory.as_slice() {
        [] => (of_project().as_slice(), config.root.as_path()),
        given => (given, context.cwd.as_path()),
    };
    texts.iter().map(|text| source(context, folder, text)).collect()
}

/// A folder as people know it from where they stand.
fn near(context: &Context, folder: &Path) -> PathBuf {
    match folder.strip_prefix(&context.cwd) {
        Ok(inside) => Path::new(".").join(inside),
        Err(_) => folder.to_path_buf(),
    }
}

/// What an inventory's name means from `folder`; paths are shown from the current folder.
fn source(context: &Context, folder: &Path, text: &str) -> InventorySource {
    let path = folder.join(text);
    if text.contains(',') && !path.exists() {
        return InventorySource::List(text.to_owned());
    }
    let path = path.strip_prefix(&context.cwd).map(Path::to_path_buf).unwrap_or(path);
    if path.is_dir() { InventorySource::Folder(path) } else { InventorySource::File(path) }
}

/// Adds the host or group that the unknown parts of a pattern may mean.
pub(crate) fn nearest_host(error: CommandError, set: &HostSet, inventory: &Inventory) -> CommandError {
    let unknown = set.unknown_names(inventory);
    match unknown.iter().find_map(|name| inventory.nearest_name(name)) {
        Some(right) => error.hint(format!("did you mean `{right}`?")),
        None if inventory.is_empty() => {
            error.hint("there are no hosts: give an inventory with `-i`, or in `oneex.toml`")
        }
        None => error.hint("`oneex hosts` lists them all"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Site;
    use crate::commands::inputs::SiteArgs;
    use crate::context::Context;
    use crate::error::CommandError;

    const PROJECT: &str = "[defaults]\ninventory = 'a,b'\n\
        [env.prod]\ninventory = 'hosts.ini'\nprotected = true\nparams = { n = 1 }\n[env.test]\n";

    fn open(env: Option<&str>, inventory: &[&str]) -> Result<Site, CommandError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("oneex.toml"), PROJECT).unwrap();
        fs::write(folder.path().join("hosts.ini"), "[web]\nweb1\nweb2\n").unwrap();
        let start = folder.path().join("runbooks");
        // Paths are shown from the current folder, so the context's must be the process's.
        let (context, _) = Context::for_test(&std::env::current_dir().unwrap());
        let inventory = inventory.iter().map(|text| (*text).to_owned()).collect();
        Site::open(&context, &start, &SiteArgs { inventory, env: env.map(str::to_owned) })
    }

    #[test]
    fn the_flag_beats_the_environment_and_that_beats_the_project() {
        let names = |env, inventory: &[&str]| open(env, inventory).unwrap().inventory.names().join(" ");
        assert_eq!(names(Some("test"), &[]), "a b");
        assert_eq!(names(Some("prod"), &[]), "web1 web2");
        assert_eq!(names(Some("prod"), &["x,", "y,"]), "x y");
        let site = open(Some("prod"), &[]).unwrap();
        assert!(site.environment.is_some_and(|environment| environment.protected));
        assert_eq!(site.params.get("n"), Some(&1.into()));
    }

    #[test]
    fn mistakes_name_what_is_right() {
        let hints = |error: CommandError| error.hints.join("; ");
        assert_eq!(open(None, &[]).err().map(hints).unwrap(), "choose one with `--env`: `prod`, `test`");
        assert_eq!(open(Some("prd"), &[]).err().map(hints).unwrap(), "did you mean `prod`?");
        let site = open(Some("prod"), &[]).unwrap();
        assert_eq!(site.hosts("wbe").map(|_| ()).map_err(hints), Err("did you mean `web`?".to_owned()));
        assert!(site.hosts("web:!web1").is_ok());
    }
}
