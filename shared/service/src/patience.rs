use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::limits::Limits;

/// How long one connection's client may still be silent.
///
/// hyper has one deadline for headers and counts an idle connection's wait towards it; a server
/// behind a load balancer needs the one short and the other long.
pub(crate) struct Patience {
    headers: Duration,
    idle: Duration,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    due: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// A request's headers are on their way.
    Headers,
    /// A handler is at work, and keeps time for itself.
    Handling,
    /// The answer is on its way, or the next request is awaited.
    Idle,
    /// We have ended our side and wait for the client to end its own.
    Closing,
}

/// How long the client may take to notice that we closed the connection.
const CLOSING: Duration = Duration::from_secs(1);

impl Patience {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            headers: limits.headers,
            idle: limits.idle,
            state: Mutex::new(State { phase: Phase::Headers, due: Some(Instant::now() + limits.headers) }),
        }
    }

    pub(crate) fn bytes_came(&self) {
        if self.state().phase == Phase::Idle {
            self.enter(Phase::Headers, Some(self.headers));
        }
    }

    pub(crate) fn request_came(&self) {
        self.enter(Phase::Handling, None);
    }

    pub(crate) fn answered(&self) {
        self.enter(Phase::Idle, Some(self.idle));
    }

    pub(crate) fn closing(&self) {
        if self.state().phase != Phase::Closing {
            self.enter(Phase::Closing, Some(CLOSING));
        }
    }

    /// Ends when patience does. To be polled in the task that polls the connection, behind it: the
    /// phase changes nowhere else, so nobody needs to wake this up.
    pub(crate) async fn over(&self) {
        let mut sleep = Box::pin(sleep_until(Instant::now()));
        std::future::poll_fn(|task| self.poll_over(sleep.as_mut(), task)).await;
    }

    fn poll_over(&self, mut sleep: Pin<&mut Sleep>, task: &mut Context<'_>) -> Poll<()> {
        let Some(due) = self.state().due else {
            return Poll::Pending;
        };
        if sleep.deadline() != due {
            sleep.as_mut().reset(due);
        }
        sleep.poll(task)
    }

    fn enter(&self, phase: Phase, wait: Option<Duration>) {
        *self.state() = State { phase, due: wait.map(|wait| Instant::now() + wait) };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
