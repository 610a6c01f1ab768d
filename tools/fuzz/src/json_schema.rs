use jsonschema::PatternOptions;
use schema::{Invalid, MAX_VIOLATIONS, Schema, Violations, changes};
use serde_json::Value;

/// A JSON Schema, an empty line and a payload: the check ends, its result is that of a validator without limits, and
/// every named position exists.
pub fn json_schema(bytes: &[u8]) {
    let Some((schema, payload)) = str::from_utf8(bytes).ok().and_then(|text| text.split_once("\n\n")) else {
        return;
    };
    let compiled = match Schema::compile(schema) {
        Ok(compiled) => compiled,
        Err(invalid) => return has_its_place(&invalid, schema),
    };
    let schema: Value = serde_json::from_str(schema).unwrap();
    assert_eq!(changes(&schema, &schema), []);
    let Ok(payload_value) = serde_json::from_str::<Value>(payload) else { return };
    for change in changes(&schema, &payload_value) {
        let is_there = |value: &Value| value.pointer(&change.pointer).is_some();
        assert!(is_there(&schema) || is_there(&payload_value), "{change:?}");
    }

    let checked = compiled.check(payload);
    assert_eq!(checked, compiled.check(payload));
    if let Err(found) = &checked {
        are_in(found, &payload_value);
    }
    if !checked.as_ref().is_err_and(took_too_long) {
        assert_eq!(checked.is_ok(), without_bounds(&schema).is_valid(&payload_value));
    }
}

fn has_its_place(invalid: &Invalid, schema: &str) {
    assert!(!invalid.detail.is_empty());
    match serde_json::from_str::<Value>(schema) {
        Ok(schema) => assert!(schema.pointer(&invalid.pointer).is_some(), "{invalid:?}"),
        Err(_) => assert_eq!(invalid.pointer, ""),
    }
}

fn are_in(found: &Violations, payload: &Value) {
    assert!((1..=MAX_VIOLATIONS).contains(&found.violations.len()));
    for one in &found.violations {
        let is_shortened = one.pointer.ends_with('…');
        assert!(is_shortened || payload.pointer(&one.pointer).is_some(), "{one:?}");
        assert!(!one.message.is_empty());
    }
}

fn took_too_long(found: &Violations) -> bool {
    found.violations.iter().any(|one| one.rule == "cost")
}

fn without_bounds(schema: &Value) -> jsonschema::Validator {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .offline()
        .should_validate_formats(true)
        .with_pattern_options(PatternOptions::regex())
        .build(schema)
        .unwrap()
}
