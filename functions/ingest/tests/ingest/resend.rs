//! An event with a known key is answered before any check that changes with time.

use std::time::Duration;

use axum::Router;
use axum::http::{Request, StatusCode};
use event::EventType;
use ingest::Schemas;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use service::testing::{Answer, call};
use store::testing::{Database, database};
use store::{Change, KeyChanges, Mode};

use crate::harness::{event, router_with_keys, router_with_schemas};
use crate::keys::{act, made, settings, with_key};
use crate::senders::sent;

const ORDER: &str = r#"{"eventType":"order.paid","payload":{"n":1}}"#;

async fn service() -> (Database, Router) {
    let database = database().await;
    let schemas = Schemas::new(database.store.clone());
    tokio::spawn(schemas.clone().keep());
    let router = router_with_schemas(database.store.clone(), schemas).await;
    (database, router)
}

fn keyed(key: &str, body: &'static str) -> Request<axum::body::Body> {
    let mut request = event(body);
    request.headers_mut().insert("idempotency-key", key.parse().unwrap());
    request
}

/// Puts a schema in force that accepts each payload, or none.
async fn schema(database: &Database, router: &Router, is_open: bool) {
    let event_type = EventType::new("order.paid".into()).unwrap();
    let schema = RawValue::from_string(is_open.to_string()).unwrap();
    database.store.put_event_type(event_type, schema, Mode::Enforce, act()).await.unwrap();
    let status = if is_open { StatusCode::CREATED } else { StatusCode::UNPROCESSABLE_ENTITY };
    let in_force = async { while call(router.clone(), event(ORDER)).await.status != status {} };
    tokio::time::timeout(Duration::from_mins(1), in_force).await.unwrap();
}

async fn keys(database: &Database) -> i64 {
    database.value("SELECT count(*) FROM idempotency_keys WHERE expires_at > now()").await
}

fn violations(answer: &Answer) -> Value {
    answer.problem(StatusCode::UNPROCESSABLE_ENTITY)["violations"].clone()
}

#[tokio::test]
async fn a_request_sent_again_is_answered_as_before_its_schema_changed() {
    let (database, router) = service().await;
    let first = sent(&router, None, 1).await;
    schema(&database, &router, false).await;
    let before: i64 = database.value("SELECT count(*) FROM events").await;
    assert_eq!(sent(&router, None, 1).await, first);
    assert_eq!(database.value::<i64>("SELECT count(*) FROM events").await, before);
}

#[tokio::test]
async fn a_key_with_another_body_is_told_so_whatever_the_schema_says() {
    let (database, router) = service().await;
    assert_eq!(call(router.clone(), keyed("k", ORDER)).await.status, StatusCode::CREATED);
    schema(&database, &router, false).await;
    let other = call(router, keyed("k", r#"{"eventType":"order.paid","payload":{"n":2}}"#)).await;
    let problem = other.problem(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["field"], "Idempotency-Key");
}

#[tokio::test]
async fn a_refused_event_leaves_no_key_behind() {
    let (database, router) = service().await;
    schema(&database, &router, false).await;
    for _ in 0..2 {
        let refused = call(router.clone(), keyed("k", ORDER)).await;
        assert_ne!(violations(&refused), Value::Null);
    }
    assert_eq!(keys(&database).await, 0);
    schema(&database, &router, true).await;
    // Another body is accepted, because the key is still unused.
    let other = r#"{"eventType":"order.paid","payload":{"n":2}}"#;
    let stored = call(router.clone(), keyed("k", other)).await;
    assert_eq!(stored.status, StatusCode::CREATED);
    assert_eq!(call(router, keyed("k", other)).await.json(), stored.json());
}

#[tokio::test]
async fn each_of_a_batch_is_answered_for_itself() {
    let (database, router) = service().await;
    let of = |key: &str, n| json!({"eventType": "order.paid", "payload": {"n": n}, "idempotencyKey": key});
    let batch = async |events: Value| {
        let request = Request::post("/events/batch").header("content-type", "application/json");
        call(router.clone(), request.body(events.to_string().into()).unwrap()).await.json()["results"].clone()
    };
    let first = batch(json!([of("a", 1), of("b", 1)])).await;
    schema(&database, &router, false).await;
    let free = json!({"eventType": "free", "payload": {}, "idempotencyKey": "d"});
    let again = batch(json!([of("c", 1), of("b", 1), free, of("a", 2), of("a", 1), of("c", 1)])).await;
    let statuses: Vec<_> = (0..6).map(|at| again[at]["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [422, 201, 201, 422, 201, 422], "{again}");
    assert_eq!((&again[1]["eventId"], &again[4]["eventId"]), (&first[1]["eventId"], &first[0]["eventId"]));
    assert_eq!(again[3]["problem"]["field"], "Idempotency-Key");
    assert_eq!(again[0]["problem"]["field"], "payload");
    assert_eq!(keys(&database).await, 3);
}

#[tokio::test]
async fn a_request_sent_again_is_answered_as_before_its_key_was_narrowed() {
    let database = database().await;
    let router = router_with_keys(database.store.clone(), None).await;
    let (id, key) = made(&database.store, settings()).await;
    let credential = format!("Bearer {key}");
    let first = sent(&router, Some(&credential), 1).await;
    let changes = KeyChanges { event_types: Change::To(vec!["cart.".into()]), ..KeyChanges::default() };
    database.store.change_key(id, changes, act()).await.unwrap().unwrap();
    // This is another instance, which has read no key yet.
    let router = router_with_keys(database.store.clone(), None).await;
    assert_eq!(sent(&router, Some(&credential), 1).await, first);
    call(router.clone(), with_key(&key, ORDER)).await.problem(StatusCode::FORBIDDEN);
    let mut new = with_key(&key, ORDER);
    new.headers_mut().insert("idempotency-key", "new".parse().unwrap());
    call(router, new).await.problem(StatusCode::FORBIDDEN);
    assert_eq!(keys(&database).await, 6);
}
