//! Token buckets of each instance: one kind limits the events of a key, and the other limits the requests of an
//! address.

mod address;
mod bucket;
mod key;

pub use address::AddressLimit;
pub(crate) use key::KeyLimit;
