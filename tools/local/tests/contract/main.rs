//! Tests the services against their own documents, with programs that know nothing else about them. These tests take
//! minutes, and need Python or npm: `make contract`.
#![allow(clippy::unwrap_used)]

mod client;
mod schemathesis;
mod system;
mod tool;
