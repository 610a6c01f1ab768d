//! Tests of a handler's transaction: nested ones are savepoints, and one that the handler ends itself is noticed.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::Life;
use sqlx::{Acquire, Executor};
use store::{Succeeded, Transaction};
use tokio::time::Instant;

async fn claimed() -> (Life, Transaction) {
    let life = Life::begin().await;
    life.database.sql("CREATE TABLE effects (n integer)").await;
    life.claimed().await;
    let transaction =
        life.store.begin_attempt(life.id, 1, Instant::now() + Duration::from_secs(10)).await.unwrap();
    (life, transaction)
}

async fn effects(life: &Life) -> i64 {
    life.database.value("SELECT count(*) FROM effects").await
}

#[tokio::test]
async fn a_nested_transaction_commits_nothing_by_itself() {
    let (life, mut transaction) = claimed().await;
    let mut nested = transaction.begin().await.unwrap();
    nested.execute("INSERT INTO effects VALUES (1)").await.unwrap();
    nested.commit().await.unwrap();
    // The handler fails after the nested commit.
    drop(transaction);
    life.store.close().await;
    assert_eq!(effects(&life).await, 0);
}

#[tokio::test]
async fn a_nested_transaction_that_is_rolled_back_takes_nothing_else_with_it() {
    let (life, mut transaction) = claimed().await;
    transaction.execute("INSERT INTO effects VALUES (1)").await.unwrap();
    let mut nested = transaction.begin().await.unwrap();
    nested.execute("INSERT INTO effects VALUES (2)").await.unwrap();
    drop(nested);
    assert_eq!(transaction.succeed(life.id, 1).await.unwrap(), Succeeded::Committed);
    assert_eq!(effects(&life).await, 1);
    assert_eq!(life.status().await, "PROCESSED");
}

#[tokio::test]
async fn a_handler_that_ends_the_transaction_by_its_own_sql_is_noticed_before_the_end_is_written() {
    for own in ["COMMIT", "ROLLBACK", "COMMIT AND CHAIN", "COMMIT; BEGIN"] {
        let (life, mut transaction) = claimed().await;
        transaction.execute("INSERT INTO effects VALUES (1)").await.unwrap();
        transaction.execute(own).await.unwrap();
        assert_eq!(transaction.succeed(life.id, 1).await.unwrap(), Succeeded::EndedByHandler, "{own}");
        assert_eq!(life.status().await, "PROCESSING", "{own}");
    }
}

/// The connection is used by others again, and must be outside of any transaction and without the mark.
#[tokio::test]
async fn behind_the_end_the_connection_is_as_it_was() {
    let (life, transaction) = claimed().await;
    assert_eq!(transaction.succeed(life.id, 1).await.unwrap(), Succeeded::Committed);
    let mut next = life.store.begin(Duration::from_secs(10)).await.unwrap();
    let mark: String = sqlx::query_scalar("SELECT current_setting('eventflow.attempt')")
        .fetch_one(&mut *next)
        .await
        .unwrap();
    assert_eq!(mark, "");
}
