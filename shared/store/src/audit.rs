use std::time::Duration;

use sqlx::PgPool;
use tokio::time::Instant;
use uuid::Uuid;

use crate::partitions::{Week, weeks};
use crate::{Error, Store, cursor};

/// A total that differed from the log. It has been corrected.
#[derive(Debug, PartialEq, Eq)]
pub struct Correction {
    pub name: String,
    pub folded: i64,
    pub counted: i64,
}

impl Store {
    /// Counts the log again from the place where the last call stopped, and compares the totals when all of it is
    /// counted. A statement counts `chunk` events at most. The next count begins when the last one was finished `every`
    /// ago. Several callers at once share the work.
    pub async fn audit_counts(
        &self,
        every: Duration,
        chunk: u32,
        deadline: Instant,
    ) -> Result<Vec<Correction>, Error> {
        self.run(move |pool| async move {
            // In another cluster, there may be rows below the cursor that the totals have never counted.
            if let Err(error) = cursor::position(&pool, "totals").await {
                return if matches!(error, Error::Foreign(_)) { Ok(Vec::new()) } else { Err(error) };
            }
            begin(&pool, every).await?;
            let weeks = weeks(&pool).await?;
            // At least one chunk is counted, so that every call makes progress.
            loop {
                let Some(position) = position(&pool).await? else {
                    return Ok(Vec::new());
                };
                match weeks.iter().find(|week| week.to().uuid() > position) {
                    Some(week) => count(&pool, position, *week, chunk).await?,
                    None => return finish(&pool, position).await,
                }
                if Instant::now() >= deadline {
                    return Ok(Vec::new());
                }
            }
        })
        .await
    }
}

/// Begins a count if one is due. The totals and their cursor are read in one snapshot, and the fold moves both in one
/// transaction.
async fn begin(pool: &PgPool, every: Duration) -> Result<(), Error> {
    sqlx::query!(
        "WITH begun AS (
             INSERT INTO count_audit AS audit (bound, folded, position)
             SELECT position,
                    (SELECT coalesce(jsonb_agg(total), '[]')
                       FROM (SELECT 'event' AS kind, event_type AS name, count, 0::float8 AS seconds FROM event_totals
                             UNION ALL
                             SELECT 'outcome', status::text, count, seconds FROM outcome_totals) AS total),
                    '00000000-0000-0000-0000-000000000000'
               FROM cursors WHERE name = 'totals'
             ON CONFLICT (one) DO UPDATE
                SET bound = excluded.bound, folded = excluded.folded, position = excluded.position,
                    started_at = now(), finished_at = NULL
              WHERE audit.finished_at <= now() - $1::float8 * interval '1 second'
             RETURNING one
         )
         DELETE FROM counted WHERE EXISTS (SELECT FROM begun)",
        every.as_secs_f64()
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// The position of the running count. None if no count is running.
async fn position(pool: &PgPool) -> Result<Option<Uuid>, Error> {
    Ok(sqlx::query_scalar!("SELECT position FROM count_audit WHERE finished_at IS NULL")
        .fetch_optional(pool)
        .await?)
}

/// Counts one chunk in one statement, and only from the position that was read. If another caller counts it meanwhile,
/// that caller finds that the position has moved.
async fn count(pool: &PgPool, position: Uuid, week: Week, chunk: u32) -> Result<(), Error> {
    sqlx::query!(
        "WITH next AS MATERIALIZED (
             SELECT coalesce((SELECT id FROM events WHERE id >= $2 AND id < $3 ORDER BY id OFFSET $5 LIMIT 1), $3) AS id
         ), moved AS (
             UPDATE count_audit SET position = (SELECT id FROM next)
              WHERE finished_at IS NULL AND position = $1
             RETURNING bound
         ), found AS (
             SELECT 'event' AS kind, event_type AS name, count(*) AS count, 0::float8 AS seconds FROM events
              WHERE id >= $2 AND id < $3 AND id < (SELECT id FROM next) AND xid < (SELECT bound FROM moved)
              GROUP BY event_type
             UNION ALL
             SELECT 'outcome', status::text, count(*), sum(extract(epoch FROM finished_at - queued_at)) FROM outcomes
              WHERE id >= $2 AND id < $3 AND id < (SELECT id FROM next) AND xid < (SELECT bound FROM moved)
              GROUP BY status
             UNION ALL
             SELECT 'outcome', from_status::text, -count(*), 0 FROM replays
              WHERE id >= $2 AND id < $3 AND id < (SELECT id FROM next) AND xid < (SELECT bound FROM moved)
                AND from_status = 'DEAD_LETTER'
                AND EXISTS (SELECT FROM events WHERE events.id = replays.id AND events.id >= $2 AND events.id < $3)
              GROUP BY from_status
         )
         INSERT INTO counted AS known (week, kind, name, count, seconds)
         SELECT $4, kind, name, sum(count), sum(seconds) FROM found GROUP BY kind, name ORDER BY kind, name
         ON CONFLICT (week, kind, name) DO UPDATE
            SET count = known.count + excluded.count, seconds = known.seconds + excluded.seconds",
        position,
        position.max(week.from().uuid()),
        week.to().uuid(),
        week.monday(),
        i64::from(chunk),
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Compares the totals, and adds the differences to their present values. The cursor is locked, so that no fold is half
/// done. A fold that finds it locked does nothing.
async fn finish(pool: &PgPool, position: Uuid) -> Result<Vec<Correction>, Error> {
    Ok(sqlx::query_as!(
        Correction,
        r#"WITH held AS MATERIALIZED (
               SELECT FROM cursors WHERE name = 'totals' FOR UPDATE
           ), finished AS (
               UPDATE count_audit SET finished_at = now()
                WHERE finished_at IS NULL AND position = $1 AND EXISTS (SELECT FROM held)
               RETURNING folded
           ), slow AS (
               SELECT kind, name, sum(count)::bigint AS count, sum(seconds) AS seconds
                 FROM (SELECT kind, name, count, seconds FROM counted
                       UNION ALL SELECT kind, name, count, seconds FROM cleared_totals) AS both_kept_and_cleared
                GROUP BY kind, name
           ), folded AS (
               SELECT total.* FROM finished,
                      jsonb_to_recordset(folded) AS total (kind text, name text, count bigint, seconds float8)
           ), wrong AS (
               SELECT kind, name, coalesce(folded.count, 0) AS folded, coalesce(slow.count, 0) AS counted,
                      coalesce(slow.seconds, 0) - coalesce(folded.seconds, 0) AS seconds
                 FROM slow FULL JOIN folded USING (kind, name)
                WHERE EXISTS (SELECT FROM finished)
                  AND (coalesce(folded.count, 0) <> coalesce(slow.count, 0)
                       -- Sums of fractions differ a little with their order.
                       OR abs(coalesce(slow.seconds, 0) - coalesce(folded.seconds, 0))
                          > 1 + 1e-6 * abs(coalesce(slow.seconds, 0)))
           ), events_righted AS (
               INSERT INTO event_totals (event_type, count)
               SELECT name, counted - folded FROM wrong WHERE kind = 'event' ORDER BY name
               ON CONFLICT (event_type) DO UPDATE SET count = event_totals.count + excluded.count
           ), outcomes_righted AS (
               INSERT INTO outcome_totals (status, count, seconds)
               SELECT name::event_status, counted - folded, seconds FROM wrong WHERE kind = 'outcome' ORDER BY name
               ON CONFLICT (status) DO UPDATE
                  SET count = outcome_totals.count + excluded.count, seconds = outcome_totals.seconds + excluded.seconds
           )
           SELECT name AS "name!", folded AS "folded!", counted AS "counted!" FROM wrong ORDER BY kind, name"#,
        position
    )
    .fetch_all(pool)
    .await?)
}
