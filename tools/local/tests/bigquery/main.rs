//! The `BigQuery` stand-in over its real HTTP, as a process that can be killed.
#![allow(clippy::unwrap_used)]

mod client;

mod catalog;
mod durability;
mod faults;
mod jobs;
mod loads;
mod uploads;
