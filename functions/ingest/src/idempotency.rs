//! The header `Idempotency-Key`, as the IETF draft of that name has it: a quoted string. Most clients send it bare, so both are
//! taken, and mean the same.

use axum::http::{HeaderMap, StatusCode};
use service::Problem;

const HEADER: &str = "Idempotency-Key";
const MAX_LENGTH: usize = 255;

pub(crate) fn key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(malformed("must be given once"));
    }
    let key =
        value.to_str().ok().and_then(unquoted).filter(|key| key.bytes().all(|byte| byte.is_ascii_graphic()));
    match key {
        Some("") => Err(malformed("must not be empty")),
        Some(key) if key.len() > MAX_LENGTH => {
            Err(malformed(&format!("must not be longer than {MAX_LENGTH} characters"))
                .with("limit", MAX_LENGTH))
        }
        Some(key) => Ok(Some(key)),
        None => Err(malformed("must be visible ASCII characters, bare or as one quoted string")),
    }
}

/// None where the quotes do not match, or stand where they have to be escaped.
fn unquoted(value: &str) -> Option<&str> {
    let value = value.trim();
    let Some(rest) = value.strip_prefix('"') else {
        return Some(value);
    };
    rest.strip_suffix('"').filter(|inner| !inner.contains(['"', '\\']))
}

pub(crate) fn of_another_body() -> Problem {
    problem(StatusCode::UNPROCESSABLE_ENTITY, "came with another body before: a new request needs a new key")
}

fn malformed(why: &str) -> Problem {
    problem(StatusCode::BAD_REQUEST, why)
}

fn problem(status: StatusCode, why: &str) -> Problem {
    Problem::new(status, format!("{HEADER} {why}")).with("field", HEADER)
}
