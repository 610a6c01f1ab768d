#![allow(clippy::unwrap_used)]

use std::time::Duration;

use store::testing::{Database, database};

use super::*;

async fn alone() -> (Database, Store) {
    let database = database().await;
    let config = StoreConfig { max_connections: 1, ..StoreConfig::new(database.url.clone(), "test") };
    (database, Store::new(&config).unwrap())
}

/// This is the session that a dropped `begin` leaves in the pool. Without the gate, the next INSERT is answered with OK
/// and then lost.
#[tokio::test]
async fn a_session_that_was_left_inside_a_transaction_is_not_used_again() {
    let (database, store) = alone().await;
    let mut leaked = store.pool.acquire().await.unwrap();
    sqlx::raw_sql("BEGIN").execute(&mut *leaked).await.unwrap();
    drop(leaked);
    let insert = "INSERT INTO demo_ledger VALUES ('0199c0de-0000-7000-8000-000000000001', 1, 7)";
    sqlx::raw_sql(insert).execute(&store.pool).await.unwrap();
    assert_eq!(database.value::<i64>("SELECT count(*) FROM demo_ledger").await, 1);
}

#[tokio::test]
async fn a_session_that_became_read_only_is_not_used_again() {
    let (_database, store) = alone().await;
    let mut demoted = store.pool.acquire().await.unwrap();
    sqlx::raw_sql("SET default_transaction_read_only = on").execute(&mut *demoted).await.unwrap();
    drop(demoted);
    let insert = "INSERT INTO demo_ledger VALUES ('0199c0de-0000-7000-8000-000000000001', 1, 7)";
    sqlx::raw_sql(insert).execute(&store.pool).await.unwrap();
}

#[tokio::test]
async fn healthy_sessions_are_kept() {
    let (_database, store) = alone().await;
    let pid = async || -> i32 {
        sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&store.pool).await.unwrap()
    };
    let first = pid().await;
    for _ in 0..200 {
        assert_eq!(pid().await, first);
    }
}

/// A caller that goes away in the middle leaves nothing broken: its session is closed, and the next one works.
#[tokio::test]
async fn a_begin_whose_caller_went_away_leaks_nothing() {
    let (database, store) = alone().await;
    for micros in [0, 50, 200, 500, 1000, 2000] {
        let begin = store.begin(Duration::from_secs(5));
        let _ = tokio::time::timeout(Duration::from_micros(micros), begin).await;
        let insert = "INSERT INTO demo_ledger VALUES ('0199c0de-0000-7000-8000-000000000001', 1, 7)";
        sqlx::raw_sql(insert).execute(&store.pool).await.unwrap();
    }
    assert_eq!(database.value::<i64>("SELECT count(*) FROM demo_ledger").await, 6);
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_told_from_a_session_that_was_lost() {
    let (database, store) = alone().await;
    let mut transaction = store.begin(Duration::from_millis(100)).await.unwrap();
    let slow = sqlx::raw_sql("SELECT pg_sleep(10)").execute(&mut *transaction).await.unwrap_err();
    assert!(!Error::from(slow).is_loss_of_session());
    drop(transaction);

    let mut transaction = store.begin(Duration::from_secs(5)).await.unwrap();
    let pid = sqlx::raw_sql("SELECT pg_backend_pid()").fetch_one(&mut *transaction).await.unwrap();
    database.sql(&format!("SELECT pg_terminate_backend({})", pid.get::<i32, _>(0))).await;
    let lost = sqlx::raw_sql("SELECT 1").execute(&mut *transaction).await.unwrap_err();
    assert!(Error::from(lost).is_loss_of_session());
}

/// Otherwise handlers could take all connections, and the end of no attempt could be recorded.
#[tokio::test]
async fn transactions_take_turns_and_leave_connections_to_others() {
    let database = database().await;
    let config = StoreConfig {
        max_connections: 2,
        max_transactions: 1,
        ..StoreConfig::new(database.url.clone(), "test")
    };
    let store = Store::new(&config).unwrap();
    let first = store.begin(Duration::from_mins(1)).await.unwrap();
    let late = store.begin(Duration::from_millis(20)).await.err().unwrap();
    assert!(late.is_loss_of_session(), "no try of the event's: {late}");
    store.ready().await.unwrap();
    let waits = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(first);
    };
    let (second, ()) = tokio::join!(store.begin(Duration::from_secs(10)), waits);
    let limit = "SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'";
    let limit: i32 = sqlx::query_scalar(limit).fetch_one(&mut *second.unwrap()).await.unwrap();
    assert!(limit <= 9_900, "the wait is a part of the time: {limit} ms");
}
