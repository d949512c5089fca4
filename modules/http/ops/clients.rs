//! The clients behind the functions: one for each way to decide whom to trust.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use oneex_sdk::{Meter, OpResult, Output, Reader, Registry};

use super::options::Options;
use super::{reads, writes};
use crate::http::{Client, LazySettings, Method, Settings};

/// Adds the `http::` functions, whose requests the meter `http` counts.
pub fn register(registry: &mut Registry, clients: &Arc<Clients>) {
    registry.meter("http", Arc::clone(&clients.meter));
    reads::register(registry, clients);
    writes::register(registry, clients);
}

/// Clients by their settings, made on first use and kept, with their connections, for the whole run.
#[derive(Debug, Default)]
pub struct Clients {
    settings: LazySettings,
    meter: Arc<Meter>,
    made: Mutex<HashMap<Settings, Client>>,
}

impl Clients {
    /// Clients with these settings.
    pub fn new(settings: LazySettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Sends what the options ask for.
    pub(super) async fn send(
        &self,
        reader: &dyn Reader,
        method: Method,
        options: &Options,
    ) -> OpResult<Output> {
        options.secrets().iter().for_each(|secret| reader.secrets().register(secret));
        let request = options.request(method)?;
        let response = self
            .client(options.ca_file.as_deref(), options.insecure)?
            .send(&request, reader.cancel())
            .await?;
        Ok(Output::from_fields(&response).with("ok", true))
    }

    /// The client that trusts these authorities beside the system's, or anybody.
    pub(crate) fn client(&self, ca_file: Option<&Path>, insecure: bool) -> OpResult<Client> {
        let mut settings = self.settings.get()?;
        settings.insecure |= insecure;
        settings.ca_file = ca_file.map(Path::to_owned).or(settings.ca_file);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.get(&settings) {
            return Ok(client.clone());
        }
        let client = Client::new(settings.clone(), Arc::clone(&self.meter))?;
        made.insert(settings, client.clone());
        Ok(client)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use oneex_sdk::Registry;

    use super::{Clients, register};

    #[test]
    fn six_functions_and_a_meter_are_registered() {
        let mut registry = Registry::default();
        register(&mut registry, &Arc::new(Clients::default()));
        let names: Vec<_> = registry.ops().iter().map(|op| op.manual().full_name()).collect();
        assert_eq!(
            names,
            ["http::get", "http::head", "http::post", "http::put", "http::patch", "http::delete"]
        );
        assert_eq!(registry.meters().map(|(name, _)| name).collect::<Vec<_>>(), ["http"]);
        for op in registry.ops() {
            let manual = op.manual();
            assert_eq!(manual.positional, ["url"]);
            assert!(manual.text.lines().count() > 2 && !manual.examples.is_empty(), "{}", manual.name);
        }
    }
}
