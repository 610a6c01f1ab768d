use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::frames::Progress;
use crate::limits::Limits;
use crate::turn::{Receipt, Turn};

/// How long one connection's client may still keep us waiting.
///
/// hyper has one deadline for headers, for HTTP/1 alone, and counts an idle connection's wait towards it; a server behind a load
/// balancer needs the one short and the other long. The keep-alive pings of its HTTP/2 are no help: where the CPU was away, the
/// answer waits in the socket unread, and hyper closes a connection that is well.
pub(crate) struct Patience {
    headers: Duration,
    idle: Duration,
    state: Mutex<State>,
    sooner: Notify,
}

struct State {
    /// By when the first request must be here.
    first: Option<Instant>,
    /// By when the headers that are on their way must be here.
    headers: Option<Instant>,
    /// Requests without an answer, and those of them whose body is still on its way.
    turns: usize,
    bodies: usize,
    /// Since when the client could have sent its next request, or what is missing of this one.
    waiting: Instant,
    multiplexed: bool,
    answered: u64,
    abandoned: u64,
    /// When a client that has nothing to wait for must be gone, since we stop.
    draining: Option<Instant>,
    /// When it must be gone whatever it does, since we have ended our side.
    closing: Option<Instant>,
    ended: Option<Why>,
    /// When the connection's task will look next.
    armed: Option<Instant>,
}

/// Why a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    Silent,
    /// Others wait for its place.
    Outlasted,
    /// Its client asks and takes it back, which costs us more than it.
    Abandoning,
}

/// How long the client may take to notice that we closed the connection.
const CLOSING: Duration = Duration::from_secs(1);

/// So many requests a client may take back before it counts whether those are most of them.
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

    /// Something came in by HTTP/1, where what follows an answer is the next request.
    pub(crate) fn bytes_came(&self) {
        self.change(|state, now| {
            if state.turns == 0 && state.headers.is_none() {
                state.headers = Some(now + self.headers);
                state.waiting = now;
            }
        });
    }

    /// Something came in by HTTP/2, where the frames alone tell what it is.
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

    /// In HTTP/2 a client must agree to an end, so that one without a request may not be silent for as long as before.
    pub(crate) fn draining(&self) {
        self.change(|state, now| state.draining = state.multiplexed.then(|| now + CLOSING));
    }

    pub(crate) fn closing(&self) {
        self.change(|state, now| {
            state.closing.get_or_insert(now + CLOSING);
        });
    }

    /// Since when nothing but the client keeps this connection, if that is so.
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

    /// Ends when patience does.
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

    /// Wakes the connection's task only where it would look too late: most changes put the end off.
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
