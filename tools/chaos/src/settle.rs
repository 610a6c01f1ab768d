//! Waits after the attack until everything has ended and is loaded, or until it is certain that an event never will.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use sqlx::PgConnection;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::Error;
use crate::left::Left;
use crate::probe::Probes;
use crate::world::{NUMBERS, World};

const LOOK_EVERY: Duration = Duration::from_millis(300);
/// Most runs have settled by then, and need no probe.
const PROBES_FROM: Duration = Duration::from_secs(6);
/// An event is stuck if nothing happens to it while this many probes are stored and end, one after another.
const PROBES: usize = 5;
/// If no probe ends in this time, the whole system stands still.
const NOTHING_ENDS: Duration = Duration::from_secs(90);

/// The limits of the wait for a run.
pub(crate) struct Patience {
    pub(crate) limit: Duration,
    /// No event waits longer than this while the system is healthy.
    pub(crate) still: Duration,
    /// The most attempts that an event may have. None if the run has no such limit.
    pub(crate) most_attempts: Option<i32>,
}

impl Patience {
    /// The limits of a run with these settings, which replace the usual ones.
    pub(crate) fn of(
        set: &[(String, String)],
        limit: Duration,
        most_attempts: Option<i32>,
    ) -> Result<Self, Error> {
        let usual = NUMBERS.iter().copied();
        let set = set.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let step = usual.chain(set).rfind(|(name, _)| *name == "DUE_STEP_SECONDS");
        let (_, seconds) = step.ok_or("DUE_STEP_SECONDS is not set")?;
        // If a fault loses a message, the relay publishes the next copy one step later.
        Ok(Self { limit, still: 2 * Duration::from_secs(seconds.parse()?), most_attempts })
    }
}

/// The events that have not ended.
#[derive(Default)]
pub(crate) struct Unsettled {
    /// Events that no longer change.
    pub(crate) stuck: HashSet<Uuid>,
    /// The remaining work at the time limit. It may still be under way.
    pub(crate) late: Option<String>,
}

/// The columns of an event that change whenever something happens to it. `due_at` is not among them, because the
/// relay moves it without any effect on the event.
type State = (String, i32, i32, i32);

/// The state of an event, the time since when it has been the same, and the number of probes that had ended by then.
struct Still {
    state: State,
    since: Instant,
    probes: usize,
}

/// Waits on facts and not only on the clock, because the probes take longer on a slow machine too.
pub(crate) async fn settle(
    world: &World,
    probes: &mut Probes,
    patience: &Patience,
) -> Result<Unsettled, Error> {
    let mut database = world.database().await?;
    let start = Instant::now();
    let mut still: HashMap<Uuid, Still> = HashMap::new();
    loop {
        let left = Left::of_all(&mut database).await?;
        if left.is_none() {
            return Ok(Unsettled::default());
        }
        if start.elapsed() > PROBES_FROM {
            probes.go_on(&mut database).await?;
        }
        let live = live(&mut database).await?;
        still.retain(|id, still| live.get(id) == Some(&still.state));
        for (id, state) in live {
            let new = || Still { state, since: Instant::now(), probes: probes.ended() };
            still.entry(id).or_insert_with(new);
        }
        let stuck: HashSet<_> = still
            .iter()
            .filter(|(id, still)| {
                is_stuck(still, still.since.elapsed(), probes.ended(), patience) && !probes.is_one(**id)
            })
            .map(|(id, _)| *id)
            .collect();
        let others = still.keys().filter(|id| !stuck.contains(id) && !probes.is_one(**id)).count();
        if !stuck.is_empty() && others == 0 {
            return Ok(Unsettled { stuck, late: None });
        }
        if start.elapsed() > patience.limit {
            let late = format!("{} s after the end: {left}", patience.limit.as_secs());
            return Ok(Unsettled { stuck, late: Some(late) });
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Tells whether an event that has not changed for the time `stands` is stuck, given the number of probes that have
/// ended by now.
fn is_stuck(still: &Still, stands: Duration, ended: usize, patience: &Patience) -> bool {
    let (.., attempt) = still.state;
    let is_endless = patience.most_attempts.is_some_and(|most| attempt > most);
    let is_passed_over = stands > patience.still && ended >= still.probes + PROBES;
    is_endless || is_passed_over || (stands > NOTHING_ENDS && ended == still.probes)
}

async fn live(database: &mut PgConnection) -> Result<HashMap<Uuid, State>, Error> {
    let rows: Vec<(Uuid, String, i32, i32, i32)> =
        sqlx::query_as("SELECT id, status::text, retry_count, lost, attempt FROM live")
            .fetch_all(database)
            .await?;
    Ok(rows
        .into_iter()
        .map(|(id, status, retries, lost, attempt)| (id, (status, retries, lost, attempt)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience =
        Patience { limit: Duration::from_mins(4), still: Duration::from_secs(30), most_attempts: Some(9) };

    /// An event in its `attempt` that has not changed for this many seconds, while this many probes ended.
    fn stuck(attempt: i32, seconds: u64, probes: usize) -> bool {
        let still = Still { state: ("FAILED".into(), 1, 0, attempt), since: Instant::now(), probes: 7 };
        is_stuck(&still, Duration::from_secs(seconds), 7 + probes, &PATIENCE)
    }

    #[test]
    fn a_slow_machine_makes_no_event_stuck() {
        assert!(!stuck(1, 80, PROBES - 1), "the probes are slow too");
        assert!(!stuck(1, 20, 2 * PROBES), "it may rightly wait for so long");
    }

    #[test]
    fn one_that_the_others_pass_is_stuck() {
        assert!(stuck(1, 31, PROBES));
    }

    #[test]
    fn where_no_probe_ends_all_are_stuck_in_the_end() {
        assert!(!stuck(1, 89, 0));
        assert!(stuck(1, 91, 0));
    }

    #[test]
    fn so_is_one_that_has_more_attempts_than_it_may_have() {
        assert!(!stuck(9, 0, 0));
        assert!(stuck(10, 0, 0));
    }
}
