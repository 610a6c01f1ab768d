//! The way out: bq-flush and admin as libraries, on a real PostgreSQL, with the BigQuery stand-in.
#![allow(clippy::unwrap_used)]

mod backoff;
#[path = "../bigquery/client.rs"]
#[allow(dead_code)]
mod client;
mod cluster;
mod crash;
mod harness;
mod interleaving;
mod json;
mod large;
mod numbers;
mod rejects;
mod restore;
mod strangers;
mod upgrade;
mod wire;
