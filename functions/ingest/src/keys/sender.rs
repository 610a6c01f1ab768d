use std::convert::Infallible;
use std::num::NonZero;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use event::EventType;
use gcp::Caller;
use service::Problem;
use store::KeyScope;

use super::known::Known;
use crate::rate_limit::KeyLimit;

/// The sender of a request: the holder of an API key or, behind a door without keys, any caller that was let in.
#[derive(Clone)]
pub(crate) struct Sender {
    key: Option<Arc<Known>>,
    scope: KeyScope,
}

impl Sender {
    pub(super) fn of(known: Arc<Known>) -> Self {
        let scope = known.scope();
        Self { key: Some(known), scope }
    }

    /// The scope of the idempotency keys in the request.
    pub(crate) fn scope(&self) -> KeyScope {
        self.scope
    }

    /// The first key of the rotations that led to the sender's key, or that key itself.
    pub(crate) fn lineage(&self) -> Option<&str> {
        self.key.as_deref().map(Known::lineage)
    }

    pub(crate) fn may_send(&self, event_type: &EventType) -> Result<(), Problem> {
        let prefixes = self.key.as_deref().and_then(Known::event_types);
        let Some(prefixes) = prefixes else { return Ok(()) };
        if prefixes.iter().any(|prefix| event_type.as_str().starts_with(prefix)) {
            return Ok(());
        }
        let detail = format!("this API key is for event types that begin with {}", prefixes.join(", "));
        Err(Problem::new(StatusCode::FORBIDDEN, detail)
            .with("field", "eventType")
            .with("eventTypes", prefixes))
    }

    /// Charges one event, before any of the body is read.
    pub(super) fn charge(&self) -> Result<(), Problem> {
        self.take(1)
    }

    /// Charges the other events of a batch, once they are counted: all of them, or none.
    pub(crate) fn charge_others(&self, events: usize) -> Result<(), Problem> {
        self.take(events.saturating_sub(1))
    }

    fn take(&self, events: usize) -> Result<(), Problem> {
        let events = NonZero::new(u32::try_from(events).unwrap_or(u32::MAX));
        match (self.limit(), events) {
            (Some(limit), Some(events)) => limit.take(events),
            _ => Ok(()),
        }
    }

    fn limit(&self) -> Option<&KeyLimit> {
        self.key.as_deref()?.limit.as_deref()
    }

    /// Adds the remaining rate limit to the response headers.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        if let Some(limit) = self.limit() {
            limit.tell(headers);
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Sender {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(|| {
            let caller = parts.extensions.get::<Caller>();
            let scope = caller.map_or_else(KeyScope::everybody, |caller| KeyScope::of_account(&caller.email));
            Self { key: None, scope }
        }))
    }
}
