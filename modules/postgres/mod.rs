//! PostgreSQL, as the place of what several machines share.
//!
//! [`PostgresText`] keeps one text in a row of a table. Connections are encrypted and the server's certificate is
//! verified unless the address says otherwise. Nothing here reads the environment: `PGPASSWORD` and its kin do not
//! count.

mod connection;
mod failure;
mod settings;
mod table;
mod text;
mod tls;

pub use settings::PostgresSettings;
pub use text::PostgresText;
