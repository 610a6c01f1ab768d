use jsonschema::{PatternOptions, Validator};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::bounds::Bounds;
use crate::meter::{End, Meter, metered};
use crate::node::{Metered, Node};
use crate::number;
use crate::pattern::Patterns;
use crate::violation::{self, MAX_VIOLATIONS, Violations};

pub const MAX_BYTES: usize = 256 * 1024;
pub const MAX_DEPTH: usize = 64;

/// More than the size of any automaton that passed the bounds, so that none of them is thrown away and made again.
const MAX_REGEX: usize = 16 * 1024 * 1024;
/// The steps that any payload may cost, and the additional steps for each of its bytes. A number in an array has two
/// bytes and costs some ten steps, and a million steps take some hundredths of a second.
const STEPS: usize = 200_000;
const STEPS_A_BYTE: usize = 16;
/// The most errors that are made. The first of them are reported. Errors inside of `anyOf` count too and are not
/// reported.
const MAX_ERRORS: usize = 50 * MAX_VIOLATIONS;

/// A compiled schema, with which many threads can check payloads at once.
#[derive(Debug)]
pub struct Schema {
    validator: Validator<Metered>,
    name_patterns: usize,
}

/// The reason why a text is not accepted as a schema, and the place of the mistake.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Invalid {
    /// A JSON Pointer into the schema.
    pub pointer: String,
    pub detail: String,
}

impl Invalid {
    pub(crate) fn at(pointer: &str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.to_owned(), detail: detail.into() }
    }
}

impl Schema {
    /// Compiles a schema that was accepted before. This takes some milliseconds, and a second for the largest schemas,
    /// so it must not run on a thread that others wait for.
    pub fn compile(text: &str) -> Result<Self, Invalid> {
        Self::of(text, Patterns::default())
    }

    /// Compiles a new schema. Its patterns must mean the same here as in ECMA 262.
    pub fn compile_new(text: &str) -> Result<Self, Invalid> {
        Self::of(text, Patterns::of_new_schema())
    }

    fn of(text: &str, patterns: Patterns) -> Result<Self, Invalid> {
        if text.len() > MAX_BYTES {
            return Err(Invalid::at("", format!("is larger than {MAX_BYTES} bytes")));
        }
        let value: Value = serde_json::from_str(text).map_err(|error| unreadable(text, &error))?;
        if !value.is_object() && !value.is_boolean() {
            return Err(Invalid::at("", "must be an object, or true or false"));
        }
        let name_patterns = Bounds::check(&value, patterns)?.name_patterns;
        let validator = jsonschema::options_for::<Metered>()
            .with_draft(jsonschema::Draft::Draft202012)
            .offline()
            .should_validate_formats(true)
            .with_pattern_options(PatternOptions::regex().size_limit(MAX_REGEX).dfa_size_limit(MAX_REGEX))
            .build(&value)
            .map_err(|error| Invalid {
                pointer: error.instance_path().to_string(),
                detail: violation::of_schema(&error),
            })?;
        Ok(Self { validator, name_patterns })
    }

    /// Checks a payload, which must be JSON. The error lists the places that do not match the schema.
    pub fn check(&self, payload: &str) -> Result<(), Violations> {
        let (value, stands_in) = number::payload(payload).map_err(|_| Violations::unreadable())?;
        let steps = STEPS + STEPS_A_BYTE * payload.len();
        let bounds = |errors| Meter::new(steps, errors, 1 + self.name_patterns, stands_in);
        // The validator remembers its results only if it makes no errors.
        let valid = metered(&bounds(1), |meter| self.validator.is_valid(Node { value: &value, meter }));
        match valid {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(End::Spent) => return Err(Violations::too_costly()),
            Err(End::Incomparable) => return Err(Violations::incomparable()),
        }
        let told = metered(&bounds(MAX_ERRORS), |meter| {
            violation::of(self.validator.iter_errors(Node { value: &value, meter }))
        });
        Err(match told {
            Ok(told) if !told.violations.is_empty() => told,
            Err(End::Incomparable) => Violations::incomparable(),
            _ => Violations::untold(),
        })
    }
}

/// Well-formed JSON may contain parts that cannot be stored here: a number beyond the range of a double, or half of a
/// surrogate pair.
fn unreadable(text: &str, error: &serde_json::Error) -> Invalid {
    let is_json = serde_json::from_str::<&RawValue>(text).is_ok();
    let what = if is_json { "cannot be read" } else { "is not JSON" };
    Invalid::at("", format!("{what}: {error}"))
}
