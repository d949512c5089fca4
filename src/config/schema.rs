//! The modules that take options from the project file.

/// What a module's table may say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ModuleSchema {
    /// The module's name, which is the table's.
    pub(crate) name: &'static str,
    /// Its options.
    pub(crate) options: &'static [&'static str],
    /// Connections have names of their own: `[vault.eu]`, for `vault::connect("eu")`.
    pub(crate) named: bool,
}

/// All of them.
pub(crate) const MODULES: [ModuleSchema; 3] = [super::http::SCHEMA, super::lock::SCHEMA, super::ssh::SCHEMA];
