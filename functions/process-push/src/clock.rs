use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// The time that a handler has used of its limit. The clock stops while a statement of ours waits. Time in which this
/// process did not run does not count: a tick that comes late is taken for one that came in time. So a busy machine
/// causes no time-out.
#[derive(Clone, Debug)]
pub(crate) struct HandlerClock(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    used: Duration,
    /// None while the clock is stopped.
    since: Option<Instant>,
    tick: Duration,
}

impl HandlerClock {
    pub(crate) fn start(limit: Duration) -> Self {
        let tick = (limit / 20).max(Duration::from_millis(1));
        Self(Arc::new(Mutex::new(State { used: Duration::ZERO, since: Some(Instant::now()), tick })))
    }

    pub(crate) fn used(&self) -> Duration {
        self.lock().count()
    }

    /// Stops the clock until the returned guard is dropped.
    pub(crate) fn stop(&self) -> Stopped {
        let mut state = self.lock();
        state.count();
        state.since = None;
        Stopped(self.clone())
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.lock().since.is_none()
    }

    /// Returns when the limit is used up.
    pub(crate) async fn reaches(&self, limit: Duration) {
        let tick = self.lock().tick;
        loop {
            let left = limit.saturating_sub(self.used());
            if left.is_zero() {
                return;
            }
            sleep(left.min(tick)).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn count(&mut self) -> Duration {
        if let Some(since) = &mut self.since {
            let now = Instant::now();
            // No two looks are further apart than a tick, unless the process did not run.
            self.used += now.duration_since(*since).min(self.tick);
            *since = now;
        }
        self.used
    }
}

/// A guard for a stopped clock.
pub(crate) struct Stopped(HandlerClock);

impl Drop for Stopped {
    fn drop(&mut self) {
        self.0.lock().since = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, pause};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(2);

    #[tokio::test]
    async fn the_limit_is_reached_by_time_that_was_used() {
        pause();
        let clock = HandlerClock::start(LIMIT);
        let start = Instant::now();
        clock.reaches(LIMIT).await;
        let took = start.elapsed();
        assert!(took >= LIMIT && took < LIMIT + Duration::from_millis(200), "{took:?}");
    }

    #[tokio::test]
    async fn the_clock_stands_while_it_is_stopped() {
        pause();
        let clock = HandlerClock::start(LIMIT);
        let stopped = clock.stop();
        advance(Duration::from_mins(1)).await;
        drop(stopped);
        assert_eq!(clock.used(), Duration::ZERO);
    }

    /// The process got a SIGSTOP or no processor, so one look at the clock comes late.
    #[tokio::test]
    async fn time_in_which_the_process_did_not_run_does_not_count() {
        pause();
        let clock = HandlerClock::start(LIMIT);
        for _ in 0..10 {
            advance(Duration::from_mins(1)).await;
            clock.used();
        }
        assert_eq!(clock.used(), Duration::from_secs(1), "ten ticks of 100 ms");
    }
}
