use std::collections::HashSet;
use std::time::Duration;

use axum::http::StatusCode;
use gcp::testing::PubSub;
use process_push::{Settings, handlers};
use serde_json::{Value, json};
use store::testing::TRACE_ID;

use crate::harness::{SCHEDULER, Service, settings};

#[tokio::test]
async fn nothing_is_relayed_that_is_not_overdue() {
    let service = Service::start().await;
    service.event("a", "{}").await;
    assert_eq!(
        relay(&service).await,
        json!({ "published": 0, "ran": 0, "notPublished": 0, "more": false, "longestWait": 0 })
    );
}

/// The publisher of these tests cannot reach Pub/Sub. One page is tried, because its result is enough.
#[tokio::test]
async fn what_pub_sub_does_not_take_and_the_call_may_not_run_is_due_again() {
    let service = Service::with(handlers::registered(), Settings { relay_runs: 0, ..settings() }).await;
    for _ in 0..3 {
        service.event("a", "{}").await;
    }
    service.database.sql("UPDATE live SET due_at = now() - interval '1 minute'").await;
    let expected = json!({ "published": 0, "ran": 0, "notPublished": 2, "more": false });
    assert_eq!(counts(relay(&service).await), expected);
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
    assert_eq!(relay(&service).await["ran"], 1);
}

async fn relay(service: &Service) -> Value {
    let answer = service.call_as(SCHEDULER, "/relay", "").await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.json()
}

/// How long an event waits depends on how long the test does.
fn counts(mut relayed: Value) -> Value {
    relayed.as_object_mut().unwrap().remove("longestWait").unwrap();
    relayed
}

#[tokio::test]
async fn what_pub_sub_does_not_take_the_call_runs_itself() {
    let service = Service::start().await;
    let (well, dead) =
        (service.event("a", "{}").await, service.event("demo.flaky", r#"{"permanent":true}"#).await);
    service.database.sql("UPDATE live SET due_at = now() - interval '1 minute'").await;
    let expected = json!({ "published": 0, "ran": 2, "notPublished": 0, "more": false });
    assert_eq!(counts(relay(&service).await), expected);
    assert_eq!(service.state(well).await, "PROCESSED 0");
    assert!(service.state(dead).await.starts_with("DEAD_LETTER 0"));
}

/// Pub/Sub accepts all messages and delivers none.
#[tokio::test]
async fn an_event_comes_to_its_end_though_pub_sub_delivers_nothing() {
    let pubsub = PubSub::start().await;
    let service = Service::publishing_to(&pubsub, settings()).await;
    let id = service.event("demo.flaky", r#"{"failTimes":9}"#).await;
    service.database.sql("UPDATE live SET due_at = now()").await;
    assert_eq!(relay(&service).await["published"], 1, "a first time it is published");
    service.database.sql("UPDATE live SET due_at = now(), updated_at = now() - interval '12 minutes'").await;
    for tries in 1..=4 {
        assert_eq!(relay(&service).await["ran"], 1, "try {tries}");
        service.database.sql("UPDATE live SET due_at = now(), retry_at = now()").await;
    }
    assert!(service.state(id).await.starts_with("DEAD_LETTER 3, FAILED: failure 1 of 9"));
    assert_eq!(pubsub.received().len(), 1);
    assert!(service.is("SELECT bool_and(message_id IS NULL) FROM attempts").await, "no message brought them");
}

/// Each message is a separate step of the trace.
#[tokio::test]
async fn a_message_of_the_relay_goes_on_with_the_trace_of_the_event() {
    let pubsub = PubSub::start().await;
    let service = Service::publishing_to(&pubsub, settings()).await;
    service.event("a", "{}").await;
    service.event("a", "{}").await;
    // The previous release has stored an event without a trace.
    let older = service.event("a", "{}").await;
    service.database.sql(&format!("UPDATE events SET trace_id = NULL WHERE id = '{older}'")).await;
    service.database.sql("UPDATE live SET due_at = now()").await;
    assert_eq!(relay(&service).await["published"], 3);
    let received = pubsub.received();
    let (untraced, traced): (Vec<_>, _) =
        received.iter().partition(|message| message.data == older.to_string());
    assert_eq!(untraced[0].attributes.get("traceparent"), None);
    let traced: HashSet<_> = traced.iter().map(|message| &message.attributes["traceparent"]).collect();
    let begins = format!("00-{}-", TRACE_ID.simple());
    assert!(traced.len() == 2 && traced.iter().all(|parent| parent.starts_with(&begins)), "{traced:?}");
}

/// A failed event whose message is with Pub/Sub waits for its own backoff, and some seconds more.
#[tokio::test]
async fn a_failed_event_is_left_to_pub_sub_for_a_while() {
    let service = Service::start().await;
    let id = service.event("demo.flaky", r#"{"failTimes":1}"#).await;
    assert_eq!(service.push(id).await, StatusCode::UNPROCESSABLE_ENTITY);
    let due = "SELECT round(extract(epoch FROM due_at - retry_at)) = 35 FROM live";
    assert!(
        service.is(due).await,
        "half a minute until the retry, as long again for Pub/Sub, and five seconds"
    );
    assert_eq!(relay(&service).await["ran"], 0);
}

/// The event is five seconds old and was published by ingest, and no delivery has come.
#[tokio::test]
async fn what_no_delivery_reaches_within_seconds_is_run_before_it_is_overdue() {
    let grace = |seconds| {
        let retries = event::Retries { push_grace: Duration::from_secs(seconds), ..settings().retries };
        Settings { retries, ..settings() }
    };
    let service = Service::with(handlers::registered(), grace(3600)).await;
    let id = service.event("a", "{}").await;
    assert_eq!(relay(&service).await["ran"], 0);
    drop(service);
    let service = Service::with(handlers::registered(), grace(0)).await;
    let failed = service.event("demo.flaky", r#"{"failTimes":9}"#).await;
    service.push(failed).await;
    let new = service.event("a", "{}").await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(relay(&service).await["ran"], 1, "the failed one has been reached: {id}");
    assert_eq!(service.state(new).await, "PROCESSED 0");
}

/// A call runs a limited number of events, and publishes the others.
#[tokio::test]
async fn a_call_runs_so_many_and_publishes_the_others() {
    let pubsub = PubSub::start().await;
    let service =
        Service::publishing_to(&pubsub, Settings { relay_page: 500, relay_runs: 7, ..settings() }).await;
    for _ in 0..20 {
        service.event("a", "{}").await;
    }
    let stalled = "UPDATE live SET due_at = now(), updated_at = now() - interval '1 hour'";
    service.database.sql(stalled).await;
    let relayed = relay(&service).await;
    assert!((3600..3700).contains(&relayed["longestWait"].as_u64().unwrap()), "{relayed}");
    let expected = json!({ "published": 13, "ran": 7, "notPublished": 0, "more": false });
    assert_eq!(counts(relayed), expected);
    assert_eq!(service.count("SELECT count(*) FROM outcomes").await, 7);
}

/// Two calls run at once, with pushes beside them: the claim decides.
#[tokio::test]
async fn what_calls_and_pushes_run_at_once_takes_effect_once() {
    let service = Service::start().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(service.event("demo.ledger", r#"{"weight":1}"#).await);
    }
    let stalled = "UPDATE live SET due_at = now(), updated_at = now() - interval '1 hour'";
    service.database.sql(stalled).await;
    let pushes = futures::future::join_all(ids.iter().map(|id| service.push(*id)));
    tokio::join!(relay(&service), relay(&service), pushes);
    assert_eq!(service.count("SELECT count(*) FROM demo_ledger").await, 5);
    assert_eq!(service.count("SELECT count(*) FROM outcomes WHERE status = 'PROCESSED'").await, 5);
}

/// Inserts twenty thousand events, each due a millisecond after the one before it, with its place as its type.
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
    let pace = Settings { relay_page: 500, relay_pages: 10, relay_runs: 0, ..settings() };
    let service = Service::publishing_to(&pubsub, pace).await;
    backlog(&service).await;
    for call in 1..=4 {
        assert_eq!(
            counts(relay(&service).await),
            json!({ "published": 5000, "ran": 0, "notPublished": 0, "more": true })
        );
        let received = pubsub.received();
        assert_eq!(received.len(), call * 5000);
        let places = received.iter().map(|message| message.attributes["eventType"].parse::<usize>().unwrap());
        assert_eq!(places.max(), Some(call * 5000), "the oldest");
    }
    let expected = json!({ "published": 0, "ran": 0, "notPublished": 0, "more": false });
    assert_eq!(counts(relay(&service).await), expected);
}

#[tokio::test]
async fn relays_at_once_share_a_backlog_and_publish_no_event_twice() {
    let pubsub = PubSub::start().await;
    let pace = Settings { relay_page: 500, relay_pages: 30, relay_runs: 0, ..settings() };
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
