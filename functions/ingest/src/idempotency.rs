//! The header `Idempotency-Key`, as the IETF draft of that name defines it: a quoted string. Most clients send the key
//! without quotes, so both forms are accepted and mean the same. In a batch each event has its own key, as a member.

use axum::http::{HeaderMap, StatusCode};
use service::Problem;

const HEADER: &str = "Idempotency-Key";
const MEMBER: &str = "idempotencyKey";
const MAX_LENGTH: usize = 255;

pub(crate) fn of_header(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(malformed(HEADER, "must be given once"));
    }
    checked(HEADER, value.to_str().unwrap_or("\u{fffd}")).map(Some)
}

pub(crate) fn of_member(value: &str) -> Result<&str, Problem> {
    checked(MEMBER, value)
}

fn checked<'a>(name: &'static str, value: &'a str) -> Result<&'a str, Problem> {
    match unquoted(value).filter(|key| key.bytes().all(|byte| byte.is_ascii_graphic())) {
        Some("") => Err(malformed(name, "must not be empty")),
        Some(key) if key.len() > MAX_LENGTH => {
            Err(malformed(name, &format!("must not be longer than {MAX_LENGTH} characters"))
                .with("limit", MAX_LENGTH))
        }
        Some(key) => Ok(key),
        None => Err(malformed(name, "must be visible ASCII characters, bare or as one quoted string")),
    }
}

/// None if the quotes do not match, or if a character inside would have to be escaped.
fn unquoted(value: &str) -> Option<&str> {
    let value = value.trim();
    let Some(rest) = value.strip_prefix('"') else {
        return Some(value);
    };
    rest.strip_suffix('"').filter(|inner| !inner.contains(['"', '\\']))
}

pub(crate) fn either<'a>(
    header: Option<&'a str>,
    member: Option<&'a str>,
) -> Result<Option<&'a str>, Problem> {
    match (header, member) {
        (Some(header), Some(member)) if header != member => {
            Err(malformed(MEMBER, "must be the same as the header Idempotency-Key, where both are given"))
        }
        (header, member) => Ok(header.or(member)),
    }
}

/// Refuses the header on a request that cannot use it; `why` gives the reason.
pub(crate) fn no_header(headers: &HeaderMap, why: &str) -> Result<(), Problem> {
    if headers.contains_key(HEADER) { Err(malformed(HEADER, why)) } else { Ok(()) }
}

pub(crate) fn of_another_body() -> Problem {
    let why = "came with another body before: a new request needs a new key";
    problem(StatusCode::UNPROCESSABLE_ENTITY, HEADER, why)
}

fn malformed(name: &'static str, why: &str) -> Problem {
    problem(StatusCode::BAD_REQUEST, name, why)
}

fn problem(status: StatusCode, name: &'static str, why: &str) -> Problem {
    Problem::new(status, format!("{name} {why}")).with("field", name)
}
