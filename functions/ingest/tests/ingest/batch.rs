use std::fmt::Write;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use door::Door;
use futures::future::join_all;
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use service::testing::{Answer, call, untouchable};
use tokio::sync::oneshot;

use crate::harness::{MAX_BODY_BYTES, Service, absent, event, limits, publisher, router, router_with};

const MAX_BYTES: usize = 10 * 1024 * 1024;

pub(crate) fn batch(content_type: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post("/events/batch").header("content-type", content_type).body(body.into()).unwrap()
}

async fn array(service: &Service, body: impl Into<Body>) -> Answer {
    service.call(batch("application/json", body)).await
}

async fn lines(service: &Service, body: impl Into<Body>) -> Answer {
    service.call(batch("application/x-ndjson", body)).await
}

fn numbered(n: usize) -> String {
    format!(r#"{{"eventType":"a","payload":{{"n":{n}}}}}"#)
}

fn many(n: usize, between: &str) -> String {
    (0..n).map(numbered).collect::<Vec<_>>().join(between)
}

/// The result of each event, in the order of the batch. An ID is "new" unless it is one of the earlier IDs.
fn told(answer: &Answer) -> String {
    let json = answer.json();
    let mut ids: Vec<&str> = Vec::new();
    let mut text =
        format!("{} accepted {} rejected {}", answer.status.as_u16(), json["accepted"], json["rejected"]);
    for (n, result) in json["results"].as_array().unwrap().iter().enumerate() {
        assert_eq!(result["index"], n);
        let end = match (result["eventId"].as_str(), &result["problem"]) {
            (Some(id), Value::Null) => {
                let before = ids.iter().position(|before| *before == id);
                ids.push(id);
                before.map_or("new".into(), |before| format!("as the {before}th"))
            }
            (None, problem) => {
                assert_eq!(
                    (&problem["status"], &problem["type"]),
                    (&result["status"], &"about:blank".into())
                );
                assert_eq!(problem["requestId"], answer.header("x-request-id"));
                let byte = problem["byte"].as_u64().map(|byte| format!(" byte={byte}")).unwrap_or_default();
                format!("{}{byte} {}", problem["field"], problem["detail"].as_str().unwrap())
            }
            both => panic!("{both:?}"),
        };
        write!(text, "\n{} {end}", result["status"]).unwrap();
    }
    text
}

#[tokio::test]
async fn each_event_answers_for_itself() {
    let service = Service::start().await;
    let body = r#"[ {"eventType":"a","payload":{"n":0}}, {"eventType":"","payload":{}}, 7,
      {"eventType":"a","payload":[]},{"eventType":"a","payload":{"k":"\u0000"}} ,
      {"eventType":"a","payload":{},"colour":1}, {"eventType":"a","payload":{"n":1},"metadata":{}}]"#;
    let wrapped = format!(r#"{{"events":{body}}}"#);
    let answer = array(&service, body).await;
    insta::assert_snapshot!(told(&answer), @r#"
    207 accepted 2 rejected 5
    201 new
    400 "eventType" eventType must not be empty
    400 null byte=70 an event must be a JSON object (byte 70)
    400 "payload" payload must be an object, is an array
    400 "payload" byte=143 payload must not contain a NUL character (\u0000) (byte 143)
    400 null byte=198 not an event: unknown field `colour`, expected one of `eventType`, `payload`, `metadata`, `idempotencyKey` (byte 198)
    201 new
    "#);
    // The positions are larger by the length of the wrapper.
    insta::assert_snapshot!(told(&array(&service, wrapped).await), @r#"
    207 accepted 2 rejected 5
    201 new
    400 "eventType" eventType must not be empty
    400 null byte=80 an event must be a JSON object (byte 80)
    400 "payload" payload must be an object, is an array
    400 "payload" byte=153 payload must not contain a NUL character (\u0000) (byte 153)
    400 null byte=208 not an event: unknown field `colour`, expected one of `eventType`, `payload`, `metadata`, `idempotencyKey` (byte 208)
    201 new
    "#);
    assert_eq!(service.rows().await, 8);
    let id = answer.json()["results"][6]["eventId"].as_str().unwrap().parse().unwrap();
    let record = service.database.store.record(id).await.unwrap().unwrap();
    assert_eq!((record.payload.get(), record.metadata.unwrap().get()), (r#"{"n":1}"#, "{}"));
}

#[tokio::test]
async fn lines_are_read_each_by_itself() {
    let service = Service::start().await;
    let body = b"{\"eventType\":\"a\",\"payload\":{}}\r\n\n  \n {\"eventType\":\"a\",\"payload\":7} \n\
        {\"eventType\":\"a\n{\"eventType\":\"\xff\",\"payload\":{}}\n{\"eventType\":\"b\",\"payload\":{}}";
    let whole = lines(&service, &body[..]).await;
    insta::assert_snapshot!(told(&whole), @r#"
    207 accepted 2 rejected 3
    201 new
    400 "payload" payload must be an object, is a number
    400 null byte=82 not an event: EOF while parsing a string (byte 82)
    400 null byte=98 an event must be UTF-8 (byte 98)
    201 new
    "#);
    // The result does not depend on how the body is cut into chunks.
    for size in [1, 7, 40] {
        let pieces = body.chunks(size).map(|piece| Ok::<_, std::io::Error>(piece.to_vec()));
        let pieces = Body::from_stream(futures::stream::iter(pieces.collect::<Vec<_>>()));
        assert_eq!(told(&lines(&service, pieces).await), told(&whole));
    }
}

#[tokio::test]
async fn a_batch_is_one_statement() {
    let service = Service::start().await;
    let answer = array(&service, format!("[{}]", many(500, ","))).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.json()["accepted"], 500);
    let stored = "SELECT count(DISTINCT xid) = 1 AND count(*) = 500 FROM events";
    assert!(service.database.value::<bool>(stored).await);
    // Behind other events the batch is still one statement, because a statement takes no more.
    let others = join_all((0..30).map(|n| service.post(numbered(n))));
    let whole = lines(&service, many(500, "\n"));
    let (others, whole) = futures::join!(others, whole);
    assert!(others.iter().all(|answer| answer.status == StatusCode::CREATED));
    assert_eq!(whole.json()["accepted"], 500);
    let statements =
        "SELECT count(*) FROM (SELECT FROM events GROUP BY xid HAVING count(*) = 500) AS statements";
    assert_eq!(service.database.value::<i64>(statements).await, 2);
}

#[tokio::test]
async fn what_is_no_batch_is_told_as_one_problem() {
    let service = Service::start().await;
    let mut all = String::new();
    for (content_type, body) in [
        ("application/json", ""),
        ("application/json", "hello"),
        ("application/json", "[]"),
        ("application/json", r#"{"events":[]}"#),
        ("application/json", r#"[{"eventType":"a","payload":{}}"#),
        ("application/json", r#"[{"eventType":"a","payload":{}},]"#),
        ("application/json", r#"[{"eventType":"a","payload":{}}] 1"#),
        ("application/json", r#"{"eventType":"a","payload":{}}"#),
        ("application/json", r#"{"events":{}}"#),
        ("application/json", "{}"),
        ("application/json", r#"{"events":[],"events":[]}"#),
        ("application/json", r#"{"events":[],"ev\u0065nts":[]}"#),
        ("application/json", r#"{"events":[],"more":true}"#),
        ("application/json", "7"),
        ("application/x-ndjson", ""),
        ("application/x-ndjson", "\n \r\n"),
    ] {
        let problem = service.call(batch(content_type, body)).await.problem(StatusCode::BAD_REQUEST);
        writeln!(all, "{body:?}\n  {} {}", problem["byte"], problem["detail"].as_str().unwrap()).unwrap();
    }
    insta::assert_snapshot!(all, @r#"
    ""
      0 the body must be a JSON array of events, or {"events":[…]} (byte 0)
    "hello"
      0 the body must be a JSON array of events, or {"events":[…]} (byte 0)
    "[]"
      0 the batch is empty; it must have an event (byte 0)
    "{\"events\":[]}"
      0 the batch is empty; it must have an event (byte 0)
    "[{\"eventType\":\"a\",\"payload\":{}}"
      30 the body is not a batch: EOF while parsing a list (byte 30)
    "[{\"eventType\":\"a\",\"payload\":{}},]"
      32 the body is not a batch: trailing comma (byte 32)
    "[{\"eventType\":\"a\",\"payload\":{}}] 1"
      33 the body is not a batch: trailing characters (byte 33)
    "{\"eventType\":\"a\",\"payload\":{}}"
      11 the body is not a batch: eventType is not known here; there is events (byte 11)
    "{\"events\":{}}"
      9 the body is not a batch: events must be an array (byte 9)
    "{}"
      1 the body is not a batch: events is required (byte 1)
    "{\"events\":[],\"events\":[]}"
      24 the body is not a batch: events is given more than once (byte 24)
    "{\"events\":[],\"ev\\u0065nts\":[]}"
      29 the body is not a batch: events is given more than once (byte 29)
    "{\"events\":[],\"more\":true}"
      18 the body is not a batch: more is not known here; there is events (byte 18)
    "7"
      0 the body must be a JSON array of events, or {"events":[…]} (byte 0)
    ""
      0 the batch is empty; it must have an event (byte 0)
    "\n \r\n"
      0 the batch is empty; it must have an event (byte 0)
    "#);
    let not_utf_8 = array(&service, &b"[\"\xff\"]"[..]).await.problem(StatusCode::BAD_REQUEST);
    assert_eq!(not_utf_8["byte"], 2);
    for content_type in ["text/plain", "application/json; charset=utf-16", "application/xml", ""] {
        let answer = service.call(batch(content_type, untouchable())).await;
        assert_eq!(answer.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE)["field"], "Content-Type");
    }
    assert_eq!(service.rows().await, 0);
}

#[tokio::test]
async fn each_limit_is_named() {
    let service = Service::start().await;
    // A batch of 501 events stores none of them.
    for answer in
        [array(&service, format!("[{}]", many(501, ","))).await, lines(&service, many(501, "\n")).await]
    {
        let problem = answer.problem(StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(problem["limit"], 500);
        assert_eq!(problem["detail"], "the batch is larger than the limit of 500 events");
    }
    for answer in [
        array(&service, " ".repeat(MAX_BYTES + 1)).await,
        lines(&service, "\n".repeat(MAX_BYTES + 1)).await,
        lines(&service, Body::from_stream(endless(r"{}"))).await,
    ] {
        let problem = answer.problem(StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(problem["limit"], MAX_BYTES);
    }
    assert_eq!(service.rows().await, 0);
    // An event in a batch has the same size limit as a single event, and a larger one does not affect the others.
    let frame = r#"{"eventType":"a","payload":{"x":""}}"#.len();
    let padded =
        |size: usize| format!(r#"{{"eventType":"a","payload":{{"x":"{}"}}}}"#, "x".repeat(size - frame));
    let (fits, large) = (padded(MAX_BODY_BYTES), padded(MAX_BODY_BYTES + 1));
    for answer in [
        array(&service, format!("[{large},\n{fits}]")).await,
        lines(&service, format!("{large}\r\n{fits}\r\n")).await,
    ] {
        assert_eq!(
            told(&answer),
            "207 accepted 1 rejected 1\n413 null the event is larger than the limit of 1048576 bytes\n201 new"
        );
        assert_eq!(answer.json()["results"][0]["problem"]["limit"], MAX_BODY_BYTES);
    }
}

fn endless(line: &'static str) -> impl futures::Stream<Item = std::io::Result<String>> {
    futures::stream::repeat_with(move || Ok(line.repeat(10_000)))
}

#[tokio::test]
async fn each_event_has_a_key_of_its_own() {
    let service = Service::start().await;
    let keyed = |key: &str, n: usize| {
        format!(r#"{{"eventType":"a","payload":{{"n":{n}}},"idempotencyKey":"{key}"}}"#)
    };
    let body = format!(
        "[{},{},{},{},{},{}]",
        keyed("k", 1),
        keyed("k", 1),
        keyed("k", 2),
        keyed("", 1),
        r#"{"eventType":"a","payload":{},"idempotencyKey":7}"#,
        keyed("l", 1)
    );
    let first = array(&service, body.clone()).await;
    insta::assert_snapshot!(told(&first), @r#"
    207 accepted 3 rejected 3
    201 new
    201 as the 0th
    422 "Idempotency-Key" Idempotency-Key came with another body before: a new request needs a new key
    400 "idempotencyKey" idempotencyKey must not be empty
    400 "idempotencyKey" idempotencyKey must be a string, is a number
    201 new
    "#);
    let again = array(&service, body).await;
    assert_eq!(ids(&again), ids(&first));
    // The bytes of the event are compared, in whatever form it is sent.
    let lined = lines(&service, format!("  {} \r\n", keyed("k", 1))).await;
    assert_eq!(ids(&lined), ids(&first)[..1]);
    let alone = service.post(keyed("k", 1)).await;
    assert_eq!(alone.json()["eventId"], first.json()["results"][0]["eventId"]);
    assert_eq!(service.rows().await, 4);

    let mut headed = batch("application/json", untouchable());
    headed.headers_mut().insert("idempotency-key", "k".parse().unwrap());
    let problem = service.call(headed).await.problem(StatusCode::BAD_REQUEST);
    assert_eq!(problem["field"], "Idempotency-Key");
    let wanted =
        "Idempotency-Key is for one event: in a batch each has its own, as the member idempotencyKey";
    assert_eq!(problem["detail"], wanted);
}

fn ids(answer: &Answer) -> Vec<Value> {
    answer.json()["results"].as_array().unwrap().iter().map(|result| result["eventId"].clone()).collect()
}

#[tokio::test]
async fn a_single_event_may_have_its_key_as_a_member_too() {
    let service = Service::start().await;
    let keyed = r#"{"eventType":"a","payload":{},"idempotencyKey":"k"}"#;
    let first = service.post(keyed).await.json();
    assert_eq!(service.post(keyed).await.json(), first);
    let with = |header: &'static str| {
        let mut request = event(keyed);
        request.headers_mut().insert("idempotency-key", header.parse().unwrap());
        service.call(request)
    };
    assert_eq!(with("\"k\"").await.json(), first);
    let problem = with("other").await.problem(StatusCode::BAD_REQUEST);
    assert_eq!(problem["field"], "idempotencyKey");
    assert_eq!(service.rows().await, 2);
}

/// The other events of the batch are stored, and so are the events of other requests in the same statement.
#[tokio::test]
async fn one_that_the_database_refuses_hurts_no_other() {
    let service = Service::start().await;
    service.database.sql("ALTER TABLE events ADD CHECK (event_type <> 'poison') NOT VALID").await;
    let poison = r#"{"eventType":"poison","payload":{}}"#;
    let answer = array(&service, format!("[{},{poison},{}]", many(20, ","), many(20, ","))).await;
    assert_eq!(answer.status, StatusCode::MULTI_STATUS);
    assert_eq!(answer.json()["accepted"], 40);
    assert_eq!(answer.json()["results"][20]["status"], 422);
}

#[tokio::test]
async fn without_a_database_all_of_it_is_to_come_again() {
    let router = router(absent(Duration::from_millis(200)), Door::open()).await;
    let answer = post(&router, &format!("[{}]", many(2, ","))).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), "1");
    let told_once = "\n503 null the database is not available".repeat(2);
    assert_eq!(told(&answer), format!("503 accepted 0 rejected 2{told_once}"));
    // If one event is itself invalid, the others may still be accepted the next time.
    let mixed = post(&router, &format!("[7,{}]", numbered(1))).await;
    assert_eq!((mixed.status, mixed.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
    let at_fault = post(&router, "[7,{}]").await;
    assert_eq!(at_fault.status, StatusCode::BAD_REQUEST);
    assert!(!at_fault.headers.contains_key("retry-after"));
}

async fn post(router: &Router, body: &str) -> Answer {
    call(router.clone(), batch("application/json", body.to_owned())).await
}

#[tokio::test]
async fn a_batch_waits_whole_or_not_at_all() {
    let router = router(absent(Duration::from_millis(50)), Door::open()).await;
    let body = format!("[{}]", many(300, ","));
    let answers = join_all((0..7).map(|_| post(&router, &body))).await;
    let details = answers.iter().map(|answer| {
        let json = answer.json();
        let details: Vec<_> =
            json["results"].as_array().unwrap().iter().map(|r| &r["problem"]["detail"]).collect();
        assert!(details.windows(2).all(|two| two[0] == two[1]));
        details[0].clone()
    });
    // Six batches have 1,800 of the 2,000 places.
    let full = json!("too many events wait to be written");
    assert_eq!(details.filter(|detail| *detail == full).count(), 1);
}

#[tokio::test]
async fn no_batch_waits_beyond_its_limit() {
    let limits = crate::harness::Limits { answer_deadline: Duration::from_millis(50), ..limits() };
    let store = absent(Duration::from_mins(1));
    let router = router_with(store, Door::open(), publisher().await, limits);
    let answer = post(&router, &format!("[{}]", many(3, ","))).await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
    assert_eq!(answer.json()["rejected"], 3);
    let detail = answer.json()["results"][2]["problem"]["detail"].to_string();
    assert!(detail.contains("was not stored within 50ms"), "{detail}");
}

/// A body of which ten megabytes have arrived, and more is to come.
fn unended(read: oneshot::Sender<()>) -> Body {
    let mut read = Some(read);
    let megabytes = (0..10).map(|_| Ok::<_, std::io::Error>(" ".repeat(1 << 20)));
    let rest = stream::poll_fn(move |_| {
        read.take().map(|read| read.send(()));
        Poll::Pending
    });
    Body::from_stream(stream::iter(megabytes).chain(rest))
}

#[tokio::test]
async fn batches_hold_no_more_than_there_is_room_for_while_they_are_read() {
    let limits = crate::harness::Limits { memory_bytes: 64 << 20, ..limits() };
    let store = absent(Duration::from_millis(50));
    let router = router_with(store, Door::open(), publisher().await, limits);
    let mut slow = Vec::new();
    for _ in 0..6 {
        let (read, is_read) = oneshot::channel();
        slow.push(tokio::spawn(call(router.clone(), batch("application/json", unended(read)))));
        is_read.await.unwrap();
    }
    // Sixty of the 64 megabytes are in use.
    let answer = post(&router, &format!("[{}{}]", numbered(1), " ".repeat(5 << 20))).await;
    assert_eq!(answer.header("retry-after"), "1");
    let problem = answer.problem(StatusCode::SERVICE_UNAVAILABLE);
    let full = "the requests that are under way hold too much memory: all together may hold 67108864 bytes";
    assert_eq!(problem["detail"], full);
    assert_eq!(problem["limit"], 64 << 20);
    let alone = call(router.clone(), event(numbered(1))).await.problem(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(alone["detail"], "the database is not available");
    for task in slow {
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }
    let after = post(&router, &format!("[{}{}]", numbered(1), " ".repeat(5 << 20))).await;
    assert_eq!(after.json()["rejected"], 1, "it was read");
}
