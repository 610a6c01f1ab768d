"""Makes the generated requests satisfy the rules that OpenAPI cannot express."""

import json
from uuid import uuid4

import schemathesis
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation

BINARY = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/schemathesis", "ce-type": "a"}
CLOUD_EVENTS = "application/cloudevents"


@schemathesis.serializer("application/x-ndjson")
def lines(_context, value):
    items = value if isinstance(value, list) else [value]
    return "\n".join(json.dumps(item) for item in items).encode()


@schemathesis.hook
def before_call(_context, case, _kwargs):
    if case.path == "/events" and is_binary(case):
        # A CloudEvent carries its key itself.
        case.headers.pop("Idempotency-Key", None)
        case.headers.update(BINARY)
        return
    if "Idempotency-Key" in case.headers and is_right(case, ParameterLocation.HEADER):
        case.headers["Idempotency-Key"] = unique(case.headers["Idempotency-Key"])
    if case.media_type and case.media_type.startswith(CLOUD_EVENTS):
        case.headers.pop("Idempotency-Key", None)
    if is_right(case, ParameterLocation.BODY):
        if isinstance(case.body, dict):
            case.body = possible(case.body)
        elif isinstance(case.body, list):
            case.body = [possible(item) for item in case.body]


def is_binary(case):
    return case.media_type in ("text/plain", "application/octet-stream")


def unique(key):
    """Makes a key unique, because a key that is sent again with another body is refused."""
    quote = '"' if key.startswith('"') else ""
    return quote + key.strip('"')[:200] + uuid4().hex + quote


def is_right(case, location):
    part = case.meta.components.get(location)
    return part is None or part.mode == GenerationMode.POSITIVE


def possible(body):
    if not isinstance(body, dict):
        return body
    # For JSON Schema 1.0 is an integer, but many readers do not take it for one.
    body = {name: exact(value) for name, value in body.items()}
    if isinstance(body.get("idempotencyKey"), str):
        body["idempotencyKey"] = unique(body["idempotencyKey"])
    if isinstance(body.get("events"), list):
        body["events"] = [possible(item) for item in body["events"]]
    if isinstance(body.get("expiresAt"), str):
        body["expiresAt"] = "2999-01-31T12:00:00Z"
    if "schema" in body:
        # The generated value is an object, but rarely a JSON Schema.
        body["schema"] = {"type": "object"}
    return body


def exact(value):
    return int(value) if isinstance(value, float) and value.is_integer() else value
