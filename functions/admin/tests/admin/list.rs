use chrono::SecondsFormat;
use event::EventId;
use serde_json::json;

use crate::harness::{Service, ids};
use crate::told;

const ALL: [&str; 5] = ["PENDING", "PROCESSING", "PROCESSED", "FAILED", "DEAD_LETTER"];

impl Service {
    async fn listed(&self, query: &str) -> Vec<EventId> {
        ids(&self.found(&format!("/admin/events?{query}")).await["events"])
    }
}

#[tokio::test]
async fn an_event_is_shown_whole() {
    let service = Service::start().await;
    service.event_in("DEAD_LETTER").await;
    let page = service.found("/admin/events").await;
    insta::assert_json_snapshot!(page, {
        ".**.id" => "[id]",
        ".**.createdAt" => insta::dynamic_redaction(told::time),
        ".**.updatedAt" => insta::dynamic_redaction(told::time),
        ".**.failedAt" => insta::dynamic_redaction(told::time),
    }, @r#"
    {
      "events": [
        {
          "createdAt": "[time]",
          "eventType": "a",
          "failedAt": "[time]",
          "failureReason": "there is no such user",
          "id": "[id]",
          "metadata": null,
          "payload": {},
          "processedAt": null,
          "retryCount": 3,
          "status": "DEAD_LETTER",
          "updatedAt": "[time]"
        }
      ],
      "nextCursor": null
    }
    "#);
}

#[tokio::test]
async fn pages_walk_through_everything_once_newest_first() {
    let service = Service::start().await;
    assert_eq!(service.found("/admin/events").await, json!({ "events": [], "nextCursor": null }));
    let mut all = Vec::new();
    for n in 0..7 {
        all.push(service.event("a", &format!(r#"{{"n":{n}}}"#)).await);
    }
    all.sort();
    all.reverse();
    for (limit, pages) in [(3, 3), (7, 1), (1, 7)] {
        let (mut seen, mut seen_pages, mut path) = (Vec::new(), 0, format!("/admin/events?limit={limit}"));
        loop {
            let page = service.found(&path).await;
            seen.extend(ids(&page["events"]));
            seen_pages += 1;
            match page["nextCursor"].as_str() {
                Some(cursor) => path = format!("/admin/events?limit={limit}&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!((seen, seen_pages), (all.clone(), pages), "limit {limit}");
    }
}

#[tokio::test]
async fn a_status_is_asked_for() {
    let service = Service::start().await;
    for status in ALL {
        let id = service.event_in(status).await;
        assert_eq!(service.listed(&format!("status={status}")).await, [id], "{status}");
        assert_eq!(service.listed(&format!("status={status}&eventType=a")).await, [id], "{status}");
        assert!(service.listed(&format!("status={status}&eventType=b")).await.is_empty(), "{status}");
    }
    assert_eq!(service.listed("").await.len(), ALL.len());
}

#[tokio::test]
async fn a_replayed_event_is_found_by_what_it_is_now() {
    let service = Service::start().await;
    let id = service.event_in("DEAD_LETTER").await;
    assert!(service.replay(id).await.status.is_success());
    assert!(service.listed("status=DEAD_LETTER").await.is_empty());
    assert_eq!(service.listed("status=PENDING").await, [id]);
    service.succeed(id).await;
    assert!(service.listed("status=DEAD_LETTER").await.is_empty());
    assert_eq!(service.listed("status=PROCESSED").await, [id]);
    assert_eq!(service.listed("").await, [id]);
}

#[tokio::test]
async fn a_type_is_asked_for() {
    let service = Service::start().await;
    let id = service.event("user.signup", "{}").await;
    let other = service.event("日本", "{}").await;
    assert_eq!(service.listed("eventType=user.signup").await, [id]);
    assert_eq!(service.listed("eventType=%E6%97%A5%E6%9C%AC").await, [other]);
    assert!(service.listed("eventType=user").await.is_empty());
}

#[tokio::test]
async fn a_time_is_asked_for_from_its_first_moment_to_before_its_last() {
    let service = Service::start().await;
    for status in ALL {
        let (early, late) = (service.event_in(status).await, service.event_in(status).await);
        let record = service.database.store.record(late).await.unwrap().unwrap();
        let at = record.created_at.to_rfc3339_opts(SecondsFormat::Micros, true);
        for more in [String::new(), "&eventType=a".into(), format!("&status={status}")] {
            assert_eq!(service.listed(&format!("since={at}{more}")).await, [late]);
            let before = service.listed(&format!("until={at}{more}")).await;
            assert_eq!(before[0], early);
            assert!(!before.contains(&late));
            assert!(service.listed(&format!("since={at}&until={at}{more}")).await.is_empty());
        }
    }
    let everything = "since=0000-01-01T00:00:00Z&until=9999-12-31T23:59:59%2B00:00";
    assert_eq!(service.listed(everything).await.len(), 2 * ALL.len());
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_told_by_name() {
    let service = Service::start().await;
    let queries = [
        "status=DEAD",
        "status=processed",
        "status=",
        "eventType=",
        "eventType=a%00b",
        "since=yesterday",
        "since=2026-01-31",
        "since=2026-01-31T12:00:00",
        "since=-99999-01-31T12:00:00Z",
        "until=%2B262142-12-31T23:59:59Z",
        "until=2026-02-30T12:00:00Z",
        "cursor=1",
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=all",
        "limit=1&limit=2",
        "page=1",
        "type=a",
    ];
    insta::assert_snapshot!(service.refusals("/admin/events", &queries).await, @r"
    status=DEAD | status | status must be one of PENDING, PROCESSING, PROCESSED, FAILED, DEAD_LETTER
    status=processed | status | status must be one of PENDING, PROCESSING, PROCESSED, FAILED, DEAD_LETTER
    status= | status | status must be one of PENDING, PROCESSING, PROCESSED, FAILED, DEAD_LETTER
    eventType= | eventType | eventType must not be empty
    eventType=a%00b | eventType | eventType must not contain a NUL character
    since=yesterday | since | since must be a time such as 2026-01-31T12:00:00Z (RFC 3339)
    since=2026-01-31 | since | since must be a time such as 2026-01-31T12:00:00Z (RFC 3339)
    since=2026-01-31T12:00:00 | since | since must be a time such as 2026-01-31T12:00:00Z (RFC 3339)
    since=-99999-01-31T12:00:00Z | since | since must be a time such as 2026-01-31T12:00:00Z (RFC 3339)
    until=%2B262142-12-31T23:59:59Z | until | until must be a time such as 2026-01-31T12:00:00Z (RFC 3339)
    until=2026-02-30T12:00:00Z | until | until must be a time such as 2026-01-31T12:00:00Z (RFC 3339)
    cursor=1 | cursor | cursor must be a nextCursor of an earlier page
    limit=0 | limit | limit must be a number from 1 to 200
    limit=201 | limit | limit must be a number from 1 to 200
    limit=-1 | limit | limit must be a number from 1 to 200
    limit=all | limit | limit must be a number from 1 to 200
    limit=1&limit=2 | limit | limit is given more than once
    page=1 | page | page is not known here; there are status, eventType, since, until, cursor, limit
    type=a | type | type is not known here; there are status, eventType, since, until, cursor, limit
    ");
}
