//! Places where a fault hurts most, for tests and the chaos run. A release build contains none of them.
//!
//! - `FAULT_POINTS` sets the odds of dying at a point, `after-commit=0.01,in-relay-page=1`. They apply while the file
//!   that `FAULT_POINTS_WHILE` may name exists.
//! - `FAULT_HOLDS` names a folder through which the chaos run holds an attempt at a point, until another attempt has
//!   overtaken it.

#[cfg(debug_assertions)]
mod armed;
#[cfg(debug_assertions)]
mod hold;

#[cfg(debug_assertions)]
pub use armed::{die, point};
#[cfg(debug_assertions)]
pub use hold::{Held, hold};
#[cfg(not(debug_assertions))]
pub use unarmed::{Held, hold, point};

#[cfg(not(debug_assertions))]
mod unarmed {
    pub struct Held;

    /// Does nothing.
    #[inline]
    pub fn point(_name: &str) {}

    /// Does nothing.
    #[inline]
    #[allow(clippy::unused_async)]
    pub async fn hold(_point: &str, _id: impl std::fmt::Display, _attempt: u32) -> Held {
        Held
    }
}
