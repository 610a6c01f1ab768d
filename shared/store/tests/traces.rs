//! Tests that an event keeps its trace, and that the table may change while sessions are open.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Life, insert};
use event::EventId;
use store::testing::{TRACE_ID, database};
use store::{Store, StoreConfig};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// The trace of an event as a relay and a claim return it.
async fn told(life: &Life, id: EventId) -> [Option<Uuid>; 2] {
    life.database.sql("UPDATE live SET due_at = now()").await;
    let overdue = life.store.take_overdue(100, Duration::from_mins(1)).await.unwrap();
    let overdue = overdue.into_iter().find(|overdue| overdue.id == id).unwrap();
    let event::Delivery::Claimed(claim) = life.deliver_to(id).await else { panic!("not claimed") };
    assert_eq!(life.store.trace_id(id).await.unwrap(), claim.trace_id);
    [overdue.trace_id, claim.trace_id]
}

#[tokio::test]
async fn a_relay_and_a_claim_are_told_the_trace() {
    let life = Life::begin().await;
    assert_eq!(told(&life, life.id).await, [Some(TRACE_ID); 2]);
    assert_eq!(life.store.trace_id(EventId::lowest_at(0)).await.unwrap(), None);
}

/// During a deployment the previous release stores events too.
#[tokio::test]
async fn an_event_of_the_release_before_has_none() {
    let life = Life::begin().await;
    let id = EventId::mint(common::now());
    let store = format!(
        "WITH fact AS (INSERT INTO events (id, event_type, payload) VALUES ('{id}', 'a', '{{}}') RETURNING id)
         INSERT INTO live (id, due_at) SELECT id, now() FROM fact"
    );
    life.database.sql(&store).await;
    assert_eq!(told(&life, id).await, [None; 2]);
}

/// The previous release goes on in its sessions, whose plans were made before the column existed.
#[tokio::test]
async fn a_session_goes_on_where_the_table_is_given_a_column() {
    for plans_once in [false, true] {
        let database = database().await;
        let config =
            StoreConfig { max_connections: 1, plans_once, ..StoreConfig::new(database.url.clone(), "test") };
        let store = Store::new(&config).unwrap();
        let life = Life { id: insert(&store, "a", "{}").await, database, store };
        for column in ["none", "one", "another"] {
            if column != "none" {
                life.database.sql(&format!("ALTER TABLE events ADD COLUMN {column} text")).await;
            }
            // This is more often than a session plans a statement anew.
            for _ in 0..7 {
                let id = insert(&life.store, "a", "{}").await;
                assert_eq!(told(&life, id).await, [Some(TRACE_ID); 2]);
                assert!(life.store.succeed(id, 1).await.unwrap());
            }
        }
    }
}

/// The lock of the migration waits for a reader, and the writers behind it must not wait as long.
#[tokio::test]
async fn the_column_comes_while_the_log_is_read_and_written() {
    let life = Life::begin().await;
    let before = "ALTER TABLE events DROP COLUMN trace_id; DELETE FROM _sqlx_migrations WHERE version = 15";
    life.database.sql(before).await;
    let reader = life.database.sql("BEGIN; SELECT FROM events; SELECT pg_sleep(6); COMMIT");
    let writer = async {
        let mut longest = Duration::ZERO;
        for _ in 0..50 {
            let since = Instant::now();
            let id = EventId::mint(common::now());
            let store = format!("INSERT INTO events (id, event_type, payload) VALUES ('{id}', 'a', '{{}}')");
            life.database.sql(&store).await;
            longest = longest.max(since.elapsed());
            sleep(Duration::from_millis(100)).await;
        }
        longest
    };
    let migration = async {
        sleep(Duration::from_millis(500)).await;
        life.store.migrate().await.unwrap();
    };
    let (_, longest, ()) = tokio::join!(reader, writer, migration);
    assert!(longest < Duration::from_secs(4), "a writer waited for {longest:?}");
    let id = insert(&life.store, "a", "{}").await;
    assert_eq!(told(&life, id).await, [Some(TRACE_ID); 2]);
}
