use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use chrono::{SecondsFormat, Utc};
use http::StatusCode;
use serde_json::json;

const ASK_AGAIN: Duration = Duration::from_millis(100);

/// The conditions that a service waits for before it takes traffic.
///
/// Once met, a condition stays met. If a service became unready whenever the database is unavailable, the load balancer
/// would remove it, and its callers would get an error without an explanation.
#[derive(Debug, Clone)]
pub struct Readiness {
    missing: Arc<Mutex<BTreeMap<&'static str, String>>>,
}

impl Readiness {
    pub fn waiting_for(names: &[&'static str]) -> Self {
        let missing = names.iter().map(|name| (*name, "not reached yet".to_owned())).collect();
        Self { missing: Arc::new(Mutex::new(missing)) }
    }

    pub fn met(&self, name: &'static str) {
        self.lock().remove(name);
    }

    /// Sets the reason why `name` has not been met so far.
    pub fn missing(&self, name: &'static str, why: impl Display) {
        if let Some(told) = self.lock().get_mut(name) {
            *told = why.to_string();
        }
    }

    /// Asks until the answer is good, which it may be at once, because a service can start before the services that it
    /// needs. Anybody may read the text that `told` makes of an error; the error's own text is only for the log.
    pub async fn watch<E: Display>(
        self,
        name: &'static str,
        told: impl Fn(&E) -> &'static str,
        ask: impl AsyncFn() -> Result<(), E>,
    ) {
        let mut logged = String::new();
        while let Err(error) = ask().await {
            self.missing(name, told(&error));
            let words = error.to_string();
            if words != logged {
                tracing::warn!(missing = name, error = words, "not ready yet");
                logged = words;
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
        self.met(name);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, String>> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) async fn health() -> impl IntoResponse {
    Json(json!({
        "status": "ok",
        "timestamp": Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
    }))
}

pub(crate) async fn ready(State(readiness): State<Readiness>) -> impl IntoResponse {
    let missing = readiness.lock().clone();
    if missing.is_empty() {
        (StatusCode::OK, Json(json!({ "status": "ready" })))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "starting", "missing": missing })))
    }
}
