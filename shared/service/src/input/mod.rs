//! Reads the input of callers into types, with one reader for bodies and one for queries. A refusal names the member,
//! the parameter or the byte at fault, and the values that are allowed there.

mod invalid;
mod json;
mod path;
mod query;
mod value;

pub use json::{Body, InvalidBody, JsonBody, read_json};
pub use path::Segment;
pub use query::Query;
