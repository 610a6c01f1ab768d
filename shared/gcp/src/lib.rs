#![doc = include_str!("../README.md")]

pub mod bigquery;
mod credentials;
mod error;
pub mod identity;
pub mod publisher;
#[cfg(feature = "testing")]
pub mod testing;
mod tls;

pub use bigquery::{BigQuery, BigQueryConfig};
pub use error::Error;
pub use identity::{Caller, Iap, Identity, IdentityConfig, Mode, Refusal};
pub use publisher::{Message, PublishError, Publisher, PublisherConfig};
