//! Calls a service like its callers do, without a port.
#![allow(clippy::expect_used)]

mod contract;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::RequestContext;
use crate::frames::Frames;
use crate::health::Readiness;

pub use contract::{Contract, routes};

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Returns the answer of the whole service that `app` belongs to. The service's own document must allow the answer.
pub async fn call(app: Router, request: Request<Body>) -> Answer {
    let contract = Contract::of(&app).await;
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let answer = answer(app, request).await;
    if let Some(contract) = contract {
        contract.holds(&method, &path, &answer);
    }
    answer
}

async fn answer(app: Router, mut request: Request<Body>) -> Answer {
    request.headers_mut().entry(HOST).or_insert(HeaderValue::from_static("test"));
    let service = crate::router(app, &Readiness::waiting_for(&[]));
    let response = service.oneshot(request).await.expect("a router always answers");
    let (parts, body) = response.into_parts();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: body.collect().await.expect("an answer arrives whole").to_bytes(),
    }
}

/// Returns the context of a request with these headers.
pub fn context(headers: &HeaderMap) -> RequestContext {
    RequestContext::of(headers)
}

/// Parses the bytes of an HTTP/2 connection in these chunks. Returns whether anything in them came to its end, and
/// whether headers are still arriving.
pub fn frames<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (bool, bool) {
    let mut frames = Frames::default();
    chunks
        .into_iter()
        .map(|chunk| frames.take(chunk))
        .fold((false, false), |(complete, _), progress| (complete | progress.complete, progress.unfinished))
}

/// A body that turns the answer into a 500 if it is read.
pub fn untouchable() -> Body {
    Body::from_stream(stream::poll_fn(|_| -> std::task::Poll<Option<Result<Bytes, std::io::Error>>> {
        panic!("the body was read")
    }))
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Returns the problem of this status without the request ID, which differs each time.
    #[track_caller]
    pub fn problem(&self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header(CONTENT_TYPE.as_str()), "application/problem+json");
        let mut problem = self.json();
        assert_eq!(problem["status"], status.as_u16());
        let request_id = problem.as_object_mut().and_then(|members| members.remove("requestId"));
        assert_eq!(request_id.as_ref().and_then(Value::as_str), Some(self.header("x-request-id")));
        problem
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_else(|| panic!("no header {name}: {self:?}"))
    }
}
