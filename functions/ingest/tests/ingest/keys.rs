use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode};
use chrono::{DateTime, Utc};
use door::ApiKey;
use service::testing::{Answer, call, untouchable};
use store::testing::{Database, database};
use store::{Act, Change, KeyChanges, KeySecret, KeySettings, Store};

use crate::harness::{absent, event, router_with_keys};

const SIGNUP: &str = r#"{"eventType":"user.signup","payload":{}}"#;

pub(crate) fn act() -> Act {
    Act { actor: "test".into(), role: "owner".into(), address: None, request_id: None }
}

pub(crate) fn settings() -> KeySettings {
    KeySettings { name: "test".into(), event_types: None, rate_limit: None, expires_at: None }
}

/// Creates a key, and returns its id and its text.
pub(crate) async fn made(store: &Store, settings: KeySettings) -> (String, String) {
    let (key, text) = ApiKey::mint().unwrap();
    let secret = KeySecret { id: key.id().to_owned(), hash: key.hash() };
    store.create_key(secret, settings, act()).await.unwrap().unwrap();
    (key.id().to_owned(), text.reveal())
}

pub(crate) fn with_key(key: &str, body: impl Into<Body>) -> Request<Body> {
    let mut request = event(body);
    request.headers_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    request
}

async fn service() -> (Database, Router) {
    let database = database().await;
    let router = router_with_keys(database.store.clone(), None).await;
    (database, router)
}

/// Repeats the request until the status is as expected, because the key expires by the clock of the database.
async fn until(router: &Router, key: &str, status: StatusCode) -> Answer {
    let patience = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let answer = call(router.clone(), with_key(key, SIGNUP)).await;
        if answer.status == status || tokio::time::Instant::now() > patience {
            assert_eq!(answer.status, status);
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_key_opens_in_either_header_and_at_once() {
    let (database, router) = service().await;
    let (_, key) = made(&database.store, settings()).await;
    assert_eq!(call(router.clone(), with_key(&key, SIGNUP)).await.status, StatusCode::CREATED);
    // A key that was created a moment ago is looked up.
    let (_, later) = made(&database.store, settings()).await;
    let mut request = event(SIGNUP);
    request.headers_mut().insert("x-api-key", later.parse().unwrap());
    assert_eq!(call(router, request).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn nobody_else_comes_in_and_no_body_is_read() {
    let (database, router) = service().await;
    let (_, key) = made(&database.store, settings()).await;
    let (_, stranger) = ApiKey::mint().unwrap();
    let stranger = stranger.reveal();
    // The id of one key with the secret of another has a checksum that fits neither.
    let mixed = format!("{}{}", &key[..17], &stranger[17..]);
    let wrong = if key.ends_with('0') { '1' } else { '0' };
    let mistyped = format!("{}{wrong}", &key[..key.len() - 1]);
    for bad in [stranger.as_str(), &mixed, &mistyped, "efk_", "", "ü", "Bearer"] {
        let mut request = event(untouchable());
        let value = HeaderValue::from_bytes(format!("Bearer {bad}").as_bytes()).unwrap();
        request.headers_mut().insert("authorization", value);
        let answer = call(router.clone(), request).await;
        let challenge = answer.header("www-authenticate").to_owned();
        assert!(challenge.starts_with(r#"Bearer realm="eventflow""#), "{bad}: {challenge}");
        let told = answer.problem(StatusCode::UNAUTHORIZED)["detail"].to_string();
        assert!(bad.is_empty() || !told.contains(bad), "{told}");
    }
    let answer = call(router.clone(), event(untouchable())).await;
    assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="eventflow""#);
    answer.problem(StatusCode::UNAUTHORIZED);
    // The service does not guess which of two keys is meant.
    let mut both = with_key(&key, untouchable());
    both.headers_mut().insert("x-api-key", key.parse().unwrap());
    call(router, both).await.problem(StatusCode::UNAUTHORIZED);
}

/// The secret is not the key's, but its checksum is right.
#[tokio::test]
async fn the_id_alone_opens_nothing() {
    let (database, router) = service().await;
    let (key, text) = ApiKey::mint().unwrap();
    let (other, _) = ApiKey::mint().unwrap();
    let secret = KeySecret { id: key.id().to_owned(), hash: other.hash() };
    database.store.create_key(secret, settings(), act()).await.unwrap().unwrap();
    let answer = call(router, with_key(&text.reveal(), untouchable())).await;
    assert!(answer.header("www-authenticate").contains("invalid_token"));
    answer.problem(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_key_is_for_the_types_that_it_names() {
    let (database, router) = service().await;
    let orders = KeySettings { event_types: Some(vec!["order.".into(), "cart".into()]), ..settings() };
    let (_, key) = made(&database.store, orders).await;
    let send = |event_type: &str| {
        let body = format!(r#"{{"eventType":"{event_type}","payload":{{}}}}"#);
        call(router.clone(), with_key(&key, body))
    };
    assert_eq!(send("order.paid").await.status, StatusCode::CREATED);
    assert_eq!(send("cart").await.status, StatusCode::CREATED);
    let problem = send("orders").await.problem(StatusCode::FORBIDDEN);
    assert_eq!(problem["field"], "eventType");
    assert_eq!(problem["eventTypes"], serde_json::json!(["order.", "cart"]));
    assert_eq!(database.value::<i64>("SELECT count(*) FROM events").await, 2);
}

#[tokio::test]
async fn a_revocation_an_end_and_a_change_are_seen_by_every_instance() {
    let (database, router) = service().await;
    let other = router_with_keys(database.store.clone(), None).await;
    let store = &database.store;
    let (id, key) = made(store, settings()).await;
    let soon: DateTime<Utc> = database.value("SELECT now() + interval '3 seconds'").await;
    let (_, short) = made(store, KeySettings { expires_at: Some(soon), ..settings() }).await;
    let (narrowed, narrow) = made(store, settings()).await;
    for router in [&router, &other] {
        for key in [&key, &short, &narrow] {
            assert_eq!(call(router.clone(), with_key(key, SIGNUP)).await.status, StatusCode::CREATED);
        }
    }
    assert!(store.revoke_key(id, act()).await.unwrap());
    let changes = KeyChanges { event_types: Change::To(vec!["order.".into()]), ..KeyChanges::default() };
    store.change_key(narrowed, changes, act()).await.unwrap().unwrap();
    for router in [&router, &other] {
        until(router, &key, StatusCode::UNAUTHORIZED).await;
        until(router, &short, StatusCode::UNAUTHORIZED).await;
        until(router, &narrow, StatusCode::FORBIDDEN).await;
    }
}

#[tokio::test]
async fn without_the_database_nobody_is_called_a_stranger() {
    let router = router_with_keys(absent(Duration::from_millis(50)), None).await;
    let (_, key) = ApiKey::mint().unwrap();
    let answer = call(router, with_key(&key.reveal(), untouchable())).await;
    assert_eq!(answer.header("retry-after"), "1");
    answer.problem(StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn it_is_on_record_when_a_key_was_used_last() {
    let database = database().await;
    let (id, key) = made(&database.store, settings()).await;
    let ring = ingest::KeyRing::new(database.store.clone());
    let router = crate::harness::router_with_ring(&database.store, ring.clone()).await;
    assert_eq!(call(router, with_key(&key, SIGNUP)).await.status, StatusCode::CREATED);
    assert!(database.store.key(id.clone()).await.unwrap().unwrap().last_used_at.is_none());
    ring.tell_use().await;
    assert!(database.store.key(id).await.unwrap().unwrap().last_used_at.is_some());
}
