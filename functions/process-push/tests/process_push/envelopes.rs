use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::{StreamExt, stream};
use tokio::time::timeout;

use crate::harness::{PUSHER, Service};

/// Pub/Sub sends both spellings, its emulator either.
#[tokio::test]
async fn both_spellings_are_read() {
    let service = Service::start().await;
    for ids in [
        r#""messageId":"7","publishTime":"2026-01-01T00:00:00Z""#,
        r#""message_id":"7","publish_time":"2026-01-01T00:00:00Z""#,
        r#""messageId":"7","message_id":"7""#,
    ] {
        let id = service.event("demo.flaky", r#"{"failTimes":1}"#).await;
        let data = BASE64_STANDARD.encode(id.to_string());
        let body = format!(r#"{{"message":{{"data":"{data}",{ids}}},"subscription":"s"}}"#);
        let answer = service.call_as(PUSHER, "/push", body).await;
        answer.problem(StatusCode::UNPROCESSABLE_ENTITY);
        let history = service.database.store.history(id).await.unwrap();
        assert_eq!(history.attempts[0].message_id.as_deref(), Some("7"), "{ids}");
    }
}

#[tokio::test]
async fn the_trace_of_the_message_goes_on() {
    let service = Service::start().await;
    let id = service.event("a", "{}").await;
    let data = BASE64_STANDARD.encode(id.to_string());
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let body = format!(
        r#"{{"message":{{"data":"{data}","attributes":{{"traceparent":"00-{trace}-00f067aa0ba902b7-01"}}}}}}"#
    );
    let answer = service.call_as(PUSHER, "/push", body).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert!(answer.header("traceparent").contains(trace), "{answer:?}");
}

/// A nack would bring them back for ever.
#[tokio::test]
async fn what_cannot_be_read_is_kept_with_its_reason_and_acked() {
    let service = Service::start().await;
    let pushes = [
        "",
        "hello",
        r#"{"message":7}"#,
        r#"{"message":{"data":"%","messageId":"7"}}"#,
        r#"{"message":{"data":"aGVsbG8=","messageId":"8"}}"#,
        r#"{"message":{"data":"aGVsbG8=","messageId":"\u0000"}}"#,
    ];
    for path in ["/push", "/dead-letter"] {
        for body in pushes {
            let answer = service.call_as(PUSHER, path, body).await;
            assert_eq!(answer.status, StatusCode::NO_CONTENT, "{body}");
        }
        let kept = "SELECT string_agg(concat_ws(' | ', convert_from(body, 'UTF8'), message_id, reason), E'\\n' ORDER BY id)
                      FROM unreadable";
        let kept: String = service.database.value(kept).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(kept, @r#"
     | not a Pub/Sub push: EOF while parsing a value at line 1 column 0
    hello | not a Pub/Sub push: expected value at line 1 column 1
    {"message":7} | not a Pub/Sub push: invalid type: integer `7`, expected struct Message at line 1 column 12
    {"message":{"data":"%","messageId":"7"}} | 7 | the data is not base64: Invalid symbol 37, offset 0.
    {"message":{"data":"aGVsbG8=","messageId":"8"}} | 8 | the data is not an event id: invalid character: found `h` at 0
    {"message":{"data":"aGVsbG8=","messageId":"\u0000"}} | � | the data is not an event id: invalid character: found `h` at 0
    "#);
        }
        service.database.sql("DELETE FROM unreadable").await;
    }
}

/// They are none of ours, and ours wait for none of them.
#[tokio::test]
async fn pushes_of_megabytes_leave_room_for_the_others() {
    let service = Service::start().await;
    // The keys of tokens are known from here on, so that nobody waits for the one that is not polled.
    assert_eq!(service.call_as(PUSHER, "/push", "small").await.status, StatusCode::NO_CONTENT);
    let megabytes = stream::iter((0..13).map(|_| Ok::<_, Infallible>("x".repeat(1 << 20))));
    let stalled = Body::from_stream(megabytes.chain(stream::pending()));
    let mut stalled = pin!(service.call_as(PUSHER, "/push", stalled));
    let refused = loop {
        assert!(timeout(Duration::from_millis(100), &mut stalled).await.is_err());
        let answer = service.call_as(PUSHER, "/push", "x".repeat(13 << 20)).await;
        if answer.status != StatusCode::NO_CONTENT {
            break answer;
        }
    };
    let problem = refused.problem(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem["limit"], 16 << 20);
    let told =
        "the requests of large bodies that are under way hold too much memory: they may hold 16777216 bytes";
    assert_eq!(problem["detail"], told);
    assert_eq!(service.call_as(PUSHER, "/push", "small").await.status, StatusCode::NO_CONTENT);
}
