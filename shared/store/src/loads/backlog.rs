use chrono::{DateTime, Utc};

use crate::{Error, Store};

/// The most transactions that are named as holding the flush back.
const HOLDERS_NAMED: i64 = 10;

/// The rows that are not in BigQuery yet.
#[derive(Debug)]
pub struct Unloaded {
    pub rows: i64,
    pub oldest: Option<DateTime<Utc>>,
}

/// The ranges that back off, and the first of them that is tried again.
#[derive(Debug)]
pub struct Waiting {
    pub loads: i64,
    pub reason: String,
    pub message: String,
    pub until: DateTime<Utc>,
}

/// A transaction that holds the watermark back, so that no range above it can be closed. The watermark belongs to the
/// whole instance, so the transactions of every database count.
#[derive(Debug)]
pub struct Holder {
    pub pid: Option<i32>,
    pub database: Option<String>,
    pub user: Option<String>,
    pub application: Option<String>,
    pub state: Option<String>,
    pub since: Option<DateTime<Utc>>,
    /// The name of a prepared transaction, which no session holds.
    pub prepared: Option<String>,
}

impl Store {
    /// The rows in open ranges, all rows after the cursor, and the rejects that are requested to be loaded.
    pub async fn unloaded(&self) -> Result<Unloaded, Error> {
        self.run(|pool| async move {
            Ok(sqlx::query_as!(
                Unloaded,
                r#"WITH tail AS MATERIALIZED (
                       SELECT count(*) AS rows, min(created_at) AS oldest FROM events
                        WHERE xid >= (SELECT position FROM cursors WHERE name = 'bigquery')
                          AND xid < pg_snapshot_xmax(pg_current_snapshot())
                   ), open AS MATERIALIZED (
                       SELECT sum(rows)::bigint AS rows, min(first.created_at) AS oldest
                         FROM loads CROSS JOIN LATERAL (
                              SELECT e.created_at FROM events e
                               WHERE e.xid >= from_xid AND e.xid <= to_xid
                                 AND (e.xid, e.id) >= (from_xid, from_id) AND (e.xid, e.id) < (to_xid, to_id)
                               ORDER BY e.xid LIMIT 1) AS first
                        WHERE loaded_at IS NULL AND batch IS NULL
                   ), again AS MATERIALIZED (
                       SELECT count(*) AS rows, min(created_at) AS oldest FROM load_rejects WHERE requested_at IS NOT NULL
                   )
                   SELECT tail.rows + coalesce(open.rows, 0) + again.rows AS "rows!",
                          least(tail.oldest, open.oldest, again.oldest) AS oldest
                     FROM tail, open, again"#
            )
            .fetch_one(&pool)
            .await?)
        })
        .await
    }

    pub async fn waiting_loads(&self) -> Result<Option<Waiting>, Error> {
        self.run(|pool| async move {
            Ok(sqlx::query_as!(
                Waiting,
                r#"SELECT count(*) OVER () AS "loads!", coalesce(reason, '') AS "reason!", coalesce(failure, '') AS "message!",
                          retry_at AS "until!"
                     FROM loads WHERE loaded_at IS NULL AND retry_at > clock_timestamp() ORDER BY retry_at LIMIT 1"#
            )
            .fetch_optional(&pool)
            .await?)
        })
        .await
    }

    /// The transactions that keep events from being closed into a range, the oldest first. The list is empty if no
    /// event waits. Details of other sessions that the role may not see are left out.
    pub async fn flush_holders(&self) -> Result<Vec<Holder>, Error> {
        self.run(|pool| async move {
            Ok(sqlx::query_as!(
                Holder,
                r#"WITH newest AS MATERIALIZED (
                       -- Behind the watermark by definition, where there is one.
                       SELECT xid FROM events WHERE xid >= pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid DESC LIMIT 1
                   ), running AS MATERIALIZED (
                       SELECT xip.xid FROM pg_snapshot_xip(pg_current_snapshot()) AS xip (xid), newest WHERE xip.xid <= newest.xid
                   ), holders AS (
                       SELECT pid, datname::text AS database, usename::text AS "user", application_name AS application, state,
                              xact_start AS since, NULL AS prepared, age(backend_xid) AS age
                         FROM pg_stat_activity
                        WHERE backend_xid IN (SELECT xid::xid FROM running)
                       UNION ALL
                       SELECT NULL, database::text, owner::text, NULL, 'prepared', prepared, gid, age(transaction)
                         FROM pg_prepared_xacts
                        WHERE transaction IN (SELECT xid::xid FROM running)
                   )
                   SELECT pid, database, "user", application, state, since, prepared FROM holders ORDER BY age DESC LIMIT $1"#,
                HOLDERS_NAMED
            )
            .fetch_all(&pool)
            .await?)
        })
        .await
    }
}
