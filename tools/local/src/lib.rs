//! EventFlow on one machine: the services, and stand-ins that speak the cloud's own protocols.

pub mod bigquery;
pub mod oidc;
pub mod pubsub;
pub mod scheduler;

pub type Error = Box<dyn std::error::Error + Send + Sync>;
