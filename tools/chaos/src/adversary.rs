//! Deals faults from a shuffled deck, so that every kind of fault comes. Between the attacks it leaves calm periods,
//! in which the system has to recover.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::Error;
use crate::faults::{Fault, Kind, Shared};
use crate::load::Pace;
use crate::recovery::{self, Demand, LONGEST_DUE};

/// The length of an attack after the first one. The first attack takes a third of the run, because some faults last
/// long.
const ATTACK_SECONDS: std::ops::Range<u64> = 10..18;
const PAUSE_MILLIS: std::ops::Range<u64> = 100..700;

pub(crate) struct Adversary {
    random: StdRng,
    kinds: Vec<Kind>,
    deck: Vec<Kind>,
    shared: Arc<Shared>,
    /// Whether many of the events fail until they are dead.
    many_fail: bool,
    pub(crate) recoveries: Vec<Duration>,
}

impl Adversary {
    pub(crate) fn new(pace: Pace, kinds: Vec<Kind>, shared: Arc<Shared>) -> Self {
        Self {
            random: StdRng::seed_from_u64(pace.seed),
            kinds,
            deck: Vec::new(),
            shared,
            many_fail: pace.fails > 0,
            recoveries: Vec::new(),
        }
    }

    /// Alternates attacks and calm periods until about `end`.
    pub(crate) async fn waves(&mut self, end: Instant, demand: Demand) -> Result<(), Error> {
        let whole = end.saturating_duration_since(Instant::now());
        let mut attack = whole / 3;
        while Instant::now() + Duration::from_secs(5) < end {
            self.attack((Instant::now() + attack).min(end)).await?;
            self.recover(demand).await?;
            attack = Duration::from_secs(self.random.random_range(ATTACK_SECONDS));
        }
        Ok(())
    }

    pub(crate) async fn attack(&mut self, end: Instant) -> Result<(), Error> {
        let mut faults = JoinSet::new();
        self.shared.enter("attack");
        self.shared.world.attack(true)?;
        while Instant::now() < end {
            let Some(kind) = self.deal() else {
                sleep_until(end).await;
                break;
            };
            let seed = self.random.random();
            faults.spawn(Fault::new(kind, seed, end, self.shared.clone()).run());
            let pause = Duration::from_millis(self.random.random_range(PAUSE_MILLIS));
            sleep_until((Instant::now() + pause).min(end)).await;
        }
        self.shared.world.attack(false)?;
        while let Some(ended) = faults.join_next().await {
            ended??;
        }
        Ok(())
    }

    /// Returns None if the plan has no kind of fault at all.
    fn deal(&mut self) -> Option<Kind> {
        if self.deck.is_empty() {
            let copies = |kind: &Kind| vec![*kind; kind.copies()];
            self.deck = self.kinds.iter().flat_map(copies).collect();
            self.deck.shuffle(&mut self.random);
        }
        self.deck.pop()
    }

    async fn recover(&mut self, demand: Demand) -> Result<(), Error> {
        let calm = Instant::now();
        let mut database = self.shared.world.database().await?;
        let since = sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&mut database).await?;
        let limit = demand.limit(&mut database).await?;
        loop {
            if self.many_fail {
                demand.no_healthy_one_waits(&mut database, since).await?;
            }
            let left = recovery::left(&mut database, since).await?;
            if left.is_none() {
                break;
            }
            let took = calm.elapsed();
            if took > limit + LONGEST_DUE
                || took > limit && !recovery::overdue(&mut database, since).await?.is_none()
            {
                let limit = limit.as_secs();
                let some = recovery::some_of(&mut database, since).await?.join("\n  ");
                return Err(format!("{limit} s after the calm began this is left: {left}\n  {some}").into());
            }
            self.shared.enter(format!("calm: {left}"));
            sleep(Duration::from_millis(200)).await;
        }
        self.recoveries.push(calm.elapsed());
        Ok(())
    }
}
