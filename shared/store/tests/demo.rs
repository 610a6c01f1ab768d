//! The table of the demo handlers exists only in databases that use them, and its rows are never thrown away.
#![allow(clippy::unwrap_used)]

use store::testing::{Database, database, empty_database};
use store::{Store, StoreConfig};

const THERE: &str = "SELECT to_regclass('demo_ledger') IS NOT NULL";
const ROW: &str = "INSERT INTO demo_ledger VALUES ('0199c0de-0000-7000-8000-000000000001', 1, 7)";

#[tokio::test]
async fn a_database_that_is_migrated_has_no_table_of_the_demo_handlers() {
    let url = empty_database().await;
    let store = Store::new(&StoreConfig::new(url.clone(), "test")).unwrap();
    store.migrate().await.unwrap();
    let database = Database { url, store };
    assert!(!database.value::<bool>(THERE).await);
    // Two processes begin at the same time, twice.
    for _ in 0..2 {
        tokio::try_join!(database.store.make_demo_ledger(), database.store.make_demo_ledger()).unwrap();
    }
    database.sql(ROW).await;
}

#[tokio::test]
async fn the_migration_takes_away_an_empty_table_alone() {
    let database = database().await;
    migrate_again(&database).await;
    assert!(!database.value::<bool>(THERE).await);
    migrate_again(&database).await;

    database.store.make_demo_ledger().await.unwrap();
    database.sql(ROW).await;
    migrate_again(&database).await;
    assert_eq!(database.value::<i64>("SELECT sum(weight)::bigint FROM demo_ledger").await, 7);
}

/// A handler of the previous release may be about to commit its row.
#[tokio::test]
async fn the_migration_leaves_a_table_that_is_in_use() {
    let database = database().await;
    let mut handler = database.store.begin(std::time::Duration::from_mins(1)).await.unwrap();
    sqlx::raw_sql(ROW).execute(&mut *handler).await.unwrap();
    migrate_again(&database).await;
    sqlx::raw_sql("COMMIT").execute(&mut *handler).await.unwrap();
    assert_eq!(database.value::<i64>("SELECT count(*) FROM demo_ledger").await, 1);
}

/// Runs the migration that removes the table, as on a database of an earlier release.
async fn migrate_again(database: &Database) {
    database
        .sql(
            "DROP FUNCTION events_of, outcomes_of, attempts_of;
             DELETE FROM _sqlx_migrations WHERE version = 14",
        )
        .await;
    database.store.migrate().await.unwrap();
}
