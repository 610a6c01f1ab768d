//! A test for each row of the table of deliveries: the state that a delivery finds, and its effect.

use std::time::Duration;

use axum::http::StatusCode;
use event::{Delivery, EventId};
use store::{ClaimTerms, Claimant, Replayed};

use crate::harness::{PUSHER, Service, envelope};

impl Service {
    /// Begins an attempt of another instance, which this test never ends.
    async fn claimed_elsewhere(&self, id: EventId) {
        let claimant = Claimant::of_message("another", "7");
        let terms = ClaimTerms { isolate_after: 3, lease: Duration::from_secs(15), max_lost: 10 };
        let delivery = self.database.store.claim(id, claimant, terms).await.unwrap();
        assert!(matches!(delivery, Delivery::Claimed(_)), "{delivery:?}");
    }

    async fn lease_ends(&self) {
        self.database.sql("UPDATE live SET lease_until = now() - interval '1 second'").await;
    }
}

#[tokio::test]
async fn pending_is_run_and_acked() {
    let service = Service::start().await;
    let id = service.event("a", "{}").await;
    assert_eq!(service.push(id).await, StatusCode::NO_CONTENT);
    assert_eq!(service.state(id).await, "PROCESSED 0");
    assert!(service.record(id).await.processed_at.is_some());
}

#[tokio::test]
async fn failed_is_refused_before_its_retry_and_run_after_it() {
    let service = Service::start().await;
    let id = service.event("demo.flaky", r#"{"failTimes":1}"#).await;
    assert_eq!(service.push(id).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(service.state(id).await, "FAILED 1, FAILED: failure 1 of 1");
    assert_eq!(service.push(id).await, StatusCode::TOO_EARLY);
    assert_eq!(service.state(id).await, "FAILED 1, FAILED: failure 1 of 1", "an early copy is no try");
    assert_eq!(service.push_later(id).await, StatusCode::NO_CONTENT);
    assert_eq!(service.state(id).await, "PROCESSED 1, FAILED: failure 1 of 1");
}

#[tokio::test]
async fn processing_under_a_living_lease_is_acked_and_due_at_its_end() {
    let service = Service::start().await;
    let id = service.event("a", "{}").await;
    service.claimed_elsewhere(id).await;
    assert_eq!(service.push(id).await, StatusCode::NO_CONTENT);
    assert!(service.is("SELECT due_at = lease_until AND status = 'PROCESSING' FROM live").await);
}

#[tokio::test]
async fn processing_whose_lease_is_over_was_lost_and_is_run() {
    let service = Service::start().await;
    let id = service.event("a", "{}").await;
    service.claimed_elsewhere(id).await;
    service.lease_ends().await;
    assert_eq!(service.push(id).await, StatusCode::NO_CONTENT);
    assert_eq!(service.state(id).await, "PROCESSED 0, LOST: its lease ended and nobody had finished it");
}

#[tokio::test]
async fn the_tenth_attempt_that_was_lost_alone_is_the_end() {
    let service = Service::start().await;
    let id = service.event("a", "{}").await;
    service.claimed_elsewhere(id).await;
    service.lease_ends().await;
    service.database.sql("UPDATE live SET lost = 12, lost_alone = 9, alone = true").await;
    assert_eq!(service.push(id).await, StatusCode::GONE);
    let record = service.record(id).await;
    assert_eq!(record.status.as_str(), "DEAD_LETTER");
    let why = "10 attempts were lost that ran alone in their process, so this event ends the process";
    assert_eq!(record.failure_reason.unwrap(), why);
}

/// Every nack slows the subscription down, and `due_at` brings the event back.
#[tokio::test]
async fn another_copy_of_a_failed_event_is_acked() {
    let service = Service::start().await;
    let id = service.event("demo.flaky", r#"{"failTimes":1}"#).await;
    assert_eq!(service.push(id).await, StatusCode::UNPROCESSABLE_ENTITY);
    let copy = envelope(id).replace(r#""messageId":"7""#, r#""messageId":"8""#);
    assert_eq!(service.call_as(PUSHER, "/push", copy).await.status, StatusCode::NO_CONTENT);
    assert_eq!(service.push(id).await, StatusCode::TOO_EARLY, "the one that it failed on goes on");
}

#[tokio::test]
async fn processed_is_acked_without_work() {
    let service = Service::start().await;
    let id = service.event("demo.ledger", r#"{"weight":3}"#).await;
    assert_eq!(service.push(id).await, StatusCode::NO_CONTENT);
    assert_eq!(service.push(id).await, StatusCode::NO_CONTENT);
    assert_eq!(service.count("SELECT sum(weight)::bigint FROM demo_ledger").await, 3);
}

#[tokio::test]
async fn dead_is_nacked_so_that_pub_sub_moves_the_message() {
    let service = Service::start().await;
    let id = service.event("demo.flaky", r#"{"permanent":true}"#).await;
    assert_eq!(service.push(id).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(service.push(id).await, StatusCode::GONE);
    assert_eq!(
        service.state(id).await,
        "DEAD_LETTER 0, PERMANENT: the payload asked for a permanent failure"
    );
}

/// Every nack slows the subscription down, and one message in the dead-letter topic is enough.
#[tokio::test]
async fn another_copy_of_a_dead_event_is_acked() {
    let service = Service::start().await;
    let id = service.event("demo.flaky", r#"{"permanent":true}"#).await;
    assert_eq!(service.push(id).await, StatusCode::UNPROCESSABLE_ENTITY);
    let copy = envelope(id).replace(r#""messageId":"7""#, r#""messageId":"8""#);
    assert_eq!(service.call_as(PUSHER, "/push", copy).await.status, StatusCode::NO_CONTENT);
    assert_eq!(service.push(id).await, StatusCode::GONE, "the one that it died on goes on");
}

#[tokio::test]
async fn an_event_that_was_never_accepted_is_kept_and_acked() {
    let service = Service::start().await;
    let id: EventId = "0199c0de-0000-7000-8000-000000000001".parse().unwrap();
    assert_eq!(service.push(id).await, StatusCode::NO_CONTENT);
    let kept = "SELECT reason || ' / ' || message_id || ' / ' || subscription FROM unreadable";
    assert_eq!(
        service.database.value::<String>(kept).await,
        format!("no event {id} was ever accepted / 7 / projects/test/subscriptions/events-worker")
    );
}

#[tokio::test]
async fn four_failures_are_the_end_and_a_replay_a_new_beginning() {
    let service = Service::start().await;
    let id = service.event("demo.flaky", r#"{"failTimes":5}"#).await;
    for _ in 0..4 {
        assert_eq!(service.push_later(id).await, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let record = service.record(id).await;
    assert_eq!((record.status.as_str(), record.retry_count), ("DEAD_LETTER", 3));
    assert_eq!(record.failure_reason.as_deref(), Some("failure 4 of 5"));
    assert!(record.failed_at.is_some());

    let replayed = service.database.store.replay(id, store::testing::act()).await.unwrap();
    assert_eq!(replayed, Replayed::Queued);
    assert_eq!(service.push(id).await, StatusCode::UNPROCESSABLE_ENTITY);
    let record = service.record(id).await;
    assert_eq!((record.status.as_str(), record.retry_count), ("FAILED", 1));
    assert_eq!(service.push_later(id).await, StatusCode::NO_CONTENT, "the sixth attempt succeeds");
    assert_eq!(service.record(id).await.retry_count, 1);
}
