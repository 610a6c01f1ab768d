//! The control API, for tests and the chaos run: plain JSON over HTTP, on the port of the gRPC API.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::{State, rejection::JsonRejection},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header::CONTENT_TYPE};
use serde::Serialize;
use serde_json::json;

use super::{
    broker::{Broker, Counters},
    faults::Faults,
    subscription::Snapshot,
};

pub(super) fn router(broker: Arc<Broker>) -> Router {
    Router::new()
        .route("/control/faults", get(faults).put(set_faults))
        .route("/control/stats", get(stats))
        .with_state(broker)
}

async fn faults(State(broker): State<Arc<Broker>>) -> Json<Faults> {
    Json(broker.dice.faults())
}

/// Replaces all faults: what is left out does not happen.
async fn set_faults(
    State(broker): State<Arc<Broker>>,
    body: Result<Json<Faults>, JsonRejection>,
) -> Response {
    match body {
        Ok(Json(faults)) => Json(broker.dice.set(faults)).into_response(),
        Err(rejection) => problem(&rejection.body_text()),
    }
}

async fn stats(State(broker): State<Arc<Broker>>) -> Response {
    let subscriptions: BTreeMap<_, _> = broker
        .subscriptions()
        .into_iter()
        .map(|subscription| (subscription.name.clone(), subscription.snapshot()))
        .collect();
    Json(Stats {
        topics: broker
            .topics()
            .into_iter()
            .map(|topic| topic.name)
            .collect(),
        waiting: subscriptions
            .values()
            .map(|snapshot| snapshot.waiting)
            .sum(),
        outstanding: subscriptions
            .values()
            .map(|snapshot| snapshot.outstanding)
            .sum(),
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

/// The detail names the field at fault.
fn problem(detail: &str) -> Response {
    let body =
        json!({"type": "about:blank", "title": "Bad Request", "status": 400, "detail": detail});
    (
        StatusCode::BAD_REQUEST,
        [(CONTENT_TYPE, "application/problem+json")],
        body.to_string(),
    )
        .into_response()
}
