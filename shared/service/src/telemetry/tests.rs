#![allow(clippy::unwrap_used)]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::routing::get;
use http::Request;
use serde_json::Value;
use tower::ServiceExt;
use tracing::subscriber::DefaultGuard;

use super::Telemetry;
use crate::{Env, Problem, Readiness, RequestContext, router};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn json(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn logging<const N: usize>(values: [(&str, &str); N]) -> (Lines, DefaultGuard) {
    let lines = Lines::default();
    let writer = lines.clone();
    let telemetry = Telemetry::read(&mut Env::of(values)).unwrap();
    let subscriber = telemetry.subscriber(move || writer.clone());
    (lines, tracing::subscriber::set_default(subscriber))
}

const JSON: (&str, &str) = ("LOG_FORMAT", "json");
const PROJECT: (&str, &str) = ("GOOGLE_CLOUD_PROJECT", "my-project");

fn app() -> Router {
    let look = async |Path(id): Path<String>| {
        tracing::Span::current().record("event_id", id);
        tracing::warn!("looking");
    };
    let follow = async |context: RequestContext| {
        context.follow(&format!("00-{TRACE}-00f067aa0ba902b7-01"));
        tokio::spawn(tracing::Instrument::in_current_span(async {
            tracing::info!("elsewhere");
        }))
        .await
        .unwrap();
    };
    let broken = async || Problem::internal(io::Error::other("the disk is full"));
    Router::new()
        .route("/events/{id}", get(look))
        .route("/follow", get(follow))
        .route("/broken", get(broken))
        .route("/endless", get(std::future::pending::<()>))
}

fn request(path: &str) -> Request<Body> {
    Request::get(path)
        .header("host", "test")
        .header("x-request-id", "abc")
        .header("authorization", "Bearer hunter2")
        .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"))
        .body(Body::from("a body with hunter2"))
        .unwrap()
}

async fn call(request: Request<Body>) {
    let app = router(app(), &Readiness::waiting_for(&[]));
    app.oneshot(request).await.unwrap();
}

#[tokio::test]
async fn each_line_carries_the_trace_and_the_event() {
    let (lines, _guard) = logging([JSON, PROJECT]);
    call(request("/events/17")).await;
    let lines = lines.json();
    assert_eq!(lines.len(), 2);
    for line in &lines {
        assert_eq!(line["logging.googleapis.com/trace"], format!("projects/my-project/traces/{TRACE}"));
        assert_eq!(line["span"]["event_id"], "17");
        assert_eq!(line["span"]["request_id"], "abc");
    }
    assert_eq!(lines[0]["severity"], "WARNING");
}

#[tokio::test]
async fn a_request_has_one_line_that_names_its_route_and_no_secret() {
    let (lines, _guard) = logging([JSON]);
    call(request("/events/17?token=hunter2")).await;
    let line = lines.json().pop().unwrap();
    assert_eq!(line["severity"], "INFO");
    let http = &line["httpRequest"];
    assert_eq!(http["requestMethod"], "GET");
    assert_eq!(http["requestUrl"], "/events/{id}");
    assert_eq!(http["status"], 200);
    assert_eq!(http["requestSize"], 19);
    let latency = http["latency"].as_str().unwrap().strip_suffix('s').unwrap();
    assert!(latency.parse::<f64>().is_ok());
    assert!(!lines.text().contains("hunter2"));
}

#[tokio::test]
async fn a_followed_trace_shows_from_there_on_also_in_other_tasks() {
    let (lines, _guard) = logging([JSON, PROJECT]);
    let other = Request::get("/follow").header("host", "test").body(Body::empty()).unwrap();
    call(other).await;
    let lines = lines.json();
    assert_eq!(lines.len(), 2);
    for line in lines {
        assert!(line["logging.googleapis.com/trace"].as_str().unwrap().ends_with(TRACE));
    }
}

#[tokio::test]
async fn a_line_outside_of_requests_has_no_trace() {
    let (lines, _guard) = logging([JSON, PROJECT]);
    call(request("/events/17")).await;
    tracing::info!("on its own");
    let line = lines.json().pop().unwrap();
    assert_eq!(line["message"], "on its own");
    assert_eq!(line.get("logging.googleapis.com/trace"), None);
}

#[tokio::test]
async fn an_internal_error_is_logged_with_its_trace_at_any_level() {
    let (lines, _guard) = logging([JSON, ("LOG_LEVEL", "error")]);
    call(request("/broken")).await;
    let lines = lines.json();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["error"], "the disk is full");
    assert_eq!(lines[0]["logging.googleapis.com/trace"], TRACE);
}

#[tokio::test]
async fn a_client_that_leaves_is_on_record() {
    let (lines, _guard) = logging([JSON]);
    let gone = tokio::time::timeout(std::time::Duration::ZERO, call(request("/endless"))).await;
    assert!(gone.is_err());
    let line = lines.json().pop().unwrap();
    assert_eq!(line["httpRequest"]["status"], 499);
    assert_eq!(line["span"]["request_id"], "abc");
}

#[tokio::test]
async fn probes_are_heard_only_by_who_asks() {
    let (lines, guard) = logging([JSON]);
    call(request("/health")).await;
    assert_eq!(lines.text(), "");
    drop(guard);
    let (lines, _guard) = logging([JSON, ("LOG_LEVEL", "debug")]);
    call(request("/health")).await;
    assert_eq!(lines.json().len(), 1);
}

#[tokio::test]
async fn text_says_a_request_in_one_breath() {
    let (lines, _guard) = logging([("LOG_FORMAT", "text")]);
    call(request("/events/17")).await;
    let text = lines.text();
    let line = text.lines().last().unwrap();
    assert!(line.contains("GET /events/{id} 200 in "), "{line}");
    assert!(line.contains("event_id=\"17\""), "{line}");
    assert!(!line.contains("httpRequest"), "{line}");
}
