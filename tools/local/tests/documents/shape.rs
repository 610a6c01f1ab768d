use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Returns a difference in the members or in the kinds of values between the shown answer and the found one. Values
/// differ each time. `null` stands for a value that may come later.
pub(crate) fn difference(shown: &Value, found: &Value) -> Option<String> {
    match (shown, found) {
        (Value::Object(shown), Value::Object(found)) => of_members(shown, found),
        (Value::Array(shown), Value::Array(found)) => of_elements(shown, found),
        (Value::Null, _) | (_, Value::Null) => None,
        _ if kind(shown) == kind(found) => None,
        _ => Some(format!("{shown} is shown, and {found} came")),
    }
}

fn of_members(shown: &Map<String, Value>, found: &Map<String, Value>) -> Option<String> {
    let names = |map: &Map<String, Value>| map.keys().cloned().collect::<BTreeSet<_>>();
    let (wanted, came) = (names(shown), names(found));
    if wanted != came {
        return Some(format!("{wanted:?} are shown, and {came:?} came"));
    }
    shown.iter().find_map(|(name, value)| {
        difference(value, &found[name]).map(|difference| format!("{name}: {difference}"))
    })
}

/// Each element has to be like one of the shown ones.
fn of_elements(shown: &[Value], found: &[Value]) -> Option<String> {
    if shown.is_empty() != found.is_empty() {
        let (wanted, came) = (shown.len(), found.len());
        return Some(format!("{wanted} elements are shown, and {came} came"));
    }
    found.iter().find_map(|element| {
        let mut differences = shown.iter().map(|shown| difference(shown, element));
        let first = differences.next()??;
        differences.all(|difference| difference.is_some()).then_some(first)
    })
}

fn kind(value: &Value) -> std::mem::Discriminant<Value> {
    std::mem::discriminant(value)
}

#[test]
fn a_shape_is_its_members_and_kinds() {
    let differs = |shown: &str, found: &str| {
        let read = |text| serde_json::from_str(text).unwrap();
        difference(&read(shown), &read(found)).is_some()
    };
    assert!(!differs(r#"{"a":1,"b":[{"c":"x"}]}"#, r#"{"b":[{"c":"y"},{"c":""}],"a":2.5}"#));
    assert!(!differs(r#"[{"a":1},{"b":1}]"#, r#"[{"b":2}]"#));
    assert!(!differs(r#"{"a":null}"#, r#"{"a":"x"}"#));
    assert!(differs(r#"{"a":1}"#, r#"{"a":1,"b":1}"#));
    assert!(differs(r#"{"a":1,"b":1}"#, r#"{"a":1}"#));
    assert!(differs(r#"{"a":1}"#, r#"{"a":"1"}"#));
    assert!(differs(r#"{"a":[{"b":1}]}"#, r#"{"a":[{"b":1},{"c":1}]}"#));
    assert!(differs(r#"{"a":[1]}"#, r#"{"a":[]}"#));
}
