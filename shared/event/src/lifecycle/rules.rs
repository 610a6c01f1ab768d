//! The effect of each step on an event. The statements of the store do the same in SQL, where no two of them can
//! interleave. Tests compare the statements with these rules, and walk through every reachable state with them.

use std::time::Duration;

use super::state::{Held, Live, Moment, State};
use crate::{AfterFailure, AttemptEnd, Delivery, Retries, Status};

#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub retries: Retries,
    pub lease: Duration,
    /// The number of attempts lost alone that ends an event.
    pub max_lost: u32,
    /// The number of lost attempts after which an event runs alone.
    pub isolate_after: u32,
    /// The step by which the relay moves `due_at` into the future.
    pub due_step: Duration,
}

/// The answer to a step, and the attempt that the step recorded as failed or lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done<T> {
    pub answer: T,
    pub recorded: Option<(u32, AttemptEnd)>,
}

impl<T> Done<T> {
    fn unrecorded(answer: T) -> Self {
        Self { answer, recorded: None }
    }
}

impl Rules {
    /// Handles a delivery, or the relay that runs an event itself. Returns the state that it found and, if the event
    /// may run, the claim. `alone` says that the process runs nothing else.
    pub fn deliver(&self, state: &mut State, now: Moment, alone: bool) -> Done<Delivery<Held>> {
        let live = match state {
            State::Live(live) => live,
            State::Ended(ended) => {
                return Done::unrecorded(Delivery::of_outcome(ended.status).unwrap_or(Delivery::Unknown));
            }
        };
        if let Some(until) = live.living_lease(now) {
            live.due_at = live.due_at.min(until);
            return Done::unrecorded(Delivery::LeaseAlive);
        }
        let is_lost = live.status == Status::Processing;
        let recorded = is_lost.then_some((live.attempt, AttemptEnd::Lost));
        let lost_alone = live.lost_alone + u32::from(is_lost && live.alone);
        if is_lost && live.alone && lost_alone >= self.max_lost {
            *state = live.ended(Status::DeadLetter, live.retry_count);
            return Done { answer: Delivery::LostForGood, recorded };
        }
        if live.retry_at.is_some_and(|at| at > now) {
            return Done::unrecorded(Delivery::TooEarly);
        }
        let lost = live.lost + u32::from(is_lost);
        if lost >= self.isolate_after && !alone {
            return Done::unrecorded(Delivery::NeedsIsolation);
        }
        let lease_until = now + self.lease;
        *live = Live {
            status: Status::Processing,
            attempt: live.attempt + 1,
            lost,
            lost_alone,
            alone,
            due_at: live.due_at.max(lease_until),
            lease_until: Some(lease_until),
            ..live.clone()
        };
        let held = Held { attempt: live.attempt, tries: live.tries() };
        Done { answer: Delivery::Claimed(held), recorded }
    }

    /// False if another attempt has overtaken this one.
    pub fn succeed(&self, state: &mut State, attempt: u32) -> bool {
        let Some(live) = state.held_by(attempt) else { return false };
        *state = live.ended(Status::Processed, live.retry_count);
        true
    }

    /// Ends a held attempt without success. [`Retries`] decides what follows, from the counts that the holder knows.
    pub fn fail(&self, state: &mut State, held: Held, end: AttemptEnd, now: Moment) -> Done<bool> {
        let Some(live) = state.held_by(held.attempt) else { return Done::unrecorded(false) };
        live.lease_until = None;
        match self.retries.after(end, held.tries) {
            AfterFailure::Retry { retry_count, after, due_after } => {
                live.status = Status::Failed;
                live.retry_count = retry_count;
                live.retry_at = Some(now + after);
                live.due_at = now + due_after;
            }
            AfterFailure::Dead { retry_count } => *state = live.ended(Status::DeadLetter, retry_count),
            AfterFailure::PutBack { interrupted, after } => {
                live.status = Status::Pending;
                live.interrupted = interrupted;
                live.retry_at = (!after.is_zero()).then_some(now + after);
                live.due_at = now + after;
            }
        }
        Done { answer: true, recorded: Some((held.attempt, end)) }
    }

    /// Takes an event that is overdue, for the relay. Returns the new `due_at`, by which the relay recognizes the event
    /// later. The SQL moves an event that has waited long by more than a step, which only changes the pace.
    pub fn take_overdue(&self, state: &mut State, now: Moment) -> Option<Moment> {
        match state {
            State::Live(live) if live.due_at <= now => {
                live.due_at = now + self.due_step;
                Some(live.due_at)
            }
            _ => None,
        }
    }

    /// Gives back an event that the relay took and Pub/Sub did not accept. It is due again at once, unless its `due_at`
    /// has changed since.
    pub fn give_back(&self, state: &mut State, taken: Moment, now: Moment) {
        match state {
            State::Live(live) if live.due_at == taken => live.due_at = now,
            _ => {}
        }
    }

    /// Handles a message that Pub/Sub gave up on. An unfinished event becomes due as soon as it may run. True if the
    /// event was unfinished.
    pub fn due_again(&self, state: &mut State, now: Moment) -> bool {
        let State::Live(live) = state else { return false };
        let may_run = if live.status == Status::Processing { live.lease_until } else { live.retry_at };
        live.due_at = live.due_at.min(may_run.map_or(now, |at| at.max(now)));
        true
    }

    /// Makes an event unfinished again. Its retries start from zero, and its attempt numbers continue. False if the
    /// event has not failed.
    pub fn replay(&self, state: &mut State, now: Moment) -> bool {
        let replayed = state.status().may_be_replayed();
        if replayed {
            *state = State::Live(Live::waiting(state.attempt(), now));
        }
        replayed
    }
}
