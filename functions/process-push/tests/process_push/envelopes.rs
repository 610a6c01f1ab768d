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

/// Pub/Sub sends both spellings, and its emulator sends either.
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

/// Google may add members to its messages.
#[tokio::test]
async fn members_that_are_not_known_are_passed_over() {
    let service = Service::start().await;
    let id = service.event("a", "{}").await;
    let data = BASE64_STANDARD.encode(id.to_string());
    let new = r#""new":[{"a":1,"b":[null,1e400]}]"#;
    let body = format!(
        r#"{{"message":{{"data":"{data}","messageId":"7","orderingKey":"",{new}}},"deliveryAttempt":1,{new},"subscription":"s"}}"#
    );
    let answer = service.call_as(PUSHER, "/push", body).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(service.state(id).await, "PROCESSED 0");
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

/// A nack would bring such pushes back forever.
#[tokio::test]
async fn what_cannot_be_read_is_kept_with_its_reason_and_acked() {
    let service = Service::start().await;
    let pushes = [
        "",
        "hello",
        r#"{"message":7}"#,
        r#"[{"data":"","messageId":"7"},"s"]"#,
        r#"{"message":["",null,"7",null],"subscription":"s"}"#,
        r#"{"message":{"data":"","attributes":[]}}"#,
        r#"{"message":{"data":"","attributes":{"a":1}}}"#,
        r#"{"message":{"data":7}}"#,
        r#"{"message":{"data":"","data":""}}"#,
        r#"{"message":{"attributes":{"a":"1","a":"2"}}}"#,
        r#"{"message":{},"message":{}}"#,
        r#"{"subscription":"s"}"#,
        r#"{"message":{"data":"" "messageId":"7"}}"#,
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
             | not a Pub/Sub push: the body is empty; it must be a JSON object (byte 0)
            hello | not a Pub/Sub push: the body must be a JSON object: expected value (byte 0)
            {"message":7} | not a Pub/Sub push: message must be an object, is a number
            [{"data":"","messageId":"7"},"s"] | not a Pub/Sub push: the body must be an object, is an array (byte 0)
            {"message":["",null,"7",null],"subscription":"s"} | not a Pub/Sub push: message must be an object, is an array
            {"message":{"data":"","attributes":[]}} | not a Pub/Sub push: message/attributes must be an object, is an array
            {"message":{"data":"","attributes":{"a":1}}} | not a Pub/Sub push: message/attributes/a must be a string, is 1
            {"message":{"data":7}} | not a Pub/Sub push: message/data must be a string, is 7
            {"message":{"data":"","data":""}} | not a Pub/Sub push: message/data is given more than once
            {"message":{"attributes":{"a":"1","a":"2"}}} | not a Pub/Sub push: message/attributes/a is given more than once
            {"message":{},"message":{}} | not a Pub/Sub push: message is given more than once
            {"subscription":"s"} | not a Pub/Sub push: message is required
            {"message":{"data":"" "messageId":"7"}} | not a Pub/Sub push: the body must be a JSON object: expected `,` or `}` (byte 22)
            {"message":{"data":"%","messageId":"7"}} | 7 | message/data must be an event id in Base64: Invalid symbol 37, offset 0.
            {"message":{"data":"aGVsbG8=","messageId":"8"}} | 8 | message/data must be an event id in Base64: invalid character: found `h` at 0
            {"message":{"data":"aGVsbG8=","messageId":"\u0000"}} | � | message/data must be an event id in Base64: invalid character: found `h` at 0
            "#);
        }
        service.database.sql("DELETE FROM unreadable").await;
    }
}

/// Such large pushes are not from this service, and its own pushes do not wait for them.
#[tokio::test]
async fn pushes_of_megabytes_leave_room_for_the_others() {
    let service = Service::start().await;
    // The keys of tokens are known from here on, so that no request waits for the stalled one.
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
