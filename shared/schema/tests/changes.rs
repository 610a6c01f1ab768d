//! Tests of the differences that are reported for two schemas.

use std::fmt::Write;

use schema::{Effect, changes};
use serde_json::{Value, json};

fn told(old: &Value, new: &Value) -> String {
    let mut all = String::new();
    for change in changes(old, new) {
        let effect = format!("{:?}", change.effect).to_lowercase();
        let _ = writeln!(all, "{} | {} | {effect}", change.pointer, change.what);
    }
    all
}

#[test]
fn each_change_has_its_place_and_its_effect() {
    let old = json!({
        "title": "a", "required": ["id", "email"],
        "properties": {
            "id": {"type": "integer", "minimum": 1},
            "email": {"type": "string", "format": "email", "maxLength": 100},
            "plan": {"enum": ["free", "pro"]},
            "old/one": {"type": "string"},
            "tags": {"items": {"type": "string"}, "minItems": 1}},
        "not": {"required": ["x"]},
        "oneOf": [{"minProperties": 1}],
        "anyOf": [{"type": "object"}],
        "allOf": [true]});
    let new = json!({
        "title": "b", "required": ["id", "name"],
        "properties": {
            "id": {"type": "number", "minimum": 2},
            "email": {"type": "string", "maxLength": 200, "pattern": "@"},
            "plan": {"enum": ["pro", "team"]},
            "name": {"type": "string"},
            "tags": {"items": {"type": ["string", "null"]}, "minItems": 0}},
        "additionalProperties": false,
        "not": {"required": ["y"]},
        "oneOf": [{"minProperties": 2}],
        "anyOf": [{"type": "object"}, {"type": "array"}],
        "allOf": [true, {"minProperties": 1}]});
    insta::assert_snapshot!(told(&old, &new));
    assert_eq!(changes(&old, &old), []);
}

#[test]
fn a_property_of_a_closed_object_is_another_matter() {
    let closed = |properties: Value| json!({"additionalProperties": false, "properties": properties});
    let effect = |old: Value, new: Value| changes(&closed(old), &closed(new))[0].effect;
    assert_eq!(effect(json!({}), json!({"a": {"type": "string"}})), Effect::Looser);
    assert_eq!(effect(json!({"a": {"type": "string"}}), json!({})), Effect::Stricter);
}

#[test]
fn whole_schemas_that_are_true_or_false() {
    assert_eq!(changes(&json!(true), &json!({"type": "object"}))[0].effect, Effect::Stricter);
    assert_eq!(changes(&json!({"type": "object"}), &json!(true))[0].effect, Effect::Looser);
    assert_eq!(changes(&json!({"type": "object"}), &json!(false))[0].effect, Effect::Stricter);
    assert_eq!(changes(&json!(false), &json!({}))[0].effect, Effect::Looser);
}
