//! Names of services.

use oneex_sdk::{OpError, OpResult};

/// Refuses what would leave a folder of services, or be an option.
pub(crate) fn check_name(name: &str) -> OpResult<()> {
    let good = |c: char| c.is_ascii_alphanumeric() || "@._:\\-".contains(c);
    if name.is_empty() || name.starts_with(['-', '.']) || !name.chars().all(good) {
        return Err(OpError::invalid(format!("`{name}` is not the name of a service")));
    }
    Ok(())
}
