use std::time::{Duration, Instant};

use axum::http::StatusCode;
use door::Door;
use futures::future::join_all;
use service::testing::call;

use crate::harness::{Service, absent, event, router};

const EVENT: &str = r#"{"eventType":"a","payload":{}}"#;

#[tokio::test]
async fn without_a_database_the_client_is_told_to_come_back() {
    let router = router(absent(Duration::from_millis(200)), Door::open()).await;
    let start = Instant::now();
    let answer = call(router, event(EVENT)).await;
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(answer.header("retry-after"), "1");
    insta::assert_json_snapshot!(answer.problem(StatusCode::SERVICE_UNAVAILABLE), @r#"
    {
      "detail": "the database is not available",
      "status": 503,
      "title": "Service Unavailable",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn more_than_can_wait_are_told_to_come_back() {
    let router = router(absent(Duration::from_millis(50)), Door::open()).await;
    let answers = join_all((0..2_100).map(|_| call(router.clone(), event(EVENT)))).await;
    let mut told_at_once = 0;
    for answer in answers {
        assert_eq!(answer.header("retry-after"), "1");
        let problem = answer.problem(StatusCode::SERVICE_UNAVAILABLE);
        told_at_once += usize::from(problem["detail"] == "too many events wait to be written");
    }
    assert_eq!(told_at_once, 100);
}

/// The publisher of these tests has nobody to talk to.
#[tokio::test]
async fn without_pub_sub_an_event_is_stored_and_due() {
    let service = Service::start().await;
    let start = Instant::now();
    let answer = service.post(EVENT).await;
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(answer.status, StatusCode::CREATED);
    let question = "SELECT status = 'PENDING' AND attempt = 0
                       AND due_at BETWEEN now() AND now() + interval '20 seconds' FROM live";
    assert!(service.database.value::<bool>(question).await);
}
