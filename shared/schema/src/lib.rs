//! Whether a payload is what its type of event promises: JSON Schema 2020-12, with bounds on what a schema may ask for and on
//! what a payload may cost. No I/O and no clock.

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
