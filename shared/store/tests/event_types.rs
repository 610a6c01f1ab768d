//! Tests of the versions of schemas: each schema that is sent is a version, and none is lost.
#![allow(clippy::unwrap_used)]

use event::EventType;
use futures::future::join_all;
use serde_json::value::RawValue;
use store::testing::{Database, database};
use store::{Act, Mode, PutSchema, Store};

fn kind() -> EventType {
    EventType::new("user.signup".into()).unwrap()
}

fn act() -> Act {
    Act { actor: "ann".into(), role: "owner".into(), address: None, request_id: None }
}

async fn put(store: &Store, schema: &str, mode: Mode) -> PutSchema {
    let schema = RawValue::from_string(schema.to_owned()).unwrap();
    store.put_event_type(kind(), schema, mode, act()).await.unwrap()
}

async fn acts(database: &Database) -> Vec<String> {
    let log = database.store.audit_log(None, 100).await.unwrap();
    log.into_iter().map(|entry| entry.action).collect()
}

#[tokio::test]
async fn each_change_is_a_version_and_the_same_again_is_none() {
    let database = database().await;
    let store = &database.store;
    let first = put(store, r#"{"minimum": 1.50}"#, Mode::Warn).await;
    assert_eq!((first.version, first.is_new, first.former.is_none()), (1, true, true));
    let again = put(store, r#"{"minimum": 1.50}"#, Mode::Warn).await;
    assert_eq!((again.version, again.is_new), (1, false));
    let other_mode = put(store, r#"{"minimum": 1.50}"#, Mode::Enforce).await;
    assert_eq!((other_mode.version, other_mode.is_new), (2, true));
    let other_schema = put(store, "true", Mode::Enforce).await;
    assert_eq!((other_schema.version, other_schema.is_new), (3, true));
    assert_eq!(other_schema.former.unwrap().get(), r#"{"minimum": 1.50}"#, "as it was sent");
    let versions = store.event_type_versions(kind(), 2).await.unwrap();
    let versions: Vec<_> =
        versions.iter().map(|one| (one.version, one.mode.as_str(), one.created_by.as_str())).collect();
    assert_eq!(versions, [(3, "enforce", "ann"), (2, "enforce", "ann")]);
    assert_eq!(acts(&database).await, ["event-type.put"; 3]);
}

#[tokio::test]
async fn of_many_at_once_none_is_lost() {
    let database = database().await;
    let puts = (0..12).map(|at| {
        let store = database.store.clone();
        async move { put(&store, &format!(r#"{{"minimum":{at}}}"#), Mode::Off).await }
    });
    let puts = join_all(puts).await;
    let mut versions: Vec<_> = puts.iter().map(|put| put.version).collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=12).collect::<Vec<_>>());
    // Each call is told the version before its own.
    let kept = database.store.event_type_versions(kind(), 100).await.unwrap();
    let schema =
        |version: i32| kept.iter().find(|one| one.version == version).map(|one| one.schema.get().to_owned());
    for put in puts {
        assert_eq!(put.former.map(|schema| schema.get().to_owned()), schema(put.version - 1));
    }
    assert_eq!(database.store.event_type(kind()).await.unwrap().unwrap().version, 12);
}

#[tokio::test]
async fn what_was_removed_holds_no_longer_and_its_versions_go_on() {
    let database = database().await;
    let store = &database.store;
    assert!(!store.remove_event_type(kind(), act()).await.unwrap());
    put(store, "true", Mode::Enforce).await;
    assert!(store.remove_event_type(kind(), act()).await.unwrap());
    assert!(!store.remove_event_type(kind(), act()).await.unwrap());
    assert!(store.event_type(kind()).await.unwrap().is_none());
    assert!(store.current_schemas(vec![]).await.unwrap().is_empty());
    let back = put(store, "true", Mode::Enforce).await;
    assert_eq!((back.version, back.is_new), (2, true));
    assert_eq!(acts(&database).await, ["event-type.put", "event-type.remove", "event-type.put"]);
}

#[tokio::test]
async fn only_what_the_asker_lacks_is_sent() {
    let database = database().await;
    let store = &database.store;
    put(store, "true", Mode::Warn).await;
    let of = async |known: Vec<(String, i32)>| {
        let current = store.current_schemas(known).await.unwrap();
        current.get("user.signup").map(|one| (one.version, one.mode, one.schema.is_some()))
    };
    assert_eq!(of(vec![]).await, Some((1, Mode::Warn, true)));
    assert_eq!(of(vec![("user.signup".into(), 1)]).await, Some((1, Mode::Warn, false)));
    assert_eq!(of(vec![("user.signup".into(), 7)]).await, Some((1, Mode::Warn, true)));
    put(store, "true", Mode::Off).await;
    assert_eq!(of(vec![]).await, None);
}

#[tokio::test]
#[should_panic(expected = "append only")]
async fn a_version_is_never_changed() {
    let database = database().await;
    put(&database.store, "true", Mode::Off).await;
    database.sql("UPDATE event_type_versions SET schema = 'false'").await;
}
