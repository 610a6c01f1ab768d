use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::cursor;
use crate::{Error, Store, Xid};

/// One flusher works at a time, and a statement that only the flusher may make names its lease.
#[derive(Clone, Copy, Debug)]
pub struct FlusherLease {
    pub holder: Uuid,
    pub lasts: Duration,
}

/// A closed range of the log, and the job that loads it.
#[derive(Clone, Debug)]
pub struct Load {
    pub id: i64,
    pub from: Xid,
    pub to: Xid,
    pub rows: i64,
    pub job_id: String,
    pub failure: Option<String>,
}

#[derive(Debug)]
pub struct LoadPage {
    pub rows: Vec<LoadRow>,
    /// Where the next page begins.
    pub next: Option<Xid>,
}

#[derive(Debug)]
pub struct LoadRow {
    pub id: Uuid,
    pub event_type: String,
    pub payload: String,
    pub metadata: Option<String>,
    pub status: String,
    pub retry_count: i32,
    pub processed_at: Option<DateTime<Utc>>,
    pub failed_at: Option<DateTime<Utc>>,
    pub failure_reason: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What is not in BigQuery yet.
#[derive(Debug)]
pub struct Unloaded {
    pub rows: i64,
    pub oldest: Option<DateTime<Utc>>,
}

impl Store {
    /// Takes the flusher's lease or renews it. False while another holds it.
    pub async fn hold_flusher_lease(&self, lease: FlusherLease) -> Result<bool, Error> {
        self.run(move |pool| async move {
            let held = sqlx::query!(
                "INSERT INTO leases (name, holder, until)
                 VALUES ('flush', $1, clock_timestamp() + $2::float8 * interval '1 second')
                 ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
                  WHERE leases.holder = excluded.holder OR leases.until <= clock_timestamp()",
                lease.holder,
                lease.lasts.as_secs_f64(),
            )
            .execute(&pool)
            .await?;
            Ok(held.rows_affected() == 1)
        })
        .await
    }

    pub async fn release_flusher_lease(&self, lease: FlusherLease) -> Result<(), Error> {
        self.run(move |pool| async move {
            sqlx::query!("DELETE FROM leases WHERE name = 'flush' AND holder = $1", lease.holder)
                .execute(&pool)
                .await?;
            Ok(())
        })
        .await
    }

    /// The oldest range whose job is not known to have loaded it.
    pub async fn open_load(&self) -> Result<Option<Load>, Error> {
        self.run(|pool| async move {
            Ok(sqlx::query_as!(
                Load,
                r#"SELECT id, from_xid AS "from: Xid", to_xid AS "to: Xid", rows, job_id, failure
                     FROM loads WHERE loaded_at IS NULL ORDER BY id LIMIT 1"#
            )
            .fetch_optional(&pool)
            .await?)
        })
        .await
    }

    /// Closes a range of about `max_rows` below every running transaction, and commits it with the name of the job that will load
    /// it. None when there is nothing to load.
    pub async fn close_range(
        &self,
        lease: FlusherLease,
        job_id: String,
        max_rows: u32,
    ) -> Result<Option<Load>, Error> {
        self.run(move |pool| async move {
            cursor::position(&pool, "bigquery").await?;
            Ok(sqlx::query_as!(
                Load,
                r#"WITH held AS MATERIALIZED (
                       SELECT FROM leases WHERE name = 'flush' AND holder = $1 AND until > clock_timestamp()
                   ), cursor AS MATERIALIZED (
                       SELECT position FROM cursors WHERE name = 'bigquery' AND EXISTS (SELECT FROM held) FOR UPDATE
                   ), bound AS MATERIALIZED (
                       SELECT position AS low, least(pg_snapshot_xmin(pg_current_snapshot()),
                              (SELECT xid FROM events WHERE xid >= (SELECT position FROM cursor)
                                ORDER BY xid OFFSET $3 LIMIT 1)) AS high
                         FROM cursor
                   ), load AS (
                       INSERT INTO loads (from_xid, to_xid, rows, job_id)
                       SELECT low, high, counted.rows, $2
                         FROM bound, (SELECT count(*) AS rows FROM events
                                       WHERE xid >= (SELECT low FROM bound) AND xid < (SELECT high FROM bound)) AS counted
                        WHERE counted.rows > 0
                       RETURNING *
                   ), moved AS (
                       UPDATE cursors SET position = high, updated_at = now()
                         FROM bound WHERE name = 'bigquery' AND position < high
                   )
                   SELECT id, from_xid AS "from: Xid", to_xid AS "to: Xid", rows, job_id, failure FROM load"#,
                lease.holder,
                job_id,
                i64::from(max_rows),
            )
            .fetch_optional(&pool)
            .await?)
        })
        .await
    }

    /// About `size` rows of a range, in whole transaction ids: the index on them alone serves, and each page is a short transaction.
    pub async fn load_page(&self, from: Xid, to: Xid, size: u32) -> Result<LoadPage, Error> {
        self.run(move |pool| async move {
            let next = page_end(&pool, from, to, i64::from(size)).await?;
            let rows = sqlx::query_as!(
                LoadRow,
                r#"SELECT id AS "id!", event_type AS "event_type!", payload::text AS "payload!", metadata::text AS metadata,
                          status::text AS "status!", retry_count AS "retry_count!", processed_at, failed_at, failure_reason,
                          created_at AS "created_at!", updated_at AS "updated_at!"
                     FROM event_records WHERE xid >= $1 AND xid < $2"#,
                from as Xid,
                next.unwrap_or(to) as Xid,
            )
            .fetch_all(&pool)
            .await?;
            Ok(LoadPage { rows, next })
        })
        .await
    }

    /// False where the ledger no longer names this job.
    pub async fn mark_loaded(&self, load: &Load, bytes: i64) -> Result<bool, Error> {
        let (id, job_id) = (load.id, load.job_id.clone());
        self.run(move |pool| async move {
            let marked = sqlx::query!(
                "UPDATE loads SET loaded_at = clock_timestamp(), bytes = $3, failure = NULL
                  WHERE id = $1 AND job_id = $2 AND loaded_at IS NULL",
                id,
                job_id,
                bytes
            )
            .execute(&pool)
            .await?;
            Ok(marked.rows_affected() == 1)
        })
        .await
    }

    /// Puts the failure of a job on record. With a new job id only after an end in error was seen: the old job can load nothing any more.
    pub async fn note_load_failure(
        &self,
        load: &Load,
        new_job_id: Option<String>,
        failure: String,
    ) -> Result<bool, Error> {
        let (id, job_id) = (load.id, load.job_id.clone());
        self.run(move |pool| async move {
            let noted = sqlx::query!(
                "UPDATE loads SET job_id = coalesce($3, job_id), failure = $4
                  WHERE id = $1 AND job_id = $2 AND loaded_at IS NULL",
                id,
                job_id,
                new_job_id,
                failure
            )
            .execute(&pool)
            .await?;
            Ok(noted.rows_affected() == 1)
        })
        .await
    }

    /// Ranges are loaded in their order, so that everything from the oldest open one on is not loaded.
    pub async fn unloaded(&self) -> Result<Unloaded, Error> {
        self.run(|pool| async move {
            Ok(sqlx::query_as!(
                Unloaded,
                r#"SELECT count(*) AS "rows!", min(created_at) AS oldest FROM events
                    WHERE xid >= coalesce((SELECT min(from_xid) FROM loads WHERE loaded_at IS NULL),
                                          (SELECT position FROM cursors WHERE name = 'bigquery'))"#
            )
            .fetch_one(&pool)
            .await?)
        })
        .await
    }
}

async fn page_end(pool: &PgPool, from: Xid, to: Xid, size: i64) -> Result<Option<Xid>, Error> {
    let end: Option<Xid> = sqlx::query_scalar!(
        r#"SELECT xid AS "xid: Xid" FROM events WHERE xid >= $1 AND xid < $2 ORDER BY xid OFFSET $3 LIMIT 1"#,
        from as Xid,
        to as Xid,
        size
    )
    .fetch_optional(pool)
    .await?;
    if end != Some(from) {
        return Ok(end);
    }
    // One transaction wrote more than a page: it is read whole.
    Ok(sqlx::query_scalar!(
        r#"SELECT xid AS "xid: Xid" FROM events WHERE xid > $1 AND xid < $2 ORDER BY xid LIMIT 1"#,
        from as Xid,
        to as Xid
    )
    .fetch_optional(pool)
    .await?)
}
