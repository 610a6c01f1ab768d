//! The time in which a system has to recover after an attack. The time follows from the speed of this machine, which
//! is measured before the first attack, so that a slow machine breaks no promise and a fast machine gets a tight
//! limit.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::time::{Instant, sleep};

use crate::Error;
use crate::left::Left;
use crate::probe::Probes;

/// The measured backlog: ten seconds of the usual load.
const BACKLOG: usize = 600;
/// If a system takes longer than this without any attack, the run ends with an error.
const LONGEST_MEASURED: Duration = Duration::from_mins(1);
/// The time that an event may wait on any machine: twice `DUE_STEP_SECONDS`.
const RIGHTLY_WAITS: Duration = Duration::from_secs(30);
/// The relay moves an event on by eight times `DUE_STEP_SECONDS` at most.
pub(crate) const LONGEST_DUE: Duration = Duration::from_mins(2);
/// The number of measured backlogs that recovery may take. An attack leaves longer backlogs, and processes that are
/// still starting.
const BACKLOGS: u32 = 15;
/// One limit allows for this many events that fail until they are dead. More of them multiply the limit.
const DYING: i64 = 200;
/// A healthy event may wait for five seconds, and for a call of the relay. The relay begins a call every second, and
/// the call may wait for handlers of two seconds.
const HEALTHY: Duration = Duration::from_secs(8);
/// Events that were sent while the processes restarted do not count as healthy yet.
const CALM_FROM: &str = "interval '3 seconds'";

/// The time that this machine takes for a backlog without any attack, and the demands that follow from it.
#[derive(Clone, Copy)]
pub(crate) struct Demand {
    measured: Duration,
}

impl Demand {
    pub(crate) async fn measure(probes: &mut Probes, database: &mut PgConnection) -> Result<Self, Error> {
        let start = Instant::now();
        probes.store_many(BACKLOG, database).await?;
        while Left::of_all(database).await?.unfinished > 0 {
            if start.elapsed() > LONGEST_MEASURED {
                let limit = LONGEST_MEASURED.as_secs();
                return Err(format!(
                    "without any attack, {BACKLOG} events are not processed within {limit} s"
                )
                .into());
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(Self { measured: start.elapsed() })
    }

    /// The time from the beginning of the calm to the end of everything that was sent before it.
    fn recovery(self) -> Duration {
        RIGHTLY_WAITS + self.measured * BACKLOGS
    }

    fn healthy(self) -> Duration {
        HEALTHY + self.measured
    }

    /// The recovery time, multiplied by the number of events that are about to die.
    pub(crate) async fn limit(self, database: &mut PgConnection) -> Result<Duration, Error> {
        let dying: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM live JOIN events USING (id) WHERE (payload ->> 'failTimes')::bigint > 1000",
        )
        .fetch_one(database)
        .await?;
        Ok(self.recovery() * u32::try_from(dying / DYING + 1)?)
    }

    /// Fails if a healthy event that was sent in the calm waits too long.
    pub(crate) async fn no_healthy_one_waits(
        self,
        database: &mut PgConnection,
        since: DateTime<Utc>,
    ) -> Result<(), Error> {
        let question = format!(
            "SELECT max(extract(epoch FROM clock_timestamp() - queued_at))::float8 FROM live JOIN events USING (id)
              WHERE queued_at > $1 + {CALM_FROM} AND (SELECT count(*) FROM json_object_keys(payload)) = 1"
        );
        let longest: Option<f64> =
            sqlx::query_scalar(AssertSqlSafe(question)).bind(since).fetch_one(database).await?;
        match longest {
            Some(seconds) if seconds > self.healthy().as_secs_f64() => {
                Err(format!("a healthy event that was sent in the calm waits for {seconds:.1} s").into())
            }
            _ => Ok(()),
        }
    }
}

impl std::fmt::Display for Demand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [measured, recovery, healthy] =
            [self.measured, self.recovery(), self.healthy()].map(|time| time.as_secs_f64());
        write!(
            f,
            "this machine takes {measured:.1} s for {BACKLOG} events, so that recovery is demanded within {recovery:.0} s, \
             and of a healthy event within {healthy:.0} s"
        )
    }
}

/// Selects the events that were stored by then. Events that kill their process, end twenty sessions or hang four
/// times take longer to end, so only the books wait for them.
fn came_by(since: DateTime<Utc>) -> String {
    format!(
        "queued_at < '{}' AND payload ->> 'kill' IS NULL AND payload ->> 'endSession' IS NULL
           AND payload ->> 'sleepMs' IS DISTINCT FROM '60000'",
        since.to_rfc3339()
    )
}

/// Counts what is left of the events that were stored by then, without those that wait for the relay by its rule. An event
/// that kills its process may take a neighbour's attempt along in the calm too. The relay moves such a neighbour on by half
/// of its age, eight times `DUE_STEP_SECONDS` at most, so that a fixed limit would blame the rule.
pub(crate) async fn overdue(database: &mut PgConnection, since: DateTime<Utc>) -> Result<Left, Error> {
    let unfinished = format!("{} AND NOT (lost > 0 AND due_at > clock_timestamp())", came_by(since));
    Left::of(database, &unfinished, &format!("created_at < '{}'", since.to_rfc3339())).await
}

/// Counts what is left of the events that were stored by then.
pub(crate) async fn left(database: &mut PgConnection, since: DateTime<Utc>) -> Result<Left, Error> {
    Left::of(database, &came_by(since), &format!("created_at < '{}'", since.to_rfc3339())).await
}

/// Returns the oldest unfinished events and their state.
pub(crate) async fn some_of(database: &mut PgConnection, since: DateTime<Utc>) -> Result<Vec<String>, Error> {
    let question = format!(
        "SELECT format('%s %s: %s, %s retries, %s lost of %s attempts, since %s s, due in %s s', live.id, payload, live.status,
                       retry_count, lost, attempt, round(extract(epoch FROM now() - queued_at)),
                       round(extract(epoch FROM due_at - now())))
           FROM live JOIN events USING (id) WHERE {} ORDER BY live.id LIMIT 20",
        came_by(since)
    );
    Ok(sqlx::query_scalar(AssertSqlSafe(question)).fetch_all(database).await?)
}
