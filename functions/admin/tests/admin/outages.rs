use axum::body::Body;
use axum::http::{Request, StatusCode};
use door::Door;
use service::testing::call;

use crate::harness::{absent, router};

#[tokio::test]
async fn without_a_database_an_operator_is_told_to_come_back() {
    let router = router(absent(), Door::open()).await;
    let id = "0199c0de-0000-7000-8000-000000000001";
    for request in [
        Request::get("/admin/events"),
        Request::get("/admin/events/failed"),
        Request::get(format!("/admin/events/{id}")),
        Request::post(format!("/admin/events/{id}/replay")),
        Request::get("/admin/loads"),
        Request::get("/admin/loads/1"),
        Request::get("/admin/unreadable"),
        Request::get("/admin/unreadable/1"),
        Request::get("/admin/metrics"),
    ] {
        let answer = call(router.clone(), request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.header("retry-after"), "1");
        let problem = answer.problem(StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(problem["detail"], "the database is not available");
    }
}
