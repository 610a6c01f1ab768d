//! One event for each idempotency key, whoever brings it and how often.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::HashSet;
use std::time::Duration;

use common::now;
use event::{EventId, NewEvent};
use futures::future::join_all;
use store::testing::{Database, database};
use store::{Batch, Error, IdempotencyKey, KnownKey, Store};

const DAY: Duration = Duration::from_hours(24);
const FIRST_DUE: Duration = Duration::from_secs(20);

fn key(name: &str, body: &str) -> IdempotencyKey {
    IdempotencyKey::new(name, body.as_bytes(), DAY)
}

fn batch(keys: &[Option<IdempotencyKey>]) -> (Vec<EventId>, Batch) {
    let event = NewEvent::parse(br#"{"eventType":"a","payload":{}}"#).unwrap();
    let mut batch = Batch::default();
    let ids: Vec<_> = keys.iter().map(|_| EventId::mint(now())).collect();
    for (id, key) in ids.iter().zip(keys) {
        match key {
            Some(key) => batch.push_keyed(*id, &event, *key),
            None => batch.push(*id, &event),
        }
    }
    (ids, batch)
}

/// The ids that the rows got, and those of them that were not stored.
async fn insert(store: &Store, keys: &[Option<IdempotencyKey>]) -> (Vec<EventId>, HashSet<EventId>) {
    let (ids, batch) = batch(keys);
    let known = store.insert(batch, FIRST_DUE).await.unwrap();
    (ids, known)
}

async fn counts(database: &Database) -> String {
    database
        .value(
            "SELECT concat((SELECT count(*) FROM events), ' ', (SELECT count(*) FROM live), ' ',
                           (SELECT count(*) FROM idempotency_keys))",
        )
        .await
}

#[tokio::test]
async fn a_known_key_stores_nothing_and_says_what_it_stands_for() {
    let database = database().await;
    let store = &database.store;
    let (first, known) = insert(store, &[Some(key("k", "1")), None]).await;
    assert!(known.is_empty());
    let again = [None, Some(key("k", "1")), Some(key("k", "2")), Some(key("l", "1"))];
    let (ids, known) = insert(store, &again).await;
    assert_eq!(known, HashSet::from([ids[1], ids[2]]));
    let looked_up = store.known_keys(vec![key("k", "2"), key("k", "1"), key("m", "1")]).await.unwrap();
    assert_eq!(looked_up, [KnownKey::OtherBody, KnownKey::Same(first[0]), KnownKey::Gone]);
    assert_eq!(counts(&database).await, "4 4 2");
}

#[tokio::test]
async fn a_cloud_event_is_known_by_its_source_and_id_alone() {
    let database = database().await;
    let cloud = |source, id| IdempotencyKey::of_cloud_event(source, id, DAY);
    let (first, _) = insert(&database.store, &[Some(cloud("/a", "1"))]).await;
    let others = [cloud("/a", "2"), cloud("/b", "1"), cloud("/a1", ""), key("/a1", ""), cloud("/a", "1")];
    let (ids, known) = insert(&database.store, &others.map(Some)).await;
    assert_eq!(known, HashSet::from([ids[4]]));
    assert_eq!(database.store.known_keys(vec![cloud("/a", "1")]).await.unwrap(), [KnownKey::Same(first[0])]);
}

#[tokio::test]
async fn a_key_twice_in_one_batch_is_one_event() {
    let database = database().await;
    let twice = [Some(key("k", "1")), Some(key("k", "2")), Some(key("k", "1"))];
    let (ids, known) = insert(&database.store, &twice).await;
    assert_eq!(known, HashSet::from([ids[1], ids[2]]));
    assert_eq!(database.store.known_keys(vec![key("k", "1")]).await.unwrap(), [KnownKey::Same(ids[0])]);
    assert_eq!(counts(&database).await, "1 1 1");
}

#[tokio::test]
async fn an_expired_key_is_as_unknown_cleared_or_not() {
    let database = database().await;
    insert(&database.store, &[Some(key("k", "1"))]).await;
    database.sql("UPDATE idempotency_keys SET expires_at = now()").await;
    let (ids, known) = insert(&database.store, &[Some(key("k", "2"))]).await;
    assert!(known.is_empty());
    assert_eq!(database.store.known_keys(vec![key("k", "2")]).await.unwrap(), [KnownKey::Same(ids[0])]);
    assert_eq!(counts(&database).await, "2 2 1");
}

#[tokio::test]
async fn what_is_not_stored_leaves_no_key() {
    let database = database().await;
    let event = NewEvent::parse(br#"{"eventType":"a","payload":{}}"#).unwrap();
    let mut far = Batch::default();
    far.push_keyed(EventId::mint(Duration::ZERO), &event, key("k", "1"));
    assert!(matches!(database.store.insert(far, FIRST_DUE).await, Err(Error::ClockOff { .. })));
    assert_eq!(counts(&database).await, "0 0 0");
}

/// Batches of the same new keys, as many at once as the pool has connections: in any other order than one for all, they deadlock.
#[tokio::test(flavor = "multi_thread")]
async fn batches_with_the_same_keys_wait_for_each_other() {
    let database = database().await;
    for round in 0..10 {
        let inserts = (0..5).map(|turn| {
            let store = database.store.clone();
            tokio::spawn(async move {
                let mut keys: Vec<_> = (0..300).map(|n| Some(key(&format!("{round} {n}"), "1"))).collect();
                keys.rotate_left(turn * 50);
                let (ids, known) = insert(&store, &keys).await;
                let looked_up = store.known_keys(keys.iter().flatten().copied().collect()).await.unwrap();
                for (id, key) in ids.iter().zip(looked_up) {
                    let KnownKey::Same(first) = key else { panic!("{key:?}") };
                    assert_eq!(first != *id, known.contains(id));
                }
            })
        });
        for insert in join_all(inserts).await {
            insert.unwrap();
        }
    }
    assert_eq!(counts(&database).await, "3000 3000 3000");
}

/// The one that comes second while the first is not committed waits, and then sees what became of it.
#[tokio::test]
async fn a_key_waits_for_the_transaction_that_brought_it_first() {
    let database = database().await;
    for (end, stored) in [("ROLLBACK", true), ("COMMIT", false)] {
        let mut first = database.store.begin(Duration::from_secs(30)).await.unwrap();
        let row = "INSERT INTO idempotency_keys SELECT sha256('k'), sha256('1'), gen_random_uuid(), now() + interval '1 day'";
        sqlx::raw_sql(row).execute(&mut *first).await.unwrap();
        let store = database.store.clone();
        let second = tokio::spawn(async move { insert(&store, &[Some(key("k", "1"))]).await });
        while !database
            .value::<bool>(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'
                AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database()))",
            )
            .await
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        sqlx::raw_sql(end).execute(&mut *first).await.unwrap();
        assert_eq!(second.await.unwrap().1.is_empty(), stored, "{end}");
        database.sql("TRUNCATE idempotency_keys").await;
    }
}
