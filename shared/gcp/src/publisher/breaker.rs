use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::PublishError;

/// The number of failures in a row that opens the breaker.
const FAILURES: u32 = 3;
/// The time between two trials. It is short: the relay publishes the events that were skipped, and a trial costs one
/// request its time-out.
const PAUSE: Duration = Duration::from_secs(2);

/// A circuit breaker. After failures in a row nothing is tried for a while, and then one trial goes through. While
/// Pub/Sub is unavailable, a request then does not wait for the time limit of a publish, and the client does not pile
/// up messages.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    next_trial: Option<Instant>,
}

/// The state of the breaker after one more result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Closed,
    Open,
}

impl Breaker {
    /// True if a publish may be tried. An allowed trial moves the next one on, so a trial whose caller went away before
    /// its result was recorded blocks nothing.
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

    /// Records the results of a publish. One confirmed message counts as a success.
    pub(super) fn record(&self, results: &[Result<(), PublishError>]) -> Verdict {
        match results.first() {
            Some(Err(error)) if results.iter().all(Result::is_err) => self.record_failure(error),
            _ => self.record_success(),
        }
    }

    fn record_success(&self) -> Verdict {
        let mut state = self.state();
        if state.next_trial.is_some() {
            tracing::info!("publishing works again");
        }
        *state = State::default();
        Verdict::Closed
    }

    fn record_failure(&self, error: &PublishError) -> Verdict {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        if state.failures < FAILURES {
            return Verdict::Closed;
        }
        if state.failures == FAILURES {
            tracing::warn!(%error, "publishing keeps failing; it is skipped until it works again");
        }
        state.next_trial = Some(Instant::now() + PAUSE);
        Verdict::Open
    }

    /// The state is complete after each statement, so a panic elsewhere cannot have damaged it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILURE: [Result<(), PublishError>; 2] = [Err(PublishError::TimedOut), Err(PublishError::TimedOut)];
    const SUCCESS: [Result<(), PublishError>; 2] = [Err(PublishError::TimedOut), Ok(())];

    fn opened() -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..FAILURES {
            assert!(breaker.allows());
            assert_eq!(breaker.state().next_trial, None);
            breaker.record(&FAILURE);
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
            assert_eq!(breaker.record(&FAILURE), Verdict::Closed);
            assert_eq!(breaker.record(&SUCCESS), Verdict::Closed);
        }
        assert!(breaker.allows());
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_works_closes_it() {
        let breaker = opened();
        tokio::time::advance(PAUSE).await;
        assert!(breaker.allows());
        breaker.record(&SUCCESS);
        assert!(breaker.allows() && breaker.allows());
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_fails_or_is_given_up_leaves_it_open_for_another_pause() {
        let breaker = opened();
        tokio::time::advance(PAUSE).await;
        assert!(breaker.allows());
        assert_eq!(breaker.record(&FAILURE), Verdict::Open);
        assert!(!breaker.allows());
        tokio::time::advance(PAUSE).await;
        assert!(breaker.allows());
        tokio::time::advance(PAUSE).await;
        assert!(breaker.allows(), "the trial before this one was never recorded");
    }
}
