//! The service as operators see it, on a real PostgreSQL and without Pub/Sub.
#![allow(clippy::unwrap_used)]

mod config;
mod failed;
mod front_door;
mod harness;
mod list;
mod metrics;
mod migrate;
mod one;
mod outages;
mod rejects;
mod replay;
mod told;
