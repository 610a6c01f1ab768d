use axum::http::StatusCode;
use serde_json::json;

use crate::harness::{SCHEDULER, Service};

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
