use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode};
use futures::future::join_all;
use service::testing::Answer;

use crate::harness::{Service, event};

const EVENT: &str = r#"{"eventType":"a","payload":{}}"#;

fn keyed(key: impl TryInto<HeaderValue, Error: std::fmt::Debug>, body: &'static str) -> Request<Body> {
    let mut request = event(body);
    request.headers_mut().insert("idempotency-key", key.try_into().unwrap());
    request
}

fn id(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer.json()["eventId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_same_key_and_body_get_the_first_answer_again() {
    let service = Service::start().await;
    let first = service.call(keyed("8e03978e-40d5-43dd-bc93-6894a57f9324", EVENT)).await;
    // The quoted form of the draft is the same key.
    for key in ["8e03978e-40d5-43dd-bc93-6894a57f9324", r#""8e03978e-40d5-43dd-bc93-6894a57f9324""#] {
        let again = service.call(keyed(key, EVENT)).await;
        assert_eq!((id(&again), again.json()), (id(&first), first.json()));
    }
    assert_eq!(service.rows().await, 2);
    assert_ne!(id(&service.call(keyed("another", EVENT)).await), id(&first));
}

#[tokio::test]
async fn a_key_with_another_body_is_refused() {
    let service = Service::start().await;
    service.call(keyed("k", EVENT)).await;
    // Bodies are compared byte for byte, so one more space makes another body.
    let other = service.call(keyed("k", r#"{"eventType":"a","payload":{} }"#)).await;
    insta::assert_json_snapshot!(other.problem(StatusCode::UNPROCESSABLE_ENTITY), @r#"
    {
      "detail": "Idempotency-Key came with another body before: a new request needs a new key",
      "field": "Idempotency-Key",
      "status": 422,
      "title": "Unprocessable Entity",
      "type": "about:blank"
    }
    "#);
    assert_eq!(service.rows().await, 2);
}

#[tokio::test]
async fn a_refused_request_uses_no_key_up() {
    let service = Service::start().await;
    service.call(keyed("k", r#"{"eventType":""}"#)).await.problem(StatusCode::BAD_REQUEST);
    id(&service.call(keyed("k", EVENT)).await);
}

#[tokio::test]
async fn requests_at_once_with_one_key_are_one_event() {
    let service = Service::start().await;
    let answers = join_all((0..100).map(|_| service.call(keyed("k", EVENT)))).await;
    let first = id(&answers[0]);
    assert!(answers.iter().all(|answer| id(answer) == first));
    assert_eq!(service.rows().await, 2);
}

#[tokio::test]
async fn a_malformed_key_is_told() {
    let service = Service::start().await;
    let longest = "k".repeat(255);
    id(&service.call(keyed(&*longest, EVENT)).await);
    id(&service.call(keyed(&*format!("\"{longest}\""), EVENT)).await);
    let visible = "Idempotency-Key must be visible ASCII characters, bare or as one quoted string";
    for (key, told) in [
        ("", "Idempotency-Key must not be empty"),
        (r#""""#, "Idempotency-Key must not be empty"),
        (&*"k".repeat(256), "Idempotency-Key must not be longer than 255 characters"),
        ("a b", visible),
        ("a, b", visible),
        ("é", visible),
        (r#""a"#, visible),
        (r#"""#, visible),
        (r#""a";b=1"#, visible),
    ] {
        let problem = service.call(keyed(key, EVENT)).await.problem(StatusCode::BAD_REQUEST);
        assert_eq!((problem["detail"].as_str(), &problem["field"]), (Some(told), &"Idempotency-Key".into()));
    }
    let mut twice = keyed("a", EVENT);
    twice.headers_mut().append("idempotency-key", HeaderValue::from_static("a"));
    let problem = service.call(twice).await.problem(StatusCode::BAD_REQUEST);
    assert_eq!(problem["detail"], "Idempotency-Key must be given once");
    assert_eq!(service.rows().await, 2);
}
