use axum::extract::{FromRequest, FromRequestParts, Request};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::value::Value;
use crate::memory::Account;
use crate::{BODY_DEADLINE, Problem, read_body};

/// A type that a body may be read into.
pub trait Body: DeserializeOwned {
    /// The limit of the body in bytes.
    const LIMIT: usize = 256 * 1024;
    /// The value of an absent body, if a request may come without a body.
    const ABSENT: Option<fn() -> Self> = None;
}

/// A body that is a JSON object.
pub struct JsonBody<T>(pub T);

impl<T: Body, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        let (mut parts, body) = request.into_parts();
        let account = Account::from_request_parts(&mut parts, state).await?;
        let body = read_body(body, T::LIMIT, BODY_DEADLINE, &account).await?;
        match T::ABSENT {
            Some(absent) if is_absent(&body) => Ok(Self(absent())),
            _ if is_json => Ok(Self(read_json(&body)?)),
            _ => Err(unsupported()),
        }
    }
}

fn is_absent(body: &[u8]) -> bool {
    matches!(body.trim_ascii(), b"" | b"null")
}

fn is_json(headers: &HeaderMap) -> bool {
    let media = headers.get(CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.strip_prefix("application/").is_some_and(|kind| kind == "json" || kind.ends_with("+json"))
}

fn unsupported() -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Type must be application/json")
        .with("field", "Content-Type")
}

/// The reason why a body is not as requested, and the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}{}", .byte.map(|byte| format!(" (byte {byte})")).unwrap_or_default())]
pub struct InvalidBody {
    pub(super) detail: String,
    /// The JSON Pointer of the member.
    pub(super) field: Option<String>,
    pub(super) byte: Option<usize>,
}

/// Reads a body that is a JSON object. An array does not count as an object, and no member may be repeated.
pub fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, InvalidBody> {
    let text =
        str::from_utf8(body).map_err(|error| at(error.valid_up_to(), "the body must be UTF-8".into()))?;
    let start = text.len() - text.trim_ascii_start().len();
    if start == text.len() {
        return Err(at(0, "the body is empty; it must be a JSON object".into()));
    }
    let whole: &RawValue = serde_json::from_str(text).map_err(|error| not_json(text, &error))?;
    T::deserialize(Value(whole)).map_err(|invalid| {
        let byte = invalid.is_at_top().then_some(start);
        InvalidBody { byte, ..invalid.of_body() }
    })
}

fn at(byte: usize, detail: String) -> InvalidBody {
    InvalidBody { detail, field: None, byte: Some(byte) }
}

/// `serde_json` counts in lines and columns, in bytes and from 1.
fn not_json(text: &str, error: &serde_json::Error) -> InvalidBody {
    if error.is_eof() {
        return at(text.len(), "the body must be a JSON object, and ends before its end".into());
    }
    let (line, column) = (error.line(), error.column());
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let why = error.to_string();
    let why = why.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&why);
    at(before + column.saturating_sub(1), format!("the body must be a JSON object: {why}"))
}

impl From<InvalidBody> for Problem {
    fn from(InvalidBody { detail, field, byte }: InvalidBody) -> Self {
        let mut problem = Self::new(StatusCode::BAD_REQUEST, detail);
        if let Some(field) = field {
            problem = problem.with("field", field);
        }
        if let Some(byte) = byte {
            problem = problem.with("byte", byte);
        }
        problem
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
