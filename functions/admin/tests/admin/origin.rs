use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use door::Door;
use service::testing::{Answer, call, untouchable};

use crate::harness::{absent, router};

const HOST: (&str, &str) = ("host", "admin.example:8082");

async fn ask(method: Method, headers: &[(&str, &str)], body: Body) -> Answer {
    let router = router(absent(), Door::open()).await;
    let request = Request::builder().method(method).uri("/admin/keys/0123456789ab");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    call(router, request.body(body).unwrap()).await
}

#[tokio::test]
async fn a_page_of_another_origin_changes_nothing() {
    for headers in [
        &[HOST, ("sec-fetch-site", "cross-site")][..],
        &[HOST, ("sec-fetch-site", "same-site")],
        &[HOST, ("sec-fetch-site", "")],
        &[HOST, ("origin", "https://evil.example")],
        &[HOST, ("origin", "https://admin.example")],
        &[HOST, ("origin", "https://admin.example:8082.evil.example")],
        &[HOST, ("origin", "null")],
        &[HOST, ("origin", "")],
        &[("origin", "https://admin.example:8082")],
        &[HOST, ("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")],
        &[HOST, ("sec-fetch-site", "cross-site"), ("origin", "https://admin.example:8082")],
        &[HOST, ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
    ] {
        for method in [Method::DELETE, Method::PATCH] {
            let problem = ask(method, headers, untouchable()).await.problem(StatusCode::FORBIDDEN);
            assert_eq!(
                problem["detail"], "a change may not be asked for by a page of another origin",
                "{headers:?}"
            );
        }
    }
}

/// The database is unavailable, so a request that is let through fails there.
#[tokio::test]
async fn our_own_pages_and_what_is_no_browser_may() {
    for headers in [
        &[][..],
        &[HOST],
        &[HOST, ("sec-fetch-site", "same-origin"), ("origin", "http://admin.example:8082")],
        &[HOST, ("sec-fetch-site", "none")],
        &[HOST, ("origin", "https://ADMIN.example:8082")],
        &[("host", "admin.example"), ("origin", "https://admin.example")],
    ] {
        let answer = ask(Method::DELETE, headers, Body::empty()).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{headers:?} {answer:?}");
    }
}

#[tokio::test]
async fn looking_is_not_changing() {
    let foreign = [HOST, ("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
    let answer = ask(Method::GET, &foreign, Body::empty()).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
}
