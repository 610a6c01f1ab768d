use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use door::Door;
use gcp::testing::{Issuer, claims};
use service::testing::{call, untouchable};

use crate::harness::{absent, event, router};

const AUDIENCE: &str = "https://ingest.example";

#[tokio::test]
async fn a_closed_door_refuses_before_the_body_is_read_or_anything_looked_up() {
    let router = router(absent(Duration::from_mins(1)), Door::closed("a key is required")).await;
    let answer = call(router, event(untouchable())).await;
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    assert_eq!(answer.problem(StatusCode::UNAUTHORIZED)["detail"], "a key is required");
}

#[tokio::test]
async fn a_google_identity_opens_it_and_nothing_else_does() {
    let issuer = Issuer::start().await;
    let door = Door::google(issuer.identity(AUDIENCE), vec!["app@example.com".into()]);
    let router = router(absent(Duration::from_millis(50)), door).await;
    let with = |email, audience| {
        let mut request = event(Body::from(r#"{"eventType":"a","payload":{}}"#));
        let token = format!("Bearer {}", issuer.token(&claims(email, audience)));
        request.headers_mut().insert("authorization", token.parse().unwrap());
        call(router.clone(), request)
    };
    // The request gets as far as the database, which is unavailable.
    with("app@example.com", AUDIENCE).await.problem(StatusCode::SERVICE_UNAVAILABLE);
    with("eve@example.com", AUDIENCE).await.problem(StatusCode::FORBIDDEN);
    with("app@example.com", "https://elsewhere.example").await.problem(StatusCode::UNAUTHORIZED);
}
