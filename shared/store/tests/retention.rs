//! Tests that old weeks are removed, and nothing that is unfinished, not loaded or not counted.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use chrono::{DateTime, Utc};
use common::{Life, reason};
use event::{AfterFailure, AttemptEnd, Delivery, EventId};
use store::{Expired, Replayed};
use tokio::time::Instant;

const WEEK: [&str; 3] = ["events_20250106", "outcomes_20250106", "attempts_20250106"];
const KEEP: Duration = Duration::from_hours(24 * 90);

/// A database with one event of today and this many of a week of January 2025, all unfinished.
struct Old {
    life: Life,
    ids: Vec<EventId>,
}

impl Old {
    async fn begin(count: u64) -> Self {
        let life = Life::begin().await;
        let lowest = |day: &str| {
            let at: DateTime<Utc> = format!("{day}T00:00:00Z").parse().unwrap();
            u64::try_from(at.timestamp_millis()).unwrap()
        };
        let (from, to) = (lowest("2025-01-06"), lowest("2025-01-13"));
        for (parent, name) in ["events", "outcomes", "attempts"].iter().zip(WEEK) {
            let (from, to) = (EventId::lowest_at(from), EventId::lowest_at(to));
            let make =
                format!("CREATE TABLE {name} PARTITION OF {parent} FOR VALUES FROM ('{from}') TO ('{to}')");
            life.database.sql(&make).await;
        }
        let ids: Vec<_> = (0..count).map(|n| EventId::lowest_at(from + n)).collect();
        for id in &ids {
            let insert = format!(
                "INSERT INTO events (id, event_type, payload) VALUES ('{id}', 'old', '{{}}');
                 INSERT INTO live (id, due_at) VALUES ('{id}', now())"
            );
            life.database.sql(&insert).await;
        }
        Self { life, ids }
    }

    async fn claim(&self, id: EventId) -> u32 {
        match self.life.deliver_to(id).await {
            Delivery::Claimed(claim) => claim.attempt,
            other => panic!("not claimed but {other:?}"),
        }
    }

    async fn succeed(&self, id: EventId) {
        let attempt = self.claim(id).await;
        assert!(self.life.store.succeed(id, attempt).await.unwrap());
    }

    async fn die(&self, id: EventId) {
        let attempt = self.claim(id).await;
        let dead = reason(AttemptEnd::Permanent, AfterFailure::Dead { retry_count: 0 });
        assert!(self.life.store.fail(id, attempt, dead).await.unwrap());
    }

    async fn counted(&self) {
        common::folded(&self.life.database).await;
        let audited = self.life.store.audit_counts(Duration::ZERO, 2, in_a_minute()).await.unwrap();
        assert_eq!(audited, [], "the totals are what the log holds");
    }

    async fn loaded(&self) {
        common::folded(&self.life.database).await;
        let passed = "UPDATE cursors SET position = (SELECT position FROM cursors WHERE name = 'totals')
                       WHERE name = 'bigquery'";
        self.life.database.sql(passed).await;
    }

    async fn expire(&self) -> Expired {
        self.life.store.expire(KEEP, in_a_minute()).await.unwrap()
    }

    async fn rows(&self) -> String {
        let [events, outcomes, attempts] = WEEK;
        let counts = format!(
            "SELECT concat_ws(' ', (SELECT count(*) FROM {events}), (SELECT count(*) FROM {outcomes}),
                              (SELECT count(*) FROM {attempts}))"
        );
        self.life.database.value(&counts).await
    }

    async fn tables(&self) -> i64 {
        self.life.database.value("SELECT count(*) FROM pg_class WHERE relname LIKE '%\\_20250106'").await
    }

    async fn totals(&self) -> String {
        let metrics = self.life.store.metrics().await.unwrap();
        format!("{} {} {} {}", metrics.total, metrics.pending, metrics.processed, metrics.dead_letter)
    }
}

fn in_a_minute() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

fn dropped() -> Expired {
    Expired { partitions_dropped: WEEK.map(str::to_owned).to_vec(), stragglers: 0 }
}

fn nothing() -> Expired {
    Expired::default()
}

#[tokio::test]
async fn a_week_that_is_finished_loaded_and_counted_goes_and_its_counts_stay() {
    let old = Old::begin(5).await;
    for id in &old.ids[1..] {
        old.succeed(*id).await;
    }
    old.die(old.ids[0]).await;
    assert_eq!(old.life.store.replay(old.ids[0], store::testing::act()).await.unwrap(), Replayed::Queued);
    old.die(old.ids[0]).await;
    old.loaded().await;
    assert_eq!(old.expire().await, nothing(), "it is not counted");
    old.counted().await;
    assert_eq!(old.expire().await, dropped());
    assert_eq!(old.totals().await, "6 1 4 1");
    assert!(old.life.store.record(old.ids[0]).await.unwrap().is_none());
    assert!(matches!(old.life.deliver_to(old.ids[0]).await, Delivery::Unknown));
    assert_eq!(old.life.status().await, "PENDING", "the present week is untouched");
    old.life.database.sql("UPDATE replays SET created_at = created_at - interval '91 days'").await;
    old.counted().await;
    old.life.store.clear_records(KEEP, in_a_minute()).await.unwrap();
    assert!(old.life.yes("SELECT count(*) = 0 FROM replays").await);
    old.counted().await;
    assert_eq!(old.expire().await, nothing());
}

#[tokio::test]
async fn what_is_not_loaded_stays() {
    let old = Old::begin(1).await;
    old.succeed(old.ids[0]).await;
    old.counted().await;
    assert_eq!(old.expire().await, nothing());
    old.loaded().await;
    let open = "INSERT INTO loads (from_xid, to_xid, rows, job_id) SELECT xid, position, 1, 'job'
                  FROM events_20250106, cursors WHERE name = 'bigquery'";
    old.life.database.sql(open).await;
    assert_eq!(old.expire().await, nothing(), "its load is not known to have ended");
    old.life.database.sql("UPDATE loads SET loaded_at = now()").await;
    old.life.database.sql("UPDATE cursors SET system_identifier = 1 WHERE name = 'bigquery'").await;
    assert_eq!(old.expire().await, nothing(), "the cursor belongs to another database");
    old.life
        .database
        .sql("UPDATE cursors SET system_identifier = (SELECT system_identifier FROM pg_control_system())")
        .await;
    assert_eq!(old.expire().await, nothing(), "a count of before another cluster means nothing");
    old.counted().await;
    assert_eq!(old.rows().await, "1 1 0");
    assert_eq!(old.expire().await, dropped());
}

#[tokio::test]
async fn what_is_unfinished_stays_as_it_was_and_lives_on() {
    let old = Old::begin(4).await;
    let [running, replayed, ..] = old.ids[..] else { panic!("four") };
    for id in &old.ids[2..] {
        old.succeed(*id).await;
    }
    old.die(replayed).await;
    old.life.store.replay(replayed, store::testing::act()).await.unwrap();
    let attempt = old.claim(running).await;
    let before = old.life.store.record(replayed).await.unwrap().unwrap();
    old.loaded().await;
    old.counted().await;
    let moved = Expired { partitions_dropped: Vec::new(), stragglers: 2 };
    assert_eq!(old.expire().await, moved);
    assert_eq!(old.rows().await, "2 1 1");
    assert_eq!(old.expire().await, nothing(), "they are not moved again");
    let after = old.life.store.record(replayed).await.unwrap().unwrap();
    assert_eq!((after.status, after.created_at), (before.status, before.created_at));
    old.counted().await;
    assert_eq!(old.totals().await, "5 2 2 0");

    assert!(old.life.store.succeed(running, attempt).await.unwrap());
    old.succeed(replayed).await;
    assert_eq!(old.expire().await, nothing(), "how they ended is not counted");
    old.counted().await;
    assert_eq!(old.expire().await, dropped());
    old.counted().await;
    assert_eq!(old.totals().await, "5 1 4 0");
}

#[tokio::test]
async fn two_calls_at_once_drop_a_week_once() {
    let old = Old::begin(3).await;
    for id in &old.ids {
        old.succeed(*id).await;
    }
    old.loaded().await;
    old.counted().await;
    let (one, other) = tokio::join!(old.expire(), old.expire());
    assert!([&one, &other].contains(&&dropped()), "{one:?} {other:?}");
    assert!([&one, &other].contains(&&nothing()), "{one:?} {other:?}");
    old.counted().await;
}

/// Retention comes back to the week later. Meanwhile no session waits for it.
#[tokio::test]
async fn a_reader_that_stays_holds_it_up_and_is_not_in_its_way() {
    let old = Old::begin(1).await;
    old.succeed(old.ids[0]).await;
    old.loaded().await;
    old.counted().await;
    let mut reader = old.life.store.begin(Duration::from_mins(1)).await.unwrap();
    sqlx::raw_sql("SELECT count(*) FROM events_20250106").execute(&mut *reader).await.unwrap();
    assert_eq!(old.expire().await, nothing());
    assert_eq!(old.rows().await, "1 1 0");
    drop(reader);

    let mut reader = old.life.store.begin(Duration::from_mins(1)).await.unwrap();
    let other_week = "SELECT count(*) FROM events WHERE id > '01990000-0000-7000-8000-000000000000'";
    sqlx::raw_sql(other_week).execute(&mut *reader).await.unwrap();
    assert_eq!(old.expire().await, nothing());
    assert_eq!(old.rows().await, "0 0 0", "cleared");
    assert!(
        old.life
            .yes("SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = 'events_20250106'::regclass")
            .await
    );
    old.life.store.make_partitions().await.unwrap();
    common::insert(&old.life.store, "a", "{}").await;
    drop(reader);
    assert_eq!(old.expire().await, dropped());
}

/// Each table is detached and dropped in statements of its own, so a call can die between any two.
#[tokio::test]
async fn a_call_that_died_is_gone_on_with() {
    for died_behind in [
        "DROP TABLE events_20250106",
        "ALTER TABLE events DETACH PARTITION events_20250106",
        "DROP TABLE events_20250106, outcomes_20250106; ALTER TABLE attempts DETACH PARTITION attempts_20250106",
    ] {
        let old = Old::begin(0).await;
        old.life.database.sql(died_behind).await;
        assert!(!old.expire().await.partitions_dropped.is_empty());
        assert_eq!(old.tables().await, 0);
    }
}
