//! Where the server is, and how it is trusted.

use std::path::PathBuf;

use oneex_sdk::{OpError, OpResult, Secret};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use url::Url;

use super::connection::LIMIT;

/// Where the server is, and how it is trusted.
#[derive(Debug, Clone)]
pub struct PostgresSettings {
    /// `postgres://USER@HOST:PORT/DATABASE`, as libpq(3) has it; several hosts with commas are tried in their order.
    /// With `sslmode=disable` the connection is not encrypted, with everything else it is, and the certificate is
    /// verified. May hold a password, though [`PostgresSettings::password`] is better.
    pub url: Secret<String>,
    /// The password.
    pub password: Option<Secret<String>>,
    /// A PEM file with the authorities that are trusted in place of the system's.
    pub ca_file: Option<PathBuf>,
}

/// The settings as the client wants them.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) is_encrypted: bool,
    /// As people know it, without the user and the password.
    pub(super) place: String,
}

impl PostgresSettings {
    /// The password that stands in the address.
    ///
    /// # Errors
    ///
    /// As for an address that is none.
    pub fn password_in_url(&self) -> OpResult<Option<Secret<String>>> {
        let address = Self { password: None, ..self.clone() }.address()?;
        let password = address.config.get_password().map(String::from_utf8_lossy);
        Ok(password.map(|password| Secret::new(password.into_owned())))
    }

    /// Reads the address.
    ///
    /// # Errors
    ///
    /// `invalid` where it is none; its text is not in the message, as it may hold a password.
    pub(super) fn address(&self) -> OpResult<Address> {
        let wrong = |why: &str| {
            OpError::invalid(format!("the address of the database is wrong: {why}"))
                .hint("it is written as `postgres://USER@HOST:PORT/DATABASE`")
        };
        let text = verified(self.url.expose());
        // libpq also takes `name=value` pairs, in which anything could be meant.
        if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err(wrong("it is no `postgres://` address"));
        }
        let mut config: Config = text.parse().map_err(|error: tokio_postgres::Error| {
            let why = std::error::Error::source(&error).map(ToString::to_string);
            wrong(&why.unwrap_or_else(|| error.to_string()))
        })?;
        if config.get_hosts().is_empty() {
            return Err(wrong("it names no host"));
        }
        if config.get_user().is_none() {
            return Err(wrong("it names no user"));
        }
        if let Some(password) = &self.password {
            config.password(password.expose());
        }
        let is_local = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        let is_encrypted = config.get_ssl_mode() != SslMode::Disable && !is_local;
        config
            .ssl_mode(if is_encrypted { SslMode::Require } else { SslMode::Disable })
            .application_name(concat!("oneex/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(LIMIT)
            // A standby could be read and not written.
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        Ok(Address { place: place(&config), config, is_encrypted })
    }
}

/// The address with the words of libpq for what is done anyway replaced by the one that the client knows.
fn verified(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return text.to_owned() };
    let is_verified = |(name, value): &(String, String)| {
        name == "sslmode" && matches!(value.as_str(), "verify-full" | "verify-ca" | "allow" | "prefer")
    };
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    if !pairs.iter().any(is_verified) {
        return text.to_owned();
    }
    let rest = pairs.into_iter().filter(|pair| !is_verified(pair));
    url.query_pairs_mut().clear().extend_pairs(rest).append_pair("sslmode", "require");
    url.into()
}

fn place(config: &Config) -> String {
    let hosts = config.get_hosts().iter().enumerate().map(|(index, host)| {
        let ports = config.get_ports();
        let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            Host::Unix(path) => path.display().to_string(),
        }
    });
    let hosts = hosts.collect::<Vec<_>>().join(", ");
    format!("the database `{}` at {hosts}", config.get_dbname().or(config.get_user()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{ErrorKind, Secret};

    use super::PostgresSettings;

    fn settings(url: &str) -> PostgresSettings {
        PostgresSettings { url: Secret::new(url.to_owned()), password: None, ca_file: None }
    }

    #[test]
    fn everything_but_an_explicit_no_is_encrypted_and_verified() {
        for (url, is_encrypted) in [
            ("postgres://u@db/x", true),
            ("postgres://u@db/x?sslmode=require", true),
            ("postgres://u@db/x?sslmode=prefer", true),
            ("postgresql://u@db/x?connect_timeout=3&sslmode=verify-full", true),
            ("postgres://u@db/x?sslmode=disable", false),
            ("postgres://u@%2Frun%2Fpostgresql/x", false),
        ] {
            let address = settings(url).address().expect(url);
            assert_eq!(address.is_encrypted, is_encrypted, "{url}");
        }
    }

    #[test]
    fn a_place_has_neither_user_nor_password() {
        for (url, place) in [
            ("postgres://ada:hunter2@db.example.com/locks", "the database `locks` at db.example.com:5432"),
            ("postgres://ada@a:1,b:2/x?sslmode=require", "the database `x` at a:1, b:2"),
            ("postgres://ada@%2Frun%2Fpg/x", "the database `x` at /run/pg"),
            ("postgres://ada@db", "the database `ada` at db:5432"),
        ] {
            assert_eq!(settings(url).address().expect(url).place, place);
        }
    }

    #[test]
    fn the_password_that_stands_apart_wins() {
        let mut settings = settings("postgres://u:one@db/x");
        let password = |settings: &PostgresSettings| {
            settings.address().expect("an address").config.get_password().map(<[u8]>::to_vec)
        };
        assert_eq!(password(&settings), Some(b"one".to_vec()));
        settings.password = Some(Secret::new("two".to_owned()));
        assert_eq!(password(&settings), Some(b"two".to_vec()));
    }

    #[test]
    fn a_wrong_address_is_refused_without_being_told() {
        for url in [
            "",
            "db.example.com",
            "mysql://u:hunter2@db/x",
            "postgres://u:hunter2@db:port/x",
            "postgres://u:hunter2@db/x?sslmode=always",
            "postgres://u:hunter2@db/x?nonsense=hunter2",
            "postgres:///x",
            "postgres://db/x",
        ] {
            let error = settings(url).address().expect_err(url);
            assert_eq!(error.kind, ErrorKind::Invalid, "{url}");
            assert!(!error.message.contains("hunter2"), "{url}: {error}");
        }
    }
}
