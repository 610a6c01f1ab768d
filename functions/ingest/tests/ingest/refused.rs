use std::fmt::Write;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use service::testing::{Answer, untouchable};

use crate::harness::{MAX_BODY_BYTES, Service};

/// The message of an error, on one line.
fn told(answer: &Answer) -> String {
    let problem = answer.problem(answer.status);
    assert!(answer.status.is_client_error(), "{answer:?}");
    let at = |name: &str| match &problem[name] {
        serde_json::Value::Null => String::new(),
        value => format!(" {name}={value}"),
    };
    let detail = problem["detail"].as_str().unwrap();
    format!("{}{}{} {detail}", answer.status.as_u16(), at("field"), at("byte"))
}

fn typed(event_type: &str) -> String {
    format!(r#"{{"eventType":{event_type},"payload":{{}}}}"#)
}

fn carrying(payload: &str) -> String {
    format!(r#"{{"eventType":"a","payload":{payload}}}"#)
}

fn described(metadata: &str) -> String {
    format!(r#"{{"eventType":"a","payload":{{}},"metadata":{metadata}}}"#)
}

fn nested(depth: usize) -> String {
    let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
    carrying(&format!(r#"{{"a":{open}1{close}}}"#))
}

#[tokio::test]
async fn a_body_that_is_no_event_is_refused_with_its_place() {
    let service = Service::start().await;
    let mut all = String::new();
    for body in bodies() {
        let shown: String = String::from_utf8_lossy(&body).chars().take(50).collect();
        let told = told(&service.post(body).await);
        writeln!(all, "{shown:?}\n  {told}").unwrap();
    }
    insta::assert_snapshot!(all, @r#"
    ""
      400 byte=0 the body is empty; it must be a JSON object (byte 0)
    " \n"
      400 byte=0 the body is empty; it must be a JSON object (byte 0)
    "hello"
      400 byte=0 not an event: expected value (byte 0)
    "{\"eventType\":\"a\",\"payload\":{}"
      400 byte=28 not an event: EOF while parsing an object (byte 28)
    "[]"
      400 byte=0 an event must be a JSON object (byte 0)
    "\"text\""
      400 byte=0 an event must be a JSON object (byte 0)
    "null"
      400 byte=0 an event must be a JSON object (byte 0)
    "{}"
      400 field="eventType" eventType is required
    "{\"payload\":{}}"
      400 field="eventType" eventType is required
    "{\"eventType\":\"\",\"payload\":{}}"
      400 field="eventType" eventType must not be empty
    "{\"eventType\":\"éééééééééééééééééééééééééééééééééééé"
      400 field="eventType" eventType must have at most 100 characters, has 101
    "{\"eventType\":7,\"payload\":{}}"
      400 field="eventType" eventType must be a string, is a number
    "{\"eventType\":null,\"payload\":{}}"
      400 field="eventType" eventType must be a string, is null
    "{\"eventType\":\"a\\u0000\",\"payload\":{}}"
      400 field="eventType" byte=15 eventType must not contain a NUL character (\u0000) (byte 15)
    "{\"eventType\":\"\\udc00\",\"payload\":{}}"
      400 field="eventType" byte=14 eventType must not contain half of a surrogate pair (byte 14)
    "{\"eventType\":\"a\"}"
      400 field="payload" payload is required
    "{\"eventType\":\"a\",\"payload\":null}"
      400 field="payload" payload must be an object, is null
    "{\"eventType\":\"a\",\"payload\":[]}"
      400 field="payload" payload must be an object, is an array
    "{\"eventType\":\"a\",\"payload\":\"text\"}"
      400 field="payload" payload must be an object, is a string
    "{\"eventType\":\"a\",\"payload\":{\"\\u0000\":1}}"
      400 field="payload" byte=29 payload must not contain a NUL character (\u0000) (byte 29)
    "{\"eventType\":\"a\",\"payload\":{\"a\":[{\"b\":\"x\\u0000\"}]}"
      400 field="payload" byte=40 payload must not contain a NUL character (\u0000) (byte 40)
    "{\"eventType\":\"a\",\"payload\":{\"a\":\"\0\"}}"
      400 byte=32 not an event: control character (\u0000-\u001F) found while parsing a string (byte 32)
    "{\"eventType\":\"a\",\"payload\":{\"a\":\"\\ud800\"}}"
      400 field="payload" byte=33 payload must not contain half of a surrogate pair (byte 33)
    "{\"eventType\":\"a\",\"payload\":{\"\\ude00\":1}}"
      400 field="payload" byte=29 payload must not contain half of a surrogate pair (byte 29)
    "{\"eventType\":\"a\",\"payload\":{\"a\":01}}"
      400 byte=33 not an event: invalid number (byte 33)
    "{\"eventType\":\"a\",\"payload\":{\"a\":NaN}}"
      400 byte=32 not an event: expected value (byte 32)
    "{\"eventType\":\"a\",\"payload\":{\"a\":[[[[[[[[[[[[[[[[[["
      400 field="payload" byte=131 payload must be nested at most 100 levels deep (byte 131)
    "{\"eventType\":\"a\",\"payload\":{\"a\":[[[[[[[[[[[[[[[[[["
      400 field="payload" byte=131 payload must be nested at most 100 levels deep (byte 131)
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
      400 byte=199999 not an event: EOF while parsing a list (byte 199999)
    "{\"eventType\":\"a\",\"payload\":{},\"metadata\":null}"
      400 field="metadata" metadata must be an object, is null
    "{\"eventType\":\"a\",\"payload\":{},\"metadata\":[]}"
      400 field="metadata" metadata must be an object, is an array
    "{\"eventType\":\"a\",\"payload\":{},\"metadata\":{\"a\":\"\\u0"
      400 field="metadata" byte=47 metadata must not contain a NUL character (\u0000) (byte 47)
    "{\"eventType\":\"a\",\"payload\":{}} {}"
      400 byte=31 not an event: trailing characters (byte 31)
    "{\"eventType\":\"a\",\"payload\":{},\"eventType\":\"b\"}"
      400 field="eventType" byte=40 not an event: duplicate field `eventType` (byte 40)
    "{\"eventType\":\"a\",\"payload\":{},\"payload\":{}}"
      400 field="payload" byte=38 not an event: duplicate field `payload` (byte 38)
    "{\"eventType\":\"a\",\"payload\":{},\"colour\":\"red\"}"
      400 byte=37 not an event: unknown field `colour`, expected one of `eventType`, `payload`, `metadata`, `idempotencyKey` (byte 37)
    "{\"eventType\":\"�\",\"payload\":{}}"
      400 byte=14 an event must be UTF-8 (byte 14)
    "\u{feff}{\"eventType\":\"a\",\"payload\":{}}"
      400 byte=0 not an event: expected value (byte 0)
    "{\0\"\0e\0v\0e\0n\0t\0T\0y\0p\0e\0\"\0:\0\"\0a\0\"\0,\0\"\0p\0a\0y\0l\0o\0a\0d\0"
      400 byte=1 not an event: key must be a string (byte 1)
    "#);
    assert_eq!(service.rows().await, 0);
}

fn bodies() -> Vec<Vec<u8>> {
    vec![
        "".into(),
        " \n".into(),
        "hello".into(),
        r#"{"eventType":"a","payload":{}"#.into(),
        "[]".into(),
        r#""text""#.into(),
        "null".into(),
        "{}".into(),
        r#"{"payload":{}}"#.into(),
        typed(r#""""#).into(),
        typed(&format!(r#""{}""#, "é".repeat(101))).into(),
        typed("7").into(),
        typed("null").into(),
        typed(r#""a\u0000""#).into(),
        typed(r#""\udc00""#).into(),
        r#"{"eventType":"a"}"#.into(),
        carrying("null").into(),
        carrying("[]").into(),
        carrying(r#""text""#).into(),
        carrying(r#"{"\u0000":1}"#).into(),
        carrying(r#"{"a":[{"b":"x\u0000"}]}"#).into(),
        carrying("{\"a\":\"\0\"}").into(),
        carrying(r#"{"a":"\ud800"}"#).into(),
        carrying(r#"{"\ude00":1}"#).into(),
        carrying(r#"{"a":01}"#).into(),
        carrying(r#"{"a":NaN}"#).into(),
        nested(101).into(),
        nested(200_000).into(),
        "[".repeat(200_000).into(),
        described("null").into(),
        described("[]").into(),
        described(r#"{"a":"\u0000"}"#).into(),
        r#"{"eventType":"a","payload":{}} {}"#.into(),
        r#"{"eventType":"a","payload":{},"eventType":"b"}"#.into(),
        r#"{"eventType":"a","payload":{},"payload":{}}"#.into(),
        r#"{"eventType":"a","payload":{},"colour":"red"}"#.into(),
        b"{\"eventType\":\"\xff\",\"payload\":{}}".into(),
        b"\xef\xbb\xbf{\"eventType\":\"a\",\"payload\":{}}".into(),
        "{\"eventType\":\"a\",\"payload\":{}}".encode_utf16().flat_map(u16::to_le_bytes).collect(),
    ]
}

#[tokio::test]
async fn a_body_of_another_type_is_refused_unread() {
    let service = Service::start().await;
    let mut all = String::new();
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/problem+json"),
        Some("application/json; charset=iso-8859-1"),
        Some("application/json; charset=utf-16"),
    ] {
        let mut request = Request::post("/events");
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let answer = service.call(request.body(untouchable()).unwrap()).await;
        writeln!(all, "{}", told(&answer)).unwrap();
    }
    insta::assert_snapshot!(all, @r#"
    415 field="Content-Type" Content-Type must be application/json or application/cloudevents+json: it is missing
    415 field="Content-Type" Content-Type must be application/json or application/cloudevents+json: text/plain
    415 field="Content-Type" Content-Type must be application/json or application/cloudevents+json: application/x-www-form-urlencoded
    415 field="Content-Type" Content-Type must be application/json or application/cloudevents+json: application/problem+json
    415 field="Content-Type" the charset must be utf-8, not iso-8859-1
    415 field="Content-Type" the charset must be utf-8, not utf-16
    "#);
}

/// ASCII is part of UTF-8, and many clients write `utf8`.
#[tokio::test]
async fn names_of_utf_8_and_its_part_are_taken() {
    let service = Service::start().await;
    for charset in ["utf-8", "UTF-8", "utf8", "\"UTF8\"", "us-ascii", "US-ASCII"] {
        for (path, body) in [("/events", carrying("{}")), ("/events/batch", format!("[{}]", carrying("{}")))]
        {
            let content_type = format!("application/json; charset={charset}");
            let request = Request::post(path).header("content-type", content_type).body(Body::from(body));
            let answer = service.call(request.unwrap()).await;
            assert_eq!(answer.status, StatusCode::CREATED, "{path} {charset}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_told_the_limit() {
    let service = Service::start().await;
    let frame = carrying(r#"{"a":""}"#).len();
    let body = |bytes: usize| carrying(&format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - frame)));
    let chunks = |text: String| {
        let chunks: Vec<_> =
            text.as_bytes().chunks(60_000).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect();
        Body::from_stream(futures::stream::iter(chunks))
    };
    for too_large in [Body::from(body(MAX_BODY_BYTES + 1)), chunks(body(MAX_BODY_BYTES + 1))] {
        let problem = service.post(too_large).await.problem(StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(problem["limit"], MAX_BODY_BYTES);
        assert_eq!(problem["detail"], "the body is larger than the limit of 1048576 bytes");
    }
    assert_eq!(service.rows().await, 0);
    let whole = service.post(chunks(body(MAX_BODY_BYTES))).await;
    assert_eq!(whole.status, StatusCode::CREATED);
}

#[tokio::test]
async fn other_methods_and_paths_are_no_way_in() {
    let service = Service::start().await;
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        let request = Request::builder().method(method).uri("/events").body(untouchable());
        let answer = service.call(request.unwrap()).await;
        answer.problem(StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.header("allow"), "POST");
    }
    for path in ["/", "/event", "/events/", "/events/1", "/admin/events", "/push"] {
        let request = Request::post(path).body(untouchable()).unwrap();
        service.call(request).await.problem(StatusCode::NOT_FOUND);
    }
}
