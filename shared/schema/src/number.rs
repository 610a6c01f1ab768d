//! Numbers that JSON allows and that are beyond the range of a double, such as `1e400`. A schema that does not ask for
//! their size accepts them.

use std::borrow::Cow;

use jsonschema_value::JsonNumber;
use jsonschema_value::types::number_is_integer;
use serde_json::{Error, Number, Value};

use crate::meter::Meter;

/// The largest double.
const STAND_IN: &str = "1.7976931348623157e308";

/// Parses a payload. The second value is true if [`STAND_IN`] or its negative stands in for a number beyond the range
/// of a double.
pub(crate) fn payload(json: &str) -> Result<(Value, bool), Error> {
    serde_json::from_str(json).map(|value| (value, false)).or_else(|error| match reachable(json) {
        Cow::Borrowed(_) => Err(error),
        Cow::Owned(text) => serde_json::from_str(&text).map(|value| (value, true)),
    })
}

/// A number of a payload. If it stands in for another number, the validation is ended as soon as it asks for the size
/// of the number.
pub(crate) struct Numeric<'a> {
    pub(crate) number: &'a Number,
    pub(crate) meter: &'a Meter,
}

impl Numeric<'_> {
    fn compared(&self) -> &Number {
        self.meter.compare(self.number);
        self.number
    }
}

impl JsonNumber for Numeric<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.number.as_u64()
    }

    fn as_i64(&self) -> Option<i64> {
        self.number.as_i64()
    }

    fn as_f64(&self) -> Option<f64> {
        self.compared().as_f64()
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Owned(self.compared().to_string())
    }

    fn to_number(&self) -> Cow<'_, Number> {
        Cow::Borrowed(self.compared())
    }

    /// A stand-in is an integer, like every double of that size.
    fn is_integer(&self) -> bool {
        number_is_integer(self.number)
    }
}

pub(crate) fn is_stand_in(number: &Number) -> bool {
    number.as_f64().is_some_and(|number| number.abs() >= f64::MAX)
}

/// Replaces each number beyond the range of a double by its stand-in.
fn reachable(json: &str) -> Cow<'_, str> {
    let mut text = String::new();
    let (mut copied, mut at) = (0, 0);
    let bytes = json.as_bytes();
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = behind_string(bytes, at),
            b'-' | b'0'..=b'9' => {
                let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                let end = at + bytes[at..].iter().take_while(|byte| is_part(byte)).count();
                let number = &json[at..end];
                if serde_json::from_str::<f64>(number).is_err() {
                    text.push_str(&json[copied..at]);
                    text.push_str(if number.starts_with('-') { "-" } else { "" });
                    text.push_str(STAND_IN);
                    copied = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    text.push_str(&json[copied..]);
    Cow::Owned(text)
}

fn behind_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}
