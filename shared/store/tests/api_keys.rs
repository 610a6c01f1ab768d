//! Tests of the life of API keys, and that each change is recorded.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use common::{key_secret, key_settings};
use futures::future::join_all;
use store::testing::{Database, act, database};
use store::{Change, KeyChanges, KeyRecord, KeyRefusal, KeySettings, Store};

const HOUR: Duration = Duration::from_hours(1);

async fn create(store: &Store, id: &str, settings: KeySettings) -> KeyRecord {
    store.create_key(key_secret(id), settings, act()).await.unwrap().unwrap()
}

async fn active(store: &Store) -> Vec<String> {
    let mut ids: Vec<_> = store.active_keys().await.unwrap().into_iter().map(|key| key.id).collect();
    ids.sort();
    ids
}

async fn expire(database: &Database, id: &str) {
    database
        .sql(&format!("UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE id = '{id}'"))
        .await;
}

async fn actions(store: &Store) -> Vec<String> {
    let log = store.audit_log(None, 100).await.unwrap();
    log.into_iter().map(|entry| format!("{} {}", entry.action, entry.target.unwrap_or_default())).collect()
}

#[tokio::test]
async fn what_ingest_reads_is_what_was_made() {
    let database = database().await;
    let store = &database.store;
    create(store, "plain", key_settings("one")).await;
    let settings = KeySettings {
        event_types: Some(vec!["user.".into()]),
        rate_limit: Some(50),
        expires_at: Some(Utc::now() + TimeDelta::hours(1)),
        ..key_settings("other")
    };
    create(store, "narrow", settings).await;
    let mut keys = store.active_keys().await.unwrap();
    keys.sort_by(|one, other| one.id.cmp(&other.id));
    let [narrow, plain] = &keys[..] else { panic!("{keys:?}") };
    assert_eq!((&plain.event_types, plain.rate_limit, plain.expires_in), (&None, None, None));
    assert_eq!((narrow.hash, narrow.rate_limit), (key_secret("narrow").hash, Some(50)));
    assert_eq!(narrow.event_types.as_deref(), Some(&["user.".to_owned()][..]));
    let left = narrow.expires_in.unwrap();
    assert!(left <= HOUR && left > Duration::from_mins(50), "{left:?}");
}

#[tokio::test]
async fn an_expiry_that_is_past_makes_no_key_and_no_record() {
    let database = database().await;
    let store = &database.store;
    let settings = KeySettings { expires_at: Some(Utc::now() - TimeDelta::hours(1)), ..key_settings("old") };
    let refused = store.create_key(key_secret("old"), settings, act()).await.unwrap();
    assert_eq!(refused.unwrap_err(), KeyRefusal::PastExpiry);
    assert!(store.key("old".into()).await.unwrap().is_none() && actions(store).await.is_empty());
}

#[tokio::test]
async fn a_key_that_has_ended_opens_nothing_and_stays_as_it_is() {
    let database = database().await;
    let store = &database.store;
    for id in ["alive", "expired", "revoked"] {
        create(store, id, key_settings(id)).await;
    }
    expire(&database, "expired").await;
    assert!(store.revoke_key("revoked".into(), act()).await.unwrap());
    let revoked_at = store.key("revoked".into()).await.unwrap().unwrap().revoked_at.unwrap();
    assert_eq!(active(store).await, ["alive"]);
    let later = KeyChanges { expires_at: Change::Remove, ..KeyChanges::default() };
    for id in ["expired", "revoked"] {
        let changed = store.change_key(id.into(), later.clone(), act()).await.unwrap();
        assert_eq!(changed.unwrap_err(), KeyRefusal::Ended, "{id}");
        let rotated = store.rotate_key(id.into(), key_secret("new"), HOUR, act()).await.unwrap();
        assert_eq!(rotated.unwrap_err(), KeyRefusal::Ended, "{id}");
    }
    assert!(store.revoke_key("revoked".into(), act()).await.unwrap(), "again");
    assert_eq!(store.key("revoked".into()).await.unwrap().unwrap().revoked_at, Some(revoked_at));
    assert_eq!(
        actions(store).await,
        ["key.revoke revoked", "key.create revoked", "key.create expired", "key.create alive"]
    );
}

#[tokio::test]
async fn a_key_that_is_not_there_is_told() {
    let database = database().await;
    let store = &database.store;
    let unknown = || "nobody".to_owned();
    assert!(!store.revoke_key(unknown(), act()).await.unwrap());
    let changed = store.change_key(unknown(), KeyChanges::default(), act()).await.unwrap();
    assert_eq!(changed.unwrap_err(), KeyRefusal::Unknown);
    let rotated = store.rotate_key(unknown(), key_secret("new"), HOUR, act()).await.unwrap();
    assert_eq!(rotated.unwrap_err(), KeyRefusal::Unknown);
    assert!(actions(store).await.is_empty() && active(store).await.is_empty());
}

#[tokio::test]
async fn a_change_touches_what_it_names_and_is_on_record_with_both_sides() {
    let database = database().await;
    let store = &database.store;
    let settings =
        KeySettings { event_types: Some(vec!["a".into()]), rate_limit: Some(5), ..key_settings("shop") };
    create(store, "k", settings).await;
    let changes =
        KeyChanges { rate_limit: Change::To(9), event_types: Change::Remove, ..KeyChanges::default() };
    let key = store.change_key("k".into(), changes, act()).await.unwrap().unwrap();
    assert_eq!((key.name.as_str(), key.rate_limit, key.event_types), ("shop", Some(9), None));
    let entry = store.audit_log(None, 1).await.unwrap().remove(0);
    assert_eq!(
        entry.detail.unwrap().get(),
        r#"{"from" : {"name" : "shop", "eventTypes" : ["a"], "rateLimit" : 5, "expiresAt" : null}, "to" : {"name" : "shop", "eventTypes" : null, "rateLimit" : 9, "expiresAt" : null}}"#
    );
    assert_eq!((entry.actor, entry.role), (act().actor, act().role));
    assert_eq!((entry.address, entry.request_id), (act().address, act().request_id));
    let past =
        KeyChanges { expires_at: Change::To(Utc::now() - TimeDelta::hours(1)), ..KeyChanges::default() };
    let refused = store.change_key("k".into(), past, act()).await.unwrap();
    assert_eq!(refused.unwrap_err(), KeyRefusal::PastExpiry);
    assert_eq!(active(store).await, ["k"]);
}

#[tokio::test]
async fn a_rotated_key_lives_on_for_the_overlap_and_never_longer_than_it_would_have() {
    let database = database().await;
    let store = &database.store;
    create(store, "old", KeySettings { rate_limit: Some(7), ..key_settings("shop") }).await;
    let rotated = store.rotate_key("old".into(), key_secret("new"), HOUR, act()).await.unwrap().unwrap();
    assert_eq!((rotated.key.name.as_str(), rotated.key.rate_limit), ("shop", Some(7)));
    assert_eq!(rotated.key.expires_at, None);
    assert_eq!(active(store).await, ["new", "old"]);
    let former = store.key("old".into()).await.unwrap().unwrap();
    assert_eq!(former.rotated_to.as_deref(), Some("new"));
    assert_eq!(former.expires_at, Some(rotated.former_expires_at));

    let soon = Utc::now() + TimeDelta::minutes(5);
    create(store, "brief", KeySettings { expires_at: Some(soon), ..key_settings("brief") }).await;
    let rotated = store.rotate_key("brief".into(), key_secret("next"), HOUR, act()).await.unwrap().unwrap();
    let microseconds = |at: chrono::DateTime<Utc>| at.timestamp_micros();
    assert_eq!(microseconds(rotated.former_expires_at), microseconds(soon));
    assert_eq!(rotated.key.expires_at.map(microseconds), Some(microseconds(soon)));

    store.rotate_key("new".into(), key_secret("newest"), Duration::ZERO, act()).await.unwrap().unwrap();
    assert_eq!(active(store).await, ["brief", "newest", "next", "old"]);
}

#[tokio::test]
async fn of_many_rotations_at_once_one_counts() {
    let database = database().await;
    let store = &database.store;
    create(store, "old", key_settings("shop")).await;
    let all = (0..8).map(|n| store.rotate_key("old".into(), key_secret(&format!("new{n}")), HOUR, act()));
    let answers: Vec<_> = join_all(all).await.into_iter().map(Result::unwrap).collect();
    let made: Vec<_> = answers.iter().flatten().map(|rotated| rotated.key.id.clone()).collect();
    assert_eq!(made.len(), 1, "{answers:?}");
    for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert_eq!(*refused, KeyRefusal::Rotated(made[0].clone()));
    }
    assert_eq!(active(store).await.len(), 2);
    assert_eq!(actions(store).await, ["key.rotate old", "key.create old"]);
}

#[tokio::test]
async fn the_time_of_last_use_only_moves_on() {
    let database = database().await;
    let store = &database.store;
    create(store, "a", key_settings("a")).await;
    create(store, "b", key_settings("b")).await;
    let secs = Duration::from_secs;
    store
        .keys_used(vec![("a".into(), secs(100)), ("a".into(), secs(50)), ("gone".into(), secs(1))])
        .await
        .unwrap();
    let age = "SELECT extract(epoch FROM now() - last_used_at)::float8 FROM api_keys WHERE id = 'a'";
    let first: f64 = database.value(age).await;
    assert!((50.0..80.0).contains(&first), "{first}");
    store.keys_used(vec![("a".into(), secs(1000))]).await.unwrap();
    let second: f64 = database.value(age).await;
    assert!(second < 500.0, "an older use came later: {second}");
    assert!(store.key("b".into()).await.unwrap().unwrap().last_used_at.is_none());
    let both = || vec![("b".to_owned(), secs(0)), ("a".to_owned(), secs(0))];
    let reversed = || both().into_iter().rev().collect::<Vec<_>>();
    let all = (0..40).map(|n| store.keys_used(if n % 2 == 0 { both() } else { reversed() }));
    join_all(all).await.into_iter().for_each(Result::unwrap);
}

#[tokio::test]
async fn keys_are_listed_newest_first() {
    let database = database().await;
    let store = &database.store;
    for id in ["1", "2", "3"] {
        create(store, id, key_settings(id)).await;
    }
    let (page, total) = store.keys(1, 1).await.unwrap();
    assert_eq!((page.len(), page[0].id.as_str(), total), (1, "2", 3));
}

#[tokio::test]
async fn the_audit_log_is_read_backwards_and_never_changed() {
    let database = database().await;
    let store = &database.store;
    for id in ["1", "2", "3"] {
        create(store, id, key_settings(id)).await;
    }
    let newest = store.audit_log(None, 2).await.unwrap();
    assert_eq!(
        newest.iter().map(|entry| entry.target.as_deref()).collect::<Vec<_>>(),
        [Some("3"), Some("2")]
    );
    let rest = store.audit_log(Some(newest[1].id), 2).await.unwrap();
    assert_eq!(rest.iter().map(|entry| entry.target.as_deref()).collect::<Vec<_>>(), [Some("1")]);
    for change in ["DELETE FROM audit_log", "UPDATE audit_log SET actor = 'nobody'", "TRUNCATE audit_log"] {
        let tried = format!(
            "DO $$ BEGIN {change}; RAISE 'it was changed'; EXCEPTION WHEN raise_exception THEN
             IF SQLERRM <> 'audit_log is append only' THEN RAISE; END IF; END $$"
        );
        database.sql(&tried).await;
    }
    assert_eq!(store.audit_log(None, 10).await.unwrap().len(), 3);
}

async fn lineages(database: &Database) -> Vec<(String, String)> {
    let mut keys: Vec<_> =
        database.store.active_keys().await.unwrap().into_iter().map(|key| (key.id, key.lineage)).collect();
    keys.sort();
    keys
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(id, lineage)| ((*id).to_owned(), (*lineage).to_owned())).collect()
}

#[tokio::test]
async fn a_line_of_rotations_is_named_by_its_first_key() {
    let database = database().await;
    let store = &database.store;
    create(store, "1", key_settings("one")).await;
    create(store, "other", key_settings("other")).await;
    for (former, new) in [("1", "2"), ("2", "3")] {
        store.rotate_key(former.into(), key_secret(new), HOUR, act()).await.unwrap().unwrap();
    }
    // This is how the previous release rotates a key.
    database
        .sql(
            "WITH made AS (INSERT INTO api_keys (id, secret_hash, name, created_by)
                           SELECT '4', secret_hash, name, created_by FROM api_keys WHERE id = '3' RETURNING id)
             UPDATE api_keys SET rotated_to = made.id FROM made WHERE api_keys.id = '3'",
        )
        .await;
    let wanted = pairs(&[("1", "1"), ("2", "1"), ("3", "1"), ("4", "1"), ("other", "other")]);
    assert_eq!(lineages(&database).await, wanted);
    expire(&database, "1").await;
    assert_eq!(lineages(&database).await, wanted[1..]);
    // The migration finds the same rotations.
    let migration = include_str!("../../../migrations/0010_key_lineages.sql");
    let found = migration.find("WITH RECURSIVE").unwrap()..migration.find("-- A trigger").unwrap();
    database.sql("UPDATE api_keys SET lineage = NULL").await;
    database.sql(&migration[found]).await;
    assert_eq!(lineages(&database).await, wanted[1..]);
}
