//! The domain: the definition of an event, the steps that may happen to it, and its states. There is no I/O and no
//! clock here.

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

/// JSON text exactly as it was received, including numbers, key order and escapes.
pub type Json = Box<serde_json::value::RawValue>;
