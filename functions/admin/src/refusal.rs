use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use event::EventId;
use service::Problem;
use store::{Error, KeyRefusal};

pub(crate) fn of_store(error: Error) -> Problem {
    match error {
        Error::Unavailable(_) => {
            tracing::warn!(%error, "the database is not available");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the database is not available")
                .header(RETRY_AFTER, HeaderValue::from_static("1"))
        }
        Error::Foreign(why) => Problem::new(StatusCode::CONFLICT, why),
        error => Problem::internal(error),
    }
}

/// Refuses a member of the body, named by its JSON Pointer.
pub(crate) fn of_member(pointer: &str, why: impl std::fmt::Display) -> Problem {
    let subject = pointer.strip_prefix('/').unwrap_or(pointer);
    Problem::new(StatusCode::BAD_REQUEST, format!("{subject} {why}")).with("field", pointer)
}

/// Refuses a parameter of the path or the query.
pub(crate) fn of_parameter(name: &'static str, why: impl std::fmt::Display) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, format!("{name} {why}")).with("field", name)
}

pub(crate) fn event_id(text: &str) -> Result<EventId, Problem> {
    text.parse().map_err(|_| of_parameter("id", "must be a UUID"))
}

/// Parses the id of a row that has a number.
pub(crate) fn number(text: &str) -> Result<i64, Problem> {
    text.parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| of_parameter("id", "must be a number from 1 on"))
}

pub(crate) fn no_event(id: EventId) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is no event {id}"))
}

/// A text that cannot be the id of a key is refused as an unknown key.
pub(crate) fn key_id(text: String) -> Result<String, Problem> {
    let is_one = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_one { Ok(text) } else { Err(no_key(&text)) }
}

pub(crate) fn no_key(id: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is no key {id}"))
}

pub(crate) fn of_key(id: &str, why: KeyRefusal) -> Problem {
    match why {
        KeyRefusal::Unknown => no_key(id),
        KeyRefusal::PastExpiry => of_member("/expiresAt", "must be in the future"),
        KeyRefusal::Ended => {
            Problem::new(StatusCode::CONFLICT, format!("the key {id} is revoked or expired"))
        }
        KeyRefusal::Rotated(to) => {
            Problem::new(StatusCode::CONFLICT, format!("the key {id} was rotated before, to {to}"))
                .with("rotatedTo", to)
        }
    }
}
