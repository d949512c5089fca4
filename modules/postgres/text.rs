//! A text that several machines share, in a row of a table.

use std::time::Duration;

use oneex_sdk::{BoxFuture, OpResult, SharedReading, SharedText};

use super::connection::Connection;
use super::{PostgresSettings, table};

/// A text that several machines share, in a row of the table `oneex_texts`, which the first of them makes.
pub struct PostgresText {
    connection: Connection,
    name: String,
}

impl PostgresText {
    /// The text of that name; nothing is opened yet.
    ///
    /// # Errors
    ///
    /// `invalid` for an address that is none.
    pub fn new(settings: PostgresSettings, name: impl Into<String>) -> OpResult<Self> {
        Ok(Self { connection: Connection::new(settings)?, name: name.into() })
    }
}

impl SharedText for PostgresText {
    fn place(&self) -> String {
        self.connection.place().to_owned()
    }

    fn read(&self) -> BoxFuture<'_, OpResult<SharedReading>> {
        Box::pin(async {
            let read = self.connection.call(async |client| table::read(client, &self.name).await);
            let (text, revision, now) = read.await?;
            Ok(SharedReading { text, revision, now: Duration::from_millis(now.unsigned_abs()) })
        })
    }

    fn write<'a>(&'a self, text: &'a str, after: &'a SharedReading) -> BoxFuture<'a, OpResult<bool>> {
        Box::pin(async move {
            let write = async |client: &_| table::write(client, &self.name, text, after.revision).await;
            self.connection.call(write).await
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use oneex_sdk::{ErrorKind, Secret, SharedReading, SharedText};
    use oneex_testkit::PostgresServer;

    use super::{PostgresSettings, PostgresText};

    fn settings(server: &PostgresServer) -> PostgresSettings {
        PostgresSettings {
            url: Secret::new(server.url()),
            password: Some(Secret::new(PostgresServer::PASSWORD.to_owned())),
            ca_file: Some(server.ca_file()),
        }
    }

    fn text(server: &PostgresServer, name: &str) -> PostgresText {
        PostgresText::new(settings(server), name).expect("an address")
    }

    #[tokio::test]
    async fn only_who_has_read_the_newest_writes() {
        let server = PostgresServer::start();
        let (one, other, elsewhere) = (text(&server, "a"), text(&server, "a"), text(&server, "b"));
        let first = one.read().await.expect("read");
        assert_eq!((first.text.as_str(), first.revision), ("", 0));
        let clock = server.query("select extract(epoch from clock_timestamp())::bigint");
        assert!(first.now.as_secs().abs_diff(clock.parse().expect("a number")) < 60);
        assert!(one.write("from one", &first).await.expect("written"));
        assert!(!other.write("from the other", &first).await.expect("an answer"), "it is not the first");
        let second = other.read().await.expect("read");
        assert_eq!((second.text.as_str(), second.revision), ("from one", 1));
        assert!(other.write("it's \"quoted\" \\ é\n", &second).await.expect("written"));
        assert!(!one.write("late", &second).await.expect("an answer"));
        assert_eq!(one.read().await.expect("read").text, "it's \"quoted\" \\ é\n");
        assert_eq!(elsewhere.read().await.expect("read").text, "");
    }

    #[tokio::test]
    async fn the_first_makes_the_table_and_many_may_be_first() {
        let server = PostgresServer::start();
        let counted = (0..16).map(|_| {
            let text = text(&server, "count");
            tokio::spawn(async move {
                loop {
                    let reading = text.read().await.expect("read");
                    let count: u32 = reading.text.parse().unwrap_or(0);
                    if text.write(&(count + 1).to_string(), &reading).await.expect("an answer") {
                        return;
                    }
                }
            })
        });
        for counted in counted.collect::<Vec<_>>() {
            counted.await.expect("no panic");
        }
        let SharedReading { text: count, revision, .. } = text(&server, "count").read().await.expect("read");
        assert_eq!((count.as_str(), revision), ("16", 16));
        assert_eq!(server.query("select version from oneex_version"), "1");

        // Whoever may only read and write needs nobody who may more, once the table is there.
        server.query(
            "create role clerk login password 'pencil'; \
             grant select, insert, update on oneex_texts to clerk; grant select on oneex_version to clerk",
        );
        let clerk = PostgresSettings {
            url: Secret::new(server.url().replace("oneex@", "clerk@")),
            password: Some(Secret::new("pencil".to_owned())),
            ..settings(&server)
        };
        let clerk = PostgresText::new(clerk, "clerk").expect("an address");
        let reading = clerk.read().await.expect("read");
        assert!(clerk.write("x", &reading).await.expect("written"));

        server.query("update oneex_version set version = 2");
        let error = text(&server, "count").read().await.expect_err("another version");
        assert_eq!(
            error.message,
            "the table `oneex_texts` is of version 2, which this version of oneex does not know"
        );
        server.query(
            "drop table oneex_version; drop table oneex_texts; revoke create on schema public from public",
        );
        clerk.read().await.expect_err("the table is gone");
        let error = clerk.read().await.expect_err("it may not make one");
        assert!(error.message.starts_with("the tables cannot be made: "), "{error}");
        assert_eq!(error.kind, ErrorKind::Denied);
    }

    #[tokio::test]
    async fn a_server_that_went_away_is_connected_to_again() {
        let mut server = PostgresServer::start();
        let text = text(&server, "a");
        let reading = text.read().await.expect("read");
        assert!(text.write("before", &reading).await.expect("written"));
        server.crash();
        let error = text.read().await.expect_err("nobody is there");
        assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
        let reading = SharedReading { revision: 1, ..reading };
        assert_eq!(text.write("lost", &reading).await.expect_err("nobody").kind, ErrorKind::Unreachable);
        server.restart();
        assert_eq!(text.read().await.expect("read").text, "before");
        assert!(text.write("after", &reading).await.expect("written"));
        server.query(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'oneex/%'",
        );
        // The connection that was ended is heard of by the next call or before it.
        let again = match text.read().await {
            Ok(reading) => reading,
            Err(error) => {
                assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
                text.read().await.expect("read")
            }
        };
        assert_eq!(again.text, "after");
    }

    #[tokio::test]
    async fn nobody_waits_for_ever_for_a_server_that_stands_still() {
        let server = PostgresServer::start();
        let (known, unknown) = (text(&server, "a"), text(&server, "a"));
        let reading = known.read().await.expect("read");
        server.freeze();
        let (read, opened) = tokio::join!(known.write("late", &reading), unknown.read());
        for error in [read.expect_err("no answer"), opened.expect_err("no answer")] {
            assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
            assert_eq!(error.message, "no answer within 5 s");
        }
        server.thaw();
        // What was sent may have been written all the same; whoever reads first sees it.
        let reading = known.read().await.expect("read");
        assert!(["", "late"].contains(&reading.text.as_str()), "{}", reading.text);
        while !unknown.write("after", &unknown.read().await.expect("read")).await.expect("an answer") {}
        assert_eq!(known.read().await.expect("read").text, "after");
    }

    #[tokio::test]
    async fn a_server_that_is_not_trusted_learns_no_password() {
        let server = PostgresServer::start();
        let other = rcgen_authority();
        let folder = tempfile::tempdir().expect("a folder");
        let wrong_ca = folder.path().join("other.pem");
        std::fs::write(&wrong_ca, other).expect("a file");
        let with = |url: String, ca_file: Option<PathBuf>, password: &str| {
            let password = Some(Secret::new(password.to_owned()));
            PostgresText::new(PostgresSettings { url: Secret::new(url), password, ca_file }, "a")
                .expect("an address")
        };
        let ca = Some(server.ca_file());
        let right = PostgresServer::PASSWORD;
        for (what, text, kind) in [
            ("the system trusts it not", with(server.url(), None, right), ErrorKind::Denied),
            ("another authority", with(server.url(), Some(wrong_ca), right), ErrorKind::Denied),
            (
                "another name",
                with(server.url().replace("127.0.0.1", "127.0.0.2"), ca.clone(), right),
                ErrorKind::Unreachable,
            ),
            ("a wrong password", with(server.url(), ca.clone(), "guess"), ErrorKind::Denied),
            (
                "no such database",
                with(format!("{}ne", server.url().trim_end_matches("eex")), ca.clone(), right),
                ErrorKind::Failed,
            ),
        ] {
            let error = text.read().await.expect_err(what);
            assert_eq!(error.kind, kind, "{what}: {error}");
            assert!(!error.message.contains(right) && !error.message.contains("guess"), "{what}: {error}");
        }
        // Not every machine has that name for itself.
        let named = format!("{}?hostaddr=127.0.0.1", server.url().replace("127.0.0.1", "localhost"));
        let named = with(named, ca, right);
        assert_eq!(named.read().await.expect("its other name").text, "");
        let plain = with(format!("{}?sslmode=disable", server.url()), None, right);
        assert_eq!(plain.read().await.expect("who wants no TLS gets none").text, "");
        let encrypted = "select count(*) filter (where ssl) || '/' || count(*) from pg_stat_ssl \
                         join pg_stat_activity using (pid) where application_name like 'oneex/%'";
        assert_eq!(server.query(encrypted), "1/2");
    }

    /// A certificate that is as good as the server's, and another.
    fn rcgen_authority() -> String {
        let server = PostgresServer::start();
        std::fs::read_to_string(server.ca_file()).expect("a certificate")
    }
}
