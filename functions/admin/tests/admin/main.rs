//! Tests the service as operators use it, on a real PostgreSQL and without Pub/Sub.
#![allow(clippy::unwrap_used)]

mod adopt;
mod audit;
mod config;
mod event_types;
mod failed;
mod front_door;
mod harness;
mod input;
mod key_command;
mod keys;
mod list;
mod loads;
mod metrics;
mod migrate;
mod one;
mod openapi;
mod origin;
mod outages;
mod rejects;
mod replay;
mod roles;
mod told;
mod unreadable;
