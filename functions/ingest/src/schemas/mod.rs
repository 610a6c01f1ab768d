//! The schemas of event types, and the handling of payloads that violate them.

mod held;
mod registry;
mod verdict;

pub use registry::Schemas;
