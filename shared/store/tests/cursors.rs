//! Tests of the cluster that the readers of the log belong to.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Life, folded, insert};
use sqlx::{Connection, PgConnection};
use store::testing::act;
use store::{Adopted, Error, FlusherLease};
use tokio::time::Instant;
use uuid::Uuid;

/// The state after `pg_upgrade`: the rows are as they were written, and the cluster has another identifier.
const UPGRADED: &str = "UPDATE cursors SET position = position, system_identifier = 1";
/// The state after a restore: the rows here were not written by moving the cursors.
const RESTORED: &str = "UPDATE cursors SET system_identifier = 1";
const FOLLOWED: &str = "SELECT count(*) FROM audit_log WHERE action = 'follow-upgrade'";

#[tokio::test]
async fn cursors_follow_an_upgrade_once_whoever_comes_first() {
    let life = Life::begin().await;
    folded(&life.database).await;
    life.database.sql(UPGRADED).await;
    let (one, other, third) =
        tokio::join!(life.store.metrics(), life.store.load_ground(), life.store.is_ledger_of_this_cluster());
    assert_eq!((one.unwrap().total, third.unwrap()), (1, true));
    other.unwrap();
    assert!(life.store.is_ledger_of_this_cluster().await.unwrap());
    assert_eq!(life.database.value::<i64>(FOLLOWED).await, 1);
}

#[tokio::test]
async fn cursors_do_not_follow_a_restore() {
    for told in [
        RESTORED,
        // The proof of one of the two cursors is not enough.
        "UPDATE cursors SET system_identifier = 1,
                written_by = CASE WHEN name = 'bigquery' THEN pg_current_xact_id() ELSE written_by END",
        // A transaction that this cluster has not reached in its epoch is no proof.
        "UPDATE cursors SET system_identifier = 1,
                written_by = (pg_current_xact_id()::text::numeric + 4294967296)::text::xid8",
        // The transaction that wrote the rows is not noted, and no loaded range can be the proof.
        "UPDATE cursors SET system_identifier = 1, written_by = NULL",
    ] {
        let life = Life::begin().await;
        life.database.sql(told).await;
        let error = life.store.metrics().await.unwrap_err();
        assert!(matches!(&error, Error::Foreign(why) if why.contains("`admin adopt`")), "{told}: {error}");
        assert!(!life.store.is_ledger_of_this_cluster().await.unwrap(), "{told}");
        assert_eq!(life.database.value::<i64>(FOLLOWED).await, 0);
    }
}

/// Without the wait, a fold that had not committed would not be seen, and its rows would be counted again.
#[tokio::test]
async fn an_adoption_waits_for_a_fold() {
    let life = Life::begin().await;
    folded(&life.database).await;
    insert(&life.store, "a", "{}").await;
    let waiting = async |how_many: i64| {
        let question = "SELECT count(*) FROM pg_stat_activity
                         WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while life.database.value::<i64>(question).await < how_many {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let settled = "SELECT max(xid) < pg_snapshot_xmin(pg_current_snapshot()) FROM events";
    while !life.yes(settled).await {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The fold waits for this row while it holds its cursor.
    let mut holder = PgConnection::connect(&life.database.url).await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT FROM event_totals WHERE event_type = 'a' FOR UPDATE")
        .execute(&mut holder)
        .await
        .unwrap();
    let folding = tokio::spawn({
        let store = life.store.clone();
        async move { store.fold_totals().await }
    });
    waiting(1).await;
    let lease = FlusherLease { holder: Uuid::new_v4(), lasts: Duration::from_mins(1) };
    assert!(life.store.hold_flusher_lease(lease).await.unwrap());
    let adopting = tokio::spawn({
        let store = life.store.clone();
        async move { store.adopt(lease, 0, Vec::new(), act()).await }
    });
    waiting(2).await;
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    folding.await.unwrap().unwrap();
    assert!(matches!(adopting.await.unwrap().unwrap(), Adopted::Done(_)));
    folded(&life.database).await;
    assert_eq!(life.store.metrics().await.unwrap().total, 2);
}

/// Events of a restored database may lie below the cursor without having been folded.
#[tokio::test]
async fn nothing_is_counted_again_in_another_cluster() {
    let life = Life::begin().await;
    life.database.sql("UPDATE cursors SET position = '9999999'").await;
    life.database.sql(RESTORED).await;
    let soon = Instant::now() + Duration::from_mins(1);
    assert_eq!(life.store.audit_counts(Duration::ZERO, 10, soon).await.unwrap(), []);
    assert!(life.yes("SELECT count(*) = 0 FROM event_totals").await);
    assert!(life.yes("SELECT count(*) = 0 FROM count_audit").await);
}

#[tokio::test]
async fn an_adoption_misses_the_ids_that_the_database_has_lost() {
    let life = Life::begin().await;
    let lease = FlusherLease { holder: Uuid::new_v4(), lasts: Duration::from_mins(1) };
    assert!(life.store.hold_flusher_lease(lease).await.unwrap());
    let noted = life.store.note_adoption(vec![life.id.uuid(), Uuid::new_v4(), life.id.uuid()]).await.unwrap();
    assert_eq!(noted, 2);
    assert_eq!(life.store.note_adoption(vec![life.id.uuid()]).await.unwrap(), 0);
    let there = life.store.look_at_adoption(noted).await.unwrap().unwrap();
    assert_eq!((there.to_load, there.loaded_unknown, there.only_in_bigquery), (0, 1, 1));
    life.database.sql("TRUNCATE adoption").await;
    assert_eq!(life.store.look_at_adoption(noted).await.unwrap(), None);
    let before: String = life.database.value("SELECT string_agg(c::text, '|') FROM cursors c").await;
    let adopted = life.store.adopt(lease, noted, Vec::new(), act()).await.unwrap();
    assert_eq!(adopted, Adopted::Forgotten);
    assert_eq!(life.database.value::<String>("SELECT string_agg(c::text, '|') FROM cursors c").await, before);
}

#[tokio::test]
async fn numbers_go_on_where_replication_left_them_behind() {
    let life = Life::begin().await;
    let before = "INSERT INTO loads (id, from_xid, to_xid, rows, job_id, loaded_at, batch) OVERRIDING SYSTEM VALUE
                  VALUES (7, '3', '4', 1, 'a', now(), 9);
                  INSERT INTO audit_log (id, actor, role, action) OVERRIDING SYSTEM VALUE VALUES (1, 'a', 'a', 'a'), (2, 'a', 'a', 'a')";
    life.database.sql(before).await;
    let lease = FlusherLease { holder: Uuid::new_v4(), lasts: Duration::from_mins(1) };
    assert!(life.store.hold_flusher_lease(lease).await.unwrap());
    let adopted = life.store.adopt(lease, 0, Vec::new(), act()).await.unwrap();
    assert!(matches!(adopted, Adopted::Done(_)), "{adopted:?}");
    let next = "SELECT nextval(pg_get_serial_sequence('loads', 'id')) > 7 AND nextval('load_batches') > 9";
    assert!(life.yes(next).await);
}

#[tokio::test]
async fn what_an_adoption_reads_outlives_a_crash() {
    let life = Life::begin().await;
    assert!(life.yes("SELECT relpersistence = 'p' FROM pg_class WHERE relname = 'adoption'").await);
}
