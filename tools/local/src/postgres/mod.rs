//! A private PostgreSQL. It is found or fetched, started for a command or for the laptop host, and stopped again.

mod account;
mod binaries;
mod cluster;
mod command;
mod fetch;
mod leftover;

pub use binaries::{Binaries, Wanted};
pub use cluster::{Cluster, Durability, remove, url};
pub use command::{Args, run};
