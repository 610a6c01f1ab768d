use event::rules::Done;
use event::state::{Held, Live, Moment, State};
use event::{AttemptEnd, Delivery, Status, Tries};

use crate::product::{ISOLATE_AFTER, NEVER, NOW, Product, UNIT};
use crate::promises::{self, Broken};
use crate::step::{Copied, Step};

/// One event with its messages, its workers and its relay.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) event: State,
    /// Copies of its message that Pub/Sub will deliver.
    pub(crate) copies: usize,
    pub(crate) dead_letters: usize,
    pub(crate) workers: Vec<Held>,
    /// The relay between its statement and its publish, with the `due_at` that it set.
    pub(crate) relay: Option<Moment>,
    pub(crate) effects: u32,
    /// The handler's own failures since ingest or the latest replay.
    pub(crate) failures: u32,
    /// The attempts lost since then, and below those of them that ran alone.
    pub(crate) losses: u32,
    pub(crate) losses_alone: u32,
    pub(crate) interruptions: u32,
    pub(crate) replays: u32,
    /// True if the latest attempt is on record.
    pub(crate) on_record: bool,
}

/// The attempt whose end a step recorded.
#[derive(Clone, Copy)]
pub(crate) enum Recorded {
    Nothing,
    Attempt(u32),
}

impl From<Option<(u32, AttemptEnd)>> for Recorded {
    fn from(recorded: Option<(u32, AttemptEnd)>) -> Self {
        recorded.map_or(Self::Nothing, |(attempt, _)| Self::Attempt(attempt))
    }
}

/// Limits for the numbers that could grow without end.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) copies: usize,
    pub(crate) workers: usize,
    pub(crate) replays: u32,
}

impl World {
    /// An event that ingest has accepted and published.
    pub(crate) fn new(product: &Product) -> Self {
        Self {
            event: product.accept(),
            copies: 1,
            dead_letters: 0,
            workers: Vec::new(),
            relay: None,
            effects: 0,
            failures: 0,
            losses: 0,
            losses_alone: 0,
            interruptions: 0,
            replays: 0,
            on_record: true,
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.event, State::Ended(_))
    }

    /// The state after the step, or None if the step cannot happen here.
    pub(crate) fn after(
        &self,
        step: Step,
        product: &Product,
        bounds: Bounds,
    ) -> Option<Result<Self, Broken>> {
        let mut next = self.clone();
        let recorded = match step {
            Step::Tick => {
                next.tick();
                Some(Recorded::Nothing)
            }
            Step::Duplicate => (self.copies > 0).then(|| next.copies += 1).map(|()| Recorded::Nothing),
            Step::Vanish => next.take_copy().map(|()| Recorded::Nothing),
            Step::Burn(copy) => next.take_copy().map(|()| next.put_copy(copy)).map(|()| Recorded::Nothing),
            Step::Deliver(copy) => next.deliver(copy, false, product, bounds),
            Step::DeliverAlone(copy) => next.deliver(copy, true, product, bounds),
            Step::Run { alone } => next.run(alone, product, bounds),
            Step::Kill(worker, copy) => next.leave(worker, copy).map(|_| Recorded::Nothing),
            Step::Succeed(worker, copy) => next.succeed(worker, copy, product, false),
            Step::CommitUnanswered(worker, copy) => next.succeed(worker, copy, product, true),
            Step::Fail(worker, end, copy) => next.fail(worker, end, copy, product),
            Step::Relay => next.take_overdue(product),
            Step::Publish | Step::Refuse | Step::PublishUnanswered | Step::KillRelay => {
                next.publish(step, product)
            }
            Step::DeadLetter => (self.dead_letters > 0).then(|| {
                next.dead_letters -= 1;
                product.dead_letter(&mut next.event);
                Recorded::Nothing
            }),
            Step::Replay { published } => next.replay(published, product, bounds),
        }?;
        next.copies = next.copies.min(bounds.copies);
        next.dead_letters = next.dead_letters.min(1);
        Some(promises::kept(self, step, &mut next, recorded, product).map(|()| next))
    }

    fn tick(&mut self) {
        let nearer = |at: Moment| if at == NEVER { at } else { at.saturating_sub(UNIT).max(NOW) };
        if let State::Live(live) = &mut self.event {
            live.due_at = nearer(live.due_at);
            live.retry_at = live.retry_at.map(nearer);
            live.lease_until = live.lease_until.map(nearer);
        }
        // A publish has a time limit that is shorter than the relay's step.
        self.relay = self.relay.map(nearer).filter(|at| *at > NOW);
    }

    fn take_copy(&mut self) -> Option<()> {
        self.copies = self.copies.checked_sub(1)?;
        Some(())
    }

    fn put_copy(&mut self, copy: Copied) {
        match copy {
            Copied::Gone => {}
            Copied::Again => self.copies += 1,
            Copied::ToDeadLetters => self.dead_letters += 1,
        }
    }

    /// The delivery is acknowledged in the same cases as in process-push.
    fn deliver(&mut self, copy: Copied, alone: bool, product: &Product, bounds: Bounds) -> Option<Recorded> {
        self.take_copy()?;
        let was_alone = self.latest_ran_alone();
        let done = product.deliver(&mut self.event, alone);
        match done.answer {
            Delivery::LeaseAlive | Delivery::AlreadyProcessed | Delivery::Unknown | Delivery::Claimed(_) => {}
            Delivery::TooEarly | Delivery::NeedsIsolation | Delivery::LostForGood | Delivery::AlreadyDead => {
                self.put_copy(copy);
            }
        }
        self.claimed(&done, was_alone, bounds)
    }

    /// Runs the event in the relay, which needs no message for that.
    fn run(&mut self, alone: bool, product: &Product, bounds: Bounds) -> Option<Recorded> {
        let undelivered = self.event.status() == Status::Pending && self.event.attempt() == 0;
        (self.relay.take().is_some() || undelivered).then_some(())?;
        let was_alone = self.latest_ran_alone();
        let done = product.run(&mut self.event, alone)?;
        self.claimed(&done, was_alone, bounds)
    }

    fn latest_ran_alone(&self) -> bool {
        matches!(&self.event, State::Live(live) if live.alone)
    }

    fn claimed(&mut self, done: &Done<Delivery<Held>>, was_alone: bool, bounds: Bounds) -> Option<Recorded> {
        let is_lost = matches!(done.recorded, Some((_, AttemptEnd::Lost)));
        self.losses += u32::from(is_lost);
        self.losses_alone += u32::from(is_lost && was_alone);
        if let Delivery::Claimed(held) = done.answer {
            (self.workers.len() < bounds.workers).then(|| self.workers.push(held))?;
        }
        Some(done.recorded.into())
    }

    fn leave(&mut self, worker: usize, copy: Copied) -> Option<Held> {
        let held = (worker < self.workers.len()).then(|| self.workers.remove(worker))?;
        self.put_copy(copy);
        Some(held)
    }

    fn succeed(
        &mut self,
        worker: usize,
        copy: Copied,
        product: &Product,
        answer_is_lost: bool,
    ) -> Option<Recorded> {
        let held = self.leave(worker, copy)?;
        let done = product.succeed(&mut self.event, held.attempt);
        self.effects += u32::from(done);
        if answer_is_lost {
            product.fail(&mut self.event, held, AttemptEnd::Interrupted);
        }
        Some(if done { Recorded::Attempt(held.attempt) } else { Recorded::Nothing })
    }

    fn fail(&mut self, worker: usize, end: AttemptEnd, copy: Copied, product: &Product) -> Option<Recorded> {
        let held = self.leave(worker, copy)?;
        let done = product.fail(&mut self.event, held, end);
        self.failures += u32::from(done.answer && end == AttemptEnd::Failed);
        self.interruptions += u32::from(done.answer && end == AttemptEnd::Interrupted);
        Some(done.recorded.into())
    }

    fn take_overdue(&mut self, product: &Product) -> Option<Recorded> {
        self.relay.is_none().then_some(())?;
        self.relay = Some(product.take_overdue(&mut self.event)?);
        Some(Recorded::Nothing)
    }

    fn publish(&mut self, step: Step, product: &Product) -> Option<Recorded> {
        let taken = self.relay.take()?;
        if matches!(step, Step::Publish | Step::PublishUnanswered) {
            self.copies += 1;
        }
        if matches!(step, Step::Refuse | Step::PublishUnanswered) {
            product.give_back(&mut self.event, taken);
        }
        Some(Recorded::Nothing)
    }

    fn replay(&mut self, published: bool, product: &Product, bounds: Bounds) -> Option<Recorded> {
        if self.replays >= bounds.replays || !product.replay(&mut self.event) {
            return None;
        }
        self.copies += usize::from(published);
        (self.failures, self.losses, self.losses_alone, self.interruptions) = (0, 0, 0, 0);
        self.replays += 1;
        Some(Recorded::Nothing)
    }

    /// Returns one form for all states that behave alike. Attempt numbers are only compared as older, equal or newer,
    /// and the counts that an overtaken worker knows have no effect any more.
    pub(crate) fn canonical(mut self) -> Self {
        let mut attempts: Vec<u32> = self.workers.iter().map(|held| held.attempt).collect();
        attempts.push(self.event.attempt());
        attempts.sort_unstable();
        attempts.dedup();
        let rank =
            |attempt: u32| attempts.partition_point(|one| *one < attempt).try_into().unwrap_or(u32::MAX);
        let running = match &self.event {
            State::Live(Live { status: Status::Processing, attempt, .. }) => Some(*attempt),
            _ => None,
        };
        for held in &mut self.workers {
            held.tries = if running == Some(held.attempt) { held.tries } else { Tries::default() };
            held.attempt = rank(held.attempt);
        }
        self.workers.sort_unstable();
        match &mut self.event {
            State::Live(live) => {
                live.attempt = rank(live.attempt);
                live.retry_at = live.retry_at.filter(|at| *at > NOW);
                live.lost = live.lost.min(ISOLATE_AFTER);
                self.losses = self.losses.min(ISOLATE_AFTER);
            }
            State::Ended(ended) => {
                ended.attempt = rank(ended.attempt);
                // The counts that led to an end have no effect on what follows.
                (self.failures, self.losses, self.losses_alone, self.interruptions) = (0, 0, 0, 0);
            }
        }
        self
    }
}
