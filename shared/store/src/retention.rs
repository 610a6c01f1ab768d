//! Removes an old week of events in two steps. First its tables are emptied except for unfinished events, in one short
//! transaction that locks only these tables. When nothing is left in the tables, they are detached and dropped, which
//! affects no reader.

mod clear;
mod remove;

use std::time::Duration;

use chrono::NaiveDate;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row};
use tokio::time::Instant;

use crate::partitions::{Week, weeks};
use crate::{Error, Store};

/// The result of retention.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Expired {
    pub partitions_dropped: Vec<String>,
    /// Events that were unfinished when their week was cleared, and that stay.
    pub stragglers: i64,
}

/// The state of a week, which decides what is done with it.
struct Found {
    has_finished: bool,
    is_empty: bool,
    is_settled: bool,
}

impl Store {
    /// Drops weeks of events that ended longer than `keep` ago. An unfinished event stays, and so does a week in which
    /// an event is not in BigQuery or not counted. One caller works at a time, and another does nothing.
    pub async fn expire(&self, keep: Duration, deadline: Instant) -> Result<Expired, Error> {
        self.run(move |pool| async move {
            let mut connection = pool.acquire().await?;
            // The connection is closed, since the lock and the settings must not outlive this call.
            connection.close_on_drop();
            let turn = "SELECT pg_try_advisory_lock(hashtext('eventflow.retention'))";
            let mut expired = Expired::default();
            if !sqlx::query_scalar::<_, bool>(turn).fetch_one(&mut *connection).await? {
                return Ok(expired);
            }
            for week in expired_weeks(&pool, keep).await? {
                if Instant::now() >= deadline {
                    break;
                }
                match expire(&mut connection, week, &mut expired).await {
                    Err(error) if is_busy(&error) => {
                        tracing::info!(%error, week = %week.monday(), "an old week is in use: later");
                        // This ends a transaction that the error may have left open.
                        sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await?;
                    }
                    result => result?,
                }
            }
            Ok(expired)
        })
        .await
    }
}

/// True if the tables are in use, or if the state of the week has changed meanwhile.
fn is_busy(error: &Error) -> bool {
    matches!(error.code().as_deref(), Some("55P03" | "40P01" | "57014" | clear::NOT_SETTLED))
}

async fn expired_weeks(pool: &PgPool, keep: Duration) -> Result<Vec<Week>, Error> {
    let before = sqlx::query_scalar!(
        r#"SELECT ((now() AT TIME ZONE 'UTC') - $1::float8 * interval '1 second')::date - 7 AS "before!""#,
        keep.as_secs_f64()
    )
    .fetch_one(pool)
    .await?;
    let is_over = |monday: NaiveDate| monday <= before;
    Ok(weeks(pool).await?.into_iter().filter(|week| is_over(week.monday())).collect())
}

async fn expire(connection: &mut PgConnection, week: Week, expired: &mut Expired) -> Result<(), Error> {
    let found = look_at(connection, week).await?;
    let mut is_empty = found.is_empty;
    if found.has_finished && found.is_settled {
        let stragglers = clear::clear(connection, week).await?;
        tracing::info!(week = %week.monday(), stragglers, "cleared a week of old events");
        expired.stragglers += stragglers;
        is_empty = stragglers == 0;
    }
    if is_empty {
        remove::remove(connection, week, &mut expired.partitions_dropped).await?;
    }
    Ok(())
}

/// Reads the state of a week. A missing table was dropped by a call that ended there.
async fn look_at(connection: &mut PgConnection, week: Week) -> Result<Found, Error> {
    let names = clear::names(week);
    for name in &names {
        let there = sqlx::query_scalar!(r#"SELECT to_regclass($1) IS NOT NULL AS "there!""#, name);
        if !there.fetch_one(&mut *connection).await? {
            return Ok(Found { has_finished: false, is_empty: true, is_settled: true });
        }
    }
    let [events, outcomes, attempts] = &names;
    let question = format!(
        "SELECT EXISTS (SELECT FROM {events} AS event
                         WHERE NOT EXISTS (SELECT FROM live WHERE live.id = event.id)) AS has_finished,
                NOT EXISTS (SELECT FROM {events}) AND NOT EXISTS (SELECT FROM {outcomes})
                AND NOT EXISTS (SELECT FROM {attempts}) AS is_empty,
                coalesce({}, false) AS is_settled",
        clear::settled(week)
    );
    // The names come from dates.
    let row = sqlx::raw_sql(AssertSqlSafe(question)).fetch_one(connection).await?;
    Ok(Found {
        has_finished: row.try_get("has_finished")?,
        is_empty: row.try_get("is_empty")?,
        is_settled: row.try_get("is_settled")?,
    })
}
