#[cfg(feature = "testing")]
pub mod rules;
#[cfg(feature = "testing")]
pub mod state;

use std::time::Duration;

use crate::Status;

/// The state in which a delivery found its event. It decides the answer to the delivery. The store determines it in the
/// same statement that claims the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery<Claim> {
    /// The delivery has claimed the event, and the claimant runs it.
    Claimed(Claim),
    /// Another attempt holds the lease. `due_at` is now no later than the end of that lease, so that the relay looks at
    /// the event again.
    LeaseAlive,
    /// The latest attempt failed a moment ago, and this delivery came before `retry_at`.
    TooEarly,
    /// Attempts of this event were lost while others ran in the same process. To find out which event ends the process, this one
    /// may only be claimed by a process that runs nothing else. The delivery changed nothing.
    NeedsIsolation,
    /// The attempt that held the event was lost while it ran alone, and that reached the limit of such losses.
    LostForGood,
    AlreadyProcessed,
    AlreadyDead,
    /// No such event was ever accepted.
    Unknown,
}

/// The end of an attempt that did not succeed. Only `Failed`, `TimedOut` and `Panicked` count as tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttemptEnd {
    /// The handler reported a failure.
    Failed,
    TimedOut,
    Panicked,
    /// The handler reported that no retry can help.
    Permanent,
    /// The attempt lost its session with the database, or its lease was about to end although its handler had time
    /// left. An outage costs an event one of these, since no event is claimed without a database. An event that causes
    /// them itself has many, so they are counted.
    Interrupted,
    /// The service gave the attempt up because it was stopping or had no connection for it. These ends are never
    /// counted.
    Released,
    /// The lease ended before the attempt was finished.
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
            Self::Released => "RELEASED",
            Self::Lost => "LOST",
        }
    }
}

/// The counts of earlier attempts that the holder of an attempt knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tries {
    pub retry_count: u32,
    /// Attempts since ingest or the latest replay that ended as [`AttemptEnd::Interrupted`].
    pub interrupted: u32,
}

/// The rule that decides whether a failed try leads to a retry or to the end of the event.
#[derive(Clone, Copy, Debug)]
pub struct Retries {
    /// Retries after the first try: 3 means four tries.
    pub max: u32,
    /// The subscription's minimum backoff. A copy that arrives too early is refused, so that a duplicate cannot use up
    /// a try.
    pub backoff_min: Duration,
    pub backoff_max: Duration,
    /// The number of interrupted attempts that ends an event.
    pub max_interrupted: u32,
    /// The time that Pub/Sub may be late with its own redelivery before the relay runs the event.
    pub push_grace: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    Retry {
        retry_count: u32,
        /// A delivery before the end of this wait is too early.
        after: Duration,
        /// The wait after which the event is overdue for the relay.
        due_after: Duration,
    },
    Dead {
        retry_count: u32,
    },
    /// No try was used up. The event is due as soon as it may run.
    PutBack {
        interrupted: u32,
        after: Duration,
    },
}

impl Retries {
    pub fn after(&self, end: AttemptEnd, tries: Tries) -> AfterFailure {
        let Tries { retry_count, interrupted } = tries;
        match end {
            AttemptEnd::Released | AttemptEnd::Lost => {
                AfterFailure::PutBack { interrupted, after: Duration::ZERO }
            }
            AttemptEnd::Interrupted if interrupted + 1 >= self.max_interrupted => {
                AfterFailure::Dead { retry_count }
            }
            // The first interruption is most likely an outage, which is over by the time that this can be recorded.
            AttemptEnd::Interrupted => AfterFailure::PutBack {
                interrupted: interrupted + 1,
                after: interrupted.checked_sub(1).map_or(Duration::ZERO, |n| self.backoff(n)),
            },
            AttemptEnd::Permanent => AfterFailure::Dead { retry_count },
            _ if retry_count >= self.max => AfterFailure::Dead { retry_count },
            _ => {
                let after = self.backoff(retry_count);
                AfterFailure::Retry {
                    retry_count: retry_count + 1,
                    after,
                    due_after: after * 2 + self.push_grace,
                }
            }
        }
    }

    /// Half of the wait of Pub/Sub before the same try. Otherwise its own redelivery would come too early and be
    /// refused.
    fn backoff(&self, retry_count: u32) -> Duration {
        let doubled = self.backoff_min.saturating_mul(1_u32.checked_shl(retry_count).unwrap_or(u32::MAX));
        doubled.min(self.backoff_max) / 2
    }
}

impl<Claim> Delivery<Claim> {
    pub fn map<Other>(self, change: impl FnOnce(Claim) -> Other) -> Delivery<Other> {
        match self {
            Self::Claimed(claim) => Delivery::Claimed(change(claim)),
            Self::LeaseAlive => Delivery::LeaseAlive,
            Self::TooEarly => Delivery::TooEarly,
            Self::NeedsIsolation => Delivery::NeedsIsolation,
            Self::LostForGood => Delivery::LostForGood,
            Self::AlreadyProcessed => Delivery::AlreadyProcessed,
            Self::AlreadyDead => Delivery::AlreadyDead,
            Self::Unknown => Delivery::Unknown,
        }
    }

    /// The answer to a delivery of an event that has ended. None if the status is not an end.
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

    const RETRIES: Retries = Retries {
        max: 3,
        backoff_min: Duration::from_secs(1),
        backoff_max: Duration::from_secs(10),
        max_interrupted: 20,
        push_grace: Duration::from_secs(5),
    };

    fn tries(retry_count: u32, interrupted: u32) -> Tries {
        Tries { retry_count, interrupted }
    }

    #[test]
    fn three_retries_are_four_tries() {
        let mut retry_count = 0;
        for expected in 1..=3 {
            match RETRIES.after(AttemptEnd::Failed, tries(retry_count, 19)) {
                AfterFailure::Retry { retry_count: next, .. } => retry_count = next,
                other => panic!("{other:?}"),
            }
            assert_eq!(retry_count, expected);
        }
        let dead = AfterFailure::Dead { retry_count: 3 };
        assert_eq!(RETRIES.after(AttemptEnd::TimedOut, tries(retry_count, 0)), dead);
    }

    #[test]
    fn a_released_or_lost_attempt_counts_for_nothing_here() {
        for end in [AttemptEnd::Released, AttemptEnd::Lost] {
            let put_back = AfterFailure::PutBack { interrupted: 19, after: Duration::ZERO };
            assert_eq!(RETRIES.after(end, tries(3, 19)), put_back);
        }
    }

    #[test]
    fn interrupted_attempts_wait_longer_each_time_and_the_twentieth_is_the_end() {
        let mut waits = Vec::new();
        for interrupted in 0..19 {
            match RETRIES.after(AttemptEnd::Interrupted, tries(3, interrupted)) {
                AfterFailure::PutBack { interrupted: counted, after } => {
                    assert_eq!(counted, interrupted + 1);
                    waits.push(after.as_millis());
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(waits[..7], [0, 500, 1000, 2000, 4000, 5000, 5000]);
        let dead = AfterFailure::Dead { retry_count: 3 };
        assert_eq!(RETRIES.after(AttemptEnd::Interrupted, tries(3, 19)), dead);
    }

    #[test]
    fn the_relay_leaves_a_failed_event_to_pubsub_for_a_while() {
        let retry = AfterFailure::Retry {
            retry_count: 2,
            after: Duration::from_secs(1),
            due_after: Duration::from_secs(7),
        };
        assert_eq!(RETRIES.after(AttemptEnd::Failed, tries(1, 0)), retry);
    }

    #[test]
    fn permanent_dies_on_the_first_try() {
        assert_eq!(RETRIES.after(AttemptEnd::Permanent, tries(0, 0)), AfterFailure::Dead { retry_count: 0 });
    }

    #[test]
    fn the_backoff_doubles_up_to_its_maximum() {
        let after: Vec<_> = (0..6).map(|n| RETRIES.backoff(n).as_millis()).collect();
        assert_eq!(after, [500, 1000, 2000, 4000, 5000, 5000]);
        assert_eq!(RETRIES.backoff(40).as_millis(), 5000);
    }
}
