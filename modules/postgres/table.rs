//! The table, which is made by who needs it first.

use oneex_sdk::{OpError, OpResult};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::failure::meaning;

/// The version of the table; raised when a column changes its meaning or goes away.
const VERSION: i32 = 1;

/// Whoever makes the table has this to themselves: an advisory lock of the database.
const TURN: i64 = 0x006f_6e65_6578;

/// Makes the table where there is none. One that a newer version has made is not touched.
///
/// # Errors
///
/// The server's, and `failed` for a table of another version.
pub(super) async fn prepare(client: &Client) -> OpResult<()> {
    let version = match version(client).await? {
        Some(version) => Some(version),
        None => {
            make(client).await?;
            self::version(client).await?
        }
    };
    match version {
        Some(VERSION) => Ok(()),
        Some(other) => Err(OpError::failed(format!(
            "the table `oneex_texts` is of version {other}, which this version of oneex does not know"
        ))),
        None => Err(OpError::failed("the table `oneex_texts` has no version")),
    }
}

async fn version(client: &Client) -> OpResult<Option<i32>> {
    let there = "select to_regclass('oneex_version') is not null";
    let there = client.query_typed_one(there, &[]).await.map_err(|error| meaning(&error))?;
    if !there.get::<_, bool>(0) {
        return Ok(None);
    }
    let row = client.query_typed_opt("select version from oneex_version", &[]).await;
    Ok(row.map_err(|error| meaning(&error))?.map(|row| row.get(0)))
}

async fn make(client: &Client) -> OpResult<()> {
    let statements = format!(
        "begin;
         select pg_advisory_xact_lock({TURN});
         create table if not exists oneex_version (version integer not null);
         create table if not exists oneex_texts (
             name text primary key, revision bigint not null, text text not null
         );
         insert into oneex_version select {VERSION} where not exists (select from oneex_version);
         commit"
    );
    client.batch_execute(&statements).await.map_err(|error| {
        let error = meaning(&error);
        let hint = "the tables `oneex_version` and `oneex_texts` are made by the first user who may do so";
        OpError::new(error.kind, format!("the tables cannot be made: {error}")).hint(hint)
    })
}

/// Reads the text of a name, its revision, and the server's clock in milliseconds since 1970.
///
/// # Errors
///
/// The server's.
pub(super) async fn read(client: &Client, name: &str) -> OpResult<(String, i64, i64)> {
    let query = "select coalesce(held.text, ''), coalesce(held.revision, 0),
                        (extract(epoch from clock_timestamp()) * 1000)::bigint
                 from (select 1) as one left join oneex_texts as held on held.name = $1";
    let row = client.query_typed_one(query, &[(&name, Type::TEXT)]).await;
    let row = row.map_err(|error| meaning(&error))?;
    Ok((row.get(0), row.get(1), row.get(2)))
}

/// Writes a text where its revision is still this one; 0 for the first. Says whether it was.
///
/// # Errors
///
/// The server's.
pub(super) async fn write(client: &Client, name: &str, text: &str, revision: i64) -> OpResult<bool> {
    let query = match revision {
        0 => "insert into oneex_texts (name, text, revision) values ($1, $2, $3 + 1) on conflict do nothing",
        _ => "update oneex_texts set text = $2, revision = revision + 1 where name = $1 and revision = $3",
    };
    let parameters = [(&name as _, Type::TEXT), (&text as _, Type::TEXT), (&revision as _, Type::INT8)];
    let rows = client.execute_typed(query, &parameters).await.map_err(|error| meaning(&error))?;
    Ok(rows == 1)
}
