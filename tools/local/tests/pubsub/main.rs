//! The Pub/Sub stand-in, tested through Google's own client and a push receiver.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod authentication;
mod backoff;
mod dead_letter;
mod delivery;
mod faults;
mod issuer;
mod pull;
mod receiver;
mod rpc;
mod stand_in;
