//! Tests that there is one event for each idempotency key, however often and by any caller it is sent.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::HashSet;
use std::time::Duration;

use common::now;
use event::{EventId, NewEvent};
use futures::future::join_all;
use store::testing::{Database, TRACE_ID, database};
use store::{Batch, Error, IdempotencyKey, KeyScope, KnownKey, Store};

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
            Some(key) => batch.push_keyed(*id, &event, TRACE_ID, *key),
            None => batch.push(*id, &event, TRACE_ID),
        }
    }
    (ids, batch)
}

/// Returns the ids of the rows, and the ids of those that were not stored.
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
    far.push_keyed(EventId::mint(Duration::ZERO), &event, TRACE_ID, key("k", "1"));
    assert!(matches!(database.store.insert(far, FIRST_DUE).await, Err(Error::ClockOff { .. })));
    assert_eq!(counts(&database).await, "0 0 0");
}

/// Inserts batches of the same new keys, as many at once as the pool has connections. Without one order for all, they
/// would deadlock.
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

/// A second transaction waits while the first is not committed, and then sees its result.
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

async fn look(store: &Store, key: IdempotencyKey) -> bool {
    let id = EventId::mint(now());
    let mut batch = Batch::default();
    batch.push_look(id, key);
    store.insert(batch, FIRST_DUE).await.unwrap().contains(&id)
}

#[tokio::test]
async fn a_key_that_is_looked_for_is_not_used_up() {
    let database = database().await;
    let store = &database.store;
    for _ in 0..2 {
        assert!(!look(store, key("k", "1")).await);
    }
    assert_eq!(store.known_keys(vec![key("k", "1")]).await.unwrap(), [KnownKey::Gone]);
    // If the batch has an event with the key, the event is stored, at any place in the batch.
    let event = NewEvent::parse(br#"{"eventType":"a","payload":{}}"#).unwrap();
    let ids: Vec<_> = (0..3).map(|_| EventId::mint(now())).collect();
    let mut batch = Batch::default();
    batch.push_look(ids[0], key("k", "1"));
    batch.push_keyed(ids[1], &event, TRACE_ID, key("k", "1"));
    batch.push_look(ids[2], key("k", "1"));
    let known = store.insert(batch, FIRST_DUE).await.unwrap();
    assert_eq!(known, HashSet::from([ids[0], ids[2]]));
    assert_eq!(store.known_keys(vec![key("k", "1")]).await.unwrap(), [KnownKey::Same(ids[1])]);
    assert!(look(store, key("k", "1")).await);
    assert_eq!(counts(&database).await, "1 1 1");
}

/// The request with the key may still be running. A look-up that does not wait would refuse an event that is stored a
/// moment later.
#[tokio::test]
async fn a_look_waits_for_the_transaction_that_brings_the_key() {
    let database = database().await;
    for (end, is_known) in [("ROLLBACK", false), ("COMMIT", true)] {
        let mut first = database.store.begin(Duration::from_secs(30)).await.unwrap();
        let row = "INSERT INTO idempotency_keys SELECT sha256('k'), sha256('1'), gen_random_uuid(), now() + interval '1 day'";
        sqlx::raw_sql(row).execute(&mut *first).await.unwrap();
        let store = database.store.clone();
        let looks = tokio::spawn(async move { look(&store, key("k", "1")).await });
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
        assert_eq!(looks.await.unwrap(), is_known, "{end}");
        database.sql("TRUNCATE idempotency_keys").await;
    }
}

#[tokio::test]
async fn each_sender_has_its_own_keys() {
    let database = database().await;
    let scopes = [
        KeyScope::everybody(),
        KeyScope::of_api_key("a"),
        KeyScope::of_api_key("b"),
        KeyScope::of_account("a"),
        KeyScope::of_account("a@example.com"),
    ];
    // The scope without a sender comes last. Otherwise its key would count as one that the previous release stored
    // without a sender.
    let keys: Vec<_> = scopes.iter().rev().map(|scope| Some(key("k", "1").within(*scope))).collect();
    let (ids, known) = insert(&database.store, &keys).await;
    assert!(known.is_empty());
    let known = database.store.known_keys(keys.iter().flatten().copied().collect()).await.unwrap();
    assert_eq!(known, ids.into_iter().map(KnownKey::Same).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_key_without_a_sender_is_told_until_it_expires() {
    let database = database().await;
    let store = &database.store;
    let (before, _) = insert(store, &[Some(key("k", "1"))]).await;
    let mine = |body| key("k", body).within(KeyScope::of_api_key("mine"));
    let (_, known) = insert(store, &[Some(mine("1"))]).await;
    assert_eq!(known.len(), 1);
    let looked_up = store.known_keys(vec![mine("1"), mine("2"), mine("1").scoped_alone()]).await.unwrap();
    assert_eq!(looked_up, [KnownKey::Unscoped(before[0]), KnownKey::Gone, KnownKey::Gone]);
    // A key with another body belongs to another sender.
    let (ids, known) = insert(store, &[Some(mine("2"))]).await;
    assert!(known.is_empty());
    assert_eq!(store.known_keys(vec![mine("2")]).await.unwrap(), [KnownKey::Same(ids[0])]);
    let theirs = |name| Some(key("k", "1").within(KeyScope::of_api_key(name)));
    assert_eq!(insert(store, &[theirs("theirs")]).await.1.len(), 1);
    // A day after the last such key can have expired, the old form is no longer looked up.
    database
        .sql("UPDATE _sqlx_migrations SET installed_on = now() - interval '49 hours' WHERE version = 10")
        .await;
    assert!(insert(store, &[theirs("theirs")]).await.1.is_empty());
    database.sql("UPDATE _sqlx_migrations SET installed_on = now() WHERE version = 10").await;
    database.sql("UPDATE idempotency_keys SET expires_at = now() WHERE key = sha256('k')").await;
    assert!(insert(store, &[theirs("others")]).await.1.is_empty());
}

#[tokio::test]
async fn an_event_is_the_same_where_all_of_it_is() {
    let database = database().await;
    let parse = |text: &str| NewEvent::parse(text.as_bytes()).unwrap();
    let stored = parse(r#"{"eventType":"a","payload":{"x": 1},"metadata":{"y":2}}"#);
    let id = EventId::mint(now());
    let mut batch = Batch::default();
    batch.push(id, &stored, TRACE_ID);
    database.store.insert(batch, FIRST_DUE).await.unwrap();
    let others = [
        parse(r#"{"eventType":"b","payload":{"x": 1},"metadata":{"y":2}}"#),
        parse(r#"{"eventType":"a","payload":{"x":1},"metadata":{"y":2}}"#),
        parse(r#"{"eventType":"a","payload":{"x": 1}}"#),
    ];
    let mut events = vec![(EventId::mint(now()), &stored), (id, &stored)];
    events.extend(others.iter().map(|other| (id, other)));
    events.push((id, &stored));
    assert_eq!(database.store.same_events(events).await.unwrap(), HashSet::from([1, 5]));
}
