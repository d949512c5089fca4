//! From a host's variables to the way to it, with templates among them rendered.

use std::sync::{Arc, PoisonError, RwLock};

use oneex_sdk::HostInfo;
use serde_json::Map;

use super::connection::{self, ConnectionError};
use super::data::Inventory;
use super::target;
use crate::diag::Position;
use crate::template::{HostVariables, VariableError};

/// Why nothing can be said of the way to a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReachError {
    /// A variable cannot be rendered.
    #[error(transparent)]
    Variable(#[from] VariableError),
    /// What a template makes is refused.
    #[error("{error}{}", .place.as_ref().map_or_else(String::new, |place| format!(" ({place})")))]
    Connection {
        /// Why.
        error: Box<ConnectionError>,
        /// Where the template stands.
        place: Option<Position>,
    },
}

impl ReachError {
    /// What to do next.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Variable(error) => error.hint.as_deref(),
            Self::Connection { error, .. } => error.hint,
        }
    }
}

impl Inventory {
    /// A host as [`Inventory::host`] gives it, with the connection variables rendered that are templates. None
    /// for a host that is not known.
    pub fn reach(inventory: &Arc<RwLock<Self>>, name: &str) -> Option<Result<Arc<HostInfo>, ReachError>> {
        let read = || inventory.read().unwrap_or_else(PoisonError::into_inner);
        let host = read().host(name)?;
        let implicit = read().is_implicit(&host.name);
        // The way to the controller is known: of what `all` says, only who acts there matters.
        let matters = |name: &&str| !implicit || name.contains("become") || name.contains("sudo");
        let templates: Vec<&str> = connection::templates(&host.vars).filter(matters).collect();
        if templates.is_empty() {
            return Some(Ok(host));
        }
        let variables = HostVariables::new(inventory, &host, None);
        let owner = format!("host `{}`", host.name);
        let mut vars: Map<String, _> = host.vars.clone();
        for name in templates {
            let value = match variables.get(name) {
                Ok(value) => value.unwrap_or_default(),
                Err(error) => return Some(Err(error.into())),
            };
            if let Err(error) = connection::check(&owner, name, &value) {
                let place = read().place(&host.name, name);
                return Some(Err(ReachError::Connection { error: Box::new(error), place }));
            }
            vars.insert(name.to_owned(), value);
        }
        let mut target = target::target(&host.name, &vars, &host.target.host_keys);
        if implicit {
            target.connection.clone_from(&host.target.connection);
        }
        Some(Ok(Arc::new(HostInfo { target, ..(*host).clone() })))
    }
}
