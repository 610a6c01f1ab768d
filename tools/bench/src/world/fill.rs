//! Fills tables without the services, in the same way as the services would: in many small transactions, with ids in
//! the order of time.

use sqlx::AssertSqlSafe;

use super::Database;
use crate::{Error, payload};

/// The rows of one transaction, about as many as ingest writes at once under load.
const BATCH: u64 = 500;
/// The time between two rows of a grown table. Ten million of them lie within three days, so in the present week and
/// the one before.
const MILLIS_APART: u64 = 20;
const DAYS: u64 = 3;

/// An id from the time `at` in milliseconds and the number `n`.
const ID: &str = "(lpad(to_hex(at), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid";

/// The kind of event that a handler is given.
pub(crate) struct Event {
    pub(crate) event_type: &'static str,
    pub(crate) payload: String,
}

/// Grows the table to `rows` finished events. One in a hundred is DEAD_LETTER, and the others are PROCESSED.
pub(crate) async fn grow(database: &Database, rows: u64) -> Result<(), Error> {
    database
        .sql(
            "CREATE TABLE IF NOT EXISTS bench_grown AS
              SELECT 0::bigint AS rows, (extract(epoch FROM now()) * 1000)::bigint AS now",
        )
        .await?;
    let payload = payload::plain();
    let age = DAYS * 24 * 3_600 * 1_000;
    in_batches(
        database,
        &format!(
            "WITH made AS MATERIALIZED (
                 SELECT n, {ID} AS id, to_timestamp(at / 1000.0) AS at
                   FROM (SELECT n, (SELECT now FROM bench_grown) - {age} + n * {MILLIS_APART} AS at
                           FROM generate_series(low, high) AS n) AS numbered
             ), fact AS (
                 INSERT INTO events (id, event_type, payload, created_at, trace_id)
                 SELECT id, 'bench.type-' || n % 20, '{payload}', at, gen_random_uuid() FROM made
             )
             INSERT INTO outcomes (id, attempt, status, retry_count, queued_at, started_at, finished_at, failure_reason)
             SELECT id, 1, CASE WHEN n % 100 = 0 THEN 'DEAD_LETTER' ELSE 'PROCESSED' END::event_status, 0, at, at,
                    at + interval '50 ms', CASE WHEN n % 100 = 0 THEN 'the payload asked for it' END
               FROM made;
             UPDATE bench_grown SET rows = high + 1;"
        ),
        "(SELECT rows FROM bench_grown)",
        rows,
    )
    .await?;
    // Autovacuum would have done this over time.
    for table in ["events", "outcomes"] {
        database.sql(&format!("VACUUM (ANALYZE) {table}")).await?;
    }
    Ok(())
}

/// Adds events that wait for their first delivery. Returns their ids.
pub(crate) async fn pending(database: &Database, event: &Event, rows: u64) -> Result<Vec<uuid::Uuid>, Error> {
    let Event { event_type, payload } = event;
    in_batches(
        database,
        &format!(
            "WITH fact AS (
                 INSERT INTO events (id, event_type, payload, trace_id)
                 SELECT {ID}, '{event_type}', '{payload}', gen_random_uuid()
                   FROM (SELECT n, (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS at
                           FROM generate_series(low, high) AS n) AS numbered
                 RETURNING id
             )
             INSERT INTO live (id, due_at) SELECT id, now() + interval '1 hour' FROM fact;"
        ),
        "0",
        rows,
    )
    .await?;
    let mut connection = database.connect().await?;
    let ids: Vec<(uuid::Uuid,)> = sqlx::query_as("SELECT id FROM live WHERE status = 'PENDING' ORDER BY id")
        .fetch_all(&mut connection)
        .await?;
    Ok(ids.into_iter().map(|(id,)| id).collect())
}

/// Runs statements on the numbers from `low` to `high`, batch by batch, each batch in its own transaction. The
/// commits do not wait for the disk.
async fn in_batches(database: &Database, statements: &str, from: &str, to: u64) -> Result<(), Error> {
    let block = format!(
        "DO $fill$
         DECLARE low bigint := {from}; high bigint;
         BEGIN
             WHILE low < {to} LOOP
                 high := least(low + {BATCH}, {to}) - 1;
                 {statements}
                 COMMIT;
                 low := high + 1;
             END LOOP;
         END $fill$"
    );
    let mut connection = database.connect().await?;
    sqlx::raw_sql("SET synchronous_commit = off").execute(&mut connection).await?;
    sqlx::raw_sql(AssertSqlSafe(block)).execute(&mut connection).await?;
    Ok(())
}
