use std::error::Error;
use std::fmt::Write;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::RequestContext;

pub type BoxError = Box<dyn Error + Send + Sync>;

/// An error as its caller sees it: RFC 9457 `application/problem+json`.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    detail: Option<String>,
    members: Map<String, Value>,
    headers: HeaderMap,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(flatten)]
    members: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..Self::bare(status) }
    }

    /// An error of this service: the log gets its whole chain, and the caller gets only the request ID that finds it
    /// there.
    pub fn internal(error: impl Into<BoxError>) -> Self {
        tracing::error!(error = chain(error.into().as_ref()), "the request failed");
        Self::bare(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub(crate) fn bare(status: StatusCode) -> Self {
        Self { status, detail: None, members: Map::new(), headers: HeaderMap::new() }
    }

    /// Adds an extension member, such as the field at fault.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Serialize) -> Self {
        match serde_json::to_value(value) {
            Ok(value) => drop(self.members.insert(name.to_owned(), value)),
            Err(error) => tracing::error!(name, %error, "a problem's member is not JSON"),
        }
        self
    }

    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }
}

/// Serializes the document of the problem, also for an answer that holds several.
impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let document = Document {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.detail.as_deref(),
            members: &self.members,
            request_id: RequestContext::current().map(|context| context.request_id),
        };
        document.serialize(serializer)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Json(&self).into_response();
        let mut response = (self.status, self.headers, body).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}

/// Writes an error and all its causes on one line. A cause that the text before it already contains is left out.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let why = error.to_string();
        if !text.ends_with(&why) {
            // Writing to a String cannot fail.
            let _ = write!(text, ": {why}");
        }
        cause = error.source();
    }
    text
}
