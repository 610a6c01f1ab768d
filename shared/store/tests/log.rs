//! Tests of the readers of the log: each row is read once, even during other writes.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Life, insert, reason, settled};
use event::{AfterFailure, AttemptEnd};
use store::testing::database;
use store::{Error, FlusherLease, Load, Numbers, Store, Xid};
use uuid::Uuid;

fn lease() -> FlusherLease {
    FlusherLease { holder: Uuid::new_v4(), lasts: Duration::from_secs(15) }
}

async fn close(store: &Store, lease: FlusherLease, most: u32) -> Option<Load> {
    store.close_range(lease, Xid(u64::MAX >> 1), most, 1 << 30, Numbers::Exact).await.unwrap()
}

#[tokio::test]
async fn a_range_closes_below_every_running_transaction() {
    let life = Life::begin().await;
    let lease = lease();
    assert!(life.store.hold_flusher_lease(lease).await.unwrap());
    settled(&life.database).await;
    let mut writer = life.store.begin(Duration::from_secs(30)).await.unwrap();
    sqlx::query("SELECT pg_current_xact_id()").execute(&mut *writer).await.unwrap();
    insert(&life.store, "b", "{}").await;
    let load = close(&life.store, lease, 100).await.unwrap();
    assert_eq!(load.rows, 1, "the event before the open writer, not the one behind it");
    assert!(close(&life.store, lease, 100).await.is_none());
    drop(writer);
    settled(&life.database).await;
    let next = close(&life.store, lease, 100).await.unwrap();
    assert_eq!((next.rows, next.from()), (1, load.to()));
}

#[tokio::test]
async fn pages_hold_each_row_of_a_range_once() {
    let database = database().await;
    let lease = lease();
    assert!(database.store.hold_flusher_lease(lease).await.unwrap());
    let mut sent = Vec::new();
    for n in 0..23 {
        sent.push(insert(&database.store, "a", &format!("{{\"n\":{n}}}")).await.uuid());
    }
    settled(&database).await;
    let load = close(&database.store, lease, 1000).await.unwrap();
    assert_eq!(load.rows, 23);
    let (mut from, mut read) = (load.from(), Vec::new());
    loop {
        let page = database.store.load_page(&load, from, 5).await.unwrap();
        assert!(page.len() <= 5);
        read.extend(page.rows().map(|row| row.unwrap().id));
        let Some(next) = page.next else { break };
        from = next;
    }
    read.sort();
    sent.sort();
    assert_eq!(read, sent);
}

/// The page ends early even if the sizes of the page before suggest more rows.
#[tokio::test]
async fn a_page_of_large_events_ends_early() {
    let database = database().await;
    let lease = lease();
    assert!(database.store.hold_flusher_lease(lease).await.unwrap());
    let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(1024 * 1024));
    let mut sent = Vec::new();
    for _ in 0..40 {
        sent.push(insert(&database.store, "a", &large).await.uuid());
    }
    settled(&database).await;
    let load = close(&database.store, lease, 1000).await.unwrap();
    let (mut from, mut read, mut pages) = (load.from(), Vec::new(), 0);
    loop {
        let page = database.store.load_page(&load, from, 10_000).await.unwrap();
        assert!(page.size() < 20 * 1024 * 1024, "{} bytes", page.size());
        read.extend(page.rows().map(|row| row.unwrap().id));
        pages += 1;
        let Some(next) = page.next else { break };
        from = next;
    }
    assert_eq!((read, pages), (sent, 3));
}

#[tokio::test]
async fn a_page_says_of_each_event_what_the_view_says() {
    let database = database().await;
    let lease = lease();
    assert!(database.store.hold_flusher_lease(lease).await.unwrap());
    for payload in [
        "{}",
        "{\n  \"a\" : 12345678901234567890.10,\r\n\t\"b\": [ 1e400, -0.0 ]\n}",
        r#"{"a":"line\nfeed \\ \" \u00e9 \u2028","é":"😀"}"#,
        r#"{"deep":[[[[[[]]]]]]}"#,
        r#"{"a":null,"a":2}"#,
    ] {
        insert(&database.store, "a", payload).await;
    }
    // The events are pending, failed, processed, dead, and processed after a replay.
    database
        .sql(
            "WITH numbered AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM events), over AS (
                 DELETE FROM live USING numbered WHERE live.id = numbered.id AND n > 2 RETURNING live.id, n)
             INSERT INTO outcomes (id, attempt, status, retry_count, queued_at, failure_reason)
             SELECT id, attempt, status::event_status, 3 - attempt, now(), reason
               FROM over JOIN (VALUES (3, 1, 'PROCESSED', NULL), (4, 1, 'DEAD_LETTER', E'\"no\"\\n'),
                                      (5, 1, 'DEAD_LETTER', 'no'), (5, 2, 'PROCESSED', NULL)) AS ends (of, attempt, status, reason)
                 ON of = n",
        )
        .await;
    database
        .sql(
            "UPDATE live SET status = 'FAILED', failed_at = now(), failure_reason = 'no', retry_count = 1, updated_at = now()
              WHERE id = (SELECT id FROM live ORDER BY id DESC LIMIT 1)",
        )
        .await;
    database.sql(r#"UPDATE events SET metadata = E'{\n"m":null}' WHERE id = (SELECT id FROM events ORDER BY id LIMIT 1)"#).await;
    settled(&database).await;
    let load = close(&database.store, lease, 1000).await.unwrap();
    assert_eq!(load.rows, 5);
    let page = database.store.load_page(&load, load.from(), 10).await.unwrap();
    let micros = |at: chrono::DateTime<chrono::Utc>| at.timestamp_micros().to_string();
    let read = page.rows().map(|row| {
        let row = row.unwrap();
        let (id, retry_count) = (row.id.to_string(), row.retry_count.to_string());
        let null = || "NULL".to_owned();
        let fields = [
            id,
            row.event_type.to_owned(),
            row.payload.to_owned(),
            row.metadata.map_or_else(null, str::to_owned),
            row.status.to_owned(),
            retry_count,
            row.processed_at.map_or_else(null, micros),
            row.failed_at.map_or_else(null, micros),
            row.failure_reason.map_or_else(null, str::to_owned),
            micros(row.created_at),
            micros(row.updated_at),
        ];
        fields.join("|")
    });
    let view: String = database
        .value(
            "SELECT string_agg(array_to_string(ARRAY[id::text, event_type, payload::text, metadata::text, status::text,
                        retry_count::text, (extract(epoch FROM processed_at) * 1000000)::bigint::text,
                        (extract(epoch FROM failed_at) * 1000000)::bigint::text, failure_reason,
                        (extract(epoch FROM created_at) * 1000000)::bigint::text,
                        (extract(epoch FROM updated_at) * 1000000)::bigint::text], '|', 'NULL'), E'\\x1e' ORDER BY xid, id)
               FROM event_records",
        )
        .await;
    assert_eq!(read.collect::<Vec<_>>().join("\u{1e}"), view);
}

#[tokio::test]
async fn one_flusher_works_at_a_time() {
    let life = Life::begin().await;
    let (one, other) = (lease(), lease());
    assert!(life.store.hold_flusher_lease(one).await.unwrap());
    assert!(!life.store.hold_flusher_lease(other).await.unwrap());
    assert!(close(&life.store, other, 10).await.is_none(), "without the lease nothing closes");
    assert!(life.store.hold_flusher_lease(one).await.unwrap(), "a renewal");
    life.database.sql("UPDATE leases SET until = now()").await;
    assert!(life.store.hold_flusher_lease(other).await.unwrap());
    assert!(close(&life.store, one, 10).await.is_none(), "the lease was lost");
}

#[tokio::test]
async fn a_cursor_refuses_a_database_that_is_not_its_own() {
    let life = Life::begin().await;
    let lease = lease();
    life.store.hold_flusher_lease(lease).await.unwrap();
    life.database.sql("UPDATE cursors SET position = '999999999'").await;
    let closed = life.store.close_range(lease, Xid(0), 10, 1, Numbers::Exact).await;
    assert!(matches!(closed, Err(Error::Foreign(_))));
    life.database.sql("UPDATE cursors SET position = '0'").await;
    life.database.sql("UPDATE cursors SET system_identifier = 1").await;
    let closed = life.store.close_range(lease, Xid(0), 10, 1, Numbers::Exact).await;
    assert!(matches!(closed, Err(Error::Foreign(_))));
    assert!(matches!(life.store.metrics().await, Err(Error::Foreign(_))));
}

#[tokio::test]
async fn counts_are_exact_at_every_moment() {
    let life = Life::begin().await;
    for _ in 0..3 {
        insert(&life.store, "b", "{}").await;
    }
    let seen = life.store.metrics().await.unwrap();
    assert_eq!((seen.total, seen.pending), (4, 4));
    life.claimed().await;
    life.store
        .fail(life.id, 1, reason(AttemptEnd::Failed, AfterFailure::Dead { retry_count: 3 }))
        .await
        .unwrap();
    let seen = life.store.metrics().await.unwrap();
    assert_eq!((seen.total, seen.pending, seen.dead_letter), (4, 3, 1));
    life.replay().await;
    let seen = life.store.metrics().await.unwrap();
    assert_eq!((seen.total, seen.pending, seen.dead_letter), (4, 4, 0));
    life.claimed().await;
    life.store.succeed(life.id, 2).await.unwrap();
    for _ in 0..2 {
        let seen = life.store.metrics().await.unwrap();
        assert_eq!((seen.total, seen.pending, seen.processed, seen.dead_letter), (4, 3, 1, 0));
        let types: Vec<_> = seen.by_type.iter().map(|t| (t.event_type.as_str(), t.count)).collect();
        assert_eq!(types, [("b", 3), ("a", 1)]);
        assert!(seen.average_processing_seconds >= 0.0);
    }
}
