use event::rules::Done;
use event::state::{Held, State};
use event::{AttemptEnd, Delivery, Status, Tries};

use crate::{NOW, RULES};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Deliver {
        alone: bool,
    },
    Succeed(Holder),
    Fail(Holder, AttemptEnd),
    TakeOverdue,
    /// Gives back an event that was taken while it was overdue, and that has the given state now.
    GiveBack,
    DueAgain,
    Replay,
}

/// The attempt that finishes: the latest one, or one that it has overtaken.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Holder {
    Latest,
    Overtaken,
}

use Holder::{Latest, Overtaken};

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) state: State,
    pub(crate) answer: Answer,
    /// The attempt that the step recorded.
    pub(crate) recorded: Option<(u32, AttemptEnd)>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Found(Delivery<Held>),
    Done(bool),
    Replayed(Result<(), Status>),
    Nothing,
}

impl Holder {
    pub(crate) fn of(self, state: &State) -> Held {
        let tries = match state {
            State::Live(live) => live.tries(),
            State::Ended(ended) => Tries { retry_count: ended.retry_count, interrupted: 0 },
        };
        let attempt = match self {
            Latest => state.attempt(),
            Overtaken => state.attempt().saturating_sub(1),
        };
        Held { attempt, tries }
    }
}

impl Step {
    pub(crate) const ALL: [Self; 17] = [
        Self::Deliver { alone: false },
        Self::Deliver { alone: true },
        Self::Succeed(Latest),
        Self::Succeed(Overtaken),
        Self::Fail(Latest, AttemptEnd::Failed),
        Self::Fail(Latest, AttemptEnd::TimedOut),
        Self::Fail(Latest, AttemptEnd::Panicked),
        Self::Fail(Latest, AttemptEnd::Permanent),
        Self::Fail(Latest, AttemptEnd::Interrupted),
        Self::Fail(Latest, AttemptEnd::Released),
        Self::Fail(Overtaken, AttemptEnd::Failed),
        Self::Fail(Overtaken, AttemptEnd::Permanent),
        Self::Fail(Overtaken, AttemptEnd::Interrupted),
        Self::TakeOverdue,
        Self::GiveBack,
        Self::DueAgain,
        Self::Replay,
    ];

    pub(crate) fn by_the_rules(self, state: &State) -> Taken {
        let mut state = state.clone();
        let mut recorded = None;
        let answer = match self {
            Self::Deliver { alone } => {
                let done = RULES.deliver(&mut state, NOW, alone);
                recorded = done.recorded;
                Answer::Found(done.answer)
            }
            Self::Succeed(holder) => {
                let attempt = holder.of(&state).attempt;
                Answer::Done(RULES.succeed(&mut state, attempt))
            }
            Self::Fail(holder, end) => {
                let held = holder.of(&state);
                let Done { answer, recorded: record } = RULES.fail(&mut state, held, end, NOW);
                recorded = record;
                Answer::Done(answer)
            }
            Self::TakeOverdue => Answer::Done(RULES.take_overdue(&mut state, NOW).is_some()),
            Self::GiveBack => {
                RULES.give_back(&mut state, NOW + RULES.due_step, NOW);
                Answer::Nothing
            }
            Self::DueAgain => Answer::Done(RULES.due_again(&mut state, NOW)),
            Self::Replay => {
                let status = state.status();
                let replayed = RULES.replay(&mut state, NOW);
                Answer::Replayed(replayed.then_some(()).ok_or(status))
            }
        };
        Taken { state, answer, recorded }
    }
}
