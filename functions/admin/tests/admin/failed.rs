use serde_json::json;

use crate::harness::{Service, ids};

#[tokio::test]
async fn failed_and_dead_events_come_in_pages_newest_first() {
    let service = Service::start().await;
    let mut expected = Vec::new();
    for status in ["DEAD_LETTER", "PENDING", "FAILED", "PROCESSED", "DEAD_LETTER", "PROCESSING", "FAILED"] {
        let id = service.event_in(status).await;
        if matches!(status, "DEAD_LETTER" | "FAILED") {
            expected.insert(0, id);
        }
    }
    expected.sort();
    expected.reverse();
    let all = service.found("/admin/events/failed").await;
    assert_eq!(ids(&all["events"]), expected);
    assert_eq!(all["pagination"], json!({ "page": 1, "limit": 50, "total": 4, "totalPages": 1 }));

    let mut seen = Vec::new();
    for page in 1..=2 {
        let found = service.found(&format!("/admin/events/failed?page={page}&limit=3")).await;
        assert_eq!(found["pagination"], json!({ "page": page, "limit": 3, "total": 4, "totalPages": 2 }));
        seen.extend(ids(&found["events"]));
    }
    assert_eq!(seen, expected);

    let beyond = service.found("/admin/events/failed?page=500&limit=200").await;
    assert_eq!(beyond["events"], json!([]));
    assert_eq!(beyond["pagination"]["total"], 4);
}

#[tokio::test]
async fn nothing_failed_is_no_page() {
    let service = Service::start().await;
    let none = service.found("/admin/events/failed").await;
    let pagination = json!({ "page": 1, "limit": 50, "total": 0, "totalPages": 0 });
    assert_eq!(none, json!({ "events": [], "pagination": pagination }));
}

#[tokio::test]
async fn replayed_events_are_gone_until_they_fail_again() {
    let service = Service::start().await;
    for status in ["FAILED", "DEAD_LETTER"] {
        let id = service.event_in(status).await;
        assert!(service.replay(id).await.status.is_success());
        let none = service.found("/admin/events/failed").await;
        assert_eq!((&none["events"], &none["pagination"]["total"]), (&json!([]), &json!(0)), "{status}");
        service.die(id).await;
        let again = service.found("/admin/events/failed").await;
        assert_eq!(ids(&again["events"]), [id]);
        assert_eq!(again["pagination"]["total"], 1);
        assert!(service.replay(id).await.status.is_success());
        service.succeed(id).await;
    }
}

#[tokio::test]
async fn a_page_that_cannot_be_is_told_by_name() {
    let service = Service::start().await;
    let queries =
        ["page=0", "page=-1", "page=x", "page=501", "limit=0", "limit=201", "limit=", "status=FAILED"];
    insta::assert_snapshot!(service.refusals("/admin/events/failed", &queries).await, @r"
    page=0 | page | page must be a number from 1 to 500; GET /admin/events?status=DEAD_LETTER (or FAILED) goes on from any event, by its cursor
    page=-1 | page | page must be a number from 1 to 500; GET /admin/events?status=DEAD_LETTER (or FAILED) goes on from any event, by its cursor
    page=x | page | page must be a number from 1 to 500; GET /admin/events?status=DEAD_LETTER (or FAILED) goes on from any event, by its cursor
    page=501 | page | page must be a number from 1 to 500; GET /admin/events?status=DEAD_LETTER (or FAILED) goes on from any event, by its cursor
    limit=0 | limit | limit must be a number from 1 to 200
    limit=201 | limit | limit must be a number from 1 to 200
    limit= | limit | limit must be a number from 1 to 200
    status=FAILED | status | status is not known here; there are page, limit
    ");
}
