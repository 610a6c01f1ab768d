//! The domain: what an event is, what may happen to it, and how it travels. No I/O and no clock.

mod id;
mod kind;
mod lifecycle;
mod new;
mod scan;
mod status;

pub use id::EventId;
pub use kind::EventType;
pub use lifecycle::{AfterFailure, AttemptEnd, Delivery, Retries, Tries};
#[cfg(feature = "testing")]
pub use lifecycle::{rules, state};
pub use new::{Invalid, MAX_DEPTH, NewEvent, kind, unstorable};
pub use status::Status;

/// JSON text kept exactly as it came: numbers, key order and escapes included.
pub type Json = Box<serde_json::value::RawValue>;
