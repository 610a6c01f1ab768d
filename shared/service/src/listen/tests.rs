#![allow(clippy::unwrap_used)]

mod crowd;
mod harness;
mod http1;
mod http2;
mod malformed;
