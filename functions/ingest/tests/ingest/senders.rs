//! An idempotency key belongs to its sender.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use door::{ApiKey, Door};
use gcp::testing::{Issuer, claims};
use serde_json::{Value, json};
use service::testing::call;
use store::testing::database;
use store::{KeySecret, KeySettings, Store};

use crate::harness::{router, router_with_keys};
use crate::keys::{act, made, settings};

const AUDIENCE: &str = "https://ingest.example";

/// The same request in each way to send a key: path, type, headers and body, with `n` in the payload.
fn forms(n: u32) -> [(&'static str, &'static str, Option<&'static str>, String); 6] {
    let plain = json!({"eventType": "order.paid", "payload": {"n": n}});
    let mut member = plain.clone();
    member["idempotencyKey"] = json!("member");
    let cloud =
        |id| json!({"specversion": "1.0", "id": id, "source": "/s", "type": "order.paid", "data": {"n": n}});
    let mut line = member.clone();
    line["idempotencyKey"] = json!("line");
    let mut element = member.clone();
    element["idempotencyKey"] = json!("element");
    [
        ("/events", "application/json", Some("header"), plain.to_string()),
        ("/events", "application/json", None, member.to_string()),
        ("/events", "application/cloudevents+json", None, cloud("one").to_string()),
        ("/events/batch", "application/json", None, json!([element]).to_string()),
        ("/events/batch", "application/x-ndjson", None, line.to_string()),
        ("/events/batch", "application/cloudevents-batch+json", None, json!([cloud("two")]).to_string()),
    ]
}

/// Returns the ids of the events that these requests stand for.
pub(crate) async fn sent(router: &Router, credential: Option<&str>, n: u32) -> Vec<String> {
    let mut ids = Vec::new();
    for (path, media, key, body) in forms(n) {
        let mut request = Request::post(path).header("content-type", media);
        for (name, value) in [("authorization", credential), ("idempotency-key", key)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let answer = call(router.clone(), request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{path} {media}: {answer:?}");
        let answer = answer.json();
        let id = answer.get("eventId").unwrap_or(&answer["results"][0]["eventId"]);
        ids.push(id.as_str().unwrap().to_owned());
    }
    ids
}

fn none_is_shared(one: &[String], other: &[String]) {
    assert!(one.iter().all(|id| !other.contains(id)), "{one:?} {other:?}");
}

fn bearer(key: &str) -> String {
    format!("Bearer {key}")
}

/// Rotates a key, and returns the id and the text of the new one.
async fn rotated(store: &Store, id: &str) -> (String, String) {
    let (key, text) = ApiKey::mint().unwrap();
    let secret = KeySecret { id: key.id().to_owned(), hash: key.hash() };
    store.rotate_key(id.to_owned(), secret, Duration::from_hours(1), act()).await.unwrap().unwrap();
    (key.id().to_owned(), text.reveal())
}

#[tokio::test]
async fn two_clients_with_the_same_keys_have_two_events() {
    let database = database().await;
    let router = router_with_keys(database.store.clone(), None).await;
    let narrow = KeySettings { event_types: Some(vec!["order.".into()]), ..settings() };
    let (_, first) = made(&database.store, narrow).await;
    let (_, second) = made(&database.store, settings()).await;
    let (first, second) = (bearer(&first), bearer(&second));
    let firsts = sent(&router, Some(&first), 1).await;
    let seconds = sent(&router, Some(&second), 1).await;
    none_is_shared(&firsts, &seconds);
    // A different body is not a mistake of the second client, because its keys have nothing to do with those of the
    // first.
    assert_eq!(sent(&router, Some(&first), 1).await, firsts);
    assert_eq!(sent(&router, Some(&second), 1).await, seconds);
    assert_eq!(database.value::<i64>("SELECT count(*) FROM events").await, 12);
}

#[tokio::test]
async fn a_client_keeps_its_keys_over_rotations() {
    let database = database().await;
    let router = router_with_keys(database.store.clone(), None).await;
    let (id, key) = made(&database.store, settings()).await;
    let ids = sent(&router, Some(&bearer(&key)), 1).await;
    let (second_id, second) = rotated(&database.store, &id).await;
    let (_, third) = rotated(&database.store, &second_id).await;
    for key in [&third, &second, &key] {
        assert_eq!(sent(&router, Some(&bearer(key)), 1).await, ids);
    }
}

#[tokio::test]
async fn two_accounts_with_the_same_keys_have_two_events() {
    let (database, issuer) = (database().await, Issuer::start().await);
    let accounts = ["one@example.com", "other@example.com"];
    let door = Door::google(issuer.identity(AUDIENCE), accounts.map(str::to_owned).to_vec());
    let router = router(database.store.clone(), door).await;
    let [one, other] = accounts.map(|email| bearer(&issuer.token(&claims(email, AUDIENCE))));
    let (ones, others) = (sent(&router, Some(&one), 1).await, sent(&router, Some(&other), 1).await);
    none_is_shared(&ones, &others);
    assert_eq!(sent(&router, Some(&one), 1).await, ones);
}

/// Keys that the previous release has stored are like keys stored behind an open door: they belong to no sender.
#[tokio::test]
async fn keys_of_the_release_before_are_known_to_who_sends_the_same_event() {
    let database = database().await;
    let before = router(database.store.clone(), Door::open()).await;
    let ids = sent(&before, None, 1).await;
    let after = router_with_keys(database.store.clone(), None).await;
    let (_, theirs) = made(&database.store, settings()).await;
    let (_, other) = made(&database.store, settings()).await;
    assert_eq!(sent(&after, Some(&bearer(&theirs)), 1).await, ids);
    // The events of another client are other events, and from then on its keys are its own.
    let others = sent(&after, Some(&bearer(&other)), 2).await;
    none_is_shared(&ids, &others);
    assert_eq!(sent(&after, Some(&bearer(&other)), 2).await, others);
    assert_eq!(sent(&after, Some(&bearer(&theirs)), 1).await, ids);
    // After they have expired, the keys count as unknown.
    database.sql("UPDATE idempotency_keys SET expires_at = now() WHERE key = sha256('header')").await;
    let again = sent(&after, Some(&bearer(&theirs)), 1).await;
    assert_eq!((again[0] == ids[0], &again[1..]), (false, &ids[1..]));
}

/// A CloudEvent is refused if its client may not send its type, even if another client has used the same key.
#[tokio::test]
async fn another_clients_key_opens_no_type() {
    let database = database().await;
    let router = router_with_keys(database.store.clone(), None).await;
    let (_, wide) = made(&database.store, settings()).await;
    let narrow = KeySettings { event_types: Some(vec!["a.".into()]), ..settings() };
    let (_, narrow) = made(&database.store, narrow).await;
    sent(&router, Some(&bearer(&wide)), 1).await;
    for (path, media, key, body) in forms(1) {
        let mut request =
            Request::post(path).header("content-type", media).header("authorization", bearer(&narrow));
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let answer = call(router.clone(), request.body(Body::from(body)).unwrap()).await.json();
        let status: &Value = answer["results"].get(0).map_or(&answer["status"], |result| &result["status"]);
        assert_eq!(status, 403, "{path} {media}: {answer}");
    }
}
