//! The state of an event in the database: its row in `live`, or its latest outcome.

use std::time::Duration;

use crate::{Status, Tries};

/// A point in time, as the time since an origin that all points share.
pub type Moment = Duration;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum State {
    Live(Live),
    Ended(Ended),
}

/// PENDING, PROCESSING or FAILED.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Live {
    pub status: Status,
    pub retry_count: u32,
    /// The latest attempt: the fencing number.
    pub attempt: u32,
    /// All lost attempts since ingest or the latest replay.
    pub lost: u32,
    /// The lost attempts that ran alone in their process.
    pub lost_alone: u32,
    pub interrupted: u32,
    /// True if the latest attempt runs, or ran, alone in its process.
    pub alone: bool,
    pub due_at: Moment,
    pub retry_at: Option<Moment>,
    pub lease_until: Option<Moment>,
}

/// PROCESSED or `DEAD_LETTER`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ended {
    pub status: Status,
    pub retry_count: u32,
    pub attempt: u32,
}

/// The data that the holder of an attempt knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Held {
    pub attempt: u32,
    pub tries: Tries,
}

impl State {
    /// The state in which ingest stores an event.
    pub fn accepted(due_at: Moment) -> Self {
        Self::Live(Live::waiting(0, due_at))
    }

    pub fn status(&self) -> Status {
        match self {
            Self::Live(live) => live.status,
            Self::Ended(ended) => ended.status,
        }
    }

    pub fn attempt(&self) -> u32 {
        match self {
            Self::Live(live) => live.attempt,
            Self::Ended(ended) => ended.attempt,
        }
    }

    /// The guard of every finish. Returns the row if `attempt` still holds it.
    pub(super) fn held_by(&mut self, attempt: u32) -> Option<&mut Live> {
        match self {
            Self::Live(live) if live.status == Status::Processing && live.attempt == attempt => Some(live),
            _ => None,
        }
    }
}

impl Live {
    /// A row in PENDING with all of its retries.
    pub(super) fn waiting(attempt: u32, due_at: Moment) -> Self {
        Self {
            status: Status::Pending,
            retry_count: 0,
            attempt,
            lost: 0,
            lost_alone: 0,
            interrupted: 0,
            alone: false,
            due_at,
            retry_at: None,
            lease_until: None,
        }
    }

    pub(super) fn ended(&self, status: Status, retry_count: u32) -> State {
        State::Ended(Ended { status, retry_count, attempt: self.attempt })
    }

    pub fn tries(&self) -> Tries {
        Tries { retry_count: self.retry_count, interrupted: self.interrupted }
    }

    /// The end of the lease, if the lease is still valid.
    pub fn living_lease(&self, now: Moment) -> Option<Moment> {
        self.lease_until.filter(|until| self.status == Status::Processing && *until > now)
    }
}
