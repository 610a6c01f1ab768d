//! What the services say of themselves, taken at their word by programs that know nothing else of them. It takes minutes, and
//! Python or npm: `make contract`.
#![allow(clippy::unwrap_used)]

mod client;
mod schemathesis;
mod system;
mod tool;
