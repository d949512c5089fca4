//! One connection, opened when it is needed and again after it was lost.

use std::sync::Arc;
use std::time::Duration;

use oneex_sdk::{OpError, OpResult};
use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls};

use super::failure::meaning;
use super::settings::{Address, PostgresSettings};
use super::{table, tls};

/// How long a call may take, connecting included.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// One connection.
pub(super) struct Connection {
    settings: PostgresSettings,
    address: Address,
    client: Mutex<Option<Arc<Client>>>,
}

impl Connection {
    /// One to the server of these settings; nothing is opened yet.
    pub(super) fn new(settings: PostgresSettings) -> OpResult<Self> {
        let address = settings.address()?;
        Ok(Self { settings, address, client: Mutex::default() })
    }

    pub(super) fn place(&self) -> &str {
        &self.address.place
    }

    /// Calls the server once. After an error the next call opens another connection, as the answer to this one may
    /// come late.
    pub(super) async fn call<T>(&self, call: impl AsyncFnOnce(&Client) -> OpResult<T>) -> OpResult<T> {
        let mut held = self.client.lock().await;
        let called = tokio::time::timeout(LIMIT, async {
            let client = match held.take().filter(|client| !client.is_closed()) {
                Some(client) => client,
                None => Arc::new(self.open().await?),
            };
            let answer = call(&client).await?;
            Ok((client, answer))
        });
        match called.await {
            Ok(Ok((client, answer))) => {
                *held = Some(client);
                Ok(answer)
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(OpError::timeout(format!("no answer within {} s", LIMIT.as_secs()))),
        }
    }

    async fn open(&self) -> OpResult<Client> {
        let config = &self.address.config;
        let client = if self.address.is_encrypted {
            let connector = tls::connector(self.settings.ca_file.as_deref())?;
            let (client, connection) = config.connect(connector).await.map_err(|error| meaning(&error))?;
            tokio::spawn(ended(connection));
            client
        } else {
            let (client, connection) = config.connect(NoTls).await.map_err(|error| meaning(&error))?;
            tokio::spawn(ended(connection));
            client
        };
        table::prepare(&client).await?;
        Ok(client)
    }
}

/// Drives a connection to its end; whoever uses it learns of an error by its own call.
async fn ended(connection: impl Future<Output = Result<(), tokio_postgres::Error>>) {
    if let Err(error) = connection.await {
        tracing::debug!(%error, "the connection to the database has ended");
    }
}
