use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use event::EventType;
use schema::Violations;
use service::Problem;
use store::Mode;

use super::held::{Held, Types};
use crate::accept::{Incoming, Item};
use crate::problems;

/// Returns the event, marked as refused if its type has an enforced schema that the payload violates.
pub(super) fn of(incoming: Incoming, types: &Types) -> Item {
    let event = &incoming.event;
    let Some(held) = types.of(&event.event_type).filter(|_| incoming.refusal.is_none()) else {
        return Ok(incoming);
    };
    let found = match (&held.schema, held.mode) {
        (_, Mode::Off) | (Err(_), Mode::Warn) => return Ok(incoming),
        (Err(_), Mode::Enforce) => {
            let problem = unusable(&event.event_type);
            return incoming.refused(problem);
        }
        (Ok(schema), _) => schema.check(event.payload.get()),
    };
    match found {
        Ok(()) => Ok(incoming),
        Err(found) if held.mode == Mode::Warn => {
            warn(&event.event_type, held, &found);
            Ok(incoming)
        }
        Err(found) => {
            let problem = refused(&event.event_type, held, found);
            incoming.refused(problem)
        }
    }
}

/// Logs pointers and rules, and nothing of the payload.
fn warn(event_type: &EventType, held: &Held, found: &Violations) {
    let warnings = held.warnings.fetch_add(1, Ordering::Relaxed) + 1;
    let places: Vec<_> = found.violations.iter().map(|one| format!("{} {}", one.pointer, one.rule)).collect();
    tracing::warn!(
        %event_type,
        schema_version = held.version,
        violations = places.join(", "),
        warnings,
        "a payload violates its schema and was accepted"
    );
}

fn refused(event_type: &EventType, held: &Held, found: Violations) -> Problem {
    let version = held.version;
    let detail = format!("the payload is not as version {version} of the schema of {event_type} says");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
        .with("field", "payload")
        .with("eventType", event_type)
        .with("schemaVersion", version)
        .with("violations", found.violations)
        .with("moreViolations", found.more)
}

fn unusable(event_type: &EventType) -> Problem {
    problems::try_again(&format!("the schema of {event_type} cannot be used here, and it is enforced"))
}
