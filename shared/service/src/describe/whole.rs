use serde_json::{Map, Value, json};

use super::{Headers, Shared, every};

/// Combines the operations from the code with the components that they refer to and with the parts that every operation
/// has.
pub(super) fn document(mut operations: Value, shared: Shared) -> Value {
    for (_, operation) in members(&mut operations, "/paths").flat_map(|(_, path)| each(path)) {
        for (status, response) in inline(operation) {
            complete(status, response, shared.headers);
        }
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            parameter.get_mut("schema").map(without_null);
        }
    }
    let mut document = operations;
    for shared in shared.documents {
        merge(&mut document, shared);
    }
    merge(&mut document, every::document());
    for (_, response) in members(&mut document, "/components/responses") {
        add_headers(response, shared.headers);
        add_problem(response);
    }
    for (_, operation) in members(&mut document, "/paths").flat_map(|(_, path)| each(path)) {
        let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
        if let Some(responses) = responses {
            for (status, name) in every::ANSWERS {
                let named = json!({ "$ref": format!("#/components/responses/{name}") });
                responses.entry(status).or_insert(named);
            }
        }
        for (status, response) in inline(operation) {
            complete(status, response, &every::HEADERS);
        }
    }
    for (_, response) in members(&mut document, "/components/responses") {
        add_headers(response, &every::HEADERS);
    }
    document
}

fn inline(operation: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    let responses = operation.get_mut("responses").into_iter().flat_map(each);
    responses.filter(|(_, response)| response.get("$ref").is_none())
}

fn complete(status: &str, response: &mut Value, headers: Headers) {
    add_headers(response, headers);
    if status.starts_with(['4', '5']) {
        add_problem(response);
    }
}

fn add_headers(response: &mut Value, headers: Headers) {
    for (header, component) in headers {
        response["headers"][header] = json!({ "$ref": format!("#/components/headers/{component}") });
    }
}

fn add_problem(response: &mut Value) {
    if response.get("content").is_none() {
        let schema = json!({ "$ref": "#/components/schemas/Problem" });
        response["content"] = json!({ "application/problem+json": { "schema": schema } });
    }
}

/// A parameter is text, or it is left out.
fn without_null(schema: &mut Value) {
    let Some(kinds) = schema.get_mut("type").and_then(Value::as_array_mut) else { return };
    kinds.retain(|kind| kind != "null");
    if let [kind] = &mut kinds[..] {
        schema["type"] = kind.take();
    }
}

fn members<'a>(document: &'a mut Value, pointer: &str) -> impl Iterator<Item = (&'a String, &'a mut Value)> {
    document.pointer_mut(pointer).into_iter().flat_map(each)
}

fn each(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flat_map(Map::iter_mut)
}

/// Existing values stay.
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
