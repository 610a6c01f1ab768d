use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{ErrorIterator, JsonType, ValidationError};
use serde::Serialize;
use serde_json::Value;

use crate::bounds::escaped;
use crate::node::is_in_time;

pub const MAX_VIOLATIONS: usize = 20;
/// The most characters of a pointer, since a name in a payload may be as long as the payload.
const MAX_POINTER: usize = 500;
/// The most characters that are shown of a schema's own values.
const MAX_SHOWN: usize = 200;

/// A place in a payload that does not match the schema. The payload's values are never repeated, since they may be
/// private.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// A JSON Pointer into the payload.
    pub pointer: String,
    /// The keyword of the schema.
    pub rule: &'static str,
    pub message: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Violations {
    pub violations: Vec<Violation>,
    /// True if there are more violations, which are not reported.
    pub more: bool,
}

impl Violations {
    fn one(rule: &'static str, message: &str) -> Self {
        Self {
            violations: vec![Violation { pointer: String::new(), rule, message: message.to_owned() }],
            more: false,
        }
    }

    pub(crate) fn unreadable() -> Self {
        Self::one("schema", "cannot be read, and so not be held against the schema")
    }

    pub(crate) fn incomparable() -> Self {
        Self::one("number", "has a number that is beyond what can be compared")
    }

    pub(crate) fn too_costly() -> Self {
        Self::one("cost", "takes too long to be held against the schema")
    }

    pub(crate) fn untold() -> Self {
        Self::one("schema", "is not as the schema says, and it takes too long to find out where")
    }
}

pub(crate) fn of(errors: ErrorIterator<'_>) -> Violations {
    let mut told = Violations::default();
    for error in errors {
        let is_true = is_in_time(error.instance());
        let found = if is_true { of_error(&error) } else { Vec::new() };
        told.more |= !is_true;
        for violation in found {
            if told.violations.len() == MAX_VIOLATIONS {
                return Violations { more: true, ..told };
            }
            told.violations.push(violation);
        }
    }
    told
}

/// The reason why a schema is not valid, with the wrong values. They are the caller's own values and not those of an
/// event.
pub(crate) fn of_schema(error: &ValidationError<'_>) -> String {
    match error.kind() {
        Kind::Referencing(error) => error.to_string(),
        kind => message(kind).unwrap_or_else(|| error.to_string()),
    }
}

fn of_error(error: &ValidationError<'_>) -> Vec<Violation> {
    let at = error.instance_path().as_str();
    let kind = error.kind();
    let rule = rule(kind);
    let violation = |pointer: String, message: String| Violation {
        pointer: shortened(&pointer, MAX_POINTER),
        rule,
        message,
    };
    match kind {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => unexpected
            .iter()
            .map(|name| {
                violation(format!("{at}/{}", escaped(name)), "is a member that is not allowed".into())
            })
            .collect(),
        // The validator reports this kind if the schema names no members at all.
        Kind::FalseSchema if error.schema_path().as_str().ends_with("/additionalProperties") => {
            let message = "has a member that is not allowed".into();
            vec![Violation { pointer: shortened(at, MAX_POINTER), rule: "additionalProperties", message }]
        }
        kind => {
            let message = message(kind).unwrap_or_else(|| "is not as the schema says".into());
            vec![violation(at.to_owned(), message)]
        }
    }
}

/// The message of a violation, which uses only the words of the schema.
fn message(kind: &Kind) -> Option<String> {
    Some(match kind {
        Kind::AnyOf { context } => format!("must match at least one of {} schemas", context.len()),
        Kind::Constant { expected_value } => format!("must be {}", shown(expected_value)),
        Kind::Contains => "must have an element that matches".into(),
        Kind::Enum { options } => format!("must be one of {}", shown(options)),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        Kind::FalseSchema => "must not be there".into(),
        Kind::Format { format } => format!("must have the format {}", shortened(format, MAX_SHOWN)),
        Kind::MaxItems { limit } => format!("must have at most {limit} element(s)"),
        Kind::MinItems { limit } => format!("must have at least {limit} element(s)"),
        Kind::Maximum { limit } => format!("must be at most {limit}"),
        Kind::Minimum { limit } => format!("must be at least {limit}"),
        Kind::MaxLength { limit } => format!("must have at most {limit} character(s)"),
        Kind::MinLength { limit } => format!("must have at least {limit} character(s)"),
        Kind::MaxProperties { limit } => format!("must have at most {limit} member(s)"),
        Kind::MinProperties { limit } => format!("must have at least {limit} member(s)"),
        Kind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}"),
        Kind::Not { .. } => "must not match the schema of `not`".into(),
        Kind::OneOfMultipleValid { .. } => {
            "must match one schema of `oneOf` alone, and matches several".into()
        }
        Kind::OneOfNotValid { context } => format!("must match one of {} schemas", context.len()),
        Kind::Pattern { pattern } => format!("must match {}", shortened(pattern, MAX_SHOWN)),
        Kind::PropertyNames { .. } => "has a member whose name is not allowed".into(),
        Kind::Required { property } => format!("must have the member {}", shown(property)),
        Kind::Type { kind } => format!("must be {}", types(kind)),
        Kind::UnevaluatedItems { .. } => "has elements that are not allowed".into(),
        Kind::UniqueItems => "must not have equal elements".into(),
        _ => return None,
    })
}

/// The name of the keyword in the specification, as a text that outlives the error.
fn rule(kind: &Kind) -> &'static str {
    const NAMES: [&str; 30] = [
        "additionalItems",
        "additionalProperties",
        "anyOf",
        "const",
        "contains",
        "contentEncoding",
        "contentMediaType",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "not",
        "oneOf",
        "pattern",
        "propertyNames",
        "required",
        "type",
        "unevaluatedItems",
        "unevaluatedProperties",
        "uniqueItems",
        "$ref",
    ];
    NAMES.into_iter().find(|name| *name == kind.keyword()).unwrap_or("false")
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => named(*one).to_owned(),
        TypeKind::Multiple(several) => {
            let names: Vec<_> = several.into_iter().map(named).collect();
            names.join(" or ")
        }
    }
}

fn named(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Array => "an array",
        JsonType::Boolean => "a boolean",
        JsonType::Integer => "an integer",
        JsonType::Null => "null",
        JsonType::Number => "a number",
        JsonType::Object => "an object",
        JsonType::String => "a string",
    }
}

fn shown(value: &Value) -> String {
    shortened(&value.to_string(), MAX_SHOWN)
}

fn shortened(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
