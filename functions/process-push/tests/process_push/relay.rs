use std::collections::HashSet;

use axum::http::StatusCode;
use gcp::testing::PubSub;
use process_push::Settings;
use serde_json::{Value, json};

use crate::harness::{SCHEDULER, Service, settings};

#[tokio::test]
async fn nothing_is_relayed_that_is_not_overdue() {
    let service = Service::start().await;
    service.event("a", "{}").await;
    let answer = service.call_as(SCHEDULER, "/relay", "").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json(), json!({ "published": 0, "notPublished": 0, "more": false }));
}

/// The publisher of these tests has nobody to talk to. One page is tried, for what comes of it says enough.
#[tokio::test]
async fn what_pub_sub_does_not_take_is_due_again() {
    let service = Service::start().await;
    for _ in 0..3 {
        service.event("a", "{}").await;
    }
    service.database.sql("UPDATE live SET due_at = now() - interval '1 minute'").await;
    let answer = service.call_as(SCHEDULER, "/relay", "").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json(), json!({ "published": 0, "notPublished": 2, "more": false }));
    assert_eq!(service.count("SELECT count(*) FROM live WHERE due_at <= clock_timestamp()").await, 3);
}

#[tokio::test]
async fn a_call_folds_the_counts() {
    let service = Service::start().await;
    service.event("a", "{}").await;
    service.call_as(SCHEDULER, "/relay", "").await;
    let moved = "SELECT position > '0' FROM cursors WHERE name = 'totals'";
    assert!(service.is(moved).await);
}

#[tokio::test]
async fn a_call_relays_where_the_counts_stand_still() {
    let service = Service::start().await;
    service.event("a", "{}").await;
    service.database.sql("UPDATE live SET due_at = now() - interval '1 minute'").await;
    service.database.sql("UPDATE cursors SET system_identifier = 1").await;
    let answer = service.call_as(SCHEDULER, "/relay", "").await;
    assert_eq!((answer.status, &answer.json()["notPublished"]), (StatusCode::OK, &json!(1)));
}

async fn relay(service: &Service) -> Value {
    let answer = service.call_as(SCHEDULER, "/relay", "").await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.json()
}

/// Twenty thousand events, each due a millisecond after the one before it, with its place as its type.
async fn backlog(service: &Service) {
    let insert = "WITH event AS (
                      INSERT INTO events (id, event_type, payload)
                      SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || '70008' || lpad(n::text, 15, '0'))::uuid,
                             n::text, '{}' FROM generate_series(1, 20000) AS n
                      RETURNING id, event_type)
                  INSERT INTO live (id, due_at)
                  SELECT id, now() - interval '1 minute' + event_type::int * interval '1 millisecond' FROM event";
    service.database.sql(insert).await;
}

#[tokio::test]
async fn a_backlog_drains_oldest_first_and_no_faster_than_its_pace() {
    let pubsub = PubSub::start().await;
    let pace = Settings { relay_page: 500, relay_pages: 10, ..settings() };
    let service = Service::publishing_to(&pubsub, pace).await;
    backlog(&service).await;
    for call in 1..=4 {
        assert_eq!(relay(&service).await, json!({ "published": 5000, "notPublished": 0, "more": true }));
        let received = pubsub.received();
        assert_eq!(received.len(), call * 5000);
        let places = received.iter().map(|message| message.attributes["eventType"].parse::<usize>().unwrap());
        assert_eq!(places.max(), Some(call * 5000), "the oldest");
    }
    assert_eq!(relay(&service).await, json!({ "published": 0, "notPublished": 0, "more": false }));
}

#[tokio::test]
async fn relays_at_once_share_a_backlog_and_publish_no_event_twice() {
    let pubsub = PubSub::start().await;
    let pace = Settings { relay_page: 500, relay_pages: 30, ..settings() };
    let service = Service::publishing_to(&pubsub, pace).await;
    backlog(&service).await;
    let relayed: [Value; 3] = tokio::join!(relay(&service), relay(&service), relay(&service)).into();
    let published = relayed.map(|relayed| relayed["published"].as_u64().unwrap());
    assert_eq!(published.iter().sum::<u64>(), 20_000, "{published:?}");
    assert!(published.iter().all(|count| *count >= 500), "{published:?}");
    let received = pubsub.received();
    let events: HashSet<_> = received.iter().map(|message| &message.data).collect();
    assert_eq!((received.len(), events.len()), (20_000, 20_000));
}
