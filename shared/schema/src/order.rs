use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use crate::meter::Meter;

/// An order of all JSON values. Two values are equal in it if JSON Schema says so: `1` and `1.0`, and objects with
/// their members in any order.
pub(crate) fn of(a: &Value, b: &Value, meter: &Meter) -> Ordering {
    meter.spend(1);
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => {
            meter.compare(a);
            meter.compare(b);
            of_numbers(a, b)
        }
        (Value::String(a), Value::String(b)) => {
            meter.text(if a.len() < b.len() { a } else { b });
            a.cmp(b)
        }
        (Value::Array(a), Value::Array(b)) => a.len().cmp(&b.len()).then_with(|| {
            let pairs = a.iter().zip(b);
            pairs.map(|(a, b)| of(a, b, meter)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        }),
        (Value::Object(a), Value::Object(b)) => a.len().cmp(&b.len()).then_with(|| {
            let pairs = sorted(a).into_iter().zip(sorted(b));
            let mut orders = pairs.map(|((a_name, a), (b_name, b))| {
                meter.text(a_name);
                a_name.cmp(b_name).then_with(|| of(a, b, meter))
            });
            orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        }),
        _ => rank(a).cmp(&rank(b)),
    }
}

/// The members in order. A map of `serde_json` is already sorted, unless another crate turns its `preserve_order` on.
fn sorted(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut members: Vec<_> = map.iter().collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    members
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

/// Compares numbers by their nearest float, and if that is the same, as integers. A float may be an integer too.
fn of_numbers(a: &Number, b: &Number) -> Ordering {
    let float = |number: &Number| number.as_f64().map_or(0.0, |float| float + 0.0);
    float(a).total_cmp(&float(b)).then_with(|| integer(a).cmp(&integer(b)))
}

/// The number as an integer, to order numbers with the same nearest float. The nearest float of an integer of 64 bits
/// is below 2^65 and has no fraction, so the cast is exact for it.
#[allow(clippy::cast_possible_truncation)]
fn integer(number: &Number) -> i128 {
    number.as_i128().unwrap_or_else(|| number.as_f64().map_or(0, |float| float as i128))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::meter::metered;

    fn order(a: &Value, b: &Value) -> Ordering {
        metered(&Meter::new(1_000, 1, 0, false), |meter| of(a, b, meter)).ok().unwrap()
    }

    #[test]
    fn what_is_equal_is_what_json_schema_says() {
        let two_53 = 9_007_199_254_740_992_u64;
        for (a, b) in [
            (json!(1), json!(1.0)),
            (json!(0), json!(-0.0)),
            (json!({"a": 1, "b": [2]}), json!({"b": [2.0], "a": 1})),
            (json!(two_53), json!(9_007_199_254_740_992.0)),
            (json!(1e300), json!(1e300)),
        ] {
            assert_eq!(order(&a, &b), Ordering::Equal, "{a} {b}");
        }
        let apart = [
            json!(null),
            json!(false),
            json!(true),
            json!(-1.5),
            json!(0),
            json!(0.5),
            json!(two_53),
            json!(two_53 + 1),
            json!(1e300),
            json!(""),
            json!("a"),
            json!([]),
            json!([1]),
            json!([2]),
            json!([[1]]),
            json!({}),
            json!({"a": 1}),
            json!({"a": 2}),
            json!({"b": 1}),
        ];
        for (i, a) in apart.iter().enumerate() {
            for (j, b) in apart.iter().enumerate() {
                assert_eq!(order(a, b), i.cmp(&j), "{a} {b}");
            }
        }
    }
}
