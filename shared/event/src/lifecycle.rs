#[cfg(feature = "testing")]
pub mod rules;
#[cfg(feature = "testing")]
pub mod state;

use std::time::Duration;

use crate::Status;

/// What a delivery found, and so what its answer is. The store decides it in the one statement that also claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery<Claim> {
    /// It is ours to run.
    Claimed(Claim),
    /// Another attempt holds the lease; `due_at` now ends with that lease, so the relay comes back.
    LeaseAlive,
    /// It failed a moment ago: a copy that came before `retry_at`.
    TooEarly,
    /// The attempt that held it was lost, and it was one too many.
    LostForGood,
    AlreadyProcessed,
    AlreadyDead,
    /// No such event was ever accepted.
    Unknown,
}

/// How one attempt ended when it did not succeed. Only `Failed`, `TimedOut` and `Panicked` are tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttemptEnd {
    /// The handler said so.
    Failed,
    TimedOut,
    Panicked,
    /// The handler said that no retry can help.
    Permanent,
    /// Our own drain, or our own connection to the database, ended it.
    Interrupted,
    /// Its lease ended and nobody had finished it.
    Lost,
}

impl AttemptEnd {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Panicked => "PANICKED",
            Self::Permanent => "PERMANENT",
            Self::Interrupted => "INTERRUPTED",
            Self::Lost => "LOST",
        }
    }
}

/// The rule that turns a failed try into a retry or a death.
#[derive(Clone, Copy, Debug)]
pub struct Retries {
    /// Retries after the first try: 3 means four tries.
    pub max: u32,
    /// The subscription's minimum backoff. An early copy is refused until then, so that a duplicate cannot burn a try.
    pub backoff_min: Duration,
    pub backoff_max: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    Retry {
        retry_count: u32,
        after: Duration,
    },
    Dead {
        retry_count: u32,
    },
    /// Due again at once, and no try was used up.
    PutBack,
}

impl Retries {
    pub fn after(&self, end: AttemptEnd, retry_count: u32) -> AfterFailure {
        match end {
            AttemptEnd::Interrupted | AttemptEnd::Lost => AfterFailure::PutBack,
            AttemptEnd::Permanent => AfterFailure::Dead { retry_count },
            _ if retry_count >= self.max => AfterFailure::Dead { retry_count },
            _ => AfterFailure::Retry { retry_count: retry_count + 1, after: self.backoff(retry_count) },
        }
    }

    /// Half of what Pub/Sub waits before the same try, or its own redelivery would come too early and be refused.
    fn backoff(&self, retry_count: u32) -> Duration {
        let doubled = self.backoff_min.saturating_mul(1_u32.checked_shl(retry_count).unwrap_or(u32::MAX));
        doubled.min(self.backoff_max) / 2
    }
}

impl<Claim> Delivery<Claim> {
    /// What an event that has ended answers to a delivery.
    pub fn of_outcome(status: Status) -> Option<Self> {
        match status {
            Status::Processed => Some(Self::AlreadyProcessed),
            Status::DeadLetter => Some(Self::AlreadyDead),
            Status::Pending | Status::Processing | Status::Failed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRIES: Retries =
        Retries { max: 3, backoff_min: Duration::from_secs(1), backoff_max: Duration::from_secs(10) };

    #[test]
    fn three_retries_are_four_tries() {
        let mut retry_count = 0;
        for expected in 1..=3 {
            match RETRIES.after(AttemptEnd::Failed, retry_count) {
                AfterFailure::Retry { retry_count: next, .. } => retry_count = next,
                other => panic!("{other:?}"),
            }
            assert_eq!(retry_count, expected);
        }
        assert_eq!(RETRIES.after(AttemptEnd::TimedOut, retry_count), AfterFailure::Dead { retry_count: 3 });
    }

    #[test]
    fn our_own_interruptions_are_no_tries() {
        assert_eq!(RETRIES.after(AttemptEnd::Interrupted, 3), AfterFailure::PutBack);
        assert_eq!(RETRIES.after(AttemptEnd::Lost, 3), AfterFailure::PutBack);
    }

    #[test]
    fn permanent_dies_on_the_first_try() {
        assert_eq!(RETRIES.after(AttemptEnd::Permanent, 0), AfterFailure::Dead { retry_count: 0 });
    }

    #[test]
    fn the_backoff_doubles_up_to_its_maximum() {
        let after: Vec<_> = (0..6).map(|n| RETRIES.backoff(n).as_millis()).collect();
        assert_eq!(after, [500, 1000, 2000, 4000, 5000, 5000]);
        assert_eq!(RETRIES.backoff(40).as_millis(), 5000);
    }
}
