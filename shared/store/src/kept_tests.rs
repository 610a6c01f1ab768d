#![allow(clippy::unwrap_used)]

use event::EventId;
use sqlx::Row;
use store::testing::{Database, database};

use super::*;
use crate::{Store, StoreConfig};

async fn with_connections(count: u32) -> (Database, Store) {
    let database = database().await;
    let config = StoreConfig { max_connections: count, ..StoreConfig::new(database.url.clone(), "test") };
    (database, Store::new(&config).unwrap())
}

fn idle(store: &Store) -> usize {
    store.kept.lock().connections.len()
}

/// The pool would have closed this connection. On a slow machine it may have been idle for too long, but not in every
/// round.
#[tokio::test]
async fn a_kept_connection_goes_past_the_look_of_the_pool() {
    let (_database, store) = with_connections(4).await;
    for _ in 0..20 {
        let mut inside = store.kept.take().await.unwrap();
        sqlx::raw_sql("BEGIN").execute(&mut *inside).await.unwrap();
        store.kept.keep(inside);
        let mut next = store.kept.take().await.unwrap();
        let row = sqlx::raw_sql("SELECT now() <> statement_timestamp()").fetch_one(&mut *next).await.unwrap();
        sqlx::raw_sql("ROLLBACK").execute(&mut *next).await.unwrap();
        if row.get(0) {
            return;
        }
    }
    panic!("each of them went through the pool");
}

#[tokio::test]
async fn a_kept_connection_that_is_idle_goes_back_to_the_pool_which_looks_at_it() {
    let (database, store) = with_connections(2).await;
    let mut leaked = store.kept.take().await.unwrap();
    sqlx::raw_sql("BEGIN").execute(&mut *leaked).await.unwrap();
    store.kept.keep(leaked);
    let mut both = [store.pool.acquire().await.unwrap(), store.pool.acquire().await.unwrap()];
    for connection in &mut both {
        let insert = "INSERT INTO demo_ledger VALUES ('0199c0de-0000-7000-8000-000000000001', 1, 7)";
        sqlx::raw_sql(insert).execute(&mut **connection).await.unwrap();
    }
    assert_eq!(database.value::<i64>("SELECT count(*) FROM demo_ledger").await, 2);
}

#[tokio::test]
async fn a_server_that_died_is_met_once_at_the_most() {
    let (database, store) = with_connections(2).await;
    let id = EventId::mint(Duration::from_hours(500_000));
    assert!(!store.succeed(id, 1).await.unwrap(), "there is no such event");
    database
        .sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'test'")
        .await;
    if let Err(error) = store.succeed(id, 1).await {
        assert!(error.is_loss_of_session(), "{error}");
    }
    assert!(!store.succeed(id, 1).await.unwrap());
}

#[tokio::test]
async fn half_of_the_connections_are_kept_at_the_most_and_none_behind_the_end() {
    let (_database, store) = with_connections(4).await;
    let mut taken = Vec::new();
    for _ in 0..4 {
        taken.push(store.kept.take().await.unwrap());
    }
    let late = taken.pop().unwrap();
    for connection in taken {
        store.kept.keep(connection);
    }
    assert_eq!(idle(&store), 2);
    let closing = tokio::spawn({
        let store = store.clone();
        async move { store.close().await }
    });
    while !store.pool.is_closed() {
        tokio::task::yield_now().await;
    }
    assert!(!closing.is_finished(), "one is out");
    store.kept.keep(late);
    closing.await.unwrap();
    assert_eq!(idle(&store), 0);
}
