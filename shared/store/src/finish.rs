use std::collections::HashMap;
use std::time::Duration;

use event::{AfterFailure, AttemptEnd, EventId};
use sqlx::PgConnection;
use tokio::time::timeout;

use crate::session::in_time;
use crate::text::storable;
use crate::{Error, Store};

/// The failure of an attempt, and what follows from it.
#[derive(Clone, Debug)]
pub struct Failure {
    pub end: AttemptEnd,
    pub reason: String,
    pub then: AfterFailure,
}

impl Store {
    /// Ends the event as PROCESSED. False if another attempt has overtaken this one, which then changed nothing. Calls
    /// that come together share one statement.
    pub async fn succeed(&self, id: EventId, attempt: u32) -> Result<bool, Error> {
        let store = self.clone();
        let end = self.ends.call((id, attempt), move |batch| {
            let store = store.clone();
            async move { store.succeed_all(batch).await }
        });
        match end.await.unwrap_or(Err(Error::Database(sqlx::Error::WorkerCrashed)))? {
            End::Written => Ok(true),
            End::Overtaken => Ok(false),
            End::Open => self.succeed_alone(id, attempt).await,
        }
    }

    async fn succeed_all(&self, batch: Vec<(EventId, u32)>) -> Vec<Result<End, Error>> {
        match self.succeed_together(batch.clone()).await {
            Ok(ends) => {
                let end = |(id, attempt): &(EventId, u32)| ends.get(&(*id, number(*attempt))).copied();
                batch.iter().map(|one| Ok(end(one).unwrap_or(End::Open))).collect()
            }
            Err(error) if batch.len() == 1 => vec![Err(error)],
            Err(error) => {
                tracing::warn!(%error, events = batch.len(), "not ended together: trying each alone");
                batch.iter().map(|_| Ok(End::Open)).collect()
            }
        }
    }

    async fn succeed_together(
        &self,
        batch: Vec<(EventId, u32)>,
    ) -> Result<HashMap<(EventId, i32), End>, Error> {
        let (kept, limit) = (self.kept.clone(), self.statement_limit);
        self.run(move |_| async move {
            let mut connection = kept.take().await?;
            let ended = timeout(limit, succeed_together(&mut connection, &batch)).await;
            kept.after(connection, ended)
        })
        .await
    }

    async fn succeed_alone(&self, id: EventId, attempt: u32) -> Result<bool, Error> {
        let limit = self.statement_limit;
        self.run(move |pool| async move {
            let mut connection = pool.acquire().await?;
            let ended = timeout(limit, succeed(&mut connection, id, attempt, None)).await;
            in_time(connection, ended)
        })
        .await
    }

    /// Records a failed attempt, with what follows. False if another attempt has overtaken this one.
    pub async fn fail(&self, id: EventId, attempt: u32, failure: Failure) -> Result<bool, Error> {
        let failure = Failure { reason: storable(failure.reason), ..failure };
        let limit = self.statement_limit;
        self.run(move |pool| async move {
            let mut connection = pool.acquire().await?;
            let ended = timeout(limit, fail(&mut connection, id, attempt, &failure)).await;
            in_time(connection, ended)
        })
        .await
    }
}

#[derive(Clone, Copy)]
pub(crate) enum End {
    Written,
    Overtaken,
    /// Another transaction holds the event's row, or another event of the batch may have caused the error. The event
    /// must be ended alone, where it delays no other.
    Open,
}

async fn succeed_together(
    connection: &mut PgConnection,
    batch: &[(EventId, u32)],
) -> Result<HashMap<(EventId, i32), End>, Error> {
    let (ids, attempts): (Vec<_>, Vec<_>) =
        batch.iter().map(|(id, attempt)| (id.uuid(), number(*attempt))).unzip();
    let rows = sqlx::query!(
        r#"WITH wanted AS MATERIALIZED (
               SELECT id, attempt FROM unnest($1::uuid[], $2::int[]) AS wanted (id, attempt)
           ), ours AS (
               SELECT live.id FROM live JOIN wanted ON wanted.id = live.id AND wanted.attempt = live.attempt
                WHERE live.id = ANY($1) AND live.status = 'PROCESSING'
                ORDER BY live.id FOR UPDATE OF live SKIP LOCKED
           ), done AS (
               DELETE FROM live USING ours WHERE live.id = ours.id RETURNING live.*
           ), ended AS (
               INSERT INTO outcomes (id, attempt, status, retry_count, queued_at, started_at)
               SELECT id, attempt, 'PROCESSED', retry_count, queued_at, started_at FROM done
               RETURNING id, attempt
           )
           SELECT wanted.id AS "id!", wanted.attempt AS "attempt!", ended.id IS NOT NULL AS "is_written!",
                  ended.id IS NULL AND EXISTS (
                      SELECT FROM live WHERE live.id = wanted.id AND live.attempt = wanted.attempt
                         AND live.status = 'PROCESSING') AS "is_locked!"
             FROM wanted LEFT JOIN ended ON ended.id = wanted.id AND ended.attempt = wanted.attempt"#,
        &ids,
        &attempts,
    )
    .fetch_all(connection)
    .await?;
    let ends = rows.into_iter().map(|row| {
        let end = match (row.is_written, row.is_locked) {
            (true, _) => End::Written,
            (false, true) => End::Open,
            (false, false) => End::Overtaken,
        };
        ((row.id.into(), row.attempt), end)
    });
    Ok(ends.collect())
}

async fn fail(
    connection: &mut PgConnection,
    id: EventId,
    attempt: u32,
    failure: &Failure,
) -> Result<bool, Error> {
    match failure.then {
        AfterFailure::Retry { retry_count, after, due_after } => {
            retry(connection, id, attempt, failure, retry_count, (after, due_after)).await
        }
        AfterFailure::Dead { retry_count } => die(connection, id, attempt, failure, retry_count).await,
        AfterFailure::PutBack { interrupted, after } => {
            put_back(connection, id, attempt, failure, interrupted, after).await
        }
    }
}

/// Ends the event in the handler's transaction, if it has one, so that its effects and the outcome commit together.
/// With a mark, this happens only if the transaction with that mark is still open, since otherwise the end would commit
/// without the handler's effects.
pub(crate) async fn succeed(
    connection: &mut PgConnection,
    id: EventId,
    attempt: u32,
    mark: Option<&str>,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "WITH done AS (
             DELETE FROM live WHERE id = $1 AND attempt = $2 AND status = 'PROCESSING'
                AND ($3::text IS NULL OR current_setting('eventflow.attempt', true) = $3)
             RETURNING *
         )
         INSERT INTO outcomes (id, attempt, status, retry_count, queued_at, started_at)
         SELECT id, attempt, 'PROCESSED', retry_count, queued_at, started_at FROM done",
        id.uuid(),
        number(attempt),
        mark,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn retry(
    connection: &mut PgConnection,
    id: EventId,
    attempt: u32,
    failure: &Failure,
    retry_count: u32,
    (after, due_after): (Duration, Duration),
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "WITH failed AS (
             UPDATE live SET status = 'FAILED', retry_count = $3, lease_until = NULL,
                    retry_at = clock_timestamp() + $4::float8 * interval '1 second',
                    due_at = clock_timestamp() + $5::float8 * interval '1 second',
                    failed_at = clock_timestamp(), failure_reason = $7, updated_at = clock_timestamp()
              WHERE id = $1 AND attempt = $2 AND status = 'PROCESSING'
             RETURNING *
         )
         INSERT INTO attempts (id, attempt, ended, reason, started_at, instance, message_id)
         SELECT id, attempt, $6, $7, started_at, instance, message_id FROM failed",
        id.uuid(),
        number(attempt),
        number(retry_count),
        after.as_secs_f64(),
        due_after.as_secs_f64(),
        failure.end.as_str(),
        failure.reason,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn die(
    connection: &mut PgConnection,
    id: EventId,
    attempt: u32,
    failure: &Failure,
    retry_count: u32,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "WITH dead AS (
             DELETE FROM live WHERE id = $1 AND attempt = $2 AND status = 'PROCESSING' RETURNING *
         ), try AS (
             INSERT INTO attempts (id, attempt, ended, reason, started_at, instance, message_id)
             SELECT id, attempt, $4, $5, started_at, instance, message_id FROM dead
         )
         INSERT INTO outcomes (id, attempt, status, retry_count, queued_at, started_at, failure_reason)
         SELECT id, attempt, 'DEAD_LETTER', $3, queued_at, started_at, $5 FROM dead",
        id.uuid(),
        number(attempt),
        number(retry_count),
        failure.end.as_str(),
        failure.reason,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Makes the event unfinished again and due as soon as it may run. No try is used up.
async fn put_back(
    connection: &mut PgConnection,
    id: EventId,
    attempt: u32,
    failure: &Failure,
    interrupted: u32,
    after: Duration,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "WITH back AS (
             UPDATE live SET status = 'PENDING', lease_until = NULL, interrupted = $5,
                    retry_at = clock_timestamp() + nullif($6::float8, 0) * interval '1 second',
                    due_at = clock_timestamp() + $6::float8 * interval '1 second', updated_at = clock_timestamp()
              WHERE id = $1 AND attempt = $2 AND status = 'PROCESSING'
             RETURNING *
         )
         INSERT INTO attempts (id, attempt, ended, reason, started_at, instance, message_id)
         SELECT id, attempt, $3, $4, started_at, instance, message_id FROM back",
        id.uuid(),
        number(attempt),
        failure.end.as_str(),
        failure.reason,
        number(interrupted),
        after.as_secs_f64(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(crate) fn number(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}
