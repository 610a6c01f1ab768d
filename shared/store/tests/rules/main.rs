//! Tests that compare the statements with the rules of `event`, by every step from every state that they lead to.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod step;
mod table;

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use event::Retries;
use event::rules::Rules;
use event::state::{Moment, State};

use step::Step;
use table::Table;

const NOW: Moment = Duration::from_secs(1_000_000);
/// A unit that is so long that the time of a test does not matter.
const UNIT: Duration = Duration::from_secs(10_000);

const RULES: Rules = Rules {
    retries: Retries {
        max: 3,
        backoff_min: Duration::from_secs(20_000),
        backoff_max: Duration::from_secs(20_000),
        max_interrupted: 2,
        push_grace: Duration::ZERO,
    },
    lease: UNIT,
    max_lost: 2,
    isolate_after: 1,
    due_step: Duration::from_secs(20_000),
};

#[tokio::test]
async fn every_statement_does_what_the_rules_say() {
    let mut table = Table::new().await;
    let start = State::accepted(NOW + UNIT * 2);
    let mut seen = HashSet::from([start.clone()]);
    let mut next = VecDeque::from([start]);
    let mut compared = 0;
    while let Some(state) = next.pop_front() {
        let mut reached = vec![later(&state)];
        for step in Step::ALL {
            table.arrange(&state, step).await;
            let said = step.by_the_rules(&state);
            let done = table.take(step, &state).await;
            assert_eq!(done, said, "{step:?} from {state:?}: the database, and what the rules say");
            compared += 1;
            reached.push(said.state);
        }
        next.extend(reached.into_iter().map(canonical).filter(|state| seen.insert(state.clone())));
    }
    println!("{} states, {compared} steps", seen.len());
    assert!(seen.len() > 100, "only {} states", seen.len());
}

/// Lets a unit of time pass, which brings all times of the state nearer.
fn later(state: &State) -> State {
    let nearer = |at: Moment| at.saturating_sub(UNIT).max(NOW);
    let mut state = state.clone();
    if let State::Live(live) = &mut state {
        live.due_at = nearer(live.due_at);
        live.retry_at = live.retry_at.map(nearer);
        live.lease_until = live.lease_until.map(nearer);
    }
    state
}

/// The number of the latest attempt makes no difference, except whether there was an older one.
fn canonical(mut state: State) -> State {
    let attempt = match &mut state {
        State::Live(live) => &mut live.attempt,
        State::Ended(ended) => &mut ended.attempt,
    };
    if *attempt > 0 {
        *attempt = 2;
    }
    state
}
