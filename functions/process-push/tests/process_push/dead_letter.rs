use axum::http::StatusCode;
use store::Replayed;

use crate::harness::Service;

const IS_DUE: &str = "SELECT due_at <= clock_timestamp() FROM live";

#[tokio::test]
async fn an_unfinished_event_is_due_again_and_lives() {
    let service = Service::start().await;
    let id = service.event("a", "{}").await;
    assert!(!service.is(IS_DUE).await);
    assert_eq!(service.dead_letter(id).await, StatusCode::NO_CONTENT);
    assert!(service.is(IS_DUE).await);
    assert_eq!(service.state(id).await, "PENDING 0");
}

#[tokio::test]
async fn a_failed_event_is_due_when_its_retry_is() {
    let service = Service::start().await;
    let id = service.event("demo.flaky", r#"{"failTimes":1}"#).await;
    service.push(id).await;
    assert_eq!(service.dead_letter(id).await, StatusCode::NO_CONTENT);
    assert!(service.is("SELECT due_at = retry_at AND retry_at > now() FROM live").await);
}

#[tokio::test]
async fn a_finished_event_is_left_alone() {
    let service = Service::start().await;
    for (payload, state) in [
        ("{}", "PROCESSED 0"),
        (r#"{"permanent":true}"#, "DEAD_LETTER 0, PERMANENT: the payload asked for a permanent failure"),
    ] {
        let id = service.event("demo.flaky", payload).await;
        service.push(id).await;
        assert_eq!(service.dead_letter(id).await, StatusCode::NO_CONTENT);
        assert_eq!(service.state(id).await, state);
    }
    assert_eq!(service.count("SELECT count(*) FROM live").await, 0);
    assert_eq!(service.count("SELECT count(*) FROM unreadable").await, 0);
}

#[tokio::test]
async fn a_message_from_before_a_replay_kills_nothing() {
    let service = Service::start().await;
    let id = service.event("demo.flaky", r#"{"failTimes":4}"#).await;
    for _ in 0..4 {
        service.push_later(id).await;
    }
    assert_eq!(service.record(id).await.status.as_str(), "DEAD_LETTER");
    let replayed = service.database.store.replay(id, store::testing::act()).await.unwrap();
    assert_eq!(replayed, Replayed::Queued);
    assert_eq!(service.dead_letter(id).await, StatusCode::NO_CONTENT);
    assert_eq!(service.record(id).await.status.as_str(), "PENDING");
    assert_eq!(service.push(id).await, StatusCode::NO_CONTENT);
    assert_eq!(service.record(id).await.status.as_str(), "PROCESSED");
    assert_eq!(service.dead_letter(id).await, StatusCode::NO_CONTENT);
    assert_eq!(service.record(id).await.status.as_str(), "PROCESSED");
}

#[tokio::test]
async fn an_event_that_was_never_accepted_is_kept() {
    let service = Service::start().await;
    let id = "0199c0de-0000-7000-8000-000000000001".parse().unwrap();
    assert_eq!(service.dead_letter(id).await, StatusCode::NO_CONTENT);
    let reason: String = service.database.value("SELECT reason FROM unreadable").await;
    assert_eq!(reason, format!("no event {id} was ever accepted"));
}
