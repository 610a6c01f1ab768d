//! The operations and components that are the same in every service.

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
                "description": "The conditions that are not met yet, and the reasons",
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
        "/health": operation("health", "Check that the process is alive", json!({ "200": state("The process is alive") })),
        "/ready": operation("ready", "Check that the service is ready", json!({
            "200": state("The service has reached everything that it needs"),
            "503": state("The service is not ready yet")
        })),
        "/openapi.json": operation("openapi", "Get this document", json!({
            "200": answer("OpenAPI 3.1", "application/json", &json!({ "type": "object" }))
        })),
        "/docs": operation("docs", "Show this document to people", json!({
            "200": answer("A page without scripts", "text/html", &text)
        })),
        "/docs/style.css": operation("docsStyle", "Get the style of that page", json!({
            "200": answer("A style sheet", "text/css", &text)
        })),
    })
}

fn components() -> Value {
    json!({
        "schemas": { "Problem": Problem::schema() },
        "headers": {
            "RequestId": header("The ID of the request, or a new one, by which the log lines are found", "string"),
            "Traceparent": header("W3C trace context, which continues the trace of the request", "string"),
            "RetryAfter": header("Seconds to wait", "integer")
        },
        "responses": {
            "NotAcceptable": { "description": "The header `Accept` excludes what there is" },
            "InternalError": { "description": "An error in this service: the log lines are found by `requestId`" }
        }
    })
}

fn header(description: &str, kind: &str) -> Value {
    json!({ "description": description, "schema": { "type": kind } })
}
