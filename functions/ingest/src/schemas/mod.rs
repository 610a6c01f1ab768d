//! The schemas of event types, and what is done about a payload that is not as its type's says.

mod held;
mod registry;
mod verdict;

pub use registry::Schemas;
