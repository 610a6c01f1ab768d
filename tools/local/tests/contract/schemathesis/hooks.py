"""What holds between the parts of a request, which OpenAPI cannot say."""

import json

import schemathesis
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation

BINARY = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/schemathesis", "ce-type": "a"}


@schemathesis.serializer("application/x-ndjson")
def lines(_context, value):
    items = value if isinstance(value, list) else [value]
    return "\n".join(json.dumps(item) for item in items).encode()


@schemathesis.hook
def map_case(_context, case):
    if case.path == "/events" and not is_wrong(case, ParameterLocation.HEADER):
        case.headers = coherent(case.media_type, case.headers)
    return case


def is_wrong(case, location):
    part = case.meta.components.get(location)
    return part is not None and part.mode == GenerationMode.NEGATIVE


def coherent(media_type, headers):
    """A binary CloudEvent has all of its headers, another has none; and neither has another key."""
    given = {name: value for name, value in headers.items() if not name.lower().startswith("ce-")}
    if media_type != "application/json":
        given = {name: value for name, value in given.items() if name.lower() != "idempotency-key"}
    if media_type == "*/*":
        given |= {name: headers.get(name, default) for name, default in BINARY.items()}
    return given
