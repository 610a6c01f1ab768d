//! EventFlow on one machine: the services, and stand-ins that speak the cloud's own protocols.

pub mod bigquery;
mod cache;
pub mod demo;
pub mod host;
pub mod oidc;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod pubsub;
pub mod scheduler;
mod signals;
pub mod stack;
mod temporary;

pub type Error = Box<dyn std::error::Error + Send + Sync>;
