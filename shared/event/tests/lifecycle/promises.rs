use event::state::{Live, State};
use event::{AttemptEnd, Status};

use crate::product::{NOW, Product};
use crate::step::Step;
use crate::world::{Recorded, World};

/// The promise that a step broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken(pub(crate) String);

/// Checks a step against every promise, and notes in `after` whether the latest attempt is on record.
pub(crate) fn kept(
    before: &World,
    step: Step,
    after: &mut World,
    recorded: Recorded,
    product: &Product,
) -> Result<(), Broken> {
    attempts_are_on_record(before, after, recorded)?;
    let broken = if after.effects > 1 {
        "an event took effect twice".to_owned()
    } else if after.event.attempt() < before.event.attempt() {
        "a fence fell".to_owned()
    } else if before.has_ended() && after.event != before.event && !may_rise(before, step) {
        "an end changed".to_owned()
    } else if let Some(why) =
        claimed_by_right(before, step, after).or_else(|| ended_by_right(before, step, after, product))
    {
        why
    } else {
        return Ok(());
    };
    Err(Broken(broken))
}

fn may_rise(before: &World, step: Step) -> bool {
    matches!(step, Step::Replay { .. }) && before.event.status() == Status::DeadLetter
}

/// Checks that every attempt from the first to the one before the latest is on record exactly once.
fn attempts_are_on_record(before: &World, after: &mut World, recorded: Recorded) -> Result<(), Broken> {
    if let Recorded::Attempt(attempt) = recorded {
        if before.on_record || attempt != before.event.attempt() {
            return Err(Broken("an attempt ended twice".into()));
        }
        after.on_record = true;
    }
    if after.event.attempt() > before.event.attempt() {
        if !after.on_record {
            return Err(Broken("an attempt is not on record".into()));
        }
        after.on_record = false;
    }
    Ok(())
}

fn claimed_by_right(before: &World, step: Step, after: &World) -> Option<String> {
    let is_alone = matches!(step, Step::DeliverAlone(_) | Step::Run { alone: true });
    let (State::Live(found), State::Live(claimed)) = (&before.event, &after.event) else { return None };
    if claimed.attempt == found.attempt {
        return None;
    }
    if found.living_lease(NOW).is_some() {
        return Some("two hold the lease".into());
    }
    if after.losses >= Product::right().rules.isolate_after && !is_alone {
        return Some("it was to run alone".into());
    }
    is_early(found).then(|| "an early copy was a try".into())
}

fn is_early(live: &Live) -> bool {
    live.status == Status::Failed && live.retry_at.is_some_and(|at| at > NOW)
}

/// An event must die after four failures of its own, a permanent failure, too many interruptions, or too many attempts
/// lost alone, and for no other reason.
fn ended_by_right(before: &World, step: Step, after: &World, product: &Product) -> Option<String> {
    let tries = product_tries();
    let (failures, losses, interruptions) = (after.failures, after.losses_alone, after.interruptions);
    let too_many_lost = losses >= product.rules.max_lost;
    let too_many_interrupted = interruptions >= product.rules.retries.max_interrupted;
    match &after.event {
        State::Live(_) if failures >= tries => Some(format!("alive after {failures} failures")),
        State::Live(_) if too_many_lost => Some(format!("alive after {losses} attempts lost alone")),
        State::Live(_) if too_many_interrupted => Some(format!("alive after {interruptions} interruptions")),
        State::Live(_) if is_permanent(before, step) => Some("alive after a permanent failure".into()),
        State::Ended(ended) if ended.status == Status::DeadLetter && !before.has_ended() => {
            let by_right = failures == tries
                || too_many_lost
                || interruptions == product.rules.retries.max_interrupted
                || is_permanent(before, step);
            (!by_right).then(|| format!("dead after {failures} failures and {losses} attempts lost alone"))
        }
        _ => None,
    }
}

/// The number of tries with the right `MAX_RETRIES` of 3, since a mistake may change the setting.
fn product_tries() -> u32 {
    Product::right().rules.retries.max + 1
}

/// True if the step is a permanent failure of the attempt that no other attempt has overtaken.
fn is_permanent(before: &World, step: Step) -> bool {
    let Step::Fail(worker, AttemptEnd::Permanent, _) = step else { return false };
    let State::Live(live) = &before.event else { return false };
    live.status == Status::Processing
        && before.workers.get(worker).is_some_and(|held| held.attempt == live.attempt)
}
