//! Checks payloads against the schema of their event type, by JSON Schema 2020-12. There are bounds on what a schema
//! may use and on what a payload may cost. There is no I/O and no clock here.

mod bounds;
mod changes;
mod compile;
mod meter;
mod node;
mod number;
mod order;
mod pattern;
mod violation;

pub use changes::{Change, Effect, changes};
pub use compile::{Invalid, MAX_BYTES, MAX_DEPTH, Schema};
pub use violation::{MAX_VIOLATIONS, Violation, Violations};
