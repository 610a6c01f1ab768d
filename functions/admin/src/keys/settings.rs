//! The settings of a key, and their limits.

use chrono::{DateTime, Utc};
use event::EventType;
use service::Problem;
use utoipa::openapi::schema::{Array, Object, SchemaType, Type};

use crate::events::time;
use crate::refusal::of_member;

const LONGEST_NAME: usize = 100;
const MOST_PREFIXES: usize = 100;
const HIGHEST_RATE: i32 = 1_000_000;

pub(super) fn name(name: String) -> Result<String, Problem> {
    let is_fit = (1..=LONGEST_NAME).contains(&name.chars().count()) && !name.contains('\0');
    let why = || of_member("/name", format!("must be 1 to {LONGEST_NAME} characters, none of them NUL"));
    is_fit.then_some(name).ok_or_else(why)
}

/// Null allows all event types.
pub(super) fn event_types_schema() -> Array {
    let prefix = Object::builder()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(EventType::MAX_CHARS))
        .pattern(Some(r"^[^\u0000]*$"));
    Array::builder()
        .schema_type(SchemaType::from_iter([Type::Array, Type::Null]))
        .items(prefix)
        .min_items(Some(1))
        .max_items(Some(MOST_PREFIXES))
        .description(Some("The prefixes of the event types that are allowed"))
        .build()
}

/// Each prefix must be a possible beginning of an event type.
pub(super) fn event_types(prefixes: Vec<String>) -> Result<Vec<String>, Problem> {
    if !(1..=MOST_PREFIXES).contains(&prefixes.len()) {
        return Err(of_member("/eventTypes", format!("must be 1 to {MOST_PREFIXES} prefixes, or left out")));
    }
    let checked = prefixes.into_iter().enumerate().map(|(index, prefix)| {
        let checked = EventType::new(prefix);
        let checked = checked.map_err(|why| of_member(&format!("/eventTypes/{index}"), why))?;
        Ok(checked.as_str().to_owned())
    });
    checked.collect()
}

pub(super) fn rate_limit(limit: i64) -> Result<i32, Problem> {
    let why = || {
        of_member("/rateLimit", format!("must be a whole number from 1 to {HIGHEST_RATE} (events a second)"))
    };
    i32::try_from(limit).ok().filter(|limit| (1..=HIGHEST_RATE).contains(limit)).ok_or_else(why)
}

/// The database decides whether the time is in the past.
pub(super) fn expires_at(at: &str) -> Result<DateTime<Utc>, Problem> {
    time(at).map_err(|why| of_member("/expiresAt", why))
}
