//! Tests of the texts that are not accepted as schemas, and of the reasons.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;

use schema::{MAX_BYTES, MAX_DEPTH, Schema};
use serde_json::{Value, json};

fn refusal(schema: &str) -> String {
    let invalid = Schema::compile_new(schema).err().unwrap_or_else(|| panic!("{schema} was taken"));
    format!("{} | {}", invalid.pointer, invalid.detail)
}

#[test]
fn a_schema_that_is_none_is_told_where() {
    let mut all = String::new();
    for schema in [
        json!([]),
        json!({"type": "objekt"}),
        json!({"properties": {"a": {"minLength": -1}}}),
        json!({"required": "a"}),
        json!({"$schema": "http://json-schema.org/draft-07/schema#"}),
        json!({"$schema": "https://example.com/own"}),
        json!({"$ref": "https://example.com/other.json"}),
        json!({"$ref": "file:///etc/passwd"}),
        json!({"$ref": "other.json#/a"}),
        json!({"$ref": "https://json-schema.org/draft/2020-12/schema"}),
        json!({"$id": "https://example.com/a", "$ref": "https://example.com/ab#/b"}),
        json!({"$dynamicRef": "https://example.com/other.json#meta"}),
        json!({"$ref": "#/$defs/nothing"}),
        json!({"$defs": {"a": {"$id": "https://example.com/b"}}}),
        json!({"pattern": "("}),
        json!({"pattern": "^(?=a)"}),
        json!({"pattern": "(a)\\1"}),
        json!({"pattern": "(?<!a)b"}),
        json!({"properties": {"a/b": {"pattern": "[ab]*a[ab]{500}[^ab]"}}}),
        json!({"patternProperties": {"(((a{1,100}){1,100}){1,100}){1,100}": true}}),
        json!({"pattern": ".*a.{100}$"}),
        json!({"anything": [{"pattern": "(?=hidden from the keywords)"}]}),
        json!({"default": {"a": {"pattern": "(?=seen by a reference)"}}, "$ref": "#/default/a"}),
        json!({"enum": [{"pattern": "(?=seen by a reference)"}], "items": {"$ref": "#/%65num/0"}}),
        json!({"const": {"a/b": {"$id": "https://example.com/c"}}, "$dynamicRef": "#/const/a~1b"}),
        json!({"properties": {"properties": {"default": {"pattern": "(?=as a name)"}}}, "$ref": "#/properties"}),
        json!({"properties": {"default": {"pattern": "(?=a property's)"}}}),
        json!({"$defs": {"const": {"$ref": "https://example.com/other.json"}}}),
        json!({"patternProperties": {"^a": {"properties": {"enum": {"$schema": "https://example.com/own"}}}}}),
        json!({"dependencies": {"examples": {"pattern": "(?=a schema)"}}}),
        json!({"pattern": "a++"}),
        json!({"pattern": "^[a-z]*+$"}),
        json!({"pattern": "(ab)?+"}),
        json!({"pattern": "a{2,3}+b"}),
        json!({"pattern": "a**"}),
        json!({"pattern": "a+{2}"}),
        json!({"pattern": "a+?+"}),
        json!({"patternProperties": {"^x++": true}}),
        json!({"pattern": r"^\<a\>$"}),
    ] {
        writeln!(all, "{schema}\n    {}", refusal(&schema.to_string())).unwrap();
    }
    writeln!(all, "{}", refusal("{")).unwrap();
    writeln!(all, "{}", refusal("")).unwrap();
    writeln!(all, "{}", refusal(r#"{"maximum":1e400}"#)).unwrap();
    writeln!(all, "{}", refusal(r#"{"const":"\ud800"}"#)).unwrap();
    insta::assert_snapshot!(all);
}

#[test]
fn usual_patterns_are_taken() {
    for pattern in [
        "",
        "^.{1,255}$",
        "^[a-z]+$",
        r"^\w+([.-]?\w+)*@\w+([.-]?\w+)*(\.\w{2,3})+$",
        r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
        "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        r"^\d{4}-\d{2}-\d{2}$",
        "^[A-Za-z0-9+/]+={0,2}$",
        r"^https?://[^\s/$.?#].[^\s]*$",
        r"^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$",
        r"^\p{L}[\p{L}\p{N} .'-]{0,20}$",
        r"\bword\b",
        "^[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}$",
    ] {
        let schema = json!({"pattern": pattern}).to_string();
        assert_eq!(Schema::compile_new(&schema).err(), None, "{pattern}");
    }
}

/// An accepted schema may be enforced. If an upgrade refused it, its events would be refused too.
#[test]
fn what_an_earlier_release_took_stays_in_force() {
    for pattern in ["a++", r"\<a"] {
        let schema = json!({"pattern": pattern}).to_string();
        assert_eq!(Schema::compile(&schema).err(), None, "{pattern}");
    }
}

/// Values are data, even if they look like keywords.
#[test]
fn what_looks_like_a_keyword_among_data_is_taken() {
    let looks = json!({
        "$schema": "http://json-schema.org/draft-07/schema#", "$id": "https://example.com/b", "$ref": "https://example.com/c",
        "$dynamicRef": "other.json", "pattern": "(?=a)", "patternProperties": {"(": 1}, "properties": {"a": {"pattern": "a++"}},
        "$anchor": "a b", "allOf": [], "type": "objekt"
    });
    let other = json!([{"a": looks.clone()}, looks.clone()]);
    for name in ["const", "default", "enum", "examples"] {
        let values = if matches!(name, "enum" | "examples") { &other } else { &looks };
        for schema in [
            json!({name: values}),
            json!({"properties": {"a": {name: values}}}),
            json!({"items": {"anyOf": [{name: values}, {"not": {name: values}}]}}),
            json!({"$defs": {name: {name: values}}, "$ref": format!("#/$defs/{name}")}),
        ] {
            assert_eq!(Schema::compile_new(&schema.to_string()).err(), None, "{schema}");
        }
    }
    let schema =
        json!({"properties": {"query": {"const": {"$ref": "https://example.com/c", "pattern": "(?=a)"}}}});
    let schema = Schema::compile(&schema.to_string()).unwrap();
    assert_eq!(schema.check(r#"{"query":{"pattern":"(?=a)","$ref":"https://example.com/c"}}"#), Ok(()));
    assert!(schema.check(r#"{"query":{"pattern":"(?=a)"}}"#).is_err());
}

/// A reference may lead into data, and to the members of `properties`. Its target is a schema.
#[test]
fn a_reference_makes_a_schema_of_what_it_leads_to() {
    let schema = json!({
        "default": {"a%b": [{"type": "string"}]}, "properties": {"a": {"$ref": "#/default/a%25b/0"}, "b": {"$ref": "#/properties/a"}}
    });
    let schema = Schema::compile(&schema.to_string()).unwrap();
    assert_eq!(schema.check(r#"{"a":"","b":""}"#), Ok(()));
    assert!(schema.check(r#"{"b":1}"#).is_err());
}

#[test]
fn size_and_depth_are_bounded() {
    let long = json!({"description": "x".repeat(MAX_BYTES)}).to_string();
    assert_eq!(refusal(&long), " | is larger than 262144 bytes");
    let nested = |levels: usize| {
        let inner = (1..levels).fold(json!({}), |inner, at| {
            if at % 2 == 0 { json!({"properties": inner}) } else { json!({"a": inner}) }
        });
        inner.to_string()
    };
    assert!(Schema::compile(&nested(MAX_DEPTH)).is_ok());
    assert!(refusal(&nested(MAX_DEPTH + 1)).ends_with("is nested more than 64 levels deep"));
    assert!(refusal(&"[".repeat(MAX_BYTES)).contains("is not JSON"));
}

#[test]
fn so_many_patterns_are_refused_that_each_would_be_taken() {
    let many: serde_json::Map<String, Value> =
        (0..1_000).map(|at| (at.to_string(), json!({"pattern": format!("^.{{1,200}}{at}$")}))).collect();
    assert!(refusal(&json!({"properties": many}).to_string()).ends_with("together they are too large"));
}

/// The last one is a boolean schema, which the specification allows.
#[test]
fn what_names_the_draft_or_itself_is_taken() {
    for schema in [
        json!({"$schema": "https://json-schema.org/draft/2020-12/schema"}),
        json!({"$schema": "https://json-schema.org/draft/2020-12/schema#", "$id": "https://example.com/a"}),
        json!({"properties": {"$ref": {"type": "string"}, "$id": true, "pattern": {"type": "string"}}}),
        json!({"$defs": {"a": {"$dynamicAnchor": "node"}}, "$dynamicRef": "#node"}),
        json!(true),
    ] {
        assert_eq!(Schema::compile(&schema.to_string()).err(), None, "{schema}");
    }
}
