//! Tests the service through the calls of Cloud Scheduler, on a real PostgreSQL and with a BigQuery that is
//! unavailable.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod caller;
mod config;
mod flush;
mod harness;
