#![doc = include_str!("../README.md")]

mod credentials;
mod error;
pub mod publisher;
mod tls;

pub use error::Error;
pub use publisher::{Message, PublishError, Publisher, PublisherConfig};
