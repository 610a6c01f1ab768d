//! Token buckets, each instance's own: how many events a key may send, and how many requests an address.

mod address;
mod bucket;
mod key;

pub use address::AddressLimit;
pub(crate) use key::KeyLimit;
