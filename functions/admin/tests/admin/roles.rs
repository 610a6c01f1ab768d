use admin::Role::{Operator, Owner, Viewer};
use admin::{Role, Roles};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use door::Door;
use gcp::testing::{Issuer, claims};
use service::Env;
use service::testing::Answer;

use crate::harness::Service;

const AUDIENCE: &str = "http://localhost:8082";
const EVENT: &str = "/admin/events/0199c0de-0000-7000-8000-000000000001";

const ROUTES: [(Method, &str, Role); 22] = [
    (Method::GET, "/admin/events", Viewer),
    (Method::GET, "/admin/events/failed", Viewer),
    (Method::GET, EVENT, Viewer),
    (Method::GET, "/admin/rejects", Viewer),
    (Method::GET, "/admin/loads", Viewer),
    (Method::GET, "/admin/loads/1", Viewer),
    (Method::GET, "/admin/unreadable", Viewer),
    (Method::GET, "/admin/unreadable/1", Viewer),
    (Method::GET, "/admin/metrics", Viewer),
    (Method::POST, "/admin/events/0199c0de-0000-7000-8000-000000000001/replay", Operator),
    (Method::POST, "/admin/rejects/retry", Operator),
    (Method::GET, "/admin/keys", Operator),
    (Method::GET, "/admin/keys/0123456789ab", Operator),
    (Method::POST, "/admin/keys", Owner),
    (Method::PATCH, "/admin/keys/0123456789ab", Owner),
    (Method::DELETE, "/admin/keys/0123456789ab", Owner),
    (Method::POST, "/admin/keys/0123456789ab/rotate", Owner),
    (Method::GET, "/admin/event-types", Viewer),
    (Method::GET, "/admin/event-types/user.signup", Viewer),
    (Method::PUT, "/admin/event-types/user.signup", Owner),
    (Method::DELETE, "/admin/event-types/user.signup", Owner),
    (Method::GET, "/admin/audit", Owner),
];

struct Guarded {
    issuer: Issuer,
    service: Service,
}

impl Guarded {
    /// Starts behind a door that admits every caller with a token, as Identity-Aware Proxy does.
    async fn start<const N: usize>(lists: [(&str, &str); N]) -> Self {
        let issuer = Issuer::start().await;
        let roles = Roles::read(&mut Env::of(lists)).ok().unwrap();
        let service = Service::behind(Door::any_google(issuer.identity(AUDIENCE)), roles).await;
        Self { issuer, service }
    }

    async fn call(&self, email: &str, method: &Method, path: &str) -> Answer {
        let token = self.issuer.token(&claims(email, AUDIENCE));
        let request =
            Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
        self.service.call(request.body(Body::empty()).unwrap()).await
    }
}

#[tokio::test]
async fn each_role_opens_what_it_says() {
    let guarded = Guarded::start([
        ("ADMIN_OWNERS", "olga@example.com"),
        ("ADMIN_ACCOUNTS", "alex@example.com"),
        ("ADMIN_OPERATORS", "otto@example.com, alex@example.com"),
        ("ADMIN_VIEWERS", "vera@example.com,otto@example.com"),
    ])
    .await;
    for (email, role) in [
        ("olga@example.com", Some(Owner)),
        ("alex@example.com", Some(Owner)),
        ("otto@example.com", Some(Operator)),
        ("vera@example.com", Some(Viewer)),
        ("nobody@example.com", None),
    ] {
        for (method, path, needed) in ROUTES {
            let answer = guarded.call(email, &method, path).await;
            if role >= Some(needed) {
                assert_ne!(answer.status, StatusCode::FORBIDDEN, "{email} {method} {path}: {answer:?}");
                continue;
            }
            let problem = answer.problem(StatusCode::FORBIDDEN);
            assert_eq!(problem["neededRole"], needed.to_string(), "{email} {method} {path}");
            let told = format!("this takes the role {needed}, which {email} does not have");
            assert_eq!(problem["detail"], told);
        }
    }
    assert!(guarded.service.acts().await.is_empty(), "nothing was there to change");
}

#[tokio::test]
async fn where_nobody_is_named_whoever_comes_in_is_an_owner() {
    let guarded = Guarded::start([("ADMIN_OWNERS", " , ")]).await;
    for (method, path, _) in ROUTES {
        let answer = guarded.call("anybody@example.com", &method, path).await;
        assert_ne!(answer.status, StatusCode::FORBIDDEN, "{method} {path}: {answer:?}");
    }
}

/// If there is only a list of viewers, the other callers do not become owners.
#[tokio::test]
async fn one_list_is_enough_to_choose() {
    let guarded = Guarded::start([("ADMIN_VIEWERS", "vera@example.com")]).await;
    for email in ["vera@example.com", "nobody@example.com"] {
        guarded.call(email, &Method::GET, "/admin/audit").await.problem(StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn a_head_takes_what_a_get_takes() {
    let guarded = Guarded::start([("ADMIN_VIEWERS", "vera@example.com")]).await;
    let status = async |path| guarded.call("vera@example.com", &Method::HEAD, path).await.status;
    assert_eq!(status("/admin/metrics").await, StatusCode::OK);
    assert_eq!(status("/admin/keys").await, StatusCode::FORBIDDEN);
}
