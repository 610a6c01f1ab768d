//! The properties of all code that reads untrusted bytes. Each property has a file, and panics if it does not hold.
//! The fuzzer searches for bytes that break a property, and a test tries the inputs that were kept.
#![allow(clippy::unwrap_used)]

mod admin_query;
mod answer;
mod api_key;
mod client_address;
mod cloudevent_binary;
mod cloudevent_structured;
mod event_body;
mod http2_frames;
mod idempotency_key;
mod json_batch;
mod json_schema;
mod ndjson;
mod push_envelope;
mod request;
mod stored;
mod traceparent;

pub use admin_query::admin_query;
pub use api_key::api_key;
pub use client_address::client_address;
pub use cloudevent_binary::cloudevent_binary;
pub use cloudevent_structured::cloudevent_structured;
pub use event_body::event_body;
pub use http2_frames::http2_frames;
pub use idempotency_key::idempotency_key;
pub use json_batch::json_batch;
pub use json_schema::json_schema;
pub use ndjson::ndjson;
pub use push_envelope::push_envelope;
pub use traceparent::traceparent;

pub type Property = fn(&[u8]);

/// All properties by their names.
pub const PROPERTIES: [(&str, Property); 13] = [
    ("admin_query", admin_query),
    ("api_key", api_key),
    ("client_address", client_address),
    ("cloudevent_binary", cloudevent_binary),
    ("cloudevent_structured", cloudevent_structured),
    ("event_body", event_body),
    ("http2_frames", http2_frames),
    ("idempotency_key", idempotency_key),
    ("json_batch", json_batch),
    ("json_schema", json_schema),
    ("ndjson", ndjson),
    ("push_envelope", push_envelope),
    ("traceparent", traceparent),
];
