//! Where the locks of a project are kept.

use std::path::Path;
use std::sync::Arc;

use oneex_engine::lock::{LocalLocks, LockStore, SharedLocks};
use oneex_modules::postgres::PostgresText;
use oneex_sdk::SecretSink;

use crate::config::LockTable;
use crate::context::Context;
use crate::error::CommandError;

/// The locks of the project of this folder; none where there is no project.
///
/// # Errors
///
/// What the project file says of a database is wrong, or what stands elsewhere cannot be had.
pub(crate) fn store(
    context: &Context,
    folder: &Path,
    table: &LockTable,
    secrets: &dyn SecretSink,
) -> Result<Option<Arc<dyn LockStore>>, CommandError> {
    if let Some(shared) = &table.shared {
        let settings = shared.settings(&context.variables, secrets)?;
        let text = PostgresText::new(settings, format!("locks of {}", shared.project))?;
        return Ok(Some(Arc::new(SharedLocks::new(Arc::new(text), shared.ttl))));
    }
    let root = Context::project_above(folder).or_else(|| Context::project_above(&context.cwd));
    let local = |root: std::path::PathBuf| LocalLocks::new(root.join(".oneex").join("locks"));
    Ok(root.map(|root| Arc::new(local(root)) as Arc<dyn LockStore>))
}
