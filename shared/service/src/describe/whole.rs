use serde_json::{Map, Value, json};

use super::every;

/// What the code says of its operations, together with what they refer to and what every operation has.
pub(super) fn document(operations: Value, shared: Value) -> Value {
    let mut document = operations;
    merge(&mut document, shared);
    merge(&mut document, every::document());
    for response in members(&mut document, "/components/responses") {
        complete(response, is_error);
    }
    for (_, operation) in members(&mut document, "/paths").flat_map(|(_, path)| each(path)) {
        for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
            without_null(&mut parameter["schema"]);
        }
        let responses = &mut operation["responses"];
        for (status, name) in every::ANSWERS {
            responses[status] = json!({ "$ref": format!("#/components/responses/{name}") });
        }
        for response in each(responses).filter(|(_, response)| response.get("$ref").is_none()) {
            complete(response, |status| status.starts_with(['4', '5']));
        }
    }
    document
}

/// A parameter is text, or it is left out.
fn without_null(schema: &mut Value) {
    let Some(kinds) = schema["type"].as_array_mut() else { return };
    kinds.retain(|kind| kind != "null");
    if let [kind] = &mut kinds[..] {
        schema["type"] = kind.take();
    }
}

/// Whatever is shared is an answer to what went wrong.
fn is_error(_name: &str) -> bool {
    true
}

fn complete((name, response): (&String, &mut Value), is_error: impl Fn(&str) -> bool) {
    for (header, component) in every::HEADERS {
        response["headers"][header] = json!({ "$ref": format!("#/components/headers/{component}") });
    }
    if is_error(name) && response.get("content").is_none() {
        let schema = json!({ "$ref": "#/components/schemas/Problem" });
        response["content"] = json!({ "application/problem+json": { "schema": schema } });
    }
}

fn members<'a>(document: &'a mut Value, pointer: &str) -> impl Iterator<Item = (&'a String, &'a mut Value)> {
    document.pointer_mut(pointer).into_iter().flat_map(each)
}

fn each(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flat_map(Map::iter_mut)
}

/// What is there already stays.
fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into @ Value::Null, from) => *into = from,
        _ => {}
    }
}
