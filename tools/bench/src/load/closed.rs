use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::{Latencies, Script, Tally, on_a_thread};
use crate::Error;

/// A closed loop, for the highest throughput: each connection sends its next request when it has the answer to the
/// one before.
pub(crate) struct Closed {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) lasts: Lasts,
}

#[derive(Clone, Copy)]
pub(crate) enum Lasts {
    For(Duration),
    /// Until the script has no more requests.
    ToTheEnd,
}

struct Shared<S> {
    script: S,
    answered: u64,
    accepted: u64,
    latencies: Latencies,
}

impl Closed {
    pub(crate) async fn run<S: Script>(self, script: S) -> Result<Tally<S>, Error> {
        on_a_thread(move || self.drive(script)).await
    }

    async fn drive<S: Script>(self, script: S) -> Result<Tally<S>, Error> {
        let mut open = Vec::new();
        for _ in 0..self.connections {
            open.push(Connection::open(self.address).await?);
        }
        let shared =
            Rc::new(RefCell::new(Shared { script, answered: 0, accepted: 0, latencies: Latencies::new()? }));
        let start = Instant::now();
        let end = match self.lasts {
            Lasts::For(time) => Some(start + time),
            Lasts::ToTheEnd => None,
        };
        let senders: Vec<_> = open
            .into_iter()
            .map(|connection| tokio::task::spawn_local(send(connection, shared.clone(), end)))
            .collect();
        for sender in senders {
            sender.await??;
        }
        let took = end.map_or_else(|| start.elapsed(), |end| end - start);
        let shared = Rc::into_inner(shared).ok_or("a sender is left")?.into_inner();
        let Shared { script, answered, accepted, latencies } = shared;
        Ok(Tally { answered, accepted, took, latencies, script })
    }
}

/// Sends requests until the end. An answer after the end is awaited, but counts only as accepted.
async fn send<S: Script>(
    mut connection: Connection,
    shared: Rc<RefCell<Shared<S>>>,
    end: Option<Instant>,
) -> Result<(), Error> {
    loop {
        let start = Instant::now();
        if end.is_some_and(|end| start >= end) {
            return Ok(());
        }
        let Some(request) = shared.borrow_mut().script.next() else { return Ok(()) };
        let body = connection.exchange(&request).await?;
        let now = Instant::now();
        let mut shared = shared.borrow_mut();
        shared.script.answered(body);
        shared.accepted += 1;
        if end.is_none_or(|end| now <= end) {
            shared.answered += 1;
            shared.latencies.add(now - start);
        }
    }
}
