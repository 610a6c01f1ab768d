use axum::Router;
use axum::http::{Request, StatusCode};
use service::Peer;
use service::testing::{call, untouchable};
use store::KeySettings;
use store::testing::database;

use crate::harness::{event, router_with_keys};
use crate::keys::{made, settings, with_key};

const EVENT: &str = r#"{"eventType":"a","payload":{}}"#;

async fn statuses(
    router: &Router,
    count: usize,
    request: impl Fn() -> Request<axum::body::Body>,
) -> Vec<u16> {
    let calls = (0..count).map(|_| call(router.clone(), request()));
    futures::future::join_all(calls).await.into_iter().map(|answer| answer.status.as_u16()).collect()
}

#[tokio::test]
async fn a_key_has_its_events_and_no_more() {
    let database = database().await;
    let router = router_with_keys(database.store.clone(), None).await;
    let (_, slow) = made(&database.store, KeySettings { rate_limit: Some(1), ..settings() }).await;
    let (_, free) = made(&database.store, settings()).await;
    let first = call(router.clone(), with_key(&slow, EVENT)).await;
    assert_eq!(first.status, StatusCode::CREATED);
    assert_eq!(first.header("ratelimit-policy"), r#""key";q=500;w=500"#);
    assert_eq!(first.header("ratelimit"), r#""key";r=499;t=1"#);
    let answers = statuses(&router, 510, || with_key(&slow, EVENT)).await;
    // Tokens that came back during this test may have let further requests in.
    assert!(answers.iter().filter(|status| **status == 201).count() >= 499, "{answers:?}");
    // On a slow machine some tokens have come back since.
    while call(router.clone(), with_key(&slow, EVENT)).await.status == StatusCode::CREATED {}
    let refused = call(router.clone(), with_key(&slow, untouchable())).await;
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.header("ratelimit"), r#""key";r=0;t=1"#);
    let problem = refused.problem(StatusCode::TOO_MANY_REQUESTS);
    assert_eq!((&problem["limit"], &problem["burst"]), (&1.into(), &500.into()));
    assert_eq!(call(router, with_key(&free, EVENT)).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn an_address_has_its_requests_whoever_it_says_it_is() {
    let database = database().await;
    let router = router_with_keys(database.store.clone(), Some(2)).await;
    let from = |address: &str, forwarded: &str| {
        let mut request = event(untouchable());
        let address = format!("{address}:1234").parse().unwrap();
        request.extensions_mut().insert(Peer { address, hops: 1 });
        request.headers_mut().insert("x-forwarded-for", forwarded.parse().unwrap());
        call(router.clone(), request)
    };
    // The client writes another address in front each time. The address that Google's front end appended stays.
    let mut answers = Vec::new();
    for n in 0..20 {
        answers.push(from("10.0.0.1", &format!("192.0.2.{n}, 203.0.113.7")).await);
    }
    assert_eq!(answers[0].status, StatusCode::UNAUTHORIZED);
    assert_eq!(answers[0].header("ratelimit-policy"), r#""address";q=2;w=1"#);
    let last = answers.pop().unwrap();
    assert_eq!(last.header("retry-after"), "1");
    assert_eq!(last.problem(StatusCode::TOO_MANY_REQUESTS)["limit"], 2);
    assert_eq!(from("10.0.0.1", "203.0.113.8").await.status, StatusCode::UNAUTHORIZED);
}

/// A client with one IPv6 address has 2^64 of them.
#[tokio::test]
async fn a_network_of_ipv6_is_one_address() {
    let database = database().await;
    let router = router_with_keys(database.store.clone(), Some(1)).await;
    let mut refused = 0;
    for n in 0..20 {
        let mut request = event(untouchable());
        let address = format!("[2001:db8::{n:x}]:1").parse().unwrap();
        request.extensions_mut().insert(Peer { address, hops: 0 });
        refused += u32::from(call(router.clone(), request).await.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(refused > 10, "{refused}");
}
