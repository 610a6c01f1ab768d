//! Tests the service through the calls of Pub/Sub and Cloud Scheduler, on a real PostgreSQL and without Pub/Sub.
#![allow(clippy::unwrap_used)]

mod callers;
mod config;
mod dead_letter;
mod deliveries;
mod drain;
mod envelopes;
mod handlers;
mod harness;
mod maintain;
mod ours;
mod outages;
mod relay;
