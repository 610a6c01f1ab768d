//! The load driver. It shares the machine with the measured services, so it does little work: a request is a prepared
//! sequence of bytes, an answer is parsed only as far as its length, and all connections run on one thread.

mod closed;
mod connection;
mod histogram;
mod open;
mod request;
mod script;
mod timer;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::sync::oneshot;

pub(crate) use closed::{Closed, Lasts};
pub(crate) use histogram::Latencies;
pub(crate) use open::Open;
pub(crate) use request::Request;
pub(crate) use script::{Same, Script};
pub(crate) use timer::at_its_time;

use crate::Error;

/// The result of one load.
pub(crate) struct Tally<S> {
    /// The requests that were answered within the time.
    pub(crate) answered: u64,
    /// The requests that were accepted, including those that were answered after the time.
    pub(crate) accepted: u64,
    pub(crate) took: Duration,
    pub(crate) latencies: Latencies,
    pub(crate) script: S,
}

impl<S> Tally<S> {
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn per_second(&self) -> f64 {
        self.answered as f64 / self.took.as_secs_f64()
    }
}

pub(crate) fn at(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// Runs the work on a thread of its own, so that the connections need no locks and wake no other thread.
async fn on_a_thread<T, F>(work: impl FnOnce() -> F + Send + 'static) -> Result<T, Error>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>>,
{
    let (done, ended) = oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let outcome = match runtime {
            Ok(runtime) => tokio::task::LocalSet::new().block_on(&runtime, work()),
            Err(error) => Err(error.into()),
        };
        // The caller may have been interrupted already.
        let _ = done.send(outcome);
    });
    ended.await?
}
