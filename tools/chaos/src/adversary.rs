//! Deals faults from a shuffled deck, so that every kind comes, and gives calm in between, in which recovery is demanded.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::Error;
use crate::faults::{Fault, Kind, Shared};
use crate::left::Left;

/// From calm to the end of everything that had been sent by then.
const RECOVERY_LIMIT: Duration = Duration::from_mins(1);
/// An attack is over after about so long. The first one lasts longer, for what has to be held for long.
const ATTACK_SECONDS: std::ops::Range<u64> = 10..18;
const PAUSE_MILLIS: std::ops::Range<u64> = 100..700;

pub(crate) struct Adversary {
    random: StdRng,
    kinds: Vec<Kind>,
    deck: Vec<Kind>,
    shared: Arc<Shared>,
    pub(crate) recoveries: Vec<Duration>,
}

impl Adversary {
    pub(crate) fn new(seed: u64, kinds: Vec<Kind>, shared: Arc<Shared>) -> Self {
        Self { random: StdRng::seed_from_u64(seed), kinds, deck: Vec::new(), shared, recoveries: Vec::new() }
    }

    /// Attacks with calm in between, until about `end`.
    pub(crate) async fn waves(&mut self, end: Instant) -> Result<(), Error> {
        let whole = end.saturating_duration_since(Instant::now());
        let mut attack = whole / 3;
        while Instant::now() + Duration::from_secs(5) < end {
            self.attack((Instant::now() + attack).min(end)).await?;
            self.recover().await?;
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

    /// None where there is no kind of fault at all.
    fn deal(&mut self) -> Option<Kind> {
        if self.deck.is_empty() {
            let copies = |kind: &Kind| vec![*kind; kind.copies()];
            self.deck = self.kinds.iter().flat_map(copies).collect();
            self.deck.shuffle(&mut self.random);
        }
        self.deck.pop()
    }

    async fn recover(&mut self) -> Result<(), Error> {
        let calm = Instant::now();
        let mut database = self.shared.world.database().await?;
        let since = sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&mut database).await?;
        loop {
            let left = left(&mut database, since).await?;
            if left.is_none() {
                break;
            }
            if calm.elapsed() > RECOVERY_LIMIT {
                let limit = RECOVERY_LIMIT.as_secs();
                let some = some_of(&mut database, since).await?.join("\n  ");
                return Err(format!("{limit} s after the calm began this is left: {left}\n  {some}").into());
            }
            self.shared.enter(format!("calm: {left}"));
            sleep(Duration::from_millis(200)).await;
        }
        self.recoveries.push(calm.elapsed());
        Ok(())
    }
}

/// What had come by then, but for those that have to kill their process ten times or to hang four times: they end in their
/// own time, and the books wait for them.
fn came_by(since: DateTime<Utc>) -> String {
    format!(
        "queued_at < '{}' AND payload ->> 'kill' IS NULL AND payload ->> 'sleepMs' IS DISTINCT FROM '60000'",
        since.to_rfc3339()
    )
}

async fn left(database: &mut PgConnection, since: DateTime<Utc>) -> Result<Left, Error> {
    Left::of(database, &came_by(since), &format!("created_at < '{}'", since.to_rfc3339())).await
}

/// The oldest of those that are unfinished, and how they stand.
async fn some_of(database: &mut PgConnection, since: DateTime<Utc>) -> Result<Vec<String>, Error> {
    let question = format!(
        "SELECT format('%s %s: %s, %s retries, %s lost of %s attempts, since %s s, due in %s s', live.id, payload, live.status,
                       retry_count, lost, attempt, round(extract(epoch FROM now() - queued_at)),
                       round(extract(epoch FROM due_at - now())))
           FROM live JOIN events USING (id) WHERE {} ORDER BY live.id LIMIT 20",
        came_by(since)
    );
    Ok(sqlx::query_scalar(AssertSqlSafe(question)).fetch_all(database).await?)
}
