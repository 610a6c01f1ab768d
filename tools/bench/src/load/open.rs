use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::connection::Connection;
use super::{Latencies, Script, Tally, at_its_time, on_a_thread};
use crate::Error;

/// An open loop: requests are due by the clock, independent of the answers, and the latency of each begins when it is
/// due. So a service that stands still also pays for the requests that come due meanwhile.
pub(crate) struct Open {
    pub(crate) address: SocketAddr,
    /// This many requests can wait for their answers. Further requests wait to be sent, and this wait is part of
    /// their latency.
    pub(crate) connections: usize,
    /// Requests a second.
    pub(crate) rate: f64,
    pub(crate) lasts: Duration,
}

struct Shared<S> {
    script: S,
    answered: u64,
    latencies: Latencies,
}

type Due = Rc<Mutex<UnboundedReceiver<Instant>>>;

impl Open {
    pub(crate) async fn run<S: Script>(self, script: S) -> Result<Tally<S>, Error> {
        on_a_thread(move || self.drive(script)).await
    }

    async fn drive<S: Script>(self, script: S) -> Result<Tally<S>, Error> {
        let mut open = Vec::new();
        for _ in 0..self.connections {
            open.push(Connection::open(self.address).await?);
        }
        let shared = Rc::new(RefCell::new(Shared { script, answered: 0, latencies: Latencies::new()? }));
        let (sender, receiver) = unbounded_channel();
        let due: Due = Rc::new(Mutex::new(receiver));
        let start = Instant::now();
        let schedule = schedule(start, self.rate, self.lasts);
        std::thread::spawn(move || at_its_time(schedule, |due, ()| sender.send(due).is_ok()));
        let senders: Vec<_> = open
            .into_iter()
            .map(|connection| tokio::task::spawn_local(send(connection, shared.clone(), due.clone())))
            .collect();
        for sender in senders {
            sender.await??;
        }
        let took = start.elapsed();
        let shared = Rc::into_inner(shared).ok_or("a sender is left")?.into_inner();
        let Shared { script, answered, latencies } = shared;
        Ok(Tally { answered, accepted: answered, took, latencies, script })
    }
}

fn schedule(start: Instant, rate: f64, lasts: Duration) -> impl Iterator<Item = (Instant, ())> {
    let every = Duration::from_secs_f64(1.0 / rate);
    (0_u32..)
        .map(move |number| start + every * number)
        .take_while(move |due| *due < start + lasts)
        .map(|due| (due, ()))
}

async fn send<S: Script>(
    mut connection: Connection,
    shared: Rc<RefCell<Shared<S>>>,
    due: Due,
) -> Result<(), Error> {
    loop {
        let Some(start) = due.lock().await.recv().await else { return Ok(()) };
        let Some(request) = shared.borrow_mut().script.next() else { return Ok(()) };
        let body = connection.exchange(&request).await?;
        let mut shared = shared.borrow_mut();
        shared.script.answered(body);
        shared.answered += 1;
        shared.latencies.add(start.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_spread_evenly() {
        let start = Instant::now();
        let times: Vec<_> =
            schedule(start, 200.0, Duration::from_millis(20)).map(|(due, ())| due - start).collect();
        assert_eq!(times, [0, 5, 10, 15].map(Duration::from_millis));
    }
}
