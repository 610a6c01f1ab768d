use serde::Deserialize;

use crate::cursor;
use crate::{Error, Store};

/// The most rows of each table that one fold takes.
const FOLD_ROWS: i64 = 200_000;
/// The most event types that the metrics name.
const TYPES_SHOWN: i64 = 100;

#[derive(Debug, Default)]
pub struct Metrics {
    pub pending: i64,
    pub processing: i64,
    pub processed: i64,
    pub failed: i64,
    pub dead_letter: i64,
    pub total: i64,
    /// The most frequent first, at most 100.
    pub by_type: Vec<TypeCount>,
    pub other_types: i64,
    /// The average time from ingest, or the latest replay, to PROCESSED.
    pub average_processing_seconds: f64,
}

#[derive(Debug, Deserialize)]
pub struct TypeCount {
    pub event_type: String,
    pub count: i64,
}

impl Store {
    /// Adds the settled part of the log to the totals, so that reading them stays cheap. One caller folds at a time,
    /// and the others do not wait.
    ///
    /// Here, and wherever the log is read from a cursor on, an upper bound that excludes nothing tells the planner that
    /// the condition is a range. For an open end, the planner assumes that a third of the table lies behind it, and
    /// reads the whole table.
    pub async fn fold_totals(&self) -> Result<(), Error> {
        self.run(|pool| async move {
            cursor::position(&pool, "totals").await?;
            sqlx::query!(
                "WITH cursor AS (
                     SELECT position FROM cursors WHERE name = 'totals' FOR UPDATE SKIP LOCKED
                 ), bounds AS (
                     SELECT position AS low, least(pg_snapshot_xmin(pg_current_snapshot()),
                            (SELECT xid FROM events
                              WHERE xid >= (SELECT position FROM cursor) AND xid < pg_snapshot_xmin(pg_current_snapshot())
                              ORDER BY xid OFFSET $1 LIMIT 1),
                            (SELECT xid FROM outcomes
                              WHERE xid >= (SELECT position FROM cursor) AND xid < pg_snapshot_xmin(pg_current_snapshot())
                              ORDER BY xid OFFSET $1 LIMIT 1)
                        ) AS high
                       FROM cursor
                 ), typed AS (
                     INSERT INTO event_totals (event_type, count)
                     SELECT event_type, count(*) FROM events
                      WHERE xid >= (SELECT low FROM bounds) AND xid < (SELECT high FROM bounds)
                      GROUP BY event_type ORDER BY event_type
                     ON CONFLICT (event_type) DO UPDATE SET count = event_totals.count + excluded.count
                 ), ends AS (
                     SELECT status, 1 AS count, extract(epoch FROM finished_at - queued_at) AS seconds FROM outcomes
                      WHERE xid >= (SELECT low FROM bounds) AND xid < (SELECT high FROM bounds)
                     UNION ALL
                     SELECT from_status, -1, 0 FROM replays
                      WHERE xid >= (SELECT low FROM bounds) AND xid < (SELECT high FROM bounds) AND from_status = 'DEAD_LETTER'
                 ), ended AS (
                     INSERT INTO outcome_totals (status, count, seconds)
                     SELECT status, sum(count), sum(seconds) FROM ends GROUP BY status ORDER BY status
                     ON CONFLICT (status) DO UPDATE
                        SET count = outcome_totals.count + excluded.count, seconds = outcome_totals.seconds + excluded.seconds
                 )
                 UPDATE cursors SET position = high, updated_at = now()
                   FROM bounds WHERE name = 'totals' AND position < high",
                FOLD_ROWS
            )
            .execute(&pool)
            .await?;
            Ok(())
        })
        .await
    }

    /// The totals, the tail of the log that is not folded yet, and `live`, all read in one statement and so at one
    /// moment.
    pub async fn metrics(&self) -> Result<Metrics, Error> {
        self.fold_totals().await?;
        self.run(|pool| async move {
            let row = sqlx::query!(
                r#"WITH tail AS MATERIALIZED (
                       SELECT position, pg_snapshot_xmax(pg_current_snapshot()) AS top FROM cursors WHERE name = 'totals'
                   ), ends AS (
                       SELECT status, count, seconds FROM outcome_totals
                       UNION ALL
                       SELECT status, 1, extract(epoch FROM finished_at - queued_at) FROM outcomes
                        WHERE xid >= (SELECT position FROM tail) AND xid < (SELECT top FROM tail)
                       UNION ALL
                       SELECT from_status, -1, 0 FROM replays
                        WHERE xid >= (SELECT position FROM tail) AND xid < (SELECT top FROM tail) AND from_status = 'DEAD_LETTER'
                   ), ended AS (
                       SELECT status, sum(count)::bigint AS count, sum(seconds) AS seconds FROM ends GROUP BY status
                   ), unfinished AS (
                       SELECT status, count(*) AS count FROM live GROUP BY status
                   ), types AS (
                       SELECT event_type, sum(count)::bigint AS count
                         FROM (SELECT event_type, count FROM event_totals
                               UNION ALL
                               SELECT event_type, count(*) FROM events
                                WHERE xid >= (SELECT position FROM tail) AND xid < (SELECT top FROM tail)
                                GROUP BY event_type) AS counted
                        GROUP BY event_type
                   ), shown AS (
                       SELECT event_type, count FROM types ORDER BY count DESC, event_type LIMIT $1
                   )
                   SELECT (SELECT count FROM unfinished WHERE status = 'PENDING') AS pending,
                          (SELECT count FROM unfinished WHERE status = 'PROCESSING') AS processing,
                          (SELECT count FROM unfinished WHERE status = 'FAILED') AS failed,
                          (SELECT count FROM ended WHERE status = 'PROCESSED') AS processed,
                          (SELECT count FROM ended WHERE status = 'DEAD_LETTER') AS dead_letter,
                          (SELECT seconds / nullif(count, 0) FROM ended WHERE status = 'PROCESSED')::float8 AS average,
                          (SELECT sum(count)::bigint FROM types) AS total,
                          (SELECT count(*) FROM types) AS "types!",
                          (SELECT json_agg(shown ORDER BY count DESC, event_type) FROM shown)::text AS by_type"#,
                TYPES_SHOWN
            )
            .fetch_one(&pool)
            .await?;
            let by_type: Vec<TypeCount> = match row.by_type {
                Some(json) => serde_json::from_str(&json).map_err(|e| Error::Database(sqlx::Error::Decode(e.into())))?,
                None => Vec::new(),
            };
            Ok(Metrics {
                pending: row.pending.unwrap_or(0),
                processing: row.processing.unwrap_or(0),
                processed: row.processed.unwrap_or(0),
                failed: row.failed.unwrap_or(0),
                dead_letter: row.dead_letter.unwrap_or(0),
                total: row.total.unwrap_or(0),
                other_types: (row.types - TYPES_SHOWN).max(0),
                by_type,
                average_processing_seconds: row.average.unwrap_or(0.0),
            })
        })
        .await
    }
}
