use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::frames::Progress;
use crate::limits::Limits;
use crate::turn::{Receipt, Turn};

/// The patience with the client of one connection: how long it may still keep the service waiting.
///
/// hyper has one deadline for headers, only for HTTP/1, and counts the wait of an idle connection towards it. A server
/// behind a load balancer needs a short deadline for headers and a long one for idle connections. hyper's keep-alive
/// pings for HTTP/2 do not help: if the process had no CPU, the answer waits in the socket unread, and hyper closes a
/// healthy connection.
pub(crate) struct Patience {
    headers: Duration,
    idle: Duration,
    state: Mutex<State>,
    sooner: Notify,
}

struct State {
    /// The time by which the first request must have arrived.
    first: Option<Instant>,
    /// The time by which the current headers must have arrived.
    headers: Option<Instant>,
    /// The number of requests without an answer, and of those whose body is still arriving.
    turns: usize,
    bodies: usize,
    /// The time since which the client could have sent its next request, or the rest of this one.
    waiting: Instant,
    multiplexed: bool,
    answered: u64,
    abandoned: u64,
    /// The time by which a client that waits for nothing must be gone, because the service stops.
    draining: Option<Instant>,
    /// The time by which the client must be gone in any case, because the service has ended its side.
    closing: Option<Instant>,
    ended: Option<Why>,
    /// The time when the connection's task looks next.
    armed: Option<Instant>,
}

/// The reason why a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    Silent,
    /// Other clients wait for its place.
    Outlasted,
    /// The client sends requests and takes them back, which costs the service more than the client.
    Abandoning,
}

/// The time that the client may take to notice that the service has closed the connection.
const CLOSING: Duration = Duration::from_secs(1);

/// A client may take back this many requests before it matters whether they are most of its requests.
const ABANDONED: u64 = 100;

impl Patience {
    pub(crate) fn new(limits: &Limits) -> Self {
        let now = Instant::now();
        let state = State {
            first: Some(now + limits.headers),
            headers: None,
            turns: 0,
            bodies: 0,
            waiting: now,
            multiplexed: false,
            answered: 0,
            abandoned: 0,
            draining: None,
            closing: None,
            ended: None,
            armed: None,
        };
        Self { headers: limits.headers, idle: limits.idle, state: Mutex::new(state), sooner: Notify::new() }
    }

    /// Something came in by HTTP/1, so the bytes after an answer are the next request.
    pub(crate) fn bytes_came(&self) {
        self.change(|state, now| {
            if state.turns == 0 && state.headers.is_none() {
                state.headers = Some(now + self.headers);
                state.waiting = now;
            }
        });
    }

    /// Something came in by HTTP/2, so only the frames show what it is.
    pub(crate) fn frames_came(&self, progress: Progress) {
        self.change(|state, now| {
            state.multiplexed = true;
            if progress.complete {
                state.headers = None;
            }
            if progress.unfinished && state.headers.is_none() {
                state.headers = Some(now + self.headers);
            }
        });
    }

    pub(crate) fn request_came(self: &Arc<Self>, has_body: bool) -> (Turn, Option<Receipt>) {
        let receipt = has_body.then(|| Receipt(Arc::clone(self)));
        self.change(|state, now| {
            state.first = None;
            if !state.multiplexed {
                state.headers = None;
            }
            state.turns += 1;
            state.bodies += usize::from(has_body);
            state.waiting = now;
        });
        (Turn::new(Arc::clone(self)), receipt)
    }

    pub(crate) fn body_came(&self) {
        self.change(|state, _| state.bodies -= 1);
    }

    pub(crate) fn turn_ended(&self, answered: bool) {
        self.change(|state, now| {
            state.turns -= 1;
            state.waiting = now;
            *(if answered { &mut state.answered } else { &mut state.abandoned }) += 1;
            if state.abandoned > ABANDONED.max(state.answered) {
                state.ended.get_or_insert(Why::Abandoning);
            }
        });
    }

    /// In HTTP/2 a client must agree to the end, so a client without a request may not stay silent as long as before.
    pub(crate) fn draining(&self) {
        self.change(|state, now| state.draining = state.multiplexed.then(|| now + CLOSING));
    }

    pub(crate) fn closing(&self) {
        self.change(|state, now| {
            state.closing.get_or_insert(now + CLOSING);
        });
    }

    /// Returns the time since which the connection has only waited for the client, if that is so.
    pub(crate) fn waiting_since(&self) -> Option<Instant> {
        let state = self.state();
        (state.turns <= state.bodies).then_some(state.waiting)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state().ended.is_some()
    }

    pub(crate) fn end(&self, why: Why) {
        self.change(|state, _| {
            state.ended.get_or_insert(why);
        });
    }

    /// Returns the reason when the patience ends.
    pub(crate) async fn over(&self) -> Why {
        loop {
            let due = {
                let mut state = self.state();
                if let Some(why) = state.ended {
                    return why;
                }
                state.armed = state.due(self.idle);
                state.armed
            };
            let Some(due) = due else {
                self.sooner.notified().await;
                continue;
            };
            tokio::select! {
                () = self.sooner.notified() => {}
                () = sleep_until(due) => {
                    let mut state = self.state();
                    if state.due(self.idle).is_some_and(|due| due <= Instant::now()) {
                        return *state.ended.get_or_insert(Why::Silent);
                    }
                }
            }
        }
    }

    /// Wakes the connection's task only if it would look too late, because most changes move the end to a later time.
    fn change(&self, change: impl FnOnce(&mut State, Instant)) {
        let mut state = self.state();
        change(&mut state, Instant::now());
        let is_sooner = |due| state.armed.is_none_or(|armed| due < armed);
        if state.ended.is_some() || state.due(self.idle).is_some_and(is_sooner) {
            self.sooner.notify_one();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn due(&self, idle: Duration) -> Option<Instant> {
        let coming = self.first.into_iter().chain(self.headers).min();
        let at_rest = (self.turns == 0).then(|| self.draining.or(coming).unwrap_or(self.waiting + idle));
        [coming, self.closing, at_rest].into_iter().flatten().min()
    }
}
