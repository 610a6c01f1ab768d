use axum::http::{Request, StatusCode};
use gcp::testing::claims;
use service::testing::untouchable;

use crate::harness::{AUDIENCE, SCHEDULER, Service};

#[tokio::test]
async fn nobody_but_the_scheduler_makes_it_flush() {
    let service = Service::start().await;
    service.event().await;
    let issuer = &service.issuer;
    let pusher = "pusher@eventflow-local.iam.gserviceaccount.com";
    let good = issuer.token(&claims(SCHEDULER, AUDIENCE));
    let elsewhere = issuer.token(&claims(SCHEDULER, "http://localhost:8081"));
    for (token, status, detail) in [
        (None, 401, "a bearer token is required"),
        (Some("garbage".to_owned()), 401, "the token is not valid"),
        (Some(format!("{good}x")), 401, "the token is not valid"),
        (Some(elsewhere), 401, "the token is not valid"),
        (Some(issuer.token(&claims(pusher, AUDIENCE))), 403, "may not call this"),
    ] {
        let mut request = Request::post("/flush");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let answer = service.call(request.body(untouchable()).unwrap()).await;
        let problem = answer.problem(StatusCode::from_u16(status).unwrap());
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{problem}");
        if status == 401 {
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
    assert_eq!(service.database.value::<i64>("SELECT count(*) FROM loads").await, 0);
}

#[tokio::test]
async fn other_methods_and_paths_are_no_way_in() {
    let service = Service::start().await;
    let answer = service.call(Request::get("/flush").body(untouchable()).unwrap()).await;
    answer.problem(StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.header("allow"), "POST");
    let answer = service.call(Request::post("/relay").body(untouchable()).unwrap()).await;
    answer.problem(StatusCode::NOT_FOUND);
}
