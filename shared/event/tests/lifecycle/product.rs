use std::time::Duration;

use event::rules::{Done, Rules};
use event::state::{Ended, Held, Live, Moment, State};
use event::{AttemptEnd, Delivery, Retries, Status};

use crate::mistakes::Mistake;

/// The current time, which never changes. Time passes by moving the times of the event nearer to it.
pub(crate) const NOW: Moment = Duration::from_secs(1_000);
/// A step of time. All other durations are as short as possible compared with it, so that there are few states.
pub(crate) const UNIT: Duration = Duration::from_secs(1);
pub(crate) const NEVER: Moment = Duration::MAX;

/// The number of lost attempts that isolates an event. Further lost attempts change only the count of attempts lost
/// alone.
pub(crate) const ISOLATE_AFTER: u32 = 1;

const RULES: Rules = Rules {
    retries: Retries {
        max: 3,
        backoff_min: Duration::from_secs(2),
        backoff_max: Duration::from_secs(2),
        max_interrupted: 2,
        push_grace: Duration::ZERO,
    },
    lease: UNIT,
    max_lost: 2,
    isolate_after: ISOLATE_AFTER,
    due_step: Duration::from_secs(2),
};

/// The right rules, or the rules with one mistake.
#[derive(Clone, Copy)]
pub(crate) struct Product {
    pub(crate) rules: Rules,
    mistake: Option<Mistake>,
}

impl Product {
    pub(crate) fn right() -> Self {
        Self { rules: RULES, mistake: None }
    }

    pub(crate) fn with(mistake: Mistake) -> Self {
        let mut rules = RULES;
        if mistake == Mistake::OneTryTooMany {
            rules.retries.max += 1;
        }
        Self { rules, mistake: Some(mistake) }
    }

    fn makes(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    pub(crate) fn accept(&self) -> State {
        let due_at = if self.makes(Mistake::PublishedAndForgotten) { NEVER } else { NOW + UNIT * 2 };
        State::accepted(due_at)
    }

    pub(crate) fn deliver(&self, state: &mut State, alone: bool) -> Done<Delivery<Held>> {
        let before = live(state).cloned();
        if let State::Live(live) = state {
            match self.mistake {
                Some(Mistake::EarlyCopyIsATry) => live.retry_at = None,
                Some(Mistake::LeaseByOwnClock) => {
                    live.lease_until = live.lease_until.map(|until| until.saturating_sub(UNIT));
                }
                _ => {}
            }
        }
        let alone = alone || self.makes(Mistake::IsolationIsForgotten);
        let mut done = self.rules.deliver(state, NOW, alone);
        if self.makes(Mistake::LostIsNotOnRecord) {
            done.recorded = None;
        }
        if let (Some(before), Delivery::Claimed(held), State::Live(live)) = (before, &mut done.answer, state)
        {
            match self.mistake {
                Some(Mistake::LostIsNotCounted) => live.lost_alone = before.lost_alone,
                Some(Mistake::LostInCompanyCounts) => live.lost_alone = live.lost,
                Some(Mistake::LostIsATry) => live.retry_count += live.lost - before.lost,
                Some(Mistake::ClaimResetsRetries) => live.retry_count = 0,
                Some(Mistake::AckedBeforeTheWork) => live.due_at = NEVER,
                _ => {}
            }
            held.tries = live.tries();
        }
        done
    }

    pub(crate) fn succeed(&self, state: &mut State, attempt: u32) -> bool {
        let unguarded = match self.mistake {
            Some(Mistake::NoFencing) => true,
            Some(Mistake::GuardByAttemptAlone) => state.attempt() == attempt && live(state).is_some(),
            _ => return self.rules.succeed(state, attempt),
        };
        if unguarded {
            *state = ended(Status::Processed, attempt);
        }
        unguarded
    }

    pub(crate) fn fail(&self, state: &mut State, held: Held, end: AttemptEnd) -> Done<bool> {
        let counted = match (self.mistake, end) {
            (Some(Mistake::DrainIsATry), AttemptEnd::Released)
            | (Some(Mistake::InterruptionIsATry), AttemptEnd::Interrupted)
            | (Some(Mistake::PermanentIsRetried), AttemptEnd::Permanent) => AttemptEnd::Failed,
            (Some(Mistake::InterruptedForEver), AttemptEnd::Interrupted) => AttemptEnd::Released,
            (Some(Mistake::DrainCounts), AttemptEnd::Released) => AttemptEnd::Interrupted,
            _ => end,
        };
        if self.makes(Mistake::FailureWithoutGuard) && end == AttemptEnd::Permanent {
            *state = ended(Status::DeadLetter, state.attempt());
            return Done { answer: true, recorded: Some((held.attempt, end)) };
        }
        self.rules.fail(state, held, counted, NOW)
    }

    pub(crate) fn take_overdue(&self, state: &mut State) -> Option<Moment> {
        if self.makes(Mistake::RelayForgetsFailed) && state.status() == Status::Failed {
            return None;
        }
        let taken = self.rules.take_overdue(state, NOW)?;
        if let (Some(Mistake::RelayedOnce), State::Live(live)) = (self.mistake, state) {
            live.due_at = NEVER;
        }
        Some(taken)
    }

    /// The relay runs an event that it took or that Pub/Sub has not delivered.
    pub(crate) fn run(&self, state: &mut State, alone: bool) -> Option<Done<Delivery<Held>>> {
        (!self.makes(Mistake::RelayOnlyPublishes)).then(|| self.deliver(state, alone))
    }

    pub(crate) fn give_back(&self, state: &mut State, taken: Moment) {
        self.rules.give_back(state, taken, NOW);
    }

    pub(crate) fn dead_letter(&self, state: &mut State) {
        if self.makes(Mistake::DeadLetterKills) && live(state).is_some() {
            *state = ended(Status::DeadLetter, state.attempt());
        }
        self.rules.due_again(state, NOW);
    }

    pub(crate) fn replay(&self, state: &mut State) -> bool {
        let before = state.clone();
        if self.makes(Mistake::ProcessedIsReplayed) && state.status() == Status::Processed {
            *state = ended(Status::DeadLetter, state.attempt());
        }
        let replayed = self.rules.replay(state, NOW);
        if let (true, State::Live(live)) = (replayed, state) {
            match (self.mistake, before) {
                (Some(Mistake::ReplayKeepsRetries), State::Live(before)) => {
                    live.retry_count = before.retry_count;
                }
                (Some(Mistake::ReplayResetsAttempts), _) => live.attempt = 0,
                _ => {}
            }
        }
        replayed
    }
}

fn live(state: &State) -> Option<&Live> {
    match state {
        State::Live(live) => Some(live),
        State::Ended(_) => None,
    }
}

fn ended(status: Status, attempt: u32) -> State {
    State::Ended(Ended { status, retry_count: 0, attempt })
}
