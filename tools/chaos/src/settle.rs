//! What is waited for behind the attack: that everything has ended and is loaded, or that it is certain that something never will.

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
/// An event is stuck where nothing has happened to it while so many probes came and ended, one after another.
const PROBES: usize = 5;
/// Where no probe ends either, everything stands still.
const NOTHING_ENDS: Duration = Duration::from_secs(90);

/// How a run is waited for.
pub(crate) struct Patience {
    pub(crate) limit: Duration,
    /// Longer than anything rightly waits for while the system is well.
    pub(crate) still: Duration,
    /// More attempts than this no event may have. None where a run has no such bound.
    pub(crate) most_attempts: Option<i32>,
}

impl Patience {
    /// Where these settings hold in place of the usual ones.
    pub(crate) fn of(
        set: &[(String, String)],
        limit: Duration,
        most_attempts: Option<i32>,
    ) -> Result<Self, Error> {
        let usual = NUMBERS.iter().copied();
        let set = set.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let step = usual.chain(set).rfind(|(name, _)| *name == "DUE_STEP_SECONDS");
        let (_, seconds) = step.ok_or("DUE_STEP_SECONDS is not set")?;
        // A copy that a fault has lost is followed by the next one a step later.
        Ok(Self { limit, still: 2 * Duration::from_secs(seconds.parse()?), most_attempts })
    }
}

/// What is known of the events that have not ended.
#[derive(Default)]
pub(crate) struct Unsettled {
    /// Nothing happens to them any more.
    pub(crate) stuck: HashSet<Uuid>,
    /// What is left all the same, and may be on its way.
    pub(crate) late: Option<String>,
}

/// Of an event, what changes whenever something happens to it. The relay moves `due_at` for nothing.
type State = (String, i32, i32, i32);

/// How an event stands, since when, and how many probes had ended by then.
struct Still {
    state: State,
    since: Instant,
    probes: usize,
}

/// By facts and not by the clock alone: on a slow machine the probes take longer too.
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

/// For so long it has been as it is, and so many probes have ended by now.
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

    /// Of an event in its `attempt`, for so many seconds as it is, while so many probes ended.
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
