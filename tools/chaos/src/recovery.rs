//! What is demanded of the calm behind an attack.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::Error;
use crate::left::Left;

/// From calm to the end of everything that had been sent by then, where no more than so many events fail until they are dead.
const LIMIT: Duration = Duration::from_mins(1);
const DYING: i64 = 200;
/// A healthy event waits no longer, whatever else fails: five seconds, and a call of the relay that begins every second and stays for
/// handlers of two seconds.
const HEALTHY_SECONDS: f64 = 10.0;
/// What was sent while the processes came back is not healthy yet.
const CALM_FROM: &str = "interval '3 seconds'";

/// As many times longer as there are times as many of them.
pub(crate) async fn limit(database: &mut PgConnection) -> Result<Duration, Error> {
    let dying: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM live JOIN events USING (id) WHERE (payload ->> 'failTimes')::bigint > 1000",
    )
    .fetch_one(database)
    .await?;
    Ok(LIMIT * u32::try_from(dying / DYING + 1)?)
}

/// Of those that were sent in the calm.
pub(crate) async fn no_healthy_one_waits(
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
        Some(seconds) if seconds > HEALTHY_SECONDS => {
            Err(format!("a healthy event that was sent in the calm waits for {seconds:.1} s").into())
        }
        _ => Ok(()),
    }
}

/// What had come by then, but for those that have to kill their process, to end twenty sessions or to hang four times: they end in
/// their own time, and the books wait for them.
fn came_by(since: DateTime<Utc>) -> String {
    format!(
        "queued_at < '{}' AND payload ->> 'kill' IS NULL AND payload ->> 'endSession' IS NULL
           AND payload ->> 'sleepMs' IS DISTINCT FROM '60000'",
        since.to_rfc3339()
    )
}

/// Of what had come by then.
pub(crate) async fn left(database: &mut PgConnection, since: DateTime<Utc>) -> Result<Left, Error> {
    Left::of(database, &came_by(since), &format!("created_at < '{}'", since.to_rfc3339())).await
}

/// The oldest of those that are unfinished, and how they stand.
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
