//! The control API for tests and the chaos run: plain JSON over HTTP, on the port of the gRPC API.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::{Request, State, rejection::JsonRejection},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header::CONTENT_TYPE};
use serde::Serialize;
use serde_json::json;

use super::{broker::Broker, counters::Counters, faults::Faults, subscription::Snapshot};

pub(super) fn router(broker: Arc<Broker>) -> Router {
    Router::new()
        .route("/control/faults", get(faults).put(set_faults))
        .route("/control/stats", get(stats))
        .with_state(broker)
}

async fn faults(State(broker): State<Arc<Broker>>) -> Json<Faults> {
    Json(broker.dice.faults())
}

/// Replaces all faults. A fault that is left out does not happen. An error names its field.
async fn set_faults(
    State(broker): State<Arc<Broker>>,
    body: Result<Json<Faults>, JsonRejection>,
) -> Response {
    match body {
        Ok(Json(faults)) => Json(broker.dice.set(faults)).into_response(),
        Err(rejection) => problem(StatusCode::BAD_REQUEST, &rejection.body_text()),
    }
}

async fn stats(State(broker): State<Arc<Broker>>) -> Response {
    let registry = broker.registry();
    let subscriptions: BTreeMap<_, _> = registry
        .subscriptions()
        .map(|subscription| (subscription.name.clone(), subscription.snapshot()))
        .collect();
    Json(Stats {
        topics: registry.topics().map(|topic| topic.name.clone()).collect(),
        waiting: subscriptions.values().map(|snapshot| snapshot.waiting).sum(),
        outstanding: subscriptions.values().map(|snapshot| snapshot.outstanding).sum(),
        subscriptions,
        counters: &broker.counters,
    })
    .into_response()
}

#[derive(Serialize)]
struct Stats<'a> {
    topics: Vec<String>,
    subscriptions: BTreeMap<String, Snapshot>,
    waiting: usize,
    outstanding: usize,
    #[serde(flatten)]
    counters: &'a Counters,
}

/// A caller with another protocol gets a plain HTTP error, because a gRPC answer would look like success.
pub(super) async fn unknown_path(request: Request) -> Response {
    let content_type = request.headers().get(CONTENT_TYPE);
    if content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc")) {
        return tonic::Status::unimplemented("the Pub/Sub stand-in has no such service").into_http();
    }
    let detail = format!(
        "there is no {}: Pub/Sub speaks gRPC on this port, and /control/faults and /control/stats are plain HTTP",
        request.uri().path()
    );
    problem(StatusCode::NOT_FOUND, &detail)
}

fn problem(status: StatusCode, detail: &str) -> Response {
    let body = json!({
        "type": "about:blank",
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": detail,
    });
    (status, [(CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}
