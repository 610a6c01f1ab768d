use std::fmt::{self, Display};

use http::StatusCode;
use serde::de::{Error, Expected, Unexpected};

use super::json::InvalidBody;
use crate::Problem;

/// A longer name is cut if a refusal repeats it.
const LONGEST_NAME: usize = 100;

/// The reason why the input is not as requested, and the place.
#[derive(Debug, thiserror::Error)]
#[error("{}{why}", .place.last().map(|name| format!("{name} ")).unwrap_or_default())]
pub(super) struct Invalid {
    /// Names of members and places in arrays, the innermost first.
    place: Vec<String>,
    why: String,
}

impl Invalid {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self { place: Vec::new(), why: why.into() }
    }

    pub(super) fn not(expected: &dyn Expected, is: impl Display) -> Self {
        Self::new(format!("must be {}, is {is}", allowed(expected)))
    }

    pub(super) fn within(mut self, name: impl Display) -> Self {
        self.place.push(shortened(&name.to_string()));
        self
    }

    pub(super) fn is_at_top(&self) -> bool {
        self.place.is_empty()
    }

    /// Converts the error for a body, whose members have JSON Pointers.
    pub(super) fn of_body(self) -> InvalidBody {
        let escaped = self.place.iter().rev().map(|name| name.replace('~', "~0").replace('/', "~1"));
        let pointer = escaped.fold(String::new(), |pointer, name| format!("{pointer}/{name}"));
        let subject = pointer.strip_prefix('/').unwrap_or("the body");
        InvalidBody { detail: format!("{subject} {}", self.why), field: Some(pointer), byte: None }
    }

    /// Converts the error for a query, whose parameters have names.
    pub(super) fn of_query(self) -> Problem {
        let name = self.place.into_iter().next_back().unwrap_or_default();
        Problem::new(StatusCode::BAD_REQUEST, format!("{name} {}", self.why)).with("field", name)
    }
}

/// Translates serde's names of Rust types into the names of JSON.
fn allowed(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    match text.as_str() {
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        "a sequence" => "an array".into(),
        "a map" => "an object".into(),
        _ => text,
    }
}

fn shortened(name: &str) -> String {
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

impl Error for Invalid {
    fn custom<T: Display>(why: T) -> Self {
        Self::new(format!("is not as it must be: {why}"))
    }

    fn invalid_type(is: Unexpected, expected: &dyn Expected) -> Self {
        Self::not(expected, Is(is))
    }

    fn invalid_value(is: Unexpected, expected: &dyn Expected) -> Self {
        Self::not(expected, Is(is))
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        let why = match known {
            [] => "is not known here".to_owned(),
            [one] => format!("is not known here; there is {one}"),
            several => format!("is not known here; there are {}", several.join(", ")),
        };
        Self::new(why).within(name)
    }

    fn missing_field(name: &'static str) -> Self {
        Self::new("is required").within(name)
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::repeated(name)
    }
}

impl Invalid {
    pub(super) fn repeated(name: &str) -> Self {
        Self::new("is given more than once").within(name)
    }
}

/// A value as JSON names it. Text is not repeated, because it may be secret or long.
struct Is<'a>(Unexpected<'a>);

impl Display for Is<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Unexpected::Unsigned(number) => write!(f, "{number}"),
            Unexpected::Signed(number) => write!(f, "{number}"),
            Unexpected::Float(number) => write!(f, "{number}"),
            Unexpected::Bool(value) => write!(f, "{value}"),
            Unexpected::Str(_) => f.write_str("a string"),
            Unexpected::Unit | Unexpected::Option => f.write_str("null"),
            Unexpected::Seq => f.write_str("an array"),
            Unexpected::Map => f.write_str("an object"),
            other => write!(f, "{other}"),
        }
    }
}
