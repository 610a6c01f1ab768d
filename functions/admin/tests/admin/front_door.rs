use axum::http::{Method, Request, StatusCode};
use door::Door;
use service::testing::{call, untouchable};

use crate::harness::{absent, router};

const ROUTES: [(Method, &str); 22] = [
    (Method::GET, "/admin/events"),
    (Method::GET, "/admin/events/failed"),
    (Method::GET, "/admin/events/0199c0de-0000-7000-8000-000000000001"),
    (Method::POST, "/admin/events/0199c0de-0000-7000-8000-000000000001/replay"),
    (Method::GET, "/admin/rejects"),
    (Method::POST, "/admin/rejects/retry"),
    (Method::GET, "/admin/loads"),
    (Method::GET, "/admin/loads/1"),
    (Method::GET, "/admin/unreadable"),
    (Method::GET, "/admin/unreadable/1"),
    (Method::GET, "/admin/metrics"),
    (Method::GET, "/admin/keys"),
    (Method::POST, "/admin/keys"),
    (Method::GET, "/admin/keys/0123456789ab"),
    (Method::PATCH, "/admin/keys/0123456789ab"),
    (Method::DELETE, "/admin/keys/0123456789ab"),
    (Method::POST, "/admin/keys/0123456789ab/rotate"),
    (Method::GET, "/admin/event-types"),
    (Method::GET, "/admin/event-types/user.signup"),
    (Method::PUT, "/admin/event-types/user.signup"),
    (Method::DELETE, "/admin/event-types/user.signup"),
    (Method::GET, "/admin/audit"),
];

#[tokio::test]
async fn a_closed_door_shows_and_does_nothing() {
    let router = router(absent(), Door::closed("an identity is required")).await;
    for (method, path) in ROUTES {
        let request = Request::builder().method(method).uri(path).body(untouchable());
        let answer = call(router.clone(), request.unwrap()).await;
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        let problem = answer.problem(StatusCode::UNAUTHORIZED);
        assert_eq!(problem["detail"], "an identity is required");
    }
}

#[tokio::test]
async fn other_methods_and_paths_are_no_way_in() {
    let router = router(absent(), Door::open()).await;
    for (method, path) in ROUTES {
        let request = Request::trace(path).body(untouchable()).unwrap();
        let answer = call(router.clone(), request).await;
        answer.problem(StatusCode::METHOD_NOT_ALLOWED);
        assert!(answer.header("allow").contains(method.as_str()), "{answer:?}");
    }
    for path in ["/admin", "/admin/events/", "/admin/nothing", "/events"] {
        let request = Request::get(path).body(untouchable()).unwrap();
        call(router.clone(), request).await.problem(StatusCode::NOT_FOUND);
    }
}
