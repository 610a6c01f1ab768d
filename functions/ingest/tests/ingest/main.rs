//! Tests the service through its HTTP interface, on a real PostgreSQL and without Pub/Sub.
#![allow(clippy::unwrap_used)]

mod accepted;
mod batch;
mod cloudevents;
mod compressed;
mod config;
mod drain;
mod front_door;
mod harness;
mod idempotency;
mod keys;
mod memory;
mod network;
mod openapi;
mod origins;
mod outages;
mod process;
mod rate_limit;
mod ready;
mod refused;
mod resend;
mod schemas;
mod sdk;
mod senders;
