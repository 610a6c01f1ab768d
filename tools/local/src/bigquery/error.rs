//! Errors in the format of all Google APIs.

use std::borrow::Cow;
use std::io;

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) reason: Cow<'static, str>,
    pub(crate) message: String,
}

impl ApiError {
    pub(crate) fn new(
        status: StatusCode,
        reason: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self { status, reason: reason.into(), message: message.into() }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", message)
    }

    pub(crate) fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "notFound", format!("Not found: {what}"))
    }

    pub(crate) fn duplicate(what: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::CONFLICT, "duplicate", format!("Already Exists: {what}"))
    }

    pub(crate) fn access_denied(message: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::FORBIDDEN, "accessDenied", format!("Access Denied: {message}"))
    }

    fn canonical_code(&self) -> &'static str {
        match self.status.as_u16() {
            401 => "UNAUTHENTICATED",
            403 => "PERMISSION_DENIED",
            404 => "NOT_FOUND",
            409 => "ALREADY_EXISTS",
            429 => "RESOURCE_EXHAUSTED",
            501 => "UNIMPLEMENTED",
            503 => "UNAVAILABLE",
            400..=499 => "INVALID_ARGUMENT",
            _ => "INTERNAL",
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.canonical_code();
        let cause = json!({"domain": "global", "reason": self.reason, "message": self.message});
        let body = json!({"error": {
            "code": self.status.as_u16(),
            "message": self.message,
            "errors": [cause],
            "status": status,
        }});
        (self.status, Json(body)).into_response()
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        Self::invalid(rejection.body_text())
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::invalid(rejection.body_text())
    }
}

impl From<io::Error> for ApiError {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "the disk failed");
        let message = "An internal error occurred and the request could not be completed.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internalError", message)
    }
}

impl From<tokio::task::JoinError> for ApiError {
    fn from(error: tokio::task::JoinError) -> Self {
        io::Error::other(error).into()
    }
}
