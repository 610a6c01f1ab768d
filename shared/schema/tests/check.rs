//! Tests of what each keyword refuses, and of the messages.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;

use schema::{MAX_VIOLATIONS, Schema};
use serde_json::{Value, json};

fn told(schema: &Value, payload: &str) -> String {
    match Schema::compile(&schema.to_string()).unwrap().check(payload) {
        Ok(()) => "ok".into(),
        Err(found) => {
            let each =
                found.violations.iter().map(|one| format!("{} {} {}", one.pointer, one.rule, one.message));
            each.collect::<Vec<_>>().join("; ") + if found.more { "; more" } else { "" }
        }
    }
}

#[test]
fn each_keyword_takes_and_refuses() {
    let mut all = String::new();
    for (schema, good, bad) in [
        (json!({"type": "string"}), r#""a""#, "1"),
        (json!({"type": ["integer", "null"]}), "1.0", "1.5"),
        (json!({"type": "integer"}), "12345678901234567890123", r#""7""#),
        (json!({"enum": ["a", 1, {"b": []}]}), r#"{"b":[]}"#, r#"{"b":[1]}"#),
        (json!({"const": 1}), "1.0", "2"),
        (json!({"minimum": 1, "exclusiveMaximum": 2.5}), "1", "2.5"),
        (json!({"maximum": 2, "exclusiveMinimum": 1}), "2", "1"),
        (json!({"multipleOf": 0.01}), "19.99", "19.999"),
        (json!({"minLength": 2, "maxLength": 3}), r#""éé""#, r#""é""#),
        (json!({"maxLength": 3}), r#""abc""#, r#""abcd""#),
        (json!({"pattern": r"^\d{3}$"}), r#""123""#, r#""١٢٣""#),
        (json!({"format": "date-time"}), r#""2026-01-31T12:00:00Z""#, r#""yesterday""#),
        (json!({"format": "email"}), r#""a@example.com""#, r#""a""#),
        (json!({"format": "uuid"}), r#""019ab7c8-3f3e-7c50-9a52-0a6a8a0c8a11""#, r#""019ab7c8""#),
        (json!({"format": "of-our-own"}), r#""anything""#, "\"\""),
        (json!({"minItems": 1, "maxItems": 2}), "[1]", "[1,2,3]"),
        (json!({"minItems": 1}), "[1]", "[]"),
        (json!({"uniqueItems": true}), "[1,2]", "[1,2,1.0]"),
        (json!({"prefixItems": [{"type": "string"}], "items": false}), r#"["a"]"#, r#"["a",1]"#),
        (json!({"contains": {"const": 1}, "maxContains": 1}), "[1,2]", "[2]"),
        (json!({"required": ["a/b", "c"]}), r#"{"a/b":1,"c":1}"#, "{}"),
        (
            json!({"properties": {"a/b": {"items": {"type": "null"}}}}),
            r#"{"a/b":[null]}"#,
            r#"{"a/b":[null,7]}"#,
        ),
        (json!({"properties": {"a": {}}, "additionalProperties": false}), r#"{"a":1}"#, r#"{"b~":1,"c":2}"#),
        (json!({"additionalProperties": false}), "{}", r#"{"a":1}"#),
        (json!({"patternProperties": {"^x-": {"type": "string"}}}), r#"{"x-a":"","y":1}"#, r#"{"x-a":1}"#),
        (json!({"propertyNames": {"maxLength": 2}}), r#"{"ab":1}"#, r#"{"abc":1}"#),
        (json!({"minProperties": 1, "maxProperties": 1}), r#"{"a":1}"#, "{}"),
        (json!({"dependentRequired": {"a": ["b"]}}), r#"{"b":1}"#, r#"{"a":1}"#),
        (json!({"dependentSchemas": {"a": {"required": ["b"]}}}), r#"{"b":1}"#, r#"{"a":1}"#),
        (json!({"allOf": [{"minimum": 1}, {"maximum": 2}]}), "1", "3"),
        (json!({"anyOf": [{"type": "string"}, {"type": "null"}]}), "null", "1"),
        (json!({"oneOf": [{"minimum": 1}, {"minimum": 2}]}), "1", "2"),
        (json!({"oneOf": [{"minimum": 1}, {"minimum": 2}]}), "1", "0"),
        (json!({"not": {"type": "string"}}), "1", r#""a""#),
        (json!({"if": {"type": "string"}, "then": {"minLength": 1}, "else": {"minimum": 1}}), "1", r#""""#),
        (
            json!({"allOf": [{"properties": {"a": true}}], "unevaluatedProperties": false}),
            r#"{"a":1}"#,
            r#"{"b":1}"#,
        ),
        (json!({"prefixItems": [true], "unevaluatedItems": false}), "[1]", "[1,2]"),
        (json!({"properties": {"a": false}}), "{}", r#"{"a":1}"#),
        (json!({"$defs": {"n": {"type": "null"}}, "items": {"$ref": "#/$defs/n"}}), "[null]", "[1]"),
        (
            json!({"$anchor": "top", "properties": {"a": {"$ref": "#top"}}, "required": ["b"]}),
            r#"{"b":1}"#,
            r#"{"b":1,"a":{}}"#,
        ),
        (
            json!({"$id": "https://example.com/a", "$defs": {"n": {"type": "null"}}, "items": {"$ref": "https://example.com/a#/$defs/n"}}),
            "[null]",
            "[1]",
        ),
        (json!(false), "", "{}"),
    ] {
        if !good.is_empty() {
            assert_eq!(told(&schema, good), "ok", "{schema} {good}");
        }
        writeln!(all, "{schema} {bad}\n    {}", told(&schema, bad)).unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_payload_is_never_repeated() {
    let schema = json!({"additionalProperties": {"anyOf": [{"type": "null"}, {"enum": [1]}, {"const": "x"}, {"pattern": "^z"}]}});
    let told = told(&schema, r#"{"a":"secret","b":["secret"],"c":{"d":"secret"}}"#);
    assert!(told.contains("/a anyOf") && !told.contains("secret"), "{told}");
}

#[test]
fn few_of_many_violations_are_told_and_there_are_more() {
    let schema = Schema::compile(r#"{"items":{"type":"string"}}"#).unwrap();
    let of = |count: usize| schema.check(&format!("[{}]", vec!["1"; count].join(","))).unwrap_err();
    let few = of(MAX_VIOLATIONS);
    assert_eq!((few.violations.len(), few.more), (MAX_VIOLATIONS, false));
    for count in [MAX_VIOLATIONS + 1, 500_000] {
        let many = of(count);
        assert_eq!((many.violations.len(), many.more), (MAX_VIOLATIONS, true));
        assert_eq!(many.violations[7].pointer, "/7");
    }
}

#[test]
fn a_long_name_is_cut() {
    let schema = Schema::compile(r#"{"additionalProperties":false,"properties":{"a":true}}"#).unwrap();
    let told = schema.check(&format!(r#"{{"{}":1}}"#, "é".repeat(100_000))).unwrap_err();
    assert_eq!(told.violations[0].pointer.chars().count(), 501);
}

#[test]
fn a_number_beyond_comparing_is_refused_where_it_is_compared() {
    let schema = Schema::compile(r#"{"properties":{"n":{"type":"number","minimum":1}}}"#).unwrap();
    assert_eq!(schema.check(r#"{"n":1e308}"#), Ok(()));
    assert_eq!(schema.check(r#"{"n":1.7976931348623157e308}"#), Ok(()));
    assert_eq!(schema.check(r#"{"n":123456789012345678901234567890}"#), Ok(()));
    let mut all = String::new();
    for (schema, payload) in [
        (json!({"minimum": 1}), "1e400"),
        (json!({"maximum": 1}), "-1e400"),
        (json!({"maximum": f64::MAX}), "1e400"),
        (json!({"multipleOf": 10}), "1e400"),
        (json!({"type": "integer", "minimum": 1}), "1e400"),
        (json!({"const": f64::MAX}), "1e400"),
        (json!({"enum": ["a", 1]}), "1e400"),
        (json!({"uniqueItems": true}), "[1e400, 1e401]"),
        (json!({"items": {"minimum": 1}}), "[1, 1e400]"),
        (json!({"type": "string"}), "1e400"),
        (json!({"properties": {"a": {"type": "string"}, "n": {"type": "number"}}}), r#"{"n":1e400,"a":1}"#),
    ] {
        writeln!(all, "{schema} {payload}\n    {}", told(&schema, payload)).unwrap();
    }
    insta::assert_snapshot!(all);
}

/// `{}` accepts everything, and so do rules that do not ask for the size of a number.
#[test]
fn a_number_beyond_comparing_is_taken_where_nobody_compares_it() {
    for schema in [
        json!({}),
        json!(true),
        json!({"type": "object", "required": ["n"], "minProperties": 2, "properties": {"n": {"type": "number"}}}),
        json!({"properties": {"n": {"type": ["number", "string"], "minLength": 1, "pattern": "^a"}}}),
        json!({"properties": {"n": {"type": "integer"}, "m": {"minimum": 7}}, "additionalProperties": {"minLength": 1}}),
        json!({"properties": {"text": {"const": "1e400 \" -1e999"}}}),
    ] {
        for n in ["1e400", "-1E+400", "1.5e309", "-0.1e311", &"9".repeat(400)] {
            let payload = format!(r#"{{"text":"1e400 \" -1e999","n":{n},"m":7,"all":[{{"n":[1,{n}]}}]}}"#);
            assert_eq!(told(&schema, &payload), "ok", "{schema} {payload}");
        }
    }
}
