use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// So many failures in a row are no accident.
const FAILURES: u32 = 3;
/// Short, since the relay brings what was skipped and a trial costs one request its time-out.
const PAUSE: Duration = Duration::from_secs(2);

/// A circuit breaker: after failures in a row nothing is tried for a while, then one trial goes
/// through. While Pub/Sub is away a request then does not wait for the publish bound, and the
/// client does not pile up messages.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    next_trial: Option<Instant>,
}

impl Breaker {
    /// Letting a trial through moves the next one on, so a trial whose caller went away before
    /// it could tell how it ended holds up nothing.
    pub(super) fn allows(&self) -> bool {
        let mut state = self.state();
        match state.next_trial {
            None => true,
            Some(at) if Instant::now() < at => false,
            Some(_) => {
                state.next_trial = Some(Instant::now() + PAUSE);
                true
            }
        }
    }

    pub(super) fn record(&self, success: bool) {
        let mut state = self.state();
        if success {
            if state.next_trial.is_some() {
                tracing::info!("publishing works again");
            }
            *state = State::default();
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if state.failures == FAILURES {
            tracing::warn!("publishing keeps failing; most of it is skipped until it works again");
        }
        if state.failures >= FAILURES {
            state.next_trial = Some(Instant::now() + PAUSE);
        }
    }

    /// The state is whole after each statement, so a panic elsewhere cannot have spoilt it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened() -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..FAILURES {
            assert!(breaker.allows());
            breaker.record(false);
        }
        breaker
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_open_it_and_one_trial_goes_through() {
        let breaker = opened();
        assert!(!breaker.allows());
        tokio::time::advance(PAUSE).await;
        assert!(breaker.allows());
        assert!(!breaker.allows(), "one trial at a time");
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_between_failures_starts_the_count_anew() {
        let breaker = Breaker::default();
        for _ in 0..FAILURES {
            breaker.record(false);
            breaker.record(true);
        }
        assert!(breaker.allows());
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_works_closes_it() {
        let breaker = opened();
        tokio::time::advance(PAUSE).await;
        assert!(breaker.allows());
        breaker.record(true);
        assert!(breaker.allows() && breaker.allows());
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_fails_or_is_given_up_leaves_it_open_for_another_pause() {
        let breaker = opened();
        tokio::time::advance(PAUSE).await;
        assert!(breaker.allows());
        breaker.record(false);
        assert!(!breaker.allows());
        tokio::time::advance(PAUSE).await;
        assert!(breaker.allows());
        tokio::time::advance(PAUSE).await;
        assert!(
            breaker.allows(),
            "the trial before this one was never recorded"
        );
    }
}
