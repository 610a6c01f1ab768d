use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::harness::Service;
use crate::told;

impl Service {
    async fn kept(&self, body: &[u8]) {
        let (subscription, message_id) = (Some("projects/p/subscriptions/s".into()), Some("8".into()));
        let kept =
            self.database.store.keep_unreadable(subscription, message_id, "no event".into(), body.to_vec());
        kept.await.unwrap();
    }

    async fn unreadable(&self, query: &str) -> (Vec<i64>, Value) {
        let page = self.found(&format!("/admin/unreadable?{query}")).await;
        let messages = page["messages"].as_array().unwrap().iter();
        (messages.map(|message| message["id"].as_i64().unwrap()).collect(), page["nextCursor"].clone())
    }
}

#[tokio::test]
async fn a_message_is_listed_and_shown_with_its_body() {
    let service = Service::start().await;
    assert_eq!(service.found("/admin/unreadable").await, json!({ "messages": [], "nextCursor": null }));
    service.kept(r#"{"message":{"data":"é"}}"#.as_bytes()).await;
    let page = service.found("/admin/unreadable").await;
    insta::assert_json_snapshot!(page, {
        ".messages[].receivedAt" => insta::dynamic_redaction(told::time),
    }, @r#"
    {
      "messages": [
        {
          "bodyBytes": 25,
          "id": 1,
          "messageId": "8",
          "reason": "no event",
          "receivedAt": "[time]",
          "subscription": "projects/p/subscriptions/s"
        }
      ],
      "nextCursor": null
    }
    "#);
    let mut listed = page["messages"][0].clone();
    listed["body"] = r#"{"message":{"data":"é"}}"#.into();
    listed["bodyBase64"] = Value::Null;
    listed["bodyTruncated"] = false.into();
    assert_eq!(service.found("/admin/unreadable/1").await, listed);
}

#[tokio::test]
async fn what_is_no_text_comes_in_base64_and_what_is_long_as_its_beginning() {
    let service = Service::start().await;
    service.kept(b"\xff\x00").await;
    service.kept(b"").await;
    // The cut splits a character.
    service.kept(format!("x{}", "é".repeat(600_000)).as_bytes()).await;
    let shown = async |id| {
        let message = service.found(&format!("/admin/unreadable/{id}")).await;
        let told = ["bodyBytes", "body", "bodyBase64", "bodyTruncated"];
        told.map(|name| message[name].clone())
    };
    assert_eq!(shown(1).await, [json!(2), Value::Null, json!("/wA="), json!(false)]);
    assert_eq!(shown(2).await, [json!(0), json!(""), Value::Null, json!(false)]);
    let beginning = format!("x{}", "é".repeat(524_287));
    assert_eq!(shown(3).await, [json!(1_200_001), json!(beginning), Value::Null, json!(true)]);
}

#[tokio::test]
async fn pages_walk_through_everything_once_newest_first() {
    let service = Service::start().await;
    for _ in 0..7 {
        service.kept(b"x").await;
    }
    // Some messages have the same time, and one came late for its number.
    let times = "UPDATE unreadable SET received_at = '2026-01-31T12:00:00.123456Z'::timestamptz
                        + CASE id WHEN 7 THEN -1 ELSE id / 3 END * interval '1 microsecond'";
    service.database.sql(times).await;
    for (limit, pages) in [(3, 3), (7, 1), (1, 7)] {
        let (mut seen, mut seen_pages, mut query) = (Vec::new(), 0, format!("limit={limit}"));
        loop {
            let (ids, next) = service.unreadable(&query).await;
            seen.extend(ids);
            seen_pages += 1;
            match next.as_str() {
                Some(cursor) => query = format!("limit={limit}&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!((seen, seen_pages), (vec![6, 5, 4, 3, 2, 1, 7], pages), "limit {limit}");
    }
    let within = async |query: &str| service.unreadable(query).await.0;
    assert_eq!(within("since=2026-01-31T12:00:00.123457Z").await, [6, 5, 4, 3]);
    assert_eq!(within("until=2026-01-31T12:00:00.123457Z").await, [2, 1, 7]);
    let until = "until=2026-01-31T12:00:00.123457Z&limit=1";
    let (_, next) = service.unreadable(until).await;
    assert_eq!(within(&format!("{until}&cursor={}", next.as_str().unwrap())).await, [1]);
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_told_by_name() {
    let service = Service::start().await;
    let queries = [
        "since=yesterday",
        "until=2026-01-31",
        "cursor=1",
        "cursor=1-",
        "cursor=-1-1",
        "cursor=1-%2B1",
        "cursor=123456789012345678-1",
        "cursor=1-1234567890123456789",
        "limit=0",
        "status=OPEN",
    ];
    insta::assert_snapshot!(service.refusals("/admin/unreadable", &queries).await, @r"
    since=yesterday | since | since must be a time such as 2026-01-31T12:00:00Z (RFC 3339)
    until=2026-01-31 | until | until must be a time such as 2026-01-31T12:00:00Z (RFC 3339)
    cursor=1 | cursor | cursor must be a nextCursor of an earlier page
    cursor=1- | cursor | cursor must be a nextCursor of an earlier page
    cursor=-1-1 | cursor | cursor must be a nextCursor of an earlier page
    cursor=1-%2B1 | cursor | cursor must be a nextCursor of an earlier page
    cursor=123456789012345678-1 | cursor | cursor must be a nextCursor of an earlier page
    cursor=1-1234567890123456789 | cursor | cursor must be a nextCursor of an earlier page
    limit=0 | limit | limit must be a number from 1 to 200
    status=OPEN | status | status is not known here; there are since, until, cursor, limit
    ");
    let far = service.unreadable("cursor=99999999999999999-999999999999999999").await;
    assert_eq!(far, (vec![], Value::Null));
    let problem = service.get("/admin/unreadable/1").await.problem(StatusCode::NOT_FOUND);
    assert_eq!(problem["detail"], "there is no unreadable message 1");
    for id in ["0", "-1", "x", "9223372036854775808", "0199c0de-0000-7000-8000-000000000001"] {
        let problem = service.get(&format!("/admin/unreadable/{id}")).await.problem(StatusCode::BAD_REQUEST);
        assert_eq!(problem["detail"], "id must be a number from 1 on");
    }
}
