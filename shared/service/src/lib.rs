#![doc = include_str!("../README.md")]

mod accept;
mod answer_headers;
mod app;
mod body;
mod clients;
mod connection;
mod context;
mod describe;
mod env;
pub mod fault;
mod frames;
mod hard_end;
mod health;
mod limits;
mod listen;
pub mod memory;
mod patience;
mod peer;
mod plain_error;
mod problem;
mod request_log;
mod router;
mod run;
mod settings;
mod shutdown;
mod signals;
mod socket;
mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
mod trace;
mod turn;
mod wire;

pub use app::App;
pub use body::{BODY_DEADLINE, BODY_GRACE, BODY_RATE, Chunks, read_body};
pub use context::RequestContext;
pub use describe::{Shared, described};
pub use env::{Env, Mistakes, Noted};
pub use health::Readiness;
pub use peer::{Peer, client_address, client_network};
pub use problem::{BoxError, Problem};
pub use router::{method_not_allowed, router};
pub use run::run;
pub use shutdown::Shutdown;
