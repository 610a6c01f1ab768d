//! Tests that a check that would take for ever is ended with an error. None of these tests measures a time: without the
//! bounds they do not end.
#![allow(clippy::unwrap_used)]

use schema::{Schema, Violations};
use serde_json::{Map, Value, json};

fn check(schema: &Value, payload: &Value) -> Result<(), Violations> {
    Schema::compile(&schema.to_string()).unwrap().check(&payload.to_string())
}

fn rule(schema: &Value, payload: &Value) -> &'static str {
    check(schema, payload).unwrap_err().violations[0].rule
}

fn nested(levels: usize, innermost: Value) -> Value {
    (0..levels).fold(innermost, |inner, _| json!({"k": "x", "a": inner}))
}

#[test]
fn a_reference_to_itself_ends() {
    for schema in [
        json!({"$ref": "#"}),
        json!({"allOf": [{"$ref": "#"}]}),
        json!({"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}),
    ] {
        let _ = check(&schema, &json!({}));
    }
}

/// Each level doubles the work of the one below.
#[test]
fn doubling_references_end() {
    let twice = |at: usize| json!({"allOf": [{"$ref": format!("#/$defs/a{}", at + 1)}, {"$ref": format!("#/$defs/a{}", at + 1)}]});
    let mut defs: Map<String, Value> = (0..40).map(|at| (format!("a{at}"), twice(at))).collect();
    defs.insert("a40".into(), json!({"type": "object"}));
    assert_eq!(rule(&json!({"$defs": defs, "$ref": "#/$defs/a0"}), &json!({})), "cost");
}

/// The usual schema of a syntax tree. If a payload does not match, each level is tried in every branch.
#[test]
fn a_union_that_holds_itself_ends() {
    let branch =
        |kind: &str| json!({"properties": {"k": {"const": kind}, "a": {"$ref": "#"}}, "required": ["k"]});
    let union = json!({"oneOf": [branch("x"), branch("y")]});
    assert_eq!(check(&union, &nested(90, json!({"k": "y"}))), Ok(()));
    let found = check(&union, &nested(90, json!({"k": "z"}))).unwrap_err();
    assert!(["schema", "oneOf"].contains(&found.violations[0].rule), "{found:?}");
}

/// All of these elements have the same hash if the hash runs over the leaves.
#[test]
fn equal_hashes_are_no_equal_elements() {
    let bracketed = |bits: usize| {
        (0..16).fold(
            json!([]),
            |list, at| {
                if bits >> at & 1 == 1 { json!([list, at]) } else { json!([[list], at]) }
            },
        )
    };
    let elements: Vec<_> = (0..8_000).map(bracketed).collect();
    let unique = json!({"uniqueItems": true});
    let told = check(&unique, &json!(elements));
    assert_eq!(told, Ok(()));
    let again = [elements.as_slice(), &elements[4_000..4_001]].concat();
    assert_eq!(rule(&unique, &json!(again)), "uniqueItems");
}

/// A chain of references at each level of the payload takes a deep stack, and the stack of a thread is limited.
#[test]
fn a_deep_stack_is_not_grown_without_end() {
    let next = |at: usize| json!({"allOf": [{"$ref": format!("#/$defs/a{}", at + 1)}]});
    let mut defs: Map<String, Value> = (0..1_500).map(|at| (format!("a{at}"), next(at))).collect();
    defs.insert("a1500".into(), json!({"type": "object", "properties": {"a": {"$ref": "#"}}}));
    let schema = json!({"$defs": defs, "$ref": "#/$defs/a0"}).to_string();
    let payload = nested(90, json!({})).to_string();
    // A tokio thread has a stack of two megabytes.
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
    let checked =
        thread.spawn(move || Schema::compile(&schema).map(|schema| schema.check(&payload).is_ok())).unwrap();
    let _ = checked.join().unwrap();
}

#[test]
fn many_patterns_for_names_are_paid_for() {
    let patterns: Map<String, Value> = (0..2_000).map(|at| (format!("^{at}x"), json!(true))).collect();
    let payload: Map<String, Value> = (0..20_000).map(|at| (at.to_string(), json!(1))).collect();
    assert_eq!(rule(&json!({"patternProperties": patterns}), &json!(payload)), "cost");
}

/// A payload of the usual kind: forty thousand members of a megabyte, each with several rules.
#[test]
fn a_large_payload_of_the_usual_kind_is_taken() {
    let item = json!({"type": "object", "required": ["sku", "n"], "additionalProperties": false, "properties": {
        "sku": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$", "maxLength": 8},
        "n": {"type": "integer", "minimum": 1, "maximum": 1000}}});
    let schema = json!({"type": "object", "properties": {"items": {"type": "array", "items": item, "uniqueItems": true}}});
    let items: Vec<_> = (0..30_000)
        .map(|at| json!({"sku": format!("ABC-{:04}", at % 10_000), "n": at / 10_000 + 1}))
        .collect();
    let payload = json!({"items": items});
    assert!(payload.to_string().len() < 1024 * 1024);
    assert_eq!(check(&schema, &payload), Ok(()));
    let numbers = json!({"items": {"type": "integer", "minimum": 0, "maximum": 9, "not": {"const": 8}}});
    assert_eq!(check(&numbers, &json!(vec![7; 500_000])), Ok(()));
}
