use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use tracing::Span;
use uuid::Uuid;

use crate::trace::{Traceparent, record};

tokio::task_local! {
    pub(crate) static CONTEXT: RequestContext;
}

const REQUEST_ID: &str = "x-request-id";
const TRACEPARENT: &str = "traceparent";
const CLOUD_TRACE: &str = "x-cloud-trace-context";
const LONGEST_REQUEST_ID: usize = 128;

/// The identifiers that connect a request's log lines, its answer and its effects elsewhere.
#[derive(Debug, Clone)]
pub struct RequestContext {
    pub request_id: String,
    trace: Arc<Mutex<Traceparent>>,
    span: Span,
}

impl RequestContext {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let request_id = request_id(headers);
        let trace = trace(headers);
        // The span has the highest level, so that no LOG_LEVEL removes the trace from a line.
        let mut buffer = Uuid::encode_buffer();
        let trace_id: &str = trace.trace_id().simple().encode_lower(&mut buffer);
        let span =
            tracing::error_span!("request", request_id, trace = trace_id, event_id = tracing::field::Empty);
        Self { request_id, trace: Arc::new(Mutex::new(trace)), span }
    }

    /// Returns the context of the request that this task works on. A spawned task has none, but its log lines keep the
    /// request's trace and fields with `tracing`'s `in_current_span`.
    pub fn current() -> Option<Self> {
        CONTEXT.try_with(Clone::clone).ok()
    }

    /// The header for everything that this request causes elsewhere.
    pub fn traceparent(&self) -> String {
        self.trace().to_string()
    }

    /// The part of the traceparent that is the same in everything that the request causes.
    pub fn trace_id(&self) -> Uuid {
        self.trace().trace_id()
    }

    /// Continues another trace: a push continues the request whose trace its message carries. A trace that cannot be
    /// read is ignored, as the W3C standard requires.
    pub fn follow(&self, traceparent: &str) {
        if let Ok(parent) = traceparent.parse::<Traceparent>() {
            record(&self.span, parent.trace_id());
            *self.trace() = parent.child();
        }
    }

    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// Returns the identifiers to the caller. Both are visible ASCII, so they are valid header values.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let ids = [(REQUEST_ID, self.request_id.clone()), (TRACEPARENT, self.traceparent())];
        for (name, id) in ids {
            headers.extend(HeaderValue::try_from(id).map(|id| (HeaderName::from_static(name), id)));
        }
    }

    fn trace(&self) -> MutexGuard<'_, Traceparent> {
        self.trace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(|| Self::of(&parts.headers)))
    }
}

/// Uses the caller's ID if it is fit for a header and a log line.
fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| (1..=LONGEST_REQUEST_ID).contains(&id.len()))
        .filter(|id| id.bytes().all(|byte| byte.is_ascii_graphic()))
        .map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
}

fn trace(headers: &HeaderMap) -> Traceparent {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    text(TRACEPARENT)
        .and_then(|value| value.parse().ok())
        .or_else(|| text(CLOUD_TRACE).and_then(|value| Traceparent::from_cloud(value).ok()))
        .map_or_else(Traceparent::start, |parent: Traceparent| parent.child())
}
