use std::convert::Infallible;
use std::num::NonZero;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use event::EventType;
use service::Problem;

use super::known::Known;

/// Who sends a request: the holder of a key or, behind a door without keys, anybody who came through it.
#[derive(Clone)]
pub(crate) struct Sender(Option<Arc<Known>>);

impl Sender {
    pub(super) fn of(known: Arc<Known>) -> Self {
        Self(Some(known))
    }

    pub(crate) fn may_send(&self, event_type: &EventType) -> Result<(), Problem> {
        let prefixes = self.0.as_deref().and_then(Known::event_types);
        let Some(prefixes) = prefixes else { return Ok(()) };
        if prefixes.iter().any(|prefix| event_type.as_str().starts_with(prefix)) {
            return Ok(());
        }
        let detail = format!("this API key is for event types that begin with {}", prefixes.join(", "));
        Err(Problem::new(StatusCode::FORBIDDEN, detail)
            .with("field", "eventType")
            .with("eventTypes", prefixes))
    }

    /// Takes all of the events from what the key may send, or none.
    pub(crate) fn charge(&self, events: u32) -> Result<(), Problem> {
        let limit = self.0.as_deref().and_then(|known| known.limit.as_deref());
        match (limit, NonZero::new(events)) {
            (Some(limit), Some(events)) => limit.take(events),
            _ => Ok(()),
        }
    }

    /// What is left.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        if let Some(limit) = self.0.as_deref().and_then(|known| known.limit.as_deref()) {
            limit.tell(headers);
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Sender {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or(Self(None)))
    }
}
