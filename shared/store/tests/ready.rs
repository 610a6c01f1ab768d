//! Tests of the error that a service gets while it waits for a database, and of its public text.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use store::testing::{Database, database, empty_database};
use store::{Store, StoreConfig};
use uuid::Uuid;

/// No server listens at this port: only root may use it, and no service runs on it.
const CLOSED: &str = "postgres://postgres@127.0.0.1:1/eventflow";

/// A limit for an immediate answer on a busy machine.
const LONG: Duration = Duration::from_secs(10);

struct Told {
    missing: &'static str,
    words: String,
}

async fn told(url: impl Into<String>, patience: Duration) -> Told {
    let config = StoreConfig { acquire_timeout: patience, ..StoreConfig::new(url, "test") };
    let error = Store::new(&config).unwrap().ready().await.unwrap_err();
    Told { missing: error.missing(), words: error.to_string() }
}

fn options(database: &Database) -> PgConnectOptions {
    database.url.parse().unwrap()
}

#[tokio::test]
async fn what_is_missing_is_told_without_a_name() {
    let database = database().await;
    let name = format!("role_{}", Uuid::new_v4().simple());
    let stranger = options(&database).username(&name).to_url_lossy().to_string();
    let elsewhere = options(&database).database(&name).to_url_lossy().to_string();
    let unknown_account = told(stranger.clone(), LONG).await;
    let unknown_database = told(elsewhere, LONG).await;
    database.sql(&format!("CREATE ROLE {name} LOGIN")).await;
    let no_rights = told(stranger, LONG).await;
    database.sql(&format!("DROP ROLE {name}")).await;
    assert!(unknown_account.words.contains(&name) && unknown_database.words.contains(&name));
    assert!(no_rights.words.contains("_sqlx_migrations"), "{}", no_rights.words);
    let all = [
        unknown_account,
        unknown_database,
        no_rights,
        told(CLOSED, Duration::from_millis(100)).await,
        told(empty_database().await, LONG).await,
    ];
    insta::assert_snapshot!(all.map(|told| told.missing).join("\n"), @r"
    the database refuses the account
    the server has no such database
    the account may not do in the database what the service does
    the database cannot be reached
    the database has no tables yet: run `admin migrate`
    ");
    assert!(database.store.ready().await.is_ok());
}
