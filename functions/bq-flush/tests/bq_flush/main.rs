//! The service as Cloud Scheduler sees it, on a real PostgreSQL and with a BigQuery that is away.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod caller;
mod config;
mod flush;
mod harness;
