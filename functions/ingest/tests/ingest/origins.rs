use axum::body::Body;
use axum::http::{Request, StatusCode};
use door::Door;
use ingest::Origins;
use service::testing::{Answer, call, untouchable};

use crate::harness::{absent, router};

const OURS: &str = "https://app.example";

/// Sends a request to a service whose database is unavailable and whose door is closed.
async fn ask(origins: &str, method: &str, origin: &str, preflight: bool) -> Answer {
    let router = router(absent(std::time::Duration::from_mins(1)), Door::closed("a key is required")).await;
    let mut request = Request::builder().method(method).uri("/events").header("origin", origin);
    if preflight {
        request = request.header("access-control-request-method", "POST");
    }
    call(origins.parse::<Origins>().unwrap().around(router), request.body(untouchable()).unwrap()).await
}

#[tokio::test]
async fn a_preflight_comes_before_the_door() {
    let answer = ask(OURS, "OPTIONS", OURS, true).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.header("access-control-allow-origin"), OURS);
    assert_eq!(answer.header("access-control-allow-methods"), "POST");
    assert_eq!(answer.header("access-control-allow-headers"), "authorization, *");
    assert_eq!(answer.header("access-control-max-age"), "7200");
    assert_eq!(answer.header("vary"), "origin");
    assert!(!answer.headers.contains_key("access-control-allow-credentials"));
}

#[tokio::test]
async fn a_page_may_read_its_refusal() {
    let answer = ask(OURS, "POST", OURS, false).await;
    answer.problem(StatusCode::UNAUTHORIZED);
    assert_eq!(answer.header("access-control-allow-origin"), OURS);
    assert_eq!(answer.header("access-control-expose-headers"), "*");
    assert_eq!(answer.header("vary"), "origin");
}

#[tokio::test]
async fn other_origins_and_all_where_none_is_named_get_nothing() {
    for (origins, origin) in [(OURS, "https://app.example.evil.example"), (OURS, "null"), ("", OURS)] {
        for preflight in [true, false] {
            let method = if preflight { "OPTIONS" } else { "POST" };
            let answer = ask(origins, method, origin, preflight).await;
            let told = answer.headers.keys().any(|name| name.as_str().starts_with("access-control-"));
            assert!(!told, "{answer:?}");
            assert_eq!(answer.headers.contains_key("vary"), !origins.is_empty(), "{answer:?}");
        }
    }
}

/// An OPTIONS request that is no preflight carries no key, and gets no further than the door.
#[tokio::test]
async fn options_without_a_preflight_name_the_methods() {
    let answer = ask(OURS, "OPTIONS", OURS, false).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.header("allow"), "POST");
    let router = router(absent(std::time::Duration::from_mins(1)), Door::closed("a key is required")).await;
    let request = Request::options("/nowhere").body(Body::empty()).unwrap();
    call(router, request).await.problem(StatusCode::NOT_FOUND);
}
