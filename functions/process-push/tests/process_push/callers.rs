use axum::http::{Request, StatusCode};
use gcp::testing::claims;
use serde_json::Value;
use service::testing::untouchable;

use crate::harness::{AUDIENCE, PUSHER, SCHEDULER, Service};

const ROUTES: [(&str, &str, &str); 4] = [
    ("/push", PUSHER, SCHEDULER),
    ("/dead-letter", PUSHER, SCHEDULER),
    ("/relay", SCHEDULER, PUSHER),
    ("/maintain", SCHEDULER, PUSHER),
];

#[tokio::test]
async fn nobody_else_gets_a_byte_of_a_body_read() {
    let service = Service::start().await;
    for (path, account, other) in ROUTES {
        let elsewhere = service.issuer.token(&claims(account, "http://elsewhere"));
        let other = service.issuer.token(&claims(other, AUDIENCE));
        let unverified = service.issuer.token(&unverified(account));
        let good = service.issuer.token(&claims(account, AUDIENCE));
        for (token, status, detail) in [
            (None, 401, "a bearer token is required"),
            (Some("garbage".to_owned()), 401, "the token is not valid"),
            (Some(format!("{good}x")), 401, "the token is not valid"),
            (Some(elsewhere), 401, "the token is not valid"),
            (Some(unverified), 401, "its e-mail address is not verified"),
            (Some(other), 403, "may not call this"),
        ] {
            let mut request = Request::post(path);
            if let Some(token) = token {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            let answer = service.call(request.body(untouchable()).unwrap()).await;
            let problem = answer.problem(StatusCode::from_u16(status).unwrap());
            assert!(problem["detail"].as_str().unwrap().contains(detail), "{path}: {problem}");
            if status == 401 {
                assert_eq!(answer.header("www-authenticate"), "Bearer");
            }
        }
    }
}

fn unverified(account: &str) -> Value {
    let mut claims = claims(account, AUDIENCE);
    claims["email_verified"] = false.into();
    claims
}

#[tokio::test]
async fn each_route_lets_its_caller_in() {
    let service = Service::start().await;
    for (path, account, _) in ROUTES {
        let answer = service.call_as(account, path, "").await;
        assert!(answer.status.is_success(), "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn other_methods_and_paths_are_no_way_in() {
    let service = Service::start().await;
    for (path, ..) in ROUTES {
        let answer = service.call(Request::get(path).body(untouchable()).unwrap()).await;
        answer.problem(StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.header("allow"), "POST");
    }
    let answer = service.call(Request::post("/events").body(untouchable()).unwrap()).await;
    answer.problem(StatusCode::NOT_FOUND);
}
