//! Tests the answers that every service gives, whatever its own routes are.
#![allow(clippy::unwrap_used)]

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Path};
use axum::response::Response;
use axum::routing::{get, post};
use http::header::HOST;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use service::{Problem, Readiness, RequestContext, router};
use tower::ServiceExt;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn call(app: Router, request: Request<Body>) -> Response {
    asked(&Readiness::waiting_for(&[]), app, request).await
}

async fn asked(readiness: &Readiness, app: Router, mut request: Request<Body>) -> Response {
    request.headers_mut().entry(HOST).or_insert(HeaderValue::from_static("test"));
    router(app, readiness).oneshot(request).await.unwrap()
}

fn get_(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

async fn json_of(response: Response) -> Value {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&bytes).unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

#[tokio::test]
async fn health_tells_the_time() {
    let response = call(Router::new(), get_("/health")).await;
    assert_eq!(response.status(), StatusCode::OK);
    let body = json_of(response).await;
    assert_eq!(body["status"], "ok");
    let time = body["timestamp"].as_str().unwrap();
    assert!(chrono::DateTime::parse_from_rfc3339(time).is_ok());
    assert!(time.ends_with('Z') && time.len() == "2026-01-01T00:00:00.000Z".len());
}

#[tokio::test]
async fn ready_names_what_is_missing_and_never_goes_back() {
    let readiness = Readiness::waiting_for(&["database"]);
    let ask = async || {
        let response = asked(&readiness, Router::new(), get_("/ready")).await;
        (response.status(), json_of(response).await)
    };
    readiness.missing("database", "connection refused");
    let (status, body) = ask().await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body, json!({ "status": "starting", "missing": { "database": "connection refused" } }));
    readiness.met("database");
    readiness.missing("database", "gone again");
    let (status, body) = ask().await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body, json!({ "status": "ready" }));
}

/// The text of an error may contain private data.
#[tokio::test]
async fn ready_has_no_words_but_our_own() {
    let readiness = Readiness::waiting_for(&["database"]);
    let told = |_: &&str| "the database refuses the account";
    let ask = async || Err(r#"password authentication failed for user "eventflow_ingest""#);
    let watching = tokio::spawn(readiness.clone().watch("database", told, ask));
    let missing = async || {
        let response = asked(&readiness, Router::new(), get_("/ready")).await;
        json_of(response).await["missing"]["database"].clone()
    };
    while missing().await == "not reached yet" {
        tokio::task::yield_now().await;
    }
    assert_eq!(missing().await, "the database refuses the account");
    watching.abort();
}

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    let request = Request::get("/nowhere").header("x-request-id", "abc").body(Body::empty()).unwrap();
    let response = call(Router::new(), request).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(header(&response, "content-type"), "application/problem+json");
    assert_eq!(
        json_of(response).await,
        json!({
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
            "detail": "there is nothing at this path",
            "requestId": "abc",
        })
    );
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_one() {
    let app = Router::new().route("/events", post(async || ""));
    let response = call(app, get_("/events")).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(header(&response, "allow"), "POST");
    assert_eq!(header(&response, "content-type"), "application/problem+json");
}

#[tokio::test]
async fn options_and_head_are_there_for_every_route() {
    let app = Router::new().route("/events", post(async || "")).route("/list", get(async || "hello"));
    let ask = |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        call(app.clone(), request)
    };
    for (path, allowed) in [("/events", "POST"), ("/list", "GET,HEAD"), ("/health", "GET,HEAD")] {
        let response = ask("OPTIONS", path).await;
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        assert_eq!(header(&response, "allow"), allowed);
        assert_eq!(response.headers().get("content-type"), None);
    }
    let response = ask("HEAD", "/list").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "content-length"), "5");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "");
    assert_eq!(ask("HEAD", "/events").await.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn browsers_and_caches_are_told_to_leave_an_answer_alone() {
    let page = async || ([("content-type", "text/html"), ("cache-control", "max-age=60")], "<p>");
    let app = Router::new().route("/", get(async || "hello")).route("/page", get(page));
    for path in ["/", "/nowhere", "/health"] {
        let response = call(app.clone(), get_(path)).await;
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
        assert_eq!(header(&response, "cache-control"), "no-store");
        let policy = "default-src 'none'; frame-ancestors 'none'";
        assert_eq!(header(&response, "content-security-policy"), policy);
        for name in ["server", "vary", "x-powered-by", "access-control-allow-origin"] {
            assert_eq!(response.headers().get(name), None, "{name}");
        }
    }
    let response = call(app, get_("/page")).await;
    assert_eq!(header(&response, "cache-control"), "max-age=60");
    assert_eq!(response.headers().get("content-security-policy"), None);
}

#[tokio::test]
async fn who_takes_no_json_is_refused_before_anything_is_done() {
    async fn act() {
        panic!("it was done")
    }
    let page = async || ([("content-type", "text/html")], "<p>");
    let app = Router::new()
        .route("/events", post(act))
        .route("/list", get(async || axum::Json(json!({}))))
        .route("/page", get(page));
    let ask = async |method: &str, path: &str, accept: &str| {
        let request = Request::builder().method(method).uri(path).header("accept", accept);
        let response = call(app.clone(), request.body(Body::empty()).unwrap()).await;
        (response.status().as_u16(), response.headers().get("vary").is_some())
    };
    assert_eq!(ask("POST", "/events", "text/html").await, (406, true));
    assert_eq!(
        ask("POST", "/events", "application/json;q=0, application/problem+json;q=0").await,
        (406, true)
    );
    assert_eq!(ask("GET", "/list", "text/html").await, (406, true));
    assert_eq!(ask("HEAD", "/list", "text/html").await, (406, true));
    assert_eq!(ask("GET", "/list", "application/*").await, (200, false));
    assert_eq!(ask("GET", "/page", "text/html").await, (200, false));
    assert_eq!(ask("GET", "/page", "application/json").await, (406, true));
    assert_eq!(ask("OPTIONS", "/list", "text/html").await, (204, false));
    // An answer that is not a success is for all callers.
    assert_eq!(ask("GET", "/nowhere", "text/html").await, (404, false));
    assert_eq!(ask("POST", "/nowhere", "text/html").await, (404, false));
    assert_eq!(ask("GET", "/events", "text/html").await, (405, false));
    assert_eq!(ask("POST", "/events", "application/json").await, (500, false));
}

#[tokio::test]
async fn a_panic_is_a_problem_that_tells_nothing_but_the_request() {
    async fn broken() {
        panic!("secret")
    }
    let response = call(Router::new().route("/", get(broken)), get_("/")).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let id = header(&response, "x-request-id").to_owned();
    assert_eq!(
        json_of(response).await,
        json!({
            "type": "about:blank",
            "title": "Internal Server Error",
            "status": 500,
            "requestId": id,
        })
    );
}

#[tokio::test]
async fn an_internal_error_tells_nothing_but_the_request() {
    async fn broken() -> Problem {
        Problem::internal("password=hunter2")
    }
    let response = call(Router::new().route("/", get(broken)), get_("/")).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!json_of(response).await.to_string().contains("hunter2"));
}

#[tokio::test]
async fn a_problem_has_members_and_headers() {
    async fn refuse() -> Problem {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "slow down")
            .with("field", "eventType")
            .header(http::header::RETRY_AFTER, http::HeaderValue::from(3))
    }
    let response = call(Router::new().route("/", get(refuse)), get_("/")).await;
    assert_eq!(header(&response, "retry-after"), "3");
    assert_eq!(json_of(response).await["field"], "eventType");
}

#[tokio::test]
async fn an_extractors_refusal_is_a_problem() {
    let app = Router::new()
        .route("/events/{id}", get(async |Path(_): Path<u64>| ()))
        .route("/unauthorized", get(async || StatusCode::UNAUTHORIZED))
        .route("/unbuilt", get(async |_: Extension<u64>| ()));
    let response = call(app.clone(), get_("/events/seven")).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(header(&response, "content-type"), "application/problem+json");
    let body = json_of(response).await;
    assert!(body["detail"].as_str().unwrap().contains("seven"), "{body}");

    let response = call(app.clone(), get_("/unauthorized")).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(json_of(response).await["title"], "Unauthorized");

    let response = call(app, get_("/unbuilt")).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(json_of(response).await.get("detail"), None);
}

#[tokio::test]
async fn ids_are_taken_in_and_given_back() {
    async fn told(context: RequestContext) -> String {
        assert_eq!(RequestContext::current().unwrap().request_id, context.request_id);
        context.traceparent()
    }
    let request = Request::get("/")
        .header("x-request-id", "my-request")
        .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"))
        .body(Body::empty())
        .unwrap();
    let response = call(Router::new().route("/", get(told)), request).await;
    assert_eq!(header(&response, "x-request-id"), "my-request");
    let traceparent = header(&response, "traceparent").to_owned();
    assert!(traceparent.starts_with(&format!("00-{TRACE}-")));
    let seen_inside = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(seen_inside, traceparent.as_bytes());
}

#[tokio::test]
async fn ids_that_are_unfit_are_made_anew() {
    for id in ["", "two words", &"x".repeat(129)] {
        let request = Request::get("/health")
            .header("x-request-id", id)
            .header("traceparent", "nonsense")
            .header("x-cloud-trace-context", format!("{TRACE}/1;o=1"))
            .body(Body::empty())
            .unwrap();
        let response = call(Router::new(), request).await;
        assert!(uuid::Uuid::try_parse(header(&response, "x-request-id")).is_ok());
        assert!(header(&response, "traceparent").contains(TRACE));
    }
}

#[tokio::test]
async fn a_push_follows_the_trace_of_its_message() {
    async fn push(context: RequestContext) {
        context.follow("nonsense");
        context.follow(&format!("00-{TRACE}-00f067aa0ba902b7-01"));
    }
    let response = call(Router::new().route("/", get(push)), get_("/")).await;
    assert!(header(&response, "traceparent").contains(TRACE));
}
