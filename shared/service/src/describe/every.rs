//! What is the same in every service.

use serde_json::{Value, json};
use utoipa::PartialSchema;

use crate::Problem;

/// Answers that any operation may give.
pub(super) const ANSWERS: [(&str, &str); 2] = [("406", "NotAcceptable"), ("500", "InternalError")];
/// Headers of every answer.
pub(super) const HEADERS: [(&str, &str); 2] = [("X-Request-Id", "RequestId"), ("traceparent", "Traceparent")];

pub(super) fn document() -> Value {
    json!({ "paths": paths(), "components": components() })
}

fn paths() -> Value {
    let state = json!({
        "type": "object",
        "required": ["status"],
        "properties": {
            "status": { "type": "string" },
            "timestamp": { "type": "string", "format": "date-time" },
            "missing": {
                "type": "object",
                "description": "What is not there yet, and why",
                "additionalProperties": { "type": "string" }
            }
        }
    });
    let answer = |description, kind: &str, schema: &Value| json!({ "description": description, "content": { kind: { "schema": schema } } });
    let operation = |id, summary, responses| {
        json!({ "get": {
            "operationId": id, "summary": summary, "tags": ["service"], "security": [], "responses": responses
        } })
    };
    let state = |description| answer(description, "application/json", &state);
    let text = json!({ "type": "string" });
    json!({
        "/health": operation("health", "Is the process alive?", json!({ "200": state("It is") })),
        "/ready": operation("ready", "Has all been reached that the service needs?", json!({
            "200": state("From the first working connection on"),
            "503": state("Not yet")
        })),
        "/openapi.json": operation("openapi", "This document", json!({
            "200": answer("OpenAPI 3.1", "application/json", &json!({ "type": "object" }))
        })),
        "/docs": operation("docs", "This document for people", json!({
            "200": answer("A page without scripts", "text/html", &text)
        })),
        "/docs/style.css": operation("docsStyle", "How that page looks", json!({
            "200": answer("A style sheet", "text/css", &text)
        })),
    })
}

fn components() -> Value {
    json!({
        "schemas": { "Problem": Problem::schema() },
        "headers": {
            "RequestId": header("The request's, or one that was made: it finds the log lines", "string"),
            "Traceparent": header("W3C trace context: the request's trace goes on", "string"),
            "RetryAfter": header("Seconds to wait", "integer")
        },
        "responses": {
            "NotAcceptable": { "description": "The header `Accept` excludes what there is" },
            "InternalError": { "description": "An error of ours: `requestId` finds it in the log" }
        }
    })
}

fn header(description: &str, kind: &str) -> Value {
    json!({ "description": description, "schema": { "type": kind } })
}
