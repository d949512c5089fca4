//! Opens the controller as a host.

use std::path::PathBuf;
use std::sync::Arc;

use oneex_sdk::{BoxFuture, CancellationToken, Connector, OpResult, Target, Transport};

use super::LocalTransport;
use crate::Entered;
use crate::elevation::Elevation;

/// What the controller as a host needs to know of its surroundings.
#[derive(Debug, Clone, Default)]
pub struct LocalSettings {
    /// Where commands run that name no folder, and `/` where it does not exist; the program's own
    /// folder when left out.
    pub home: Option<PathBuf>,
    /// What a person enters where the inventory does not have it.
    pub entered: Entered,
}

/// The connector `local`.
#[derive(Debug, Clone, Default)]
pub struct LocalConnector {
    settings: LocalSettings,
}

impl LocalConnector {
    /// Makes the connector.
    pub fn new(settings: LocalSettings) -> Self {
        Self { settings }
    }
}

impl Connector for LocalConnector {
    fn name(&self) -> &str {
        "local"
    }

    fn connect<'a>(
        &'a self,
        target: &'a Target,
        _cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, OpResult<Arc<dyn Transport>>> {
        Box::pin(async move {
            let elevation = Elevation::of(target, self.settings.entered.become_password())?;
            let transport = LocalTransport::new(self.settings.clone(), elevation);
            Ok(Arc::new(transport) as Arc<dyn Transport>)
        })
    }
}
