use uuid::Uuid;

use super::{FlusherLease, Load, Numbers, jobs};
use crate::cursor;
use crate::{Error, Store, Xid};

/// The progress of a flush through the open ranges. Parts of a split come last, so that no range starves behind a
/// search.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turn {
    is_part: bool,
    id: i64,
}

impl Turn {
    pub fn after(load: &Load) -> Self {
        Self { is_part: load.is_part(), id: load.id }
    }
}

/// The divisor of the allowed size of a range. A range that is smaller than this part says nothing about how large a
/// range may be.
const SMALLEST_LESSON: i64 = 16;

/// The state of the database at the start of a flush.
#[derive(Clone, Copy, Debug)]
pub struct Ground {
    pub system_identifier: i64,
    /// No transaction below this one is running any more.
    pub settled: Xid,
}

impl Store {
    /// Reads the state for a flush. Fails if the ledger does not belong to this database.
    pub async fn load_ground(&self) -> Result<Ground, Error> {
        self.run(|pool| async move {
            cursor::position(&pool, "bigquery").await?;
            Ok(sqlx::query_as!(
                Ground,
                r#"SELECT system_identifier AS "system_identifier!", pg_snapshot_xmin(pg_current_snapshot()) AS "settled!: Xid"
                     FROM pg_control_system()"#
            )
            .fetch_one(&pool)
            .await?)
        })
        .await
    }

    /// The next range that is not known to be loaded and does not back off.
    pub async fn next_load(&self, after: Turn) -> Result<Option<Load>, Error> {
        self.run(move |pool| async move {
            Ok(sqlx::query_as!(
                Load,
                r#"SELECT id, from_xid AS "from_xid: Xid", from_id, to_xid AS "to_xid: Xid", to_id, rows, job_id, depth, batch,
                          job_over, failure, numbers AS "numbers: Numbers", uploads
                     FROM loads
                    WHERE loaded_at IS NULL AND (retry_at IS NULL OR retry_at <= clock_timestamp())
                      AND (depth > 0, id) > ($1, $2)
                    ORDER BY depth > 0, id LIMIT 1"#,
                after.is_part,
                after.id
            )
            .fetch_optional(&pool)
            .await?)
        })
        .await
    }

    /// Closes a range of about `max_rows` and `max_bytes` of the settled log, and commits it with the name of the job
    /// that will load it. None if there is nothing to load.
    pub async fn close_range(
        &self,
        lease: FlusherLease,
        settled: Xid,
        max_rows: u32,
        max_bytes: i64,
        numbers: Numbers,
    ) -> Result<Option<Load>, Error> {
        self.run(move |pool| async move {
            cursor::position(&pool, "bigquery").await?;
            Ok(sqlx::query_as!(
                Load,
                r#"WITH held AS MATERIALIZED (
                       SELECT FROM leases WHERE name = 'loads' AND holder = $1 AND until > clock_timestamp()
                   ), cursor AS MATERIALIZED (
                       SELECT position FROM cursors WHERE name = 'bigquery' AND EXISTS (SELECT FROM held) FOR UPDATE
                   ), most AS MATERIALIZED (
                       -- What was too large of late is too large now. A small range was slow for other reasons, and teaches nothing.
                       SELECT least($4::bigint, (SELECT min(cut_bytes) / 2 FROM loads
                                                  WHERE cut_at > statement_timestamp() - interval '1 day'
                                                    AND cut_bytes > $4::bigint / $7::bigint)) AS bytes
                   ), log AS MATERIALIZED (
                       -- A transaction a row: their rows are many.
                       SELECT xid, sum(rows) OVER in_order AS rows, sum(bytes) OVER in_order AS bytes
                         FROM (SELECT xid, count(*) AS rows, sum(bytes) AS bytes
                                 FROM (SELECT xid, octet_length(payload::text) + coalesce(octet_length(metadata::text), 0) AS bytes
                                         FROM events
                                        WHERE xid >= (SELECT position FROM cursor) AND xid < pg_snapshot_xmin(pg_current_snapshot())
                                        ORDER BY xid LIMIT $3::bigint + 1) AS rows
                                GROUP BY xid) AS transactions
                       WINDOW in_order AS (ORDER BY xid ROWS UNBOUNDED PRECEDING)
                   ), first AS MATERIALIZED (
                       SELECT (SELECT xid FROM log ORDER BY xid LIMIT 1) AS xid
                   ), full_at AS MATERIALIZED (
                       SELECT (SELECT xid FROM log WHERE rows > $3::bigint OR bytes > (SELECT bytes FROM most) ORDER BY xid LIMIT 1) AS xid
                   ), bound AS MATERIALIZED (
                       -- One transaction that is too much by itself goes whole, and the log does not know how long it is.
                       SELECT position AS low, least($5::xid8, pg_snapshot_xmin(pg_current_snapshot()),
                              CASE WHEN full_at.xid > first.xid THEN full_at.xid
                                   WHEN full_at.xid = first.xid
                                   THEN (SELECT xid FROM events WHERE xid > first.xid ORDER BY xid LIMIT 1) END) AS high,
                              coalesce(full_at.xid = first.xid, false) AS is_one
                         FROM cursor, first, full_at
                   ), load AS (
                       INSERT INTO loads (from_xid, to_xid, rows, job_id, numbers)
                       SELECT low, high, counted.rows, $2, $6
                         FROM bound, LATERAL (
                              SELECT CASE WHEN is_one THEN (SELECT count(*) FROM events WHERE xid >= low AND xid < high)
                                     ELSE (SELECT rows FROM log WHERE xid < high ORDER BY xid DESC LIMIT 1)::bigint
                                     END AS rows) AS counted
                        WHERE counted.rows > 0
                       RETURNING *
                   ), moved AS (
                       UPDATE cursors SET position = high, updated_at = now()
                         FROM bound WHERE name = 'bigquery' AND position < high
                   )
                   SELECT id, from_xid AS "from_xid: Xid", from_id, to_xid AS "to_xid: Xid", to_id, rows, job_id, depth, batch,
                          job_over, failure, numbers AS "numbers: Numbers", uploads FROM load"#,
                lease.holder,
                jobs::new_name(),
                i64::from(max_rows),
                max_bytes,
                settled as Xid,
                numbers as Numbers,
                SMALLEST_LESSON,
            )
            .fetch_optional(&pool)
            .await?)
        })
        .await
    }

    /// Makes a range of the rejects that are requested to be loaded again. None if there are none.
    pub async fn take_up_rejects(
        &self,
        lease: FlusherLease,
        numbers: Numbers,
    ) -> Result<Option<Load>, Error> {
        self.run(move |pool| async move {
            Ok(sqlx::query_as!(
                Load,
                r#"WITH batch AS MATERIALIZED (
                       SELECT nextval('load_batches') AS number
                        WHERE EXISTS (SELECT FROM leases WHERE name = 'loads' AND holder = $1 AND until > clock_timestamp())
                          AND EXISTS (SELECT FROM load_rejects WHERE requested_at IS NOT NULL AND batch IS NULL)
                   ), taken AS (
                       UPDATE load_rejects SET batch = number FROM batch
                        WHERE requested_at IS NOT NULL AND load_rejects.batch IS NULL
                       RETURNING id
                   ), load AS (
                       INSERT INTO loads (from_xid, to_xid, to_id, rows, job_id, batch, numbers)
                       SELECT position, position, $3, counted.rows, $2, number, $4
                         FROM batch, cursors, (SELECT count(*) AS rows FROM taken) AS counted
                        WHERE name = 'bigquery' AND counted.rows > 0
                       RETURNING *
                   )
                   SELECT id, from_xid AS "from_xid: Xid", from_id, to_xid AS "to_xid: Xid", to_id, rows, job_id, depth, batch,
                          job_over, failure, numbers AS "numbers: Numbers", uploads FROM load"#,
                lease.holder,
                jobs::new_name(),
                Uuid::max(),
                numbers as Numbers,
            )
            .fetch_optional(&pool)
            .await?)
        })
        .await
    }
}
